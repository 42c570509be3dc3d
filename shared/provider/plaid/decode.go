package plaid

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"

	"github.com/go-json-experiment/json/jsontext"
)

// shape says what the members of an answer are, by name. Others are passed over: answers gain members at any time.
type shape map[string]func(*walk) error

// walk goes through an answer once. Values are taken as slices of the body: nothing is written anew.
type walk struct {
	body []byte
	d    *jsontext.Decoder
	told bool // the last value read was there: not null
}

// read goes through the object in body; the members called needed have to be there, and not null. Its
// error is a *refused without the decoder's words, which quote the answer.
func read(body []byte, s shape, needed ...string) error {
	w := &walk{body: body, d: jsontext.NewDecoder(bytes.NewBuffer(body),
		jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))} // a row with an odd byte is judged by whoever stores it
	if err := w.object(s, needed); err != nil {
		return err
	}
	if _, err := w.d.ReadToken(); !errors.Is(err, io.EOF) {
		return malformed()
	}
	return nil
}

// object reads one object.
func (w *walk) object(s shape, needed []string) error {
	if t, err := w.d.ReadToken(); err != nil || t.Kind() != '{' {
		return malformed()
	}
	told := make(map[string]bool, len(needed))
	for w.d.PeekKind() != '}' {
		t, err := w.d.ReadToken()
		if err != nil {
			return malformed()
		}
		name := t.String()
		take, ok := s[name]
		if !ok {
			take = skip
		}
		w.told = w.d.PeekKind() != 'n'
		told[name] = w.told
		if err := take(w); err != nil {
			return err
		}
	}
	if _, err := w.d.ReadToken(); err != nil {
		return malformed()
	}
	for _, name := range needed {
		if !told[name] {
			return unreadable("Plaid sent an answer without " + name)
		}
	}
	return nil
}

// value returns the next value's own bytes.
func (w *walk) value() (json.RawMessage, error) {
	raw, err := w.d.ReadValue()
	if err != nil {
		return nil, malformed()
	}
	end := int(w.d.InputOffset())
	return json.RawMessage(w.body[end-len(raw) : end : end]), nil
}

// list reads an array into its elements' bytes; null has none.
func list(into *[]json.RawMessage) func(*walk) error {
	return func(w *walk) error {
		*into = nil
		if w.d.PeekKind() == 'n' {
			return skip(w)
		}
		if t, err := w.d.ReadToken(); err != nil || t.Kind() != '[' {
			return malformed()
		}
		for w.d.PeekKind() != ']' {
			raw, err := w.value()
			if err != nil {
				return err
			}
			*into = append(*into, raw)
		}
		if _, err := w.d.ReadToken(); err != nil {
			return malformed()
		}
		return nil
	}
}

// object reads an object's bytes; null leaves into as it is.
func object(into *json.RawMessage) func(*walk) error {
	return func(w *walk) error {
		switch w.d.PeekKind() {
		case 'n':
			return skip(w)
		case '{':
			raw, err := w.value()
			*into = raw
			return err
		default:
			return malformed()
		}
	}
}

// inside reads the members of an object within the answer; null has none.
func inside(s shape) func(*walk) error {
	return func(w *walk) error {
		if w.d.PeekKind() == 'n' {
			return skip(w)
		}
		return w.object(s, nil)
	}
}

// text reads a string; null is empty.
func text(into *string) func(*walk) error {
	return func(w *walk) error {
		t, err := w.d.ReadToken()
		if err != nil || t.Kind() != '"' && t.Kind() != 'n' {
			return malformed()
		}
		*into = ""
		if t.Kind() == '"' {
			*into = t.String()
		}
		return nil
	}
}

// maybe reads a string; anything else is empty.
func maybe(into *string) func(*walk) error {
	return func(w *walk) error {
		if w.d.PeekKind() == '"' {
			return text(into)(w)
		}
		*into = ""
		return skip(w)
	}
}

// flag reads true or false; null is false.
func flag(into *bool) func(*walk) error {
	return func(w *walk) error {
		t, err := w.d.ReadToken()
		if err != nil || t.Kind() != 't' && t.Kind() != 'f' && t.Kind() != 'n' {
			return malformed()
		}
		*into = t.Kind() == 't'
		return nil
	}
}

// number reads a whole number that counts something.
func number(into *int) func(*walk) error {
	return func(w *walk) error {
		raw, err := w.value()
		if err != nil {
			return err
		}
		if json.Unmarshal(raw, into) != nil || *into < 0 {
			return malformed()
		}
		return nil
	}
}

func skip(w *walk) error {
	if err := w.d.SkipValue(); err != nil {
		return malformed()
	}
	return nil
}

// malformed says what is wrong with an answer without quoting it.
func malformed() error {
	return unreadable("Plaid sent an answer that breaks off or is not what was asked for")
}
