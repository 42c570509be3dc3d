package store_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/countinghouse/countinghouse/shared/sync/engine"
)

// Each number is stored by our encoder and cast from text by PostgreSQL: value and digits shown agree.
func TestNumericIsPostgreSQLs(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	texts := []string{
		"0", "-0", "0.0", "-0.00", "0e5", "0.000e-3", "1", "-1", "9999", "10000", "10001", "99999999", "100000000", "1e3", "1E+3", "1.5e3", "1.50e1",
		"12.5e-1", "1e-7", "0.0000001", "0.1", "0.01", "0.001", "0.0001", "0.00001", "1.0001", "1.00010000", "123456789012345678901234567890",
		"-0.123456789012345678901234567890", "92.5633333", "300.00", "1e131", "1e-131", "100e-2", "1234e-4", "1e100", "0.00e2", "10e-1", "1e16383",
		"5e-16383", strings.Repeat("9", 3000) + "." + strings.Repeat("8", 500),
	}
	rng := rand.New(rand.NewPCG(7, 7))
	for range 3000 {
		text := digits(rng, 1+rng.IntN(12), false)
		if rng.IntN(3) > 0 {
			text += "." + digits(rng, 1+rng.IntN(12), true)
		}
		if rng.IntN(3) == 0 {
			text += fmt.Sprintf("e%d", rng.IntN(41)-20)
		}
		if rng.IntN(2) == 0 {
			text = "-" + text
		}
		texts = append(texts, text)
	}
	records := make([]engine.Record, len(texts))
	for i, text := range texts {
		records[i] = engine.Record{Stream: "Order", ID: fmt.Sprint(i), Version: base, Raw: fmt.Appendf(nil,
			`{"Id":"%d","Meta":{"Updated":"2026-03-01T12:00:00Z"},"Name":%q,"Total":%s}`, i, text, text)}
	}
	if n := f.apply(records...); n.Written != len(records) {
		t.Fatalf("applied %+v", n)
	}
	// Sending the value's binary form tells more than comparing: digits, weight, sign and scale.
	for _, row := range f.rows(`SELECT left(name, 50), left(total::text, 50) FROM testbooks.orders WHERE numeric_send(total) <> numeric_send(name::numeric)`) {
		t.Error("not what PostgreSQL reads:", row)
	}
}

func digits(rng *rand.Rand, n int, leadingZeros bool) string {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte('0' + rng.IntN(10)*rng.IntN(2))
	}
	if !leadingZeros && n > 1 {
		b[0] = byte('1' + rng.IntN(9))
	}
	return string(b)
}

func TestNumericTooLong(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	var records []engine.Record
	for i, text := range []string{"1e131073", "1e-16384", "1e999999", "1e200000", strings.Repeat("9", 140000)} {
		records = append(records, engine.Record{Stream: "Order", ID: fmt.Sprint(i), Raw: fmt.Appendf(nil, `{"Id":"%d","Total":%s}`, i, text)})
	}
	n, err := f.Apply(context.Background(), f.lease, f.run, engine.Batch{Records: records}, engine.Usage{})
	if err != nil || n.Dead != len(records) {
		t.Errorf("applied %+v, %v", n, err)
	}
}
