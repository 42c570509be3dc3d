package qbosim

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"slices"
	"strconv"
)

// object is a JSON object that keeps its keys in order: QBO's answers have one, and people read them.
type object struct{ members []member }

// member is one key. Its value is nil, bool, string, json.Number, *object or []any.
type member struct {
	key   string
	value any
}

var errNotObject = errors.New("the body is not one JSON object")

func parseObject(raw []byte) (*object, error) {
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	v, err := parseValue(dec)
	if err != nil {
		return nil, err
	}
	o, ok := v.(*object)
	if _, err := dec.Token(); !ok || err != io.EOF {
		return nil, errNotObject
	}
	return o, nil
}

func parseValue(dec *json.Decoder) (any, error) {
	tok, err := dec.Token()
	if err != nil {
		return nil, err
	}
	switch tok {
	case json.Delim('{'):
		o := &object{}
		for dec.More() {
			key, err := dec.Token()
			if err != nil {
				return nil, err
			}
			v, err := parseValue(dec)
			if err != nil {
				return nil, err
			}
			o.set(key.(string), v) // a JSON key is always a string
		}
		_, err = dec.Token()
		return o, err
	case json.Delim('['):
		list := []any{}
		for dec.More() {
			v, err := parseValue(dec)
			if err != nil {
				return nil, err
			}
			list = append(list, v)
		}
		_, err = dec.Token()
		return list, err
	}
	return tok, nil
}

// get gives the value at a path of keys, nil when there is none.
func (o *object) get(path ...string) any {
	var v any = o
	for _, key := range path {
		at, ok := v.(*object)
		if !ok || at == nil {
			return nil
		}
		i := at.find(key)
		if i < 0 {
			return nil
		}
		v = at.members[i].value
	}
	return v
}

func (o *object) has(key string) bool { return o.find(key) >= 0 }

func (o *object) find(key string) int {
	return slices.IndexFunc(o.members, func(m member) bool { return m.key == key })
}

// text gives the string, number or boolean at path in its JSON spelling without quotes.
func (o *object) text(path ...string) string {
	switch v := o.get(path...).(type) {
	case string:
		return v
	case json.Number:
		return v.String()
	case bool:
		return strconv.FormatBool(v)
	}
	return ""
}

// cents gives the amount at path, 0 when there is none.
func (o *object) cents(path ...string) int64 {
	d, _ := parseDecimal(o.text(path...))
	return d.cents()
}

func (o *object) child(key string) *object {
	child, _ := o.get(key).(*object)
	return child
}

// objects gives the objects of the array at key.
func (o *object) objects(key string) []*object {
	list, _ := o.get(key).([]any)
	out := make([]*object, 0, len(list))
	for _, v := range list {
		if child, ok := v.(*object); ok {
			out = append(out, child)
		}
	}
	return out
}

// set replaces the value of key, or adds it at the end.
func (o *object) set(key string, v any) *object {
	if i := o.find(key); i >= 0 {
		o.members[i].value = v
	} else {
		o.members = append(o.members, member{key, v})
	}
	return o
}

// setMissing sets key only when it is absent.
func (o *object) setMissing(key string, v any) *object {
	if !o.has(key) {
		o.set(key, v)
	}
	return o
}

func (o *object) setCents(key string, cents int64) *object {
	return o.set(key, json.Number(appendCents(nil, cents)))
}

func (o *object) drop(keys ...string) *object {
	o.members = slices.DeleteFunc(o.members, func(m member) bool { return slices.Contains(keys, m.key) })
	return o
}

// arrange puts the members into the order of keys; others go to the end.
func (o *object) arrange(keys []string) {
	next := make([]member, 0, len(o.members))
	for _, key := range keys {
		if i := o.find(key); i >= 0 {
			next = append(next, o.members[i])
		}
	}
	for _, m := range o.members {
		if !slices.Contains(keys, m.key) {
			next = append(next, m)
		}
	}
	o.members = next
}

func list(objects []*object) []any {
	out := make([]any, len(objects))
	for i, o := range objects {
		out[i] = o
	}
	return out
}

func ref(value, name string) *object {
	o := (&object{}).set("value", value)
	if name != "" {
		o.set("name", name)
	}
	return o
}

func (o *object) append(dst []byte) []byte {
	dst = append(dst, '{')
	for i, m := range o.members {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = appendText(dst, m.key)
		dst = appendValue(append(dst, ':'), m.value)
	}
	return append(dst, '}')
}

func appendValue(dst []byte, v any) []byte {
	switch v := v.(type) {
	case string:
		return appendText(dst, v)
	case json.Number:
		return append(dst, v...)
	case bool:
		return strconv.AppendBool(dst, v)
	case *object:
		return v.append(dst)
	case []any:
		dst = append(dst, '[')
		for i, e := range v {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = appendValue(dst, e)
		}
		return append(dst, ']')
	}
	return append(dst, "null"...)
}

// obj makes an object of keys and values in turn; a nil value leaves its key out.
func obj(pairs ...any) *object {
	o := &object{members: make([]member, 0, len(pairs)/2+6)}
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i+1] != nil {
			o.members = append(o.members, member{pairs[i].(string), pairs[i+1]})
		}
	}
	return o
}

// count is a JSON number.
func count(n int) json.Number { return json.Number(strconv.Itoa(n)) }

// money is an amount in cents as a JSON number.
func money(cents int64) json.Number { return json.Number(appendCents(nil, cents)) }
