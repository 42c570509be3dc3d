package httpclient

import (
	"context"
	"crypto/tls"
	"errors"
	"net"

	"github.com/countinghouse/countinghouse/shared/fault"
)

// Broken gives a kind to a call that the network ended, by the name that people know the provider by:
// Stopped when ctx ended, else Unavailable. The error itself is left out: those of net/http show the
// address, and with it what was asked.
func Broken(ctx context.Context, provider string, err error) *fault.Error {
	if ctx.Err() != nil {
		return &fault.Error{Kind: fault.Stopped, Msg: "stopped during a call to " + provider, Err: ctx.Err()}
	}
	if why := Unreachable(err); why != "" {
		return fault.New(fault.Unavailable, provider+" can't be reached: "+why)
	}
	if TimedOut(err) {
		return fault.New(fault.Unavailable, provider+" took too long to answer")
	}
	return fault.New(fault.Unavailable, "the connection to "+provider+" broke")
}

// TimedOut reports whether a call took too long.
func TimedOut(err error) bool {
	var t net.Error
	return errors.As(err, &t) && t.Timeout()
}

// Unreachable says why there was no connection, so that nothing can have been sent; "" if there was one.
func Unreachable(err error) string {
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
