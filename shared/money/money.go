// Package money holds exact amounts and quantities. An amount never passes through a float: it is
// the digits of a JSON number, or of PostgreSQL's numeric, and arithmetic on them.
package money

import (
	"fmt"
	"math/big"
	"strings"

	"github.com/countinghouse/countinghouse/shared/fault"
)

// Amount is an exact decimal number. The zero Amount is 0.
type Amount struct {
	units big.Int // value × 10^scale
	scale int     // digits after the point
}

// The digits that PostgreSQL's numeric holds before and after the point bound an amount's, too.
const (
	MaxWhole = 131072
	MaxScale = 16383
)

// Number is a JSON number taken apart. Its digits, from the first that is not zero, are Whole and
// Fraction, one after the other: those written before and after the point.
type Number struct {
	Negative        bool
	Whole, Fraction []byte // parts of the text
	Point           int    // digits before the point, the exponent counted in; negative when zeros follow the point first
	Scale           int    // digits shown after the point, the exponent counted in
}

// Split takes a JSON number apart, such as 12.50, -0.07 or 1e3. It is not ok when text is anything
// else. An exponent of more than six digits is nobody's amount.
func Split(text []byte) (n Number, ok bool) {
	if len(text) > 0 && text[0] == '-' {
		n.Negative, text = true, text[1:]
	}
	end := digits(text)
	if end == 0 || end > 1 && text[0] == '0' {
		return Number{}, false
	}
	n.Whole, text = text[:end], text[end:]
	if len(text) > 0 && text[0] == '.' {
		end = digits(text[1:])
		if end == 0 {
			return Number{}, false
		}
		n.Fraction, text = text[1:end+1], text[end+1:]
	}
	exp, ok := exponent(text)
	if !ok {
		return Number{}, false
	}
	n.Point = len(n.Whole) + exp
	n.Scale = max(0, len(n.Fraction)-exp)
	n.trim()
	return n, true
}

// trim drops the zeros that lead.
func (n *Number) trim() {
	if n.Whole[0] != '0' {
		return
	}
	n.Whole = nil
	n.Point--
	for len(n.Fraction) > 0 && n.Fraction[0] == '0' {
		n.Fraction = n.Fraction[1:]
		n.Point--
	}
	if len(n.Fraction) == 0 {
		n.Point = 0
	}
}

// Fits reports whether n has no more digits than [MaxWhole] and [MaxScale] allow.
func (n Number) Fits() bool { return n.Point <= MaxWhole && n.Scale <= MaxScale }

// Valid reports whether text is a JSON number as [Split] takes it.
func Valid(text []byte) bool {
	_, ok := Split(text)
	return ok
}

// Parse reads a JSON number. It keeps the digits as they are: "300.00" has two after the point.
func Parse(text string) (Amount, error) {
	n, ok := Split([]byte(text))
	if !ok || !n.Fits() {
		return Amount{}, fault.New(fault.Invalid, fmt.Sprintf("%.40q is not an amount", text))
	}
	a := Amount{scale: n.Scale}
	written := string(n.Whole) + string(n.Fraction)
	if written == "" {
		return a, nil
	}
	a.units.SetString(written, 10)
	a.units.Mul(&a.units, pow10(n.Point-len(written)+n.Scale))
	if n.Negative {
		a.units.Neg(&a.units)
	}
	return a, nil
}

// exponent reads what stands behind a number's digits: nothing, or an exponent.
func exponent(text []byte) (exp int, ok bool) {
	if len(text) == 0 {
		return 0, true
	}
	if text[0] != 'e' && text[0] != 'E' {
		return 0, false
	}
	negative := false
	text = text[1:]
	if len(text) > 0 && (text[0] == '+' || text[0] == '-') {
		negative, text = text[0] == '-', text[1:]
	}
	if n := digits(text); n == 0 || n != len(text) || n > 6 {
		return 0, false
	}
	for _, c := range text {
		exp = exp*10 + int(c-'0')
	}
	if negative {
		exp = -exp
	}
	return exp, true
}

func digits(text []byte) (n int) {
	for n < len(text) && '0' <= text[n] && text[n] <= '9' {
		n++
	}
	return n
}

func pow10(n int) *big.Int { return new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(n)), nil) }

// Add returns a + b, with the longer of their fractions.
func (a Amount) Add(b Amount) Amount {
	x, y := aligned(a, b)
	var sum Amount
	sum.scale = max(a.scale, b.scale)
	sum.units.Add(x, y)
	return sum
}

// Cmp returns -1, 0 or 1 as a is less than, equal to or greater than b: 1.5 and 1.50 are equal.
func (a Amount) Cmp(b Amount) int {
	x, y := aligned(a, b)
	return x.Cmp(y)
}

func aligned(a, b Amount) (x, y *big.Int) {
	scale := max(a.scale, b.scale)
	x = new(big.Int).Mul(&a.units, pow10(scale-a.scale))
	y = new(big.Int).Mul(&b.units, pow10(scale-b.scale))
	return x, y
}

// String returns the digits with the point where Parse found it.
func (a Amount) String() string {
	s := new(big.Int).Abs(&a.units).String()
	if a.scale > 0 {
		if pad := a.scale + 1 - len(s); pad > 0 {
			s = strings.Repeat("0", pad) + s
		}
		s = s[:len(s)-a.scale] + "." + s[len(s)-a.scale:]
	}
	if a.units.Sign() < 0 {
		s = "-" + s
	}
	return s
}
