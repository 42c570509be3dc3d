package money

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/big"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"

	"github.com/countinghouse/countinghouse/shared/fault"
)

func TestParseKeepsDigits(t *testing.T) {
	t.Parallel()
	for give, want := range map[string]string{
		"0": "0", "0.00": "0.00", "-0": "0", "-0.00": "0.00", "300.00": "300.00", "300": "300", "-0.07": "-0.07", "92.5633333": "92.5633333",
		"1e3": "1000", "1.50E+1": "15.0", "1.5e1": "15", "12e-4": "0.0012", "-1.20e-2": "-0.0120", "0e5": "0",
		"123456789012345678901234567890.123456789": "123456789012345678901234567890.123456789",
	} {
		a, err := Parse(give)
		if err != nil || a.String() != want {
			t.Errorf("Parse(%s) = %s, %v; want %s", give, a, err, want)
		}
	}
	var zero Amount
	if zero.String() != "0" {
		t.Errorf("the zero Amount prints as %s", zero)
	}
}

func TestParseRefuses(t *testing.T) {
	t.Parallel()
	whole, fraction := strings.Repeat("9", MaxWhole), strings.Repeat("9", MaxScale)
	for _, text := range []string{
		"", " ", "-", "+1", "01", "-01", ".5", "5.", "1e", "1e+", "1,000", "1 ", " 1", "$1", "0x10", "1_000", "NaN", "Infinity", "null", "1.2.3", "١",
		whole + "9", "0." + fraction + "9", "1e131072", "10e131071", "1e-16384", "1e1000000",
	} {
		_, err := Parse(text)
		if !fault.Is(err, fault.Invalid) || !strings.Contains(err.Error(), "is not an amount") || len(err.Error()) > 100 {
			t.Errorf("Parse(%.20q): %v, want a short fault.Invalid", text, err)
		}
	}
	for give, want := range map[string]string{
		whole + "." + fraction: whole + "." + fraction, "1e131071": "1" + strings.Repeat("0", MaxWhole-1), "1e-16383": "0." + strings.Repeat("0", MaxScale-1) + "1",
	} {
		if a, err := Parse(give); err != nil || a.String() != want {
			t.Errorf("Parse(%.20q), as long as it may be: %v", give, err)
		}
	}
}

// number makes a JSON number of up to 20 digits before and after the point.
func number(r *rand.Rand) string {
	digits := func(n int) string {
		var b strings.Builder
		for range n {
			b.WriteByte(byte('0' + r.IntN(10)))
		}
		return b.String()
	}
	s := strconv.Itoa(r.IntN(10))
	if s != "0" {
		s += digits(r.IntN(20))
	}
	if r.IntN(2) == 0 {
		s = "-" + s
	}
	if r.IntN(4) > 0 {
		s += "." + digits(1+r.IntN(20))
	}
	if r.IntN(4) == 0 {
		s += fmt.Sprintf("%c%s%d", "eE"[r.IntN(2)], []string{"", "+", "-"}[r.IntN(3)], r.IntN(30))
	}
	return s
}

// rat reads a JSON number in another way; scale is how many digits after the point it shows.
func rat(t *testing.T, text string) (value *big.Rat, scale int) {
	t.Helper()
	value, ok := new(big.Rat).SetString(text)
	if !ok {
		t.Fatalf("big.Rat does not read %s", text)
	}
	mantissa, exponent, _ := strings.Cut(strings.ToLower(text), "e")
	_, fraction, _ := strings.Cut(mantissa, ".")
	shift, _ := strconv.Atoi(exponent)
	return value, max(0, len(fraction)-shift)
}

// TestSplit puts the parts together again, in the way that those who store them do.
func TestSplit(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(5, 6))
	for range 5000 {
		text := number(r)
		n, ok := Split([]byte(text))
		want, scale := rat(t, text)
		written := string(n.Whole) + string(n.Fraction)
		if !ok || !n.Fits() || n.Scale != scale || strings.HasPrefix(written, "0") || (written == "") != (want.Sign() == 0) || written == "" && n.Point != 0 {
			t.Fatalf("%s: %+v, %v; scale %d", text, n, ok, scale)
		}
		got, _ := new(big.Rat).SetString("0" + written + "e" + strconv.Itoa(n.Point-len(written)))
		if n.Negative {
			got.Neg(got)
		}
		if got.Cmp(want) != 0 || n.Negative != strings.HasPrefix(text, "-") {
			t.Fatalf("%s: %+v is %s", text, n, got)
		}
	}
}

func BenchmarkValid(b *testing.B) {
	text := []byte("-123456789012345678901234567890.5633333e-10")
	b.ReportAllocs()
	for b.Loop() {
		if !Valid(text) {
			b.Fatal()
		}
	}
}

// TestArithmetic compares amounts with big.Rat's: what they print, their sum and their order.
func TestArithmetic(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(1, 2))
	for range 5000 {
		x, y := number(r), number(r)
		if strings.Contains(x, ".") && !strings.ContainsAny(x, "eE") && r.IntN(4) == 0 {
			y = x + "0" // 1.5 and 1.50
		}
		a, err := Parse(x)
		b, errB := Parse(y)
		if err != nil || errB != nil {
			t.Fatalf("%s, %s: %v, %v", x, y, err, errB)
		}
		p, scaleP := rat(t, x)
		q, scaleQ := rat(t, y)
		if got, want := a.String(), p.FloatString(scaleP); got != want {
			t.Errorf("Parse(%s) prints as %s, want %s", x, got, want)
		}
		if got, want := a.Add(b).String(), new(big.Rat).Add(p, q).FloatString(max(scaleP, scaleQ)); got != want {
			t.Errorf("%s + %s = %s, want %s", x, y, got, want)
		}
		if got, want := a.Cmp(b), p.Cmp(q); got != want {
			t.Errorf("%s <=> %s: %d, want %d", x, y, got, want)
		}
		if again, err := Parse(a.String()); err != nil || again.String() != a.String() || again.Cmp(a) != 0 {
			t.Errorf("%s, printed and parsed: %s, %v", x, again, err)
		}
	}
}

// TestValidIsJSON compares Valid with encoding/json's grammar, on numbers and on numbers with a mistake.
func TestValidIsJSON(t *testing.T) {
	t.Parallel()
	const alphabet = "0123456789.-+eE x\n\""
	r := rand.New(rand.NewPCG(3, 4))
	met := map[bool]int{}
	for range 20000 {
		text := []byte(number(r))
		for range r.IntN(3) {
			i, c := r.IntN(len(text)+1), alphabet[r.IntN(len(alphabet))]
			if i < len(text) && r.IntN(2) == 0 {
				text[i] = c
			} else {
				text = append(text[:i:i], append([]byte{c}, text[i:]...)...)
			}
		}
		i := bytes.IndexAny(text, "eE")
		if i >= 0 && len(text)-i > 6 {
			continue // a longer exponent than any amount's
		}
		want := json.Valid(text) && !bytes.ContainsAny(text, " \n\"")
		if met[want]++; Valid(text) != want {
			t.Errorf("Valid(%q) = %v", text, !want)
		}
	}
	if met[true] < 1000 || met[false] < 1000 {
		t.Errorf("tried %v", met)
	}
}
