package store

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/countinghouse/countinghouse/shared/fault"
	"github.com/countinghouse/countinghouse/shared/org"
)

// failure gives err its kind and says what was being done. An error that has a kind keeps it. What
// PostgreSQL says is told by its code and the names of things: its texts may hold values of rows.
func failure(doing string, err error) error {
	if err == nil {
		return nil
	}
	var f *fault.Error
	if errors.As(err, &f) {
		return err
	}
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return fault.Wrap(fault.Stopped, doing, ended(err))
	}
	var pg *pgconn.PgError
	if !errors.As(err, &pg) {
		// pgx's own errors tell of connections and types; only this one quotes a value.
		text, _, _ := strings.Cut(err.Error(), "unable to encode")
		return &fault.Error{Kind: kindOf(err), Msg: doing, Err: errors.New(text)}
	}
	kind := fault.Internal
	if unavailable(pg.Code) {
		kind = fault.Unavailable
	}
	return &fault.Error{Kind: kind, Msg: doing, Err: errors.New(describe(pg))}
}

// ended returns the context's error in err's chain, without what stands around it.
func ended(err error) error {
	if errors.Is(err, context.DeadlineExceeded) {
		return context.DeadlineExceeded
	}
	return context.Canceled
}

// kindOf judges an error that the server did not send: a lost or refused connection is Unavailable.
func kindOf(err error) fault.Kind {
	var connect *pgconn.ConnectError
	var network interface{ Timeout() bool }
	if errors.As(err, &connect) || errors.As(err, &network) || pgconn.SafeToRetry(err) {
		return fault.Unavailable
	}
	text := err.Error()
	for _, sign := range [...]string{"unexpected EOF", "conn closed", "closed pool", "connection reset", "broken pipe", "conn busy"} {
		if strings.Contains(text, sign) {
			return fault.Unavailable
		}
	}
	return fault.Internal
}

// unavailable reports whether a code says that the server cannot work now: connection failures,
// deadlocks and serialization, no room, locked out, shutting down, a statement that took too long.
func unavailable(code string) bool {
	switch {
	case strings.HasPrefix(code, "08"), strings.HasPrefix(code, "40"), strings.HasPrefix(code, "53"),
		strings.HasPrefix(code, "57"), strings.HasPrefix(code, "58"), code == "55P03", code == "25P03":
		return true
	}
	return false
}

func describe(pg *pgconn.PgError) string {
	var b strings.Builder
	fmt.Fprintf(&b, "PostgreSQL %s", pg.Code)
	for _, part := range [...]struct{ name, value string }{
		{"table", pg.TableName}, {"column", pg.ColumnName}, {"constraint", pg.ConstraintName},
	} {
		if part.value != "" {
			fmt.Fprintf(&b, ", %s %s", part.name, part.value)
		}
	}
	if !valued(pg.Code) {
		b.WriteString(": " + pg.Message)
	}
	return b.String()
}

// valued reports whether a code's messages may quote values: data exceptions, constraints, and
// anything that code raised itself.
func valued(code string) bool {
	return strings.HasPrefix(code, "22") || strings.HasPrefix(code, "23") || strings.HasPrefix(code, "P0")
}

// unstorable reports whether err says that a row's data is at fault, and why in words. A violation that
// no constraint is named in is that rows found no table: see sync.open_intake.
func unstorable(err error) (reason string, ok bool) {
	var pg *pgconn.PgError
	if !errors.As(err, &pg) || pg.Code == "23514" && pg.ConstraintName == "" {
		return "", false
	}
	switch pg.Code[:2] {
	case "22", "23", "54": // data exception, integrity constraint, program limit exceeded
		return "the database cannot hold it: " + describe(pg), true
	}
	return "", false
}

func lost(id org.ConnectionID) error {
	return fault.New(fault.Conflict, "the lease on connection "+id.String()+" has passed to another owner")
}
