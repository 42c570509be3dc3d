package webhook_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/countinghouse/countinghouse/shared/fault"
)

// TestFloodIsToldOnceAMinute: strangers' deliveries do not fill the log with errors; a check that failed is one.
func TestFloodIsToldOnceAMinute(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake()
		many := fault.New(fault.Unavailable, "too many")
		f.verify = func(context.Context) error { return many }
		re := f.receiver()
		re.Flood = func(err error) bool { return errors.Is(err, many) }
		send := func(times int) {
			for range times {
				r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader("a/1"))
				r.Header.Set("X-Signature", "good")
				w := httptest.NewRecorder()
				if re.ServeHTTP(w, r); w.Code != http.StatusServiceUnavailable {
					t.Errorf("status %d", w.Code)
				}
			}
		}
		send(100)
		time.Sleep(time.Minute)
		send(1)
		log := f.logs.String()
		if strings.Count(log, `"event":"webhook_keys_flood"`) != 2 || !strings.Contains(log, `"count":100`) || strings.Contains(log, "ERROR") {
			t.Errorf("log %s", log)
		}
		re.Flood = func(error) bool { return false }
		send(1)
		if !strings.Contains(f.logs.String(), `"event":"webhook_failed"`) {
			t.Error("a failed look-up is no error")
		}
	})
}
