package quickbooks

import (
	"context"
	"crypto/tls"
	"errors"
	"net"

	"github.com/countinghouse/countinghouse/shared/fault"
)

// broken gives a kind to a failure of the network: Stopped when ctx ended, else Unavailable.
// The error itself is left out: it would show the address, and with it the statement.
func broken(ctx context.Context, err error) *refused {
	if ctx.Err() != nil {
		return &refused{fault: &fault.Error{Kind: fault.Stopped, Msg: "stopped during a call to QuickBooks", Err: ctx.Err()}}
	}
	r := &refused{slow: timedOut(err), fault: fault.New(fault.Unavailable, "")}
	why := unreachable(err)
	switch {
	case why != "":
		r.fault.Msg = "QuickBooks can't be reached: " + why
	case r.slow:
		r.fault.Msg = "QuickBooks took too long to answer"
	default:
		r.fault.Msg = "the connection to QuickBooks broke"
	}
	return r
}

func timedOut(err error) bool {
	var t net.Error
	return errors.As(err, &t) && t.Timeout()
}

// unreachable says why there was no connection, so that nothing can have been sent; "" if there was one.
func unreachable(err error) string {
	var name *net.DNSError
	var certificate *tls.CertificateVerificationError
	var op *net.OpError
	switch {
	case errors.As(err, &name):
		return "its name is not found"
	case errors.As(err, &certificate):
		return "its certificate is not trusted"
	case errors.As(err, &op) && op.Op == "dial":
		return "no connection"
	default:
		return ""
	}
}
