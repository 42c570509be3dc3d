package quickbooks_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/big"
	"strconv"
	"strings"
	"testing"
)

// A walk over JSON that knows nothing of the catalog's own: encoding/json, in document order,
// numbers as they were written.

type member struct {
	key   string
	value json.RawMessage
}

// members lists an object's members; nil for any other value.
func members(raw json.RawMessage) (all []member) {
	d := json.NewDecoder(bytes.NewReader(raw))
	if first, err := d.Token(); err != nil || first != json.Delim('{') {
		return nil
	}
	for d.More() {
		key, err := d.Token()
		if err != nil {
			panic(err) // the file was checked as a whole
		}
		m := member{key: key.(string)}
		if err := d.Decode(&m.value); err != nil {
			panic(err)
		}
		all = append(all, m)
	}
	return all
}

// elements lists an array's elements; nil for any other value.
func elements(raw json.RawMessage) (all []json.RawMessage) {
	if raw[0] != '[' {
		return nil
	}
	if err := json.Unmarshal(raw, &all); err != nil {
		panic(err)
	}
	return all
}

// lookup returns the value at a path of keys joined by dots; nil where there is none. A step * is the
// member that is an object, and as the last step that member's key; paths joined by commas give their
// texts joined by bars.
func lookup(raw json.RawMessage, path string) (found json.RawMessage) {
	if strings.Contains(path, ",") {
		var texts []string
		for p := range strings.SplitSeq(path, ",") {
			texts = append(texts, characters(lookup(raw, p)))
		}
		return json.RawMessage(strconv.Quote(strings.Join(texts, "|")))
	}
	key, rest, deeper := strings.Cut(path, ".")
	for _, m := range members(raw) {
		switch {
		case m.key == key:
			found = m.value
		case key == "*" && m.value[0] == '{' && deeper:
			found = m.value
		case key == "*" && m.value[0] == '{':
			found = json.RawMessage(strconv.Quote(m.key))
		}
	}
	if found == nil || !deeper {
		return found
	}
	return lookup(found, rest)
}

// arrays visits the arrays of an object and of the objects in it, but not of arrays' elements.
func arrays(raw json.RawMessage, prefix string, visit func(path string, elements []json.RawMessage)) {
	for _, m := range members(raw) {
		switch m.value[0] {
		case '[':
			visit(prefix+m.key, elements(m.value))
		case '{':
			arrays(m.value, prefix+m.key+".", visit)
		}
	}
}

// scalars visits every value that is neither object nor array, with [] in the path for each array.
func scalars(raw json.RawMessage, path string, visit func(path string, raw json.RawMessage)) {
	switch raw[0] {
	case '{':
		if path != "" {
			path += "."
		}
		for _, m := range members(raw) {
			scalars(m.value, path+m.key, visit)
		}
	case '[':
		for _, e := range elements(raw) {
			scalars(e, path+"[]", visit)
		}
	default:
		visit(path, raw)
	}
}

// characters returns what a string says, and the text of any other value.
func characters(raw json.RawMessage) string {
	var s string
	if len(raw) == 0 || raw[0] != '"' || json.Unmarshal(raw, &s) != nil {
		return string(raw)
	}
	return s
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

// canonical writes JSON with its keys in order and each number as write gives it.
func canonical(raw json.RawMessage, write func(string) string) string {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		return fmt.Sprintf("not JSON: %v", err)
	}
	out, err := json.Marshal(rewritten(v, write))
	if err != nil {
		return fmt.Sprintf("not JSON: %v", err)
	}
	return string(out)
}

func rewritten(v any, write func(string) string) any {
	switch v := v.(type) {
	case json.Number:
		return json.Number(write(v.String()))
	case map[string]any:
		for key := range v {
			v[key] = rewritten(v[key], write)
		}
	case []any:
		for i := range v {
			v[i] = rewritten(v[i], write)
		}
	}
	return v
}

func asWritten(number string) string { return number }

func TestDigits(t *testing.T) {
	t.Parallel()
	for give, want := range map[string]string{
		"300.00": "300.00", "300": "300", "-0.070": "-0.070", "-0.00": "0.00", "1e3": "1000", "1.50E+1": "15.0", "12e-4": "0.0012",
		"92.5633333": "92.5633333", "123456789012345678901234567890.10": "123456789012345678901234567890.10",
	} {
		if got := digits(give); got != want {
			t.Errorf("digits(%s) = %s, want %s", give, got, want)
		}
	}
}
