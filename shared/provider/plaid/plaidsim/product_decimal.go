package plaidsim

import (
	"encoding/json"
	"math/big"
	"strconv"
	"strings"
)

// rat reads a decimal that the simulator wrote or was given.
func rat(d decimal) *big.Rat {
	r, ok := new(big.Rat).SetString(string(d))
	if !ok {
		panic("plaidsim: " + strconv.Quote(string(d)) + " is no decimal")
	}
	return r
}

// digits prints a number with at most so many decimals, and none that are zero at the end.
func digits(r *big.Rat, places int) decimal {
	t := r.FloatString(places)
	if strings.Contains(t, ".") {
		t = strings.TrimRight(strings.TrimRight(t, "0"), ".")
	}
	if t == "-0" {
		t = "0"
	}
	return decimal(t)
}

// plus adds exactly, up to ten decimals.
func plus(a, b decimal) decimal { return digits(new(big.Rat).Add(rat(a), rat(b)), 10) }

func minus(a decimal) decimal { return digits(new(big.Rat).Neg(rat(a)), 10) }

// times multiplies and rounds to so many decimals.
func times(a, b decimal, places int) decimal { return digits(new(big.Rat).Mul(rat(a), rat(b)), places) }

// isDecimal: a JSON number without an exponent.
func isDecimal(t string) bool {
	return strings.Trim(t, "-0123456789.") == "" && json.Valid([]byte(t))
}

// money draws an amount below so many dollars; one in four is a whole number, and printed as one.
func (r *random) money(below int) decimal {
	whole := strconv.Itoa(r.Below(below))
	if r.OneIn(4) {
		return decimal(whole)
	}
	return digits(rat(decimal(whole+"."+strconv.Itoa(100 + r.Below(900))[1:])), 2)
}
