package catalog

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
)

// scanner walks one JSON value. It exists for speed: the value is walked once and nothing is copied.
// What it has walked without an error is well-formed, but for bytes that are not UTF-8.
type scanner struct {
	b     []byte
	i     int
	depth int
}

const maxDepth = 200 // deeper than any provider nests, shallow enough for the stack

var (
	errSyntax = errors.New("malformed JSON")
	errDepth  = errors.New("JSON nested too deeply")
)

// next skips white space and returns the byte that a value or a delimiter begins with, or 0 at the end.
func (s *scanner) next() byte {
	for ; s.i < len(s.b); s.i++ {
		switch c := s.b[s.i]; c {
		case ' ', '\t', '\n', '\r':
		default:
			return c
		}
	}
	return 0
}

// expect consumes c.
func (s *scanner) expect(c byte) error {
	if s.next() != c {
		return errSyntax
	}
	s.i++
	return nil
}

// enter consumes the bracket that opens an object or array.
func (s *scanner) enter(bracket byte) error {
	if s.depth++; s.depth > maxDepth {
		return errDepth
	}
	return s.expect(bracket)
}

func (s *scanner) leave() { s.depth-- }

// str consumes a string and returns what stands between its quotes, and whether it has escapes.
func (s *scanner) str() (inner []byte, escaped bool, err error) {
	if err := s.expect('"'); err != nil {
		return nil, false, err
	}
	start := s.i
	for ; s.i < len(s.b); s.i++ {
		switch c := s.b[s.i]; {
		case c == '"':
			inner = s.b[start:s.i]
			s.i++
			return inner, escaped, nil
		case c == '\\':
			escaped = true
			if !s.escape() {
				return nil, false, errSyntax
			}
		case c < ' ':
			return nil, false, errSyntax
		}
	}
	return nil, false, errSyntax
}

// escape moves from a backslash to the last byte of its escape sequence.
func (s *scanner) escape() bool {
	s.i++
	if s.i >= len(s.b) {
		return false
	}
	switch s.b[s.i] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return true
	case 'u':
		for range 4 {
			s.i++
			if s.i >= len(s.b) || !hex(s.b[s.i]) {
				return false
			}
		}
		return true
	}
	return false
}

func hex(c byte) bool { return '0' <= c && c <= '9' || 'a' <= c && c <= 'f' || 'A' <= c && c <= 'F' }

// literal consumes a number, true, false or null and returns its text.
func (s *scanner) literal() ([]byte, error) {
	rest := s.b[s.i:]
	n := 0
	switch {
	case len(rest) == 0:
	case rest[0] == 't' && bytes.HasPrefix(rest, []byte("true")), rest[0] == 'n' && bytes.HasPrefix(rest, []byte("null")):
		n = len("true")
	case rest[0] == 'f' && bytes.HasPrefix(rest, []byte("false")):
		n = len("false")
	default:
		n = number(rest)
	}
	if n == 0 {
		return nil, errSyntax
	}
	s.i += n
	return rest[:n], nil
}

// number returns the length of the number that b begins with; 0: with none.
func number(b []byte) int {
	i := 0
	if i < len(b) && b[i] == '-' {
		i++
	}
	whole := digits(b[i:])
	if whole == 0 || whole > 1 && b[i] == '0' {
		return 0
	}
	i += whole
	if i < len(b) && b[i] == '.' {
		n := digits(b[i+1:])
		if n == 0 {
			return 0
		}
		i += 1 + n
	}
	if i < len(b) && (b[i] == 'e' || b[i] == 'E') {
		i++
		if i < len(b) && (b[i] == '+' || b[i] == '-') {
			i++
		}
		n := digits(b[i:])
		if n == 0 {
			return 0
		}
		i += n
	}
	return i
}

func digits(b []byte) (n int) {
	for n < len(b) && '0' <= b[n] && b[n] <= '9' {
		n++
	}
	return n
}

// skip consumes any value and returns its text.
func (s *scanner) skip() (text []byte, err error) {
	first := s.next()
	start := s.i
	switch first {
	case '"':
		_, _, err = s.str()
	case '{':
		err = s.object(func([]byte) error { _, err := s.skip(); return err })
	case '[':
		err = s.array(func() error { _, err := s.skip(); return err })
	default:
		return s.literal()
	}
	return s.b[start:s.i], err
}

// object calls field for each key of the object that begins here; field consumes the value.
func (s *scanner) object(field func(key []byte) error) error {
	if err := s.enter('{'); err != nil {
		return err
	}
	defer s.leave()
	if s.next() == '}' {
		s.i++
		return nil
	}
	for {
		s.next()
		key, escaped, err := s.str()
		if err != nil {
			return err
		}
		if escaped {
			if key, err = unescape(key); err != nil {
				return err
			}
		}
		if err := s.expect(':'); err != nil {
			return err
		}
		if err := field(key); err != nil {
			return err
		}
		switch s.next() {
		case ',':
			s.i++
		case '}':
			s.i++
			return nil
		default:
			return errSyntax
		}
	}
}

// array calls element for each element of the array that begins here; element consumes it.
func (s *scanner) array(element func() error) error {
	if err := s.enter('['); err != nil {
		return err
	}
	defer s.leave()
	if s.next() == ']' {
		s.i++
		return nil
	}
	for {
		if err := element(); err != nil {
			return err
		}
		switch s.next() {
		case ',':
			s.i++
		case ']':
			s.i++
			return nil
		default:
			return errSyntax
		}
	}
}

// unescape decodes the inside of a JSON string.
func unescape(inner []byte) ([]byte, error) {
	var b strings.Builder
	b.Grow(len(inner) + 2)
	b.WriteByte('"')
	b.Write(inner)
	b.WriteByte('"')
	var out string
	if err := json.Unmarshal([]byte(b.String()), &out); err != nil {
		return nil, errSyntax
	}
	return []byte(out), nil
}
