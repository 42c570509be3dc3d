package app

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/countinghouse/countinghouse/shared/org"
	"github.com/countinghouse/countinghouse/shared/provider/quickbooks/qbosim"
	"github.com/countinghouse/countinghouse/shared/sync/reconcile"
)

// TestRestoredWithoutSecrets: the secrets are gone with the region. Nothing is asked of anybody while that
// may be a wrong setting; once the operator has said so, each organisation is asked for a new login,
// in words, and goes on where it was.
func TestRestoredWithoutSecrets(t *testing.T) {
	w := newWhole(t, qbosim.Config{NoLimits: true})
	c := w.attach("onpoint", onpointRealm)
	w.sync("onpoint")
	w.vars = append(w.vars, "GOOGLE_CLOUD_PROJECT=elsewhere")
	w.syncOrg = w.process()
	tick := func(wantState org.State, wantReason string) {
		t.Helper()
		w.later()
		if status := w.push(w.syncOrg, org.Tick{Org: "onpoint", Reason: org.Schedule}); status != http.StatusNoContent {
			t.Errorf("the tick is answered %d", status)
		}
		got, err := w.store.Connection(t.Context(), c.ID)
		if err != nil || got.State != wantState || !strings.Contains(got.Reason, wantReason) {
			t.Errorf("connection is %s: %s, %v; want %s: %s", got.State, got.Reason, err, wantState, wantReason)
		}
	}
	tick(org.Active, "check GOOGLE_CLOUD_PROJECT, or connect again")

	var out bytes.Buffer
	if err := Migrate.Run(t.Context(), []string{"-restored", "-secrets-lost"}, w.asOwner(), &out, io.Discard); err != nil {
		t.Fatal(err)
	}
	for _, line := range []string{"1 connections have lost their tokens", "restored: 1 connections are due"} {
		if !strings.Contains(out.String(), line) {
			t.Errorf("it does not say %q:\n%s", line, &out)
		}
	}
	tick(org.NeedsReauth, "no usable token any more: connect again")
	if _, err := w.store.Pool.Exec(t.Context(), `UPDATE sync.connections SET state = 'active'`); err != nil { // as the callback does
		t.Fatal(err)
	}
	w.login(c, 0)
	tick(org.Active, "")
	if n := fmt.Sprint(w.sim.Stats().Refreshes); n == "0" {
		t.Error("the new login was not used")
	}
}

// TestRestoredRoundBeginsAnew: the restored database says that this week's round has compared the customers
// already. That was another database: the full check after the restore leaves nothing out, without -restart.
func TestRestoredRoundBeginsAnew(t *testing.T) {
	w := newWhole(t, qbosim.Config{NoLimits: true})
	w.attach("onpoint", onpointRealm)
	w.sync("onpoint")
	check := func(streams ...string) {
		t.Helper()
		if err := w.job(jobOptions{all: true, streams: streams}).reconcile(t.Context(), reconcile.Check{Full: true}); err != nil {
			t.Fatal(err)
		}
	}
	check("Customer") // and then it was stopped
	w.exec(`UPDATE quickbooks.customers SET balance = balance + 1`)
	if err := Migrate.Run(t.Context(), []string{"-restored"}, w.asOwner(), io.Discard, io.Discard); err != nil {
		t.Fatal(err)
	}
	check("Customer", "Invoice")
	differed := w.told("reconciled")
	if len(differed) != 1 || differed[0]["stream"] != "Customer" || differed[0]["damaged"] != differed[0]["mended"] {
		t.Errorf("it tells %v, want all customers mended", differed)
	}
}
