package plaidsim

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"time"
)

// obj is a JSON object to be printed.
type obj = map[string]any

// decimal is a JSON number as text; "" prints null. Amounts never are anything else.
type decimal string

// rendered is a JSON value printed with two spaces and sorted keys, its first line not indented.
type rendered []byte

// file is an answer that is no JSON.
type file struct {
	ContentType string
	Header      map[string]string
	Body        []byte
}

const spaces = "\n                                                                "

// lineBreak starts a line at a depth.
func lineBreak(b []byte, depth int) []byte { return append(b, spaces[:1+2*depth]...) }

// appendValue prints a value as Plaid does: two spaces, keys sorted.
func appendValue(b []byte, v any, depth int) []byte {
	switch v := v.(type) {
	case nil:
		return append(b, "null"...)
	case bool:
		return strconv.AppendBool(b, v)
	case int:
		return strconv.AppendInt(b, int64(v), 10)
	case int64:
		return strconv.AppendInt(b, v, 10)
	case string:
		return appendText(b, v)
	case json.Number:
		return append(b, v...)
	case obj:
		return appendObject(b, v, depth)
	}
	return appendOwn(b, v, depth)
}

// appendOwn prints what does not come from reading JSON.
func appendOwn(b []byte, v any, depth int) []byte {
	switch v := v.(type) {
	case decimal:
		if v == "" {
			return append(b, "null"...)
		}
		return append(b, v...)
	case time.Time:
		return append(append(append(b, '"'), v.UTC().Format(time.RFC3339Nano)...), '"')
	case printed:
		return v.append(b, depth)
	case rendered:
		return appendRendered(b, v, depth)
	case json.RawMessage:
		return appendValue(b, parsed(v), depth)
	}
	return appendList(b, v, depth)
}

func appendObject(b []byte, in obj, depth int) []byte {
	if len(in) == 0 {
		return append(b, "{}"...)
	}
	sep := byte('{')
	for _, name := range slices.Sorted(maps.Keys(in)) {
		b = lineBreak(append(b, sep), depth+1)
		b = append(appendText(b, name), ": "...)
		b = appendValue(b, in[name], depth+1)
		sep = ','
	}
	return append(lineBreak(b, depth), '}')
}

func appendList(b []byte, v any, depth int) []byte {
	switch v := v.(type) {
	case []any:
		return appendEach(b, v, depth)
	case []string:
		return appendEach(b, v, depth)
	case []obj:
		return appendEach(b, v, depth)
	case []printed:
		return appendEach(b, v, depth)
	case []rendered:
		return appendEach(b, v, depth)
	case []json.RawMessage:
		return appendEach(b, v, depth)
	}
	panic(fmt.Sprintf("plaidsim: no way to print a %T", v))
}

func appendEach[T any](b []byte, all []T, depth int) []byte {
	if len(all) == 0 {
		return append(b, "[]"...)
	}
	sep := byte('[')
	for _, v := range all {
		b = lineBreak(append(b, sep), depth+1)
		b = appendValue(b, v, depth+1)
		sep = ','
	}
	return append(lineBreak(b, depth), ']')
}

// appendRendered indents what was printed at the margin. A line break within a text is written \n, so
// each one here is between values.
func appendRendered(b []byte, r rendered, depth int) []byte {
	for {
		i := bytes.IndexByte(r, '\n')
		if i < 0 {
			return append(b, r...)
		}
		b = lineBreak(append(b, r[:i]...), depth)
		r = r[i+1:]
	}
}

// appendText quotes a text and leaves what is not ASCII as it is.
func appendText(b []byte, t string) []byte {
	for i := range len(t) {
		if c := t[i]; c < 0x20 || c == '"' || c == '\\' {
			return appendEscaped(b, t)
		}
	}
	return append(append(append(b, '"'), t...), '"')
}

func appendEscaped(b []byte, t string) []byte {
	var out bytes.Buffer
	e := json.NewEncoder(&out)
	e.SetEscapeHTML(false)
	if err := e.Encode(t); err != nil {
		panic(err) // a string is always encoded
	}
	return append(b, bytes.TrimRight(out.Bytes(), "\n")...)
}

// render prints a value at the margin.
func render(v any) rendered { return appendValue(nil, v, 0) }

// parse reads JSON without a float.
func parse(raw []byte) (any, error) {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		return nil, err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("plaidsim: more than one value")
	}
	return v, nil
}

// parsed reads JSON that the simulator wrote itself.
func parsed(raw []byte) any {
	v, err := parse(raw)
	if err != nil {
		panic(fmt.Sprintf("plaidsim: %v in %.80q", err, raw))
	}
	return v
}

// orNull is the text, or nil when there is none.
func orNull(t string) any {
	if t == "" {
		return nil
	}
	return t
}

// indent moves what was printed from start on to a depth: from the end forwards, in place.
func indent(b []byte, start, depth int) []byte {
	lines := bytes.Count(b[start:], []byte{'\n'})
	from := len(b)
	b = slices.Grow(b, lines*2*depth)[:len(b)+lines*2*depth]
	for to := len(b); lines > 0; lines-- {
		line := bytes.LastIndexByte(b[start:from], '\n') + start
		to -= from - line - 1
		copy(b[to:], b[line+1:from])
		to -= 2 * depth
		copy(b[to:to+2*depth], spaces[1:])
		to--
		b[to] = '\n'
		from = line
	}
	return b
}
