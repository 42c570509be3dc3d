package httpclient_test

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"testing"

	"github.com/countinghouse/countinghouse/shared/fault"
	"github.com/countinghouse/countinghouse/shared/platform/httpclient"
)

// What a person reads of a broken call names the provider and the cause, and never the address.
func TestBroken(t *testing.T) {
	t.Parallel()
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	for _, tt := range []struct {
		name   string
		ctx    context.Context
		err    error
		kind   fault.Kind
		says   string
		unsent bool
	}{
		{"stopped", ended, context.Canceled, fault.Stopped, "stopped during a call to Intuit", false},
		{"no such name", t.Context(), &net.DNSError{Name: "secret.example"}, fault.Unavailable, "Intuit can't be reached: its name is not found", true},
		{"refused", t.Context(), &net.OpError{Op: "dial", Err: errors.New("secret")}, fault.Unavailable, "Intuit can't be reached: no connection", true},
		{"another's certificate", t.Context(), &tls.CertificateVerificationError{Err: errors.New("secret")}, fault.Unavailable, "Intuit can't be reached: its certificate is not trusted", true},
		{"slow", t.Context(), context.DeadlineExceeded, fault.Unavailable, "Intuit took too long to answer", false},
		{"cut off", t.Context(), &net.OpError{Op: "read", Err: io.ErrUnexpectedEOF}, fault.Unavailable, "the connection to Intuit broke", false},
	} {
		err := fmt.Errorf("secret: %w", &url.Error{Op: "Get", URL: "https://secret.example/secret", Err: tt.err})
		f := httpclient.Broken(tt.ctx, "Intuit", err)
		if f.Kind != tt.kind || f.Msg != tt.says {
			t.Errorf("%s: %v %q, want %v %q", tt.name, f.Kind, f.Msg, tt.kind, tt.says)
		}
		if got := httpclient.Unreachable(err) != ""; got != tt.unsent {
			t.Errorf("%s: unreachable %v", tt.name, got)
		}
	}
}
