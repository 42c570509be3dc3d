package qbosim

import (
	"math"
	"math/bits"
	"strconv"
)

// decimal is an exact number in ten-millionths, the finest scale QBO prints (92.5633333).
type decimal int64

const one decimal = 1e7

// parseDecimal reads a plain JSON number of at most seven decimals and eleven digits before them.
func parseDecimal(s string) (decimal, bool) {
	negative := len(s) > 0 && s[0] == '-'
	if negative {
		s = s[1:]
	}
	var d decimal
	digits, scale := 0, -1
	for i := range len(s) {
		switch ch := s[i]; {
		case ch == '.' && scale < 0 && digits > 0:
			scale = 0
		case ch >= '0' && ch <= '9' && scale < 7 && digits < 18:
			d = d*10 + decimal(ch-'0')
			digits++
			if scale >= 0 {
				scale++
			}
		default:
			return 0, false
		}
	}
	if digits == 0 || scale == 0 || digits-max(scale, 0) > 11 {
		return 0, false
	}
	for range 7 - max(scale, 0) {
		d *= 10
	}
	if negative {
		d = -d
	}
	return d, true
}

// cents rounds half away from zero.
func (d decimal) cents() int64 { return divide(int64(d), int64(one)/100) }

// times multiplies a price with a quantity and gives cents, rounded half away from zero. What does
// not fit saturates: no real sale comes near.
func (d decimal) times(quantity decimal) int64 {
	negative := (d < 0) != (quantity < 0)
	const scale = 1e12 // two factors in ten-millionths, against cents
	hi, lo := bits.Mul64(uint64(max(d, -d)), uint64(max(quantity, -quantity)))
	lo, carry := bits.Add64(lo, scale/2, 0)
	if hi += carry; hi >= scale {
		return math.MaxInt64
	}
	cents, _ := bits.Div64(hi, lo, scale)
	if negative {
		return -int64(cents)
	}
	return int64(cents)
}

// divide rounds half away from zero.
func divide(n, by int64) int64 {
	if n < 0 {
		return -divide(-n, by)
	}
	return (n + by/2) / by
}

// appendCents prints an amount as QBO does: 300.00, -370.94, and a bare 0.
func appendCents(dst []byte, cents int64) []byte {
	if cents == 0 {
		return append(dst, '0')
	}
	if cents < 0 {
		dst, cents = append(dst, '-'), -cents
	}
	dst = strconv.AppendInt(dst, cents/100, 10)
	return append(dst, '.', byte('0'+cents/10%10), byte('0'+cents%10))
}

// appendDecimal prints a price or a quantity without trailing zeros: 75, 22.5, 92.5633333.
func appendDecimal(dst []byte, d decimal) []byte {
	if d < 0 {
		dst, d = append(dst, '-'), -d
	}
	dst = strconv.AppendInt(dst, int64(d/one), 10)
	rest := d % one
	if rest == 0 {
		return dst
	}
	dst = append(dst, '.')
	for unit := one / 10; rest > 0; unit /= 10 {
		dst = append(dst, byte('0'+rest/unit))
		rest %= unit
	}
	return dst
}
