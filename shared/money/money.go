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

// MaxDigits bounds an amount's digits on either side of the point, like PostgreSQL's numeric does.
const MaxDigits = 16383

// Valid reports whether text is a JSON number, such as 12.50, -0.07 or 1e3. An exponent of more than
// six digits is nobody's amount.
func Valid(text []byte) bool {
	_, _, _, ok := split(string(text))
	return ok
}

// Parse reads a JSON number. It keeps the digits as they are: "300.00" has two after the point.
func Parse(text string) (Amount, error) {
	whole, fraction, exp, ok := split(text)
	if !ok || exp > MaxDigits || exp < -MaxDigits || len(whole) > MaxDigits || len(fraction) > MaxDigits {
		return Amount{}, fault.New(fault.Invalid, fmt.Sprintf("%.40q is not an amount", text))
	}
	var a Amount
	a.units.SetString(whole+fraction, 10)
	a.scale = len(fraction) - exp
	if a.scale < 0 {
		a.units.Mul(&a.units, pow10(-a.scale))
		a.scale = 0
	}
	return a, nil
}

// split takes a JSON number apart. The sign stays with whole.
func split(s string) (whole, fraction string, exp int, ok bool) {
	rest := strings.TrimPrefix(s, "-")
	n := digits(rest)
	if n == 0 || n > 1 && rest[0] == '0' {
		return "", "", 0, false
	}
	whole, rest = s[:len(s)-len(rest)+n], rest[n:]
	if strings.HasPrefix(rest, ".") {
		n = digits(rest[1:])
		if n == 0 {
			return "", "", 0, false
		}
		fraction, rest = rest[1:n+1], rest[n+1:]
	}
	if rest == "" {
		return whole, fraction, 0, true
	}
	if rest[0] != 'e' && rest[0] != 'E' {
		return "", "", 0, false
	}
	negative := false
	rest = rest[1:]
	if rest != "" && (rest[0] == '+' || rest[0] == '-') {
		negative, rest = rest[0] == '-', rest[1:]
	}
	if n = digits(rest); n == 0 || n != len(rest) || n > 6 {
		return "", "", 0, false
	}
	for _, c := range rest {
		exp = exp*10 + int(c-'0')
	}
	if negative {
		exp = -exp
	}
	return whole, fraction, exp, true
}

func digits(s string) (n int) {
	for n < len(s) && '0' <= s[n] && s[n] <= '9' {
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
