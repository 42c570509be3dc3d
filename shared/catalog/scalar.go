package catalog

import (
	"bytes"
	"strconv"
	"strings"
	"time"

	"github.com/countinghouse/countinghouse/shared/money"
)

// scalar consumes the value that begins with first and reads it as typ. A misfit does not
// quote the value, which is the customer's.
func scalar(s *scanner, typ Type, first byte) (Value, error) {
	if typ == JSON || first == '{' || first == '[' {
		text, err := s.skip()
		if err != nil {
			return Value{}, err
		}
		if typ != JSON && typ != Text {
			return Value{}, &misfit{says: "is an object or array, not " + article[typ]}
		}
		return Value{Valid: true, Text: text}, nil
	}
	text, err := characters(s, first)
	if err != nil {
		return Value{}, err
	}
	if typ == Text {
		return Value{Valid: true, Text: text}, nil
	}
	if len(text) == 0 {
		return Value{}, nil
	}
	v, ok := parse(typ, text)
	quoted := first == '"'
	if !ok && quoted && typ == Numeric { // rates have been seen with their sign
		v, ok = parse(typ, bytes.TrimSuffix(text, []byte("%")))
	}
	if !ok {
		if quoted {
			return Value{}, &misfit{says: "is text, not " + article[typ]}
		}
		return Value{}, &misfit{says: "is not " + article[typ]}
	}
	return v, nil
}

var article = [...]string{"text", "a number", "a whole number", "true or false", "a date", "a time", "JSON"}

func parse(typ Type, text []byte) (v Value, ok bool) {
	v.Valid = true
	var err error
	switch typ {
	case Numeric:
		v.Text = text
		return v, money.Valid(text)
	case Integer:
		v.Int, err = parseInteger(text)
	case Boolean:
		var b bool
		if b, err = parseBool(text); b {
			v.Int = 1
		}
	case Date:
		v.Int, err = parseDate(text)
	case Timestamp:
		v.Int, err = parseTimestamp(text)
	}
	return v, err == nil
}

// parseInteger accepts 5 and, because some providers print every number as a decimal, 5.0.
func parseInteger(text []byte) (int64, error) {
	whole, fraction, _ := strings.Cut(string(text), ".")
	if strings.Trim(fraction, "0") != "" {
		return 0, strconv.ErrSyntax
	}
	return strconv.ParseInt(whole, 10, 64)
}

func parseBool(text []byte) (bool, error) {
	switch string(text) {
	case "true", "True", "TRUE":
		return true, nil
	case "false", "False", "FALSE":
		return false, nil
	}
	return false, strconv.ErrSyntax
}

// parseDate reads the calendar date that text begins with; a time or zone after it says nothing about the day.
func parseDate(text []byte) (days int64, err error) {
	if len(text) > 10 && (text[10] == 'T' || text[10] == '-' || text[10] == '+' || text[10] == 'Z') {
		text = text[:10]
	}
	t, err := time.Parse(time.DateOnly, string(text))
	if err != nil {
		return 0, err
	}
	return t.Unix() / secondsPerDay, nil
}

const secondsPerDay = 24 * 60 * 60

func parseTimestamp(text []byte) (micros int64, err error) {
	for _, layout := range [...]string{time.RFC3339, "2006-01-02T15:04:05Z0700", time.DateOnly} {
		var t time.Time
		if t, err = time.Parse(layout, string(text)); err == nil {
			return t.UnixMicro(), nil
		}
	}
	return 0, err
}
