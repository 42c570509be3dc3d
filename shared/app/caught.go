package app

import (
	"context"
	"log/slog"
	"runtime/debug"

	"github.com/countinghouse/countinghouse/shared/fault"
	"github.com/countinghouse/countinghouse/shared/org"
	"github.com/countinghouse/countinghouse/shared/platform/logging"
)

// caught does f for a connection, and makes its panic an error once that is told. On a goroutine of its
// own, where most work is done, a panic would end the program in the middle of everybody else's.
func caught(ctx context.Context, log *slog.Logger, c org.ConnectionID, f func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			log.ErrorContext(ctx, "panic", "event", "panic", "connection", int64(c), logging.StackKey, fault.Stack(p, debug.Stack()))
			err = fault.New(fault.Internal, "a programming error ended it, the log tells where: report it")
		}
	}()
	return f()
}
