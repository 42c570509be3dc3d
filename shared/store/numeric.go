package store

import (
	"encoding/binary"

	"github.com/countinghouse/countinghouse/shared/fault"
)

// PostgreSQL's numeric on the wire: groups of four decimal digits, how many such groups stand
// before the point (minus one), the sign, and how many digits are shown after the point.
const (
	groupDigits  = 4
	maxScale     = 16383
	maxWhole     = 131072
	negativeSign = 0x4000
)

// decimal is a JSON number taken apart: digit i stands for 10^(point-1-i).
type decimal struct {
	text     []byte // digits, and perhaps a point among them
	negative bool
	point    int // digits before the decimal point; negative when zeros follow it first
	count    int // digits in text
	scale    int
}

// appendNumeric appends the wire form of a JSON number, with its own number of digits after the
// point, as PostgreSQL reads it from text. Its error is fault.Invalid: too many digits for numeric.
func appendNumeric(b, text []byte) ([]byte, error) {
	d, ok := parseDecimal(text)
	if !ok || d.scale > maxScale || d.point > maxWhole {
		return b, fault.New(fault.Invalid, "a number has more digits than PostgreSQL's numeric holds")
	}
	start := len(b)
	b = append(b, 0, 0, 0, 0, 0, 0, 0, 0)
	weight, groups := 0, 0
	if d.count > 0 {
		b, weight, groups = d.appendGroups(b)
	}
	sign := uint16(0)
	if d.negative && groups > 0 {
		sign = negativeSign
	}
	head := b[start:]
	binary.BigEndian.PutUint16(head[0:], uint16(groups))
	binary.BigEndian.PutUint16(head[2:], uint16(int16(weight)))
	binary.BigEndian.PutUint16(head[4:], sign)
	binary.BigEndian.PutUint16(head[6:], uint16(d.scale))
	return b, nil
}

// appendGroups appends the groups of a number with digits but zero, without zeros at either end.
func (d decimal) appendGroups(b []byte) (out []byte, weight, groups int) {
	weight = (d.point+groupDigits-1)/groupDigits - 1
	if d.point <= 0 {
		weight = -(-d.point)/groupDigits - 1
	}
	pad := (weight+1)*groupDigits - d.point // zeros in front of the first digit, within its group
	group, filled := 0, pad
	start, last := len(b), len(b)
	for _, c := range d.text {
		if c == '.' {
			continue
		}
		group = group*10 + int(c-'0')
		if filled++; filled == groupDigits {
			b = binary.BigEndian.AppendUint16(b, uint16(group))
			if group != 0 {
				last = len(b)
			}
			group, filled = 0, 0
		}
	}
	if group != 0 {
		for ; filled < groupDigits; filled++ {
			group *= 10
		}
		b = binary.BigEndian.AppendUint16(b, uint16(group))
		last = len(b)
	}
	return b[:last], weight, (last - start) / 2
}

// parseDecimal takes text apart and drops the zeros that lead it.
func parseDecimal(text []byte) (d decimal, ok bool) {
	if len(text) > 0 && text[0] == '-' {
		d.negative, text = true, text[1:]
	}
	end, point := len(text), -1
	for i, c := range text {
		if c == '.' {
			point = i
		} else if c == 'e' || c == 'E' {
			end = i
			break
		}
	}
	exponent, ok := parseExponent(text[end:])
	if !ok || end == 0 {
		return decimal{}, false
	}
	if point < 0 {
		point = end
	} else {
		d.scale = end - point - 1
	}
	d.scale = max(0, d.scale-exponent)
	d.point = point + exponent
	d.text = text[:end]
	for len(d.text) > 0 && (d.text[0] == '0' || d.text[0] == '.') {
		if d.text[0] == '0' {
			d.point--
		}
		d.text = d.text[1:]
	}
	d.count = len(d.text)
	if d.count == 0 {
		d.point = 0
	}
	return d, true
}

func parseExponent(text []byte) (n int, ok bool) {
	if len(text) == 0 {
		return 0, true
	}
	text = text[1:]
	negative := false
	if len(text) > 0 && (text[0] == '+' || text[0] == '-') {
		negative, text = text[0] == '-', text[1:]
	}
	if len(text) == 0 || len(text) > 6 {
		return 0, false
	}
	for _, c := range text {
		n = n*10 + int(c-'0')
	}
	if negative {
		n = -n
	}
	return n, true
}
