package catalog

import (
	"strings"
	"time"

	"github.com/countinghouse/countinghouse/shared/fault"
)

// Identify reads an object's id and version without decoding the rest. A missing or empty id, or
// part of one, is fault.Invalid; a missing version is the zero time.
func (t *Table) Identify(raw []byte) (id string, version time.Time, err error) {
	s := scanner{b: raw}
	if s.next() != '{' {
		return "", time.Time{}, fault.New(fault.Invalid, "the record is not a JSON object")
	}
	want := t.identifying()
	ids := make([]string, len(want)-1)
	var odd error
	err = find(&s, want, func(which int, text []byte) {
		if which > 0 {
			ids[which-1] = string(text)
			return
		}
		micros, err := parseTimestamp(text)
		if err != nil {
			odd = fault.New(fault.Invalid, t.Version+" is not a time") // the id may stand behind it
			return
		}
		version = time.UnixMicro(micros).UTC()
	})
	if err == nil {
		id, err = t.joined(ids)
	}
	if err == nil {
		err = odd
	}
	return id, version, wrap(err)
}

// identifying lists the steps of the paths that tell an object: its version's, and those of its id.
func (t *Table) identifying() [][]string {
	want := make([][]string, 1, 4)
	if t.Version != "" {
		want[0] = strings.Split(t.Version, ".")
	}
	for path := range strings.SplitSeq(t.ID, ",") {
		want = append(want, strings.Split(path, "."))
	}
	return want
}

// joined makes an id of its parts. A part that is missing is named.
func (t *Table) joined(parts []string) (id string, err error) {
	for i, p := range parts {
		if p == "" {
			return "", fault.New(fault.Invalid, "the record has no "+strings.Split(t.ID, ",")[i])
		}
	}
	if len(parts) == 1 {
		return parts[0], nil
	}
	return strings.Join(parts, "|"), nil
}

// find calls visit with each scalar that stands at one of the paths in want, and says at which.
func find(s *scanner, want [][]string, visit func(which int, text []byte)) error {
	var walk func(depth int, on uint) error // on: the paths that lead here, a bit each
	walk = func(depth int, on uint) error {
		return s.object(func(key []byte) error {
			here, leaf := uint(0), -1
			for i, path := range want {
				if on&(1<<i) == 0 || len(path) <= depth || path[depth] != string(key) && path[depth] != anyKey {
					continue
				}
				here |= 1 << i
				if len(path) == depth+1 {
					leaf = i
				}
			}
			first := s.next()
			switch {
			case leaf >= 0 && first != '{' && first != '[' && first != 'n':
				text, err := characters(s, first)
				if err == nil {
					visit(leaf, text)
				}
				return err
			case here != 0 && leaf < 0 && first == '{':
				return walk(depth+1, here)
			}
			_, err := s.skip()
			return err
		})
	}
	return walk(0, 1<<len(want)-1)
}

// characters consumes the scalar that begins with first, and returns what it says.
func characters(s *scanner, first byte) ([]byte, error) {
	if first != '"' {
		return s.literal()
	}
	text, escaped, err := s.str()
	if err == nil && escaped {
		text, err = unescape(text)
	}
	return text, err
}
