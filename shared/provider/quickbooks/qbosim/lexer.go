package qbosim

import (
	"fmt"
	"strings"
)

// token is one word of a statement.
type token struct {
	kind tokenKind
	text string // of a text literal: without quotes and escapes
	at   int    // column, from 1
}

type tokenKind int

const (
	endToken tokenKind = iota
	wordToken
	textToken
	numberToken
	signToken // = < > <= >= ( ) , *
)

func isWord(ch byte) bool {
	return ch >= 'a' && ch <= 'z' || ch >= 'A' && ch <= 'Z' || ch >= '0' && ch <= '9' || ch == '_' || ch == '.'
}

// scan cuts a statement into tokens.
func scan(s string) ([]token, error) {
	var out []token
	for i := 0; i < len(s); {
		start := i
		switch ch := s[i]; {
		case ch == ' ' || ch == '\t' || ch == '\n' || ch == '\r':
			i++
			continue
		case ch == '\'':
			text, end, err := scanText(s, i)
			if err != nil {
				return nil, err
			}
			i = end
			out = append(out, token{textToken, text, start + 1})
		case ch >= '0' && ch <= '9' || ch == '-':
			for i++; i < len(s) && (s[i] >= '0' && s[i] <= '9' || s[i] == '.'); i++ {
			}
			out = append(out, token{numberToken, s[start:i], start + 1})
		case isWord(ch):
			for i++; i < len(s) && isWord(s[i]); i++ {
			}
			out = append(out, token{wordToken, s[start:i], start + 1})
		case strings.HasPrefix(s[i:], "<=") || strings.HasPrefix(s[i:], ">="):
			i += 2
			out = append(out, token{signToken, s[start:i], start + 1})
		case strings.IndexByte("=<>(),*", ch) >= 0:
			i++
			out = append(out, token{signToken, s[start:i], start + 1})
		default:
			return nil, badSyntax(fmt.Sprintf("Lexical error at line 1, column %d. Encountered: %q", start+1, ch))
		}
	}
	return append(out, token{endToken, "", len(s) + 1}), nil
}

// scanText reads a literal in single quotes; \' and \\ are the escapes.
func scanText(s string, i int) (text string, end int, err error) {
	var b strings.Builder
	for j := i + 1; j < len(s); j++ {
		switch {
		case s[j] == '\\' && j+1 < len(s):
			j++
			b.WriteByte(s[j])
		case s[j] == '\'':
			return b.String(), j + 1, nil
		default:
			b.WriteByte(s[j])
		}
	}
	return "", 0, badSyntax(fmt.Sprintf("Lexical error at line 1, column %d. Encountered: <EOF> inside a text", i+1))
}
