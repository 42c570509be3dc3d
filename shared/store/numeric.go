package store

import (
	"encoding/binary"

	"github.com/countinghouse/countinghouse/shared/fault"
	"github.com/countinghouse/countinghouse/shared/money"
)

// PostgreSQL's numeric on the wire: groups of four decimal digits, how many such groups stand
// before the point (minus one), the sign, and how many digits are shown after the point.
const (
	groupDigits  = 4
	negativeSign = 0x4000
)

// appendNumeric appends the wire form of a JSON number, with its own number of digits after the
// point, as PostgreSQL reads it from text. Its error is fault.Invalid: too many digits for numeric.
func appendNumeric(b, text []byte) ([]byte, error) {
	n, ok := money.Split(text)
	if !ok || !n.Fits() {
		return b, fault.New(fault.Invalid, "a number has more digits than PostgreSQL's numeric holds")
	}
	start := len(b)
	b = append(b, 0, 0, 0, 0, 0, 0, 0, 0)
	weight, groups := 0, 0
	if len(n.Whole)+len(n.Fraction) > 0 {
		b, weight, groups = appendGroups(b, n)
	}
	sign := uint16(0)
	if n.Negative && groups > 0 {
		sign = negativeSign
	}
	head := b[start:]
	binary.BigEndian.PutUint16(head[0:], uint16(groups))
	binary.BigEndian.PutUint16(head[2:], uint16(int16(weight)))
	binary.BigEndian.PutUint16(head[4:], sign)
	binary.BigEndian.PutUint16(head[6:], uint16(n.Scale))
	return b, nil
}

// appendGroups appends the groups of a number other than zero, without zeros at either end.
func appendGroups(b []byte, n money.Number) (out []byte, weight, groups int) {
	weight = (n.Point+groupDigits-1)/groupDigits - 1
	if n.Point <= 0 {
		weight = -(-n.Point)/groupDigits - 1
	}
	pad := (weight+1)*groupDigits - n.Point // zeros in front of the first digit, within its group
	group, filled := 0, pad
	start, last := len(b), len(b)
	for _, part := range [...][]byte{n.Whole, n.Fraction} {
		for _, c := range part {
			group = group*10 + int(c-'0')
			if filled++; filled == groupDigits {
				b = binary.BigEndian.AppendUint16(b, uint16(group))
				if group != 0 {
					last = len(b)
				}
				group, filled = 0, 0
			}
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
