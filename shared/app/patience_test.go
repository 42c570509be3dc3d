package app

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/countinghouse/countinghouse/shared/platform/tracing"
)

// TestWebhooksAreAnsweredInTime: the answer may have to wait for its spans, and still be in time.
func TestWebhooksAreAnsweredInTime(t *testing.T) {
	t.Parallel()
	if all := quickBooksPatience.Answer + tracing.FlushWait; all > 2900*time.Millisecond {
		t.Errorf("Intuit waits 3 s, and we answer after %s", all)
	}
	if all := plaidPatience.Answer + tracing.FlushWait; all > 9900*time.Millisecond {
		t.Errorf("Plaid waits 10 s, and we answer after %s", all)
	}
}

// TestTheClockRunsFromTheArrivalOn: the look at the schema, in the first request of a process, is part of
// what a provider waits for, and leaves most of that to what the webhook is about.
func TestTheClockRunsFromTheArrivalOn(t *testing.T) {
	silent, err := net.Listen("tcp", "127.0.0.1:0") // a database that does not answer
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	vars := []string{"DATABASE_URL=postgres://" + silent.Addr().String() + "/none", "PLAID_CLIENT_ID=client", "PLAID_SECRET=secret"}
	p, quickBooks := newWebhooks(t, vars...)
	h, end, err := PlaidWebhook.Build(t.Context(), p.vars, p.log())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { end(context.Background()) })
	for name, r := range map[string]ready{"quickbooks": quickBooks, "plaid": h.(ready)} {
		if r.patience == 0 {
			t.Errorf("%s: it has no limit", name)
		}
		r.patience = time.Second
		for _, method := range []string{"POST", "GET"} {
			r.Handler = http.HandlerFunc(func(_ http.ResponseWriter, q *http.Request) {
				if _, has := q.Context().Deadline(); has != (method == "POST") || q.Context().Err() != nil {
					t.Errorf("%s, %s: it has a limit: %t; when its turn comes: %v", name, method, has, q.Context().Err())
				}
			})
			r.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(method, "/", nil))
			r.current.Store(true)
		}
	}
}
