package plaid

import (
	"context"
	"crypto/tls"
	"errors"
	"net"

	"github.com/countinghouse/countinghouse/shared/fault"
)

// broken gives a kind to a failure of the network: Stopped when ctx ended, else Unavailable.
// The error itself is left out: those of net/http show the address.
func broken(ctx context.Context, err error) *refused {
	if ctx.Err() != nil {
		return &refused{fault: &fault.Error{Kind: fault.Stopped, Msg: "stopped during a call to Plaid", Err: ctx.Err()}}
	}
	f := &refused{fault: fault.New(fault.Unavailable, "the connection to Plaid broke")}
	if why := unreachable(err); why != "" {
		f.unsent, f.fault.Msg = true, "Plaid can't be reached: "+why
	} else if timedOut(err) {
		f.fault.Msg = "Plaid took too long to answer"
	}
	return f
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
