package plaid_test

import (
	"encoding/json"
	"flag"
	"fmt"
	"math/big"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/countinghouse/countinghouse/shared/catalog"
)

var update = flag.Bool("update", false, "write testdata/unread.txt")

// rowKey names a row: its table, its object and its position; 0 in an object's own table.
type rowKey struct {
	Table, ID string
	Position  int
}

// rows holds, by row, the texts of its columns that are not null.
type rows map[rowKey]map[string]string

// expect lists the rows that an object must become, from its JSON and the catalog's declaration. It
// reads the JSON with nothing of the catalog's own.
func expect(o object, id string, into rows) {
	for _, r := range o.table.Relations() {
		found := []any{o.value()}
		if r.Parent != nil {
			path := strings.TrimSuffix(r.JSONPath(catalog.Column{}), "[].")
			found, _ = lookup(o.value(), path).([]any)
		}
		if o.gone && r.Parent == nil { // of what is gone only the id is known
			found = []any{map[string]any{}}
		}
		for i, v := range found {
			key := rowKey{r.Name, id, i + 1}
			if r.Parent == nil {
				key.Position = 0
			}
			into[key] = map[string]string{}
			for _, c := range r.Columns {
				if text, ok := expectedText(lookup(v, c.Path), c.Type); ok {
					into[key][c.Name] = text
				}
			}
			if r.Parent == nil {
				into[key]["id"] = id
			}
		}
	}
}

// lookup returns the value at a path of keys joined by dots; nil where there is none.
func lookup(v any, path string) any {
	for key := range strings.SplitSeq(path, ".") {
		object, _ := v.(map[string]any)
		v = object[key]
	}
	return v
}

// scalars visits every value that is neither object nor array, with [] in the path for each array.
func scalars(v any, path string, visit func(path string, v any)) {
	switch v := v.(type) {
	case map[string]any:
		for key, value := range v {
			scalars(value, strings.TrimPrefix(path+"."+key, "."), visit)
		}
	case []any:
		for _, e := range v {
			scalars(e, path+"[]", visit)
		}
	default:
		visit(path, v)
	}
}

// expectedText is how SQL, asked by selected, must print a JSON value of a column; not ok: null.
func expectedText(v any, typ catalog.Type) (text string, ok bool) {
	if v == nil {
		return "", false
	}
	text = fmt.Sprint(v)
	switch typ {
	case catalog.JSON:
		return canonical(v), true
	case catalog.Numeric:
		return digits(text), true
	case catalog.Timestamp:
		at, err := time.Parse(time.RFC3339, text)
		if err != nil {
			return err.Error(), true
		}
		return at.UTC().Format("2006-01-02 15:04:05.000000"), true
	}
	return text, true
}

// selected is the SQL that prints a column.
func selected(c catalog.Column) string {
	name := pgx.Identifier{c.Name}.Sanitize()
	if c.Type == catalog.Timestamp {
		return "to_char(" + name + " AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS.US')"
	}
	return name + "::text"
}

// printed names what SQL gave so that it can be compared.
func printed(r *catalog.Relation, values []*string) map[string]string {
	out := map[string]string{}
	for i, c := range r.Columns {
		switch {
		case values[i] == nil:
		case c.Type == catalog.JSON:
			out[c.Name] = canonical(decoded([]byte(*values[i])))
		default:
			out[c.Name] = *values[i]
		}
	}
	return out
}

// canonical writes a JSON value with its keys in order and its numbers by their digits.
func canonical(v any) string {
	out, err := json.Marshal(byDigits(v))
	if err != nil {
		return err.Error()
	}
	return string(out)
}

func byDigits(v any) any {
	switch v := v.(type) {
	case json.Number:
		return json.Number(digits(v.String()))
	case map[string]any:
		out := map[string]any{}
		for key := range v {
			out[key] = byDigits(v[key])
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i := range v {
			out[i] = byDigits(v[i])
		}
		return out
	}
	return v
}

// digits writes a number as PostgreSQL prints it: every digit, zeros at the end too, no exponent,
// no sign before zero.
func digits(number string) string {
	mantissa, exponent, _ := strings.Cut(strings.ToLower(number), "e")
	_, fraction, _ := strings.Cut(mantissa, ".")
	shift, _ := strconv.Atoi(exponent)
	r, ok := new(big.Rat).SetString(number)
	if !ok {
		return "not a number: " + number
	}
	return r.FloatString(max(0, len(fraction)-shift))
}

func TestDigits(t *testing.T) {
	t.Parallel()
	for give, want := range map[string]string{
		"300.00": "300.00", "110": "110", "-0.070": "-0.070", "-0.00": "0.00", "1e3": "1000", "1.50E+1": "15.0", "12e-4": "0.0012", "0.0001234567": "0.0001234567",
	} {
		if got := digits(give); got != want {
			t.Errorf("digits(%s) = %s, want %s", give, got, want)
		}
	}
}
