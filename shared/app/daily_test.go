package app

import (
	"bytes"
	"errors"
	"flag"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc/codes"

	"github.com/countinghouse/countinghouse/shared/fault"
	"github.com/countinghouse/countinghouse/shared/platform/vault"
	"github.com/countinghouse/countinghouse/shared/provider/quickbooks/qbosim"
)

// housekeeping are two companies, and something to do of each kind.
type housekeeping struct {
	*whole
	vault *vault.SecretManager
}

func newHousekeeping(t *testing.T) *housekeeping {
	t.Helper()
	h := &housekeeping{whole: newWhole(t, qbosim.Config{NoLimits: true})}
	var err error
	if h.vault, err = vault.OpenSecretManager(t.Context(), vault.Config{Project: "demo", Emulator: h.secrets.Addr()}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { h.vault.Close() }) //nolint:errcheck // the test is over
	one := h.attach("onpoint", onpointRealm)
	h.attach("powergen", powergenRealm)
	h.secrets.FailNext("DestroySecretVersion", 1, codes.PermissionDenied)
	h.login(one, time.Hour) // its first version stays
	h.keep("connection-gone-quickbooks-99", "connection-gone-plaid-98", "unconnection-of-another")
	if err := h.vault.DestroyUpTo(t.Context(), "connection-gone-plaid-98", 1); err != nil {
		t.Fatal(err)
	}
	h.spoil(`UPDATE sync.connections SET parked_token = 'sealed' WHERE id = 2`)
	h.leave()
	return h
}

// keep makes secrets.
func (h *housekeeping) keep(names ...string) {
	h.Helper()
	for _, name := range names {
		if _, err := h.vault.Add(h.Context(), name, []byte("payload")); err != nil {
			h.Fatal(err)
		}
	}
}

// leave leaves an attempt to connect that died, and a run that is too old.
func (h *housekeeping) leave() {
	h.spoil(`INSERT INTO sync.connections (org_id, provider, account, state) VALUES ('onpoint', 'quickbooks', 'left', 'connecting')`)
	h.spoil(`INSERT INTO sync.runs (org_id, connection_id, reason, streams, started_at, written) VALUES ('onpoint', 1, 'schedule', '{}', now() - interval '91 days', 1)`)
}

// left reports what is yet to be done.
func (h *housekeeping) left() (runs, attempts, versions int) {
	h.Helper()
	for _, v := range h.secrets.Versions("projects/demo/secrets/connection-onpoint-quickbooks-1") {
		if v.State == "ENABLED" {
			versions++
		}
	}
	return h.count(`SELECT count(*) FROM sync.runs WHERE written = 1`), h.count(`SELECT count(*) FROM sync.connections WHERE state = 'connecting'`), versions - 1
}

func (h *housekeeping) do() error { return h.job(jobOptions{}).daily(h.Context(), h.vault) }

func TestDaily(t *testing.T) {
	h := newHousekeeping(t)
	if runs, attempts, versions := h.left(); runs != 1 || attempts != 1 || versions != 1 {
		t.Fatalf("there is nothing to do: %d runs, %d attempts, %d versions", runs, attempts, versions)
	}
	h.spoil(`UPDATE sync.job_runs SET ended_at = '2020-01-01'`)
	if err := h.do(); err != nil {
		t.Fatal(err)
	}
	if n := h.count(`SELECT count(*) FROM sync.job_runs WHERE job = 'daily' AND ended_at > '2020-01-01'`); n != 1 {
		t.Error("it does not note that it has ended")
	}
	if runs, attempts, versions := h.left(); runs != 0 || attempts != 0 || versions != 0 {
		t.Errorf("it has left %d runs, %d attempts, %d versions", runs, attempts, versions)
	}
	if err := h.do(); err != nil { // again: there is nothing left
		t.Fatal(err)
	}
	lines := h.told("daily")
	for i, want := range []map[string]any{
		{"outcome": "done", "attempts_ended": 1.0, "versions_destroyed": 1.0, "parked": 1.0, "orphaned": 1.0, "secrets": 3.0},
		{"outcome": "done", "attempts_ended": 0.0, "versions_destroyed": 0.0, "parked": 1.0, "orphaned": 1.0, "secrets": 3.0, "rows_dropped": 0.0},
	} {
		for key, value := range want {
			if lines[i][key] != value {
				t.Errorf("start %d tells %s %v, want %v", i+1, key, lines[i][key], value)
			}
		}
	}
	if parked := h.told("parked_token"); len(parked) != 2 || parked[0]["connection"] != 2.0 {
		t.Errorf("of parked tokens it tells %v", parked)
	}
	if orphans := h.told("orphaned_secret"); len(orphans) != 2 || orphans[0]["name"] != "connection-gone-quickbooks-99" {
		t.Errorf("of secrets that no connection has it tells %v", orphans)
	}
	if !slices.Contains(h.secrets.Secrets(), "projects/demo/secrets/connection-gone-quickbooks-99") {
		t.Error("it deletes what may be the last of a login")
	}
}

// TestDailyPartsFailAlone: what fails is said, and does not keep the rest from being done.
func TestDailyPartsFailAlone(t *testing.T) {
	h := newHousekeeping(t)
	h.secrets.FailNext("ListSecrets", 1, codes.PermissionDenied)
	h.spoil(`UPDATE sync.job_runs SET ended_at = '2020-01-01'`)
	err := h.do()
	if n := h.count(`SELECT count(*) FROM sync.job_runs WHERE ended_at > '2020-01-01'`); n != 0 {
		t.Error("it notes that it has ended well")
	}
	if runs, attempts, versions := h.left(); !fault.Is(err, fault.Forbidden) || !strings.HasPrefix(err.Error(), "secrets: ") || runs != 0 || attempts != 0 || versions != 1 {
		t.Errorf("without Secret Manager: %d runs, %d attempts, %d versions are left, %v", runs, attempts, versions, err)
	}
	if line := h.told("daily"); line[0]["outcome"] != "not done" {
		t.Errorf("it tells %v", line)
	}
	h.leave()
	h.spoil(`ALTER TABLE sync.census RENAME TO away`)
	err = h.do()
	if runs, attempts, versions := h.left(); err == nil || !strings.HasPrefix(err.Error(), "old bookkeeping: ") || strings.Contains(err.Error(), "\n") || runs != 0 || attempts != 0 || versions != 0 {
		t.Errorf("without a table: %d runs, %d attempts, %d versions are left, %v", runs, attempts, versions, err)
	}
}

func TestDailyTakesNoArguments(t *testing.T) {
	t.Parallel()
	var words bytes.Buffer
	if err := Daily.Run(t.Context(), []string{"-h"}, nil, io.Discard, &words); !errors.Is(err, flag.ErrHelp) || !strings.Contains(words.String(), "Usage: daily\n") {
		t.Errorf("asked for help: %v, %q", err, &words)
	}
	for _, arg := range []string{"onpoint", "-all"} {
		if err := Daily.Run(t.Context(), []string{arg}, nil, io.Discard, io.Discard); err == nil || !strings.Contains(err.Error(), arg) {
			t.Errorf("%s: %v", arg, err)
		}
	}
	if err := Daily.Run(t.Context(), nil, nil, io.Discard, io.Discard); !fault.Is(err, fault.Invalid) || !strings.Contains(err.Error(), "QUICKBOOKS_CLIENT_ID") {
		t.Errorf("without settings: %v", err)
	}
}
