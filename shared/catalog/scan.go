package catalog

import (
	"encoding/json"
	"errors"
	"strings"
)

// scanner walks one JSON value that a client's stream decoder has already found well-formed. It
// exists for speed: each object is walked once, copies nothing, and is refused rather than
// misread when it is malformed after all.
type scanner struct {
	b []byte
	i int
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

// str consumes a string and returns what stands between its quotes, and whether it has escapes.
func (s *scanner) str() (inner []byte, escaped bool, err error) {
	if err := s.expect('"'); err != nil {
		return nil, false, err
	}
	start := s.i
	for ; s.i < len(s.b); s.i++ {
		switch s.b[s.i] {
		case '"':
			inner = s.b[start:s.i]
			s.i++
			return inner, escaped, nil
		case '\\':
			escaped = true
			s.i++
		}
	}
	return nil, false, errSyntax
}

// literal consumes a number, true, false or null and returns its text.
func (s *scanner) literal() ([]byte, error) {
	start := s.i
	for ; s.i < len(s.b); s.i++ {
		switch c := s.b[s.i]; {
		case '0' <= c && c <= '9', 'a' <= c && c <= 'z', c == '+', c == '-', c == '.', c == 'E':
		default:
			if s.i == start {
				return nil, errSyntax
			}
			return s.b[start:s.i], nil
		}
	}
	if s.i == start {
		return nil, errSyntax
	}
	return s.b[start:s.i], nil
}

// skip consumes any value and returns its text.
func (s *scanner) skip() ([]byte, error) {
	first := s.next()
	start := s.i
	switch first {
	case '"':
		_, _, err := s.str()
		return s.b[start:s.i], err
	case '{', '[':
		for depth := 0; s.i < len(s.b); {
			switch s.b[s.i] {
			case '"':
				if _, _, err := s.str(); err != nil {
					return nil, err
				}
				continue
			case '{', '[':
				depth++
			case '}', ']':
				depth--
			}
			s.i++
			if depth == 0 {
				return s.b[start:s.i], nil
			}
		}
		return nil, errSyntax
	default:
		return s.literal()
	}
}

// object calls field for each key of the object that begins here; field consumes the value.
func (s *scanner) object(field func(key []byte) error) error {
	if err := s.expect('{'); err != nil {
		return err
	}
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
	if err := s.expect('['); err != nil {
		return err
	}
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
