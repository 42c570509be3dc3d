package plaidsim

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
)

// kind is the type of a request's field.
type kind int

const (
	aText   kind = iota
	aNumber      // any JSON number
	aWhole       // an integer between low and high
	aFlag
	aDate // YYYY-MM-DD
	aList
	anObject
	aFree // known, and not looked at
)

// field is what an endpoint says of one field of its request.
type field struct {
	kind      kind
	required  bool
	nullable  bool
	low, high int      // of aWhole
	allowed   []string // of aText, when it is closed
	in        fields   // of anObject
	of        *field   // the elements of aList
}

type fields map[string]field

func text(allowed ...string) field    { return field{kind: aText, allowed: allowed} }
func number() field                   { return field{kind: aNumber} }
func whole(low, high int) field       { return field{kind: aWhole, low: low, high: high} }
func flag() field                     { return field{kind: aFlag} }
func day() field                      { return field{kind: aDate} }
func list(of field) field             { return field{kind: aList, of: &of} }
func free() field                     { return field{kind: aFree} }
func object(in fields) field          { return field{kind: anObject, in: in} }
func (f field) must() field           { f.required = true; return f }
func (f field) orNull() field         { f.nullable = true; return f }
func tokenAnd(in fields) fields       { in["access_token"] = text().must(); return in }
func accountOptions(in fields) fields { in["account_ids"] = list(text()); return in }

// query is one request that is well formed; a handler reads it with the lock held.
type query struct {
	s    *Server
	r    *http.Request
	body map[string]any // numbers are json.Number
	now  time.Time
	item *Item // whose access token was sent; nil for an endpoint without
}

// value gives a field by its dotted name, nil when it is absent or null.
func (q *query) value(name string) any {
	var v any = q.body
	for part := range strings.SplitSeq(name, ".") {
		in, ok := v.(map[string]any)
		if !ok {
			return nil
		}
		v = in[part]
	}
	return v
}

// has tells whether a field is there and not null.
func (q *query) has(name string) bool { return q.value(name) != nil }

func (q *query) text(name string) string {
	t, _ := q.value(name).(string)
	return t
}

func (q *query) flag(name string) bool {
	t, _ := q.value(name).(bool)
	return t
}

func (q *query) whole(name string, otherwise int) int {
	n, ok := q.value(name).(json.Number)
	if !ok {
		return otherwise
	}
	i, err := n.Int64()
	if err != nil {
		return otherwise
	}
	return int(i)
}

// texts gives a list of strings, nil when it is absent.
func (q *query) texts(name string) []string {
	all, _ := q.value(name).([]any)
	var out []string
	for _, v := range all {
		out = append(out, v.(string))
	}
	return out
}

// accounts gives the Item's accounts, or those that options.account_ids name.
func (q *query) accounts() ([]*account, *refusal) {
	if !q.has("options.account_ids") {
		return q.item.live(), nil
	}
	var out []*account
	for _, id := range q.texts("options.account_ids") {
		a := q.item.account(id)
		if a == nil {
			return nil, failure("INVALID_ACCOUNT_ID")
		}
		out = append(out, a)
	}
	return out, nil
}

// check compares a body with what the endpoint knows.
func (in fields) check(body map[string]any) *refusal {
	var missing, unknown []string
	in.look("", body, &missing, &unknown)
	slices.Sort(missing)
	slices.Sort(unknown)
	switch {
	case len(missing) > 0:
		return badRequest("MISSING_FIELDS", "the following required fields are missing: "+strings.Join(missing, ", "))
	case len(unknown) > 0:
		return badRequest("UNKNOWN_FIELDS", "the following fields are not recognized by this endpoint: "+strings.Join(unknown, ", "))
	}
	return in.types("", body)
}

// look finds what is missing and what is unknown, at any depth.
func (in fields) look(prefix string, body map[string]any, missing, unknown *[]string) {
	for name, f := range in {
		if _, ok := body[name]; !ok && f.required {
			*missing = append(*missing, prefix+name)
		}
	}
	for name, v := range body {
		f, ok := in[name]
		if !ok {
			*unknown = append(*unknown, prefix+name)
			continue
		}
		f.look(prefix+name, v, missing, unknown)
	}
}

func (f field) look(name string, v any, missing, unknown *[]string) {
	switch v := v.(type) {
	case map[string]any:
		if f.kind == anObject {
			f.in.look(name+".", v, missing, unknown)
		}
	case []any:
		for i, e := range v {
			if f.kind == aList {
				f.of.look(fmt.Sprintf("%s[%d]", name, i), e, missing, unknown)
			}
		}
	}
}

// types refuses the first value of a wrong type, in the order of the names.
func (in fields) types(prefix string, body map[string]any) *refusal {
	names := make([]string, 0, len(body))
	for name := range body {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		if r := in[name].fits(prefix+name, body[name]); r != nil {
			return r
		}
	}
	return nil
}

func (f field) fits(name string, v any) *refusal {
	if v == nil && f.nullable {
		return nil
	}
	switch f.kind {
	case aText, aDate:
		return f.fitsText(name, v)
	case aNumber, aWhole:
		return f.fitsNumber(name, v)
	case aFlag:
		if _, ok := v.(bool); !ok {
			return badField(name + " must be a boolean")
		}
	case aList:
		return f.fitsList(name, v)
	case anObject:
		in, ok := v.(map[string]any)
		if !ok {
			return badField(name + " must be an object")
		}
		return f.in.types(name+".", in)
	}
	return nil
}

func (f field) fitsText(name string, v any) *refusal {
	t, ok := v.(string)
	switch {
	case !ok:
		return badField(name + " must be a string")
	case t == "" && f.required:
		return badField(name + " must be a non-empty string")
	case f.kind == aDate && !isDay(t):
		return badField(name + " must be a date in the form YYYY-MM-DD")
	case f.allowed != nil && !slices.Contains(f.allowed, t):
		return badField(name + " must be one of: " + strings.Join(f.allowed, ", "))
	}
	return nil
}

func (f field) fitsNumber(name string, v any) *refusal {
	n, ok := v.(json.Number)
	if !ok {
		return badField(name + " must be a number")
	}
	if f.kind == aNumber {
		return nil
	}
	i, err := n.Int64()
	if err != nil {
		return badField(name + " must be an integer")
	}
	if i < int64(f.low) || i > int64(f.high) {
		return badField(fmt.Sprintf("%s must be between %d and %d", name, f.low, f.high))
	}
	return nil
}

func (f field) fitsList(name string, v any) *refusal {
	all, ok := v.([]any)
	if !ok {
		return badField(name + " must be an array")
	}
	if len(all) == 0 && f.required {
		return badField(name + " must be a non-empty array")
	}
	for i, e := range all {
		if r := f.of.fits(fmt.Sprintf("%s[%d]", name, i), e); r != nil {
			return r
		}
	}
	return nil
}

func isDay(t string) bool {
	_, err := time.Parse(time.DateOnly, t)
	return err == nil
}
