package qbosim

import (
	"strconv"
	"time"
	_ "time/tzdata" // a bare machine has no zone files
)

// pacific is the zone in which QBO prints every instant, wherever the company is.
var pacific = mustLoad("America/Los_Angeles")

func mustLoad(name string) *time.Location {
	loc, err := time.LoadLocation(name)
	if err != nil {
		panic(err) // the zone files are part of the program
	}
	return loc
}

const (
	stampLayout    = "2006-01-02T15:04:05-07:00"
	envelopeLayout = "2006-01-02T15:04:05.000-07:00"
)

// appendStamp prints an instant in unix seconds as MetaData shows it.
func appendStamp(dst []byte, unix int64) []byte {
	return time.Unix(unix, 0).In(pacific).AppendFormat(dst, stampLayout)
}

// appendDate prints the company's calendar day of an instant.
func appendDate(dst []byte, unix int64) []byte {
	return time.Unix(unix, 0).In(pacific).AppendFormat(dst, time.DateOnly)
}

const hexDigits = "0123456789abcdef"

// appendText prints s as a JSON string.
func appendText(dst []byte, s string) []byte {
	dst = append(dst, '"')
	from := 0
	for i := range len(s) {
		ch := s[i]
		if ch >= 0x20 && ch != '"' && ch != '\\' {
			continue
		}
		dst = append(dst, s[from:i]...)
		from = i + 1
		switch ch {
		case '"', '\\':
			dst = append(dst, '\\', ch)
		case '\n':
			dst = append(dst, `\n`...)
		case '\t':
			dst = append(dst, `\t`...)
		default:
			dst = append(dst, `\u00`...)
			dst = append(dst, hexDigits[ch>>4], hexDigits[ch&15])
		}
	}
	dst = append(dst, s[from:]...)
	return append(dst, '"')
}

// appendMember prints ,"key":"text". The key needs no escaping.
func appendMember(dst []byte, key, text string) []byte {
	return appendText(appendKey(dst, key), text)
}

// appendKey prints ,"key": for a value that follows.
func appendKey(dst []byte, key string) []byte {
	dst = append(dst, `,"`...)
	dst = append(dst, key...)
	return append(dst, `":`...)
}

// appendRef prints {"value":…,"name":…}.
func appendRef(dst []byte, value, name string) []byte {
	dst = append(dst, `{"value":`...)
	dst = appendText(dst, value)
	dst = append(dst, `,"name":`...)
	dst = appendText(dst, name)
	return append(dst, '}')
}

// appendQuotedInt prints "n".
func appendQuotedInt(dst []byte, n int64) []byte {
	dst = append(dst, '"')
	dst = strconv.AppendInt(dst, n, 10)
	return append(dst, '"')
}
