package storetest

import (
	"bytes"
	"encoding/json"
	"sort"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/countinghouse/countinghouse/shared/catalog"
	"github.com/countinghouse/countinghouse/shared/money"
)

// null is how an absent value is written here: no text of a row is it.
const null = "\x00null"

// text is the SQL that prints a column the way printed does.
func text(c catalog.Column) string {
	column := "r." + quote(c.Name)
	switch c.Type {
	case catalog.Date:
		return "(" + column + " - DATE '1970-01-01')::text"
	case catalog.Timestamp:
		return "(extract(epoch FROM " + column + ") * 1000000)::bigint::text"
	case catalog.Boolean:
		return column + "::integer::text"
	}
	return column + "::text"
}

// printed returns a decoded row's values: the position of the row that holds it, then its columns.
func printed(r catalog.Row) []string {
	out := []string{strconv.Itoa(r.Parent)}
	for i, v := range r.Values {
		out = append(out, value(v, r.Relation.Columns[i].Type))
	}
	return out
}

func value(v catalog.Value, typ catalog.Type) string {
	switch {
	case !v.Valid:
		return null
	case typ == catalog.Numeric:
		return number(string(v.Text))
	case typ == catalog.JSON:
		return canonical(v.Text)
	case typ == catalog.Text:
		return string(v.Text)
	}
	return strconv.FormatInt(v.Int, 10)
}

// shown returns what SQL printed, for column i of r; -1 is the position of the row that holds it.
func shown(v *string, r *catalog.Relation, i int) string {
	switch {
	case v == nil:
		return null
	case i >= 0 && r.Columns[i].Type == catalog.JSON:
		return canonical([]byte(*v))
	}
	return *v
}

// number prints an exact decimal as PostgreSQL does: all digits, no exponent.
func number(text string) string {
	a, err := money.Parse(text)
	if err != nil {
		return text
	}
	return a.String()
}

// canonical prints JSON so that equal values print alike: keys in order, the last of equal ones.
func canonical(raw []byte) string {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	var v any
	if d.Decode(&v) != nil {
		return string(raw)
	}
	var b strings.Builder
	write(&b, v)
	return b.String()
}

func write(b *strings.Builder, v any) {
	switch v := v.(type) {
	case map[string]any:
		keys := make([]string, 0, len(v))
		for k := range v {
			keys = append(keys, k)
		}
		sort.Strings(keys)
		b.WriteByte('{')
		for _, k := range keys {
			b.WriteString(strconv.Quote(k) + ":")
			write(b, v[k])
			b.WriteByte(',')
		}
		b.WriteByte('}')
	case []any:
		b.WriteByte('[')
		for _, e := range v {
			write(b, e)
			b.WriteByte(',')
		}
		b.WriteByte(']')
	case json.Number:
		b.WriteString(number(v.String()))
	case string:
		b.WriteString(strconv.Quote(v))
	case bool:
		b.WriteString(strconv.FormatBool(v))
	default:
		b.WriteString("null")
	}
}

func columnName(r *catalog.Relation, i int) string {
	if i < 0 {
		return "parent_position"
	}
	return r.Columns[i].Name
}

func quote(name string) string { return pgx.Identifier{name}.Sanitize() }

func name(r *catalog.Relation) string { return pgx.Identifier{r.Schema, r.Name}.Sanitize() }
