package store

import (
	"encoding/binary"

	"github.com/countinghouse/countinghouse/shared/catalog"
)

// A field of a binary COPY is its length and its bytes; a length of -1 is null.

// PostgreSQL counts days and microseconds from 2000-01-01.
const (
	epochDays   = 10957
	epochMicros = epochDays * 24 * 60 * 60 * 1_000_000
)

func appendValues(b []byte, types []catalog.Type, values []catalog.Value) ([]byte, error) {
	for i := range values {
		v := &values[i]
		if !v.Valid {
			b = appendNull(b)
			continue
		}
		switch types[i] {
		case catalog.Text:
			b = appendUint32(b, uint32(len(v.Text)))
			b = append(b, v.Text...)
		case catalog.Numeric:
			start := len(b)
			b = appendUint32(b, 0)
			var err error
			if b, err = appendNumeric(b, v.Text); err != nil {
				return b, err
			}
			binary.BigEndian.PutUint32(b[start:], uint32(len(b)-start-4))
		case catalog.Integer:
			b = appendInt64(b, v.Int)
		case catalog.Boolean:
			b = append(b, 0, 0, 0, 1, byte(v.Int))
		case catalog.Date:
			b = appendInt32(b, int32(v.Int-epochDays))
		case catalog.Timestamp:
			b = appendTimestamp(b, v.Int)
		case catalog.JSON:
			b = appendJSON(b, v.Text)
		}
	}
	return b, nil
}

func appendNull(b []byte) []byte { return append(b, 0xff, 0xff, 0xff, 0xff) }

func appendUint32(b []byte, n uint32) []byte { return binary.BigEndian.AppendUint32(b, n) }

func appendInt32(b []byte, n int32) []byte {
	return binary.BigEndian.AppendUint32(append(b, 0, 0, 0, 4), uint32(n))
}

func appendInt64(b []byte, n int64) []byte {
	return binary.BigEndian.AppendUint64(append(b, 0, 0, 0, 8), uint64(n))
}

func appendText(b []byte, s string) []byte {
	return append(appendUint32(b, uint32(len(s))), s...)
}

// appendJSON appends jsonb, whose wire form is its text after a version number.
func appendJSON(b, text []byte) []byte {
	b = append(appendUint32(b, uint32(len(text)+1)), 1)
	return append(b, text...)
}

func appendTimestamp(b []byte, micros int64) []byte { return appendInt64(b, micros-epochMicros) }

func appendInstant(b []byte, i instant) []byte {
	if !i.known {
		return appendNull(b)
	}
	return appendTimestamp(b, i.micros)
}
