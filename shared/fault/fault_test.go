package fault_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"testing"
	"time"

	"github.com/countinghouse/countinghouse/shared/fault"
)

func TestKinds(t *testing.T) {
	t.Parallel()
	limited := &fault.Error{Kind: fault.RateLimited, Msg: "slow down", After: time.Minute}
	for _, tt := range []struct {
		name  string
		err   error
		kind  fault.Kind
		retry bool
		after time.Duration
	}{
		{"nothing", nil, "", false, 0},
		{"a stranger", io.EOF, fault.Internal, true, 0},
		{"cancelled", fmt.Errorf("read: %w", context.Canceled), fault.Stopped, true, 0},
		{"out of time", context.DeadlineExceeded, fault.Stopped, true, 0},
		{"out of time, with a kind", fault.Wrap(fault.Unavailable, "call", context.DeadlineExceeded), fault.Unavailable, true, 0},
		{"invalid", fault.New(fault.Invalid, "x"), fault.Invalid, false, 0},
		{"not found", fault.New(fault.NotFound, "x"), fault.NotFound, false, 0},
		{"conflict", fault.New(fault.Conflict, "x"), fault.Conflict, true, 0},
		{"forbidden", fault.New(fault.Forbidden, "x"), fault.Forbidden, false, 0},
		{"reconnect", fault.New(fault.Reconnect, "x"), fault.Reconnect, false, 0},
		{"paused", fault.New(fault.Paused, "x"), fault.Paused, false, 0},
		{"unavailable", fault.New(fault.Unavailable, "x"), fault.Unavailable, true, 0},
		{"stopped", fault.New(fault.Stopped, "x"), fault.Stopped, true, 0},
		{"rate limited, below words", fmt.Errorf("page 3: %w", limited), fault.RateLimited, true, time.Minute},
		{"the outermost kind counts", fault.Wrap(fault.Paused, "give up", limited), fault.Paused, false, 0},
		{"one of several", errors.Join(io.EOF, limited), fault.RateLimited, true, time.Minute},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := fault.Of(tt.err); got != tt.kind {
				t.Errorf("kind %q, want %q", got, tt.kind)
			}
			if got := fault.Retry(tt.err); got != tt.retry {
				t.Errorf("retry %v, want %v", got, tt.retry)
			}
			if got := fault.After(tt.err); got != tt.after {
				t.Errorf("after %v, want %v", got, tt.after)
			}
			if fault.Is(tt.err, tt.kind) != (tt.err != nil) || fault.Is(tt.err, "another") {
				t.Errorf("Is does not agree with Of")
			}
		})
	}
}

func TestWords(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		err  error
		want string
	}{
		{fault.New(fault.Invalid, "no id"), "no id"},
		{fault.Wrap(fault.Unavailable, "ask for a page", io.ErrUnexpectedEOF), "ask for a page: unexpected EOF"},
		{fault.Wrap(fault.Unavailable, "", io.EOF), "EOF"},
		{&fault.Error{Kind: fault.Invalid, Msg: "refused", Ref: "1-69f9"}, "refused (request 1-69f9)"},
		{&fault.Error{Kind: fault.Invalid, Msg: "refused", Ref: "1-69f9", Err: io.EOF}, "refused: EOF (request 1-69f9)"},
	} {
		if got := tt.err.Error(); got != tt.want {
			t.Errorf("%q, want %q", got, tt.want)
		}
	}
}

func TestWrap(t *testing.T) {
	t.Parallel()
	if err := fault.Wrap(fault.Internal, "x", nil); err != nil {
		t.Errorf("wrapped nothing: %v", err)
	}
	if err := fault.Wrap(fault.Unavailable, "x", io.EOF); !errors.Is(err, io.EOF) {
		t.Error("the cause is lost")
	}
}
