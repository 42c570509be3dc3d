package qbosim

import "testing"

func TestDecimals(t *testing.T) {
	t.Parallel()
	for give, want := range map[string]string{"0": "0", "75": "75", "22.50": "22.5", "92.5633333": "92.5633333", "-0.1666667": "-0.1666667", "99999999999": "99999999999"} {
		d, ok := parseDecimal(give)
		if got := string(appendDecimal(nil, d)); !ok || got != want {
			t.Errorf("%s printed as %s, %v", give, got, ok)
		}
	}
	for _, bad := range []string{"", "-", ".", "1.", ".5", "1e3", "1.23456789", "1,5", "--1", "123456789012"} {
		if _, ok := parseDecimal(bad); ok {
			t.Errorf("%q is accepted", bad)
		}
	}
	for _, tt := range []struct {
		price, quantity string
		want            string
	}{{"92.5633333", "3", "277.69"}, {"0.005", "1", "0.01"}, {"-0.005", "1", "-0.01"}, {"1000000", "1000", "1000000000.00"}, {"19.99", "0", "0"}} {
		price, _ := parseDecimal(tt.price)
		quantity, _ := parseDecimal(tt.quantity)
		if got := string(appendCents(nil, price.times(quantity))); got != tt.want {
			t.Errorf("%s × %s is %s, want %s", tt.price, tt.quantity, got, tt.want)
		}
	}
}

func TestLike(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		text, pattern string
		want          bool
	}{{"abc", "abc", true}, {"abc", "a%", true}, {"abc", "%c", true}, {"abc", "%b%", true}, {"abc", "a%c", true}, {"abc", "ab", false}, {"abc", "%d%", false}, {"aa", "a%a%a", false}} {
		if got := like(tt.text, tt.pattern); got != tt.want {
			t.Errorf("%q like %q is %v", tt.text, tt.pattern, got)
		}
	}
}
