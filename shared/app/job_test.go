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

	"github.com/countinghouse/countinghouse/shared/fault"
	"github.com/countinghouse/countinghouse/shared/org"
)

// nowhere is an environment that would do: dialling the database fails.
var nowhere = []string{
	"DATABASE_URL=postgres://127.0.0.1:1/none?connect_timeout=1", "GOOGLE_CLOUD_PROJECT=demo", "SYNC_TOPIC=ticks",
	"QUICKBOOKS_CLIENT_ID=client", "QUICKBOOKS_CLIENT_SECRET=secret", "PUBSUB_EMULATOR_HOST=127.0.0.1:1", "SECRET_MANAGER_EMULATOR_HOST=127.0.0.1:1",
}

func TestWrongJobOptions(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ args, says string }{
		{"", "say which organisations: -org onpoint,powergen or -all"},
		{"onpoint", `"onpoint" is not an option`},
		{"-org On.Point", "want a slug"},
		{"-org onpoint -all", "-all goes without -org"},
		{"-all -connection 3", "-connection goes with -org and one organisation"},
		{"-org onpoint,powergen -connection 3", "-connection goes with -org and one organisation"},
		{"-org onpoint -connection -3", "-connection: want a connection's number"},
		{"-all -streams Invoice,Invoices", `there is no "Invoices". There are Account, `},
		{"-all -parallel 0", "-parallel 0: want 1 to 32"},
		{"-all -parallel 33", "-parallel 33: want 1 to 32"},
		{"-all -parallel x", `invalid value "x"`},
	} {
		for name, run := range map[string]func(args []string) error{
			"backfill": func(args []string) error {
				return Backfill.Run(t.Context(), args, nowhere, io.Discard, &bytes.Buffer{})
			},
			"reconcile": func(args []string) error {
				return Reconcile.Run(t.Context(), args, nowhere, io.Discard, &bytes.Buffer{})
			},
		} {
			if err := run(strings.Fields(tt.args)); err == nil || !strings.Contains(err.Error(), tt.says) {
				t.Errorf("%s %s: %v, want it to say %q", name, tt.args, err, tt.says)
			}
		}
	}
	for _, tt := range []struct{ args, says string }{
		{"-org onpoint -from 2026-02-30", `-from "2026-02-30": want a day such as 2026-01-31`},
		{"-org onpoint -from 2026-02-01 -to 2026-02-01", "want a day before -to"},
		{"-org onpoint -from 2026-02-02 -to 2026-02-01", "want a day before -to"},
		{"-org onpoint -to 2026-02-01", "-to goes with -from"},
		{"-org onpoint -from 2999-01-01", "want a day that has begun"},
	} {
		if err := Backfill.Run(t.Context(), strings.Fields(tt.args), nowhere, io.Discard, &bytes.Buffer{}); !fault.Is(err, fault.Invalid) || !strings.Contains(err.Error(), tt.says) {
			t.Errorf("backfill %s: %v, want it to say %q", tt.args, err, tt.says)
		}
	}
	if err := Reconcile.Run(t.Context(), []string{"-all", "-restart"}, nowhere, io.Discard, &bytes.Buffer{}); !fault.Is(err, fault.Invalid) || !strings.Contains(err.Error(), "-restart goes with -full") {
		t.Errorf("reconcile -restart: %v", err)
	}
}

func TestJobsWithoutDatabase(t *testing.T) {
	t.Parallel()
	if err := Backfill.Run(t.Context(), []string{"-all"}, nowhere, io.Discard, &bytes.Buffer{}); !fault.Is(err, fault.Unavailable) {
		t.Errorf("backfill: %v", err)
	}
	if err := Reconcile.Run(t.Context(), []string{"-org", "onpoint"}, nowhere, io.Discard, &bytes.Buffer{}); !fault.Is(err, fault.Unavailable) {
		t.Errorf("reconcile: %v", err)
	}
	if err := Backfill.Run(t.Context(), []string{"-all"}, nil, io.Discard, &bytes.Buffer{}); !fault.Is(err, fault.Invalid) || !strings.Contains(err.Error(), "DATABASE_URL") {
		t.Errorf("without settings: %v", err)
	}
}

func TestJobHelp(t *testing.T) {
	t.Parallel()
	for name, run := range map[string]func(words *bytes.Buffer) error{
		"backfill": func(words *bytes.Buffer) error {
			return Backfill.Run(t.Context(), []string{"-h"}, nil, io.Discard, words)
		},
		"reconcile": func(words *bytes.Buffer) error {
			return Reconcile.Run(t.Context(), []string{"-h"}, nil, io.Discard, words)
		},
	} {
		var words bytes.Buffer
		if err := run(&words); !errors.Is(err, flag.ErrHelp) {
			t.Errorf("%s: %v", name, err)
		}
		for _, said := range []string{"Usage: " + name + " -org", "metered call", "-parallel", "-streams"} {
			if !strings.Contains(words.String(), said) {
				t.Errorf("%s does not say %q", name, said)
			}
		}
	}
}

func TestJobOptions(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 21, 8, 0, 0, 0, time.UTC)
	args := strings.Fields("-org onpoint,powergen,onpoint -streams bill,Invoice,Bill -from 2026-01-01 -to 2026-02-01T12:00:00+01:00 -restart")
	o, b, err := backfillOptions(args, nil, &bytes.Buffer{}, now)
	if err != nil || !slices.Equal(o.orgs, []org.Slug{"onpoint", "powergen"}) || !slices.Equal(o.streams, []string{"Bill", "Invoice"}) || o.parallel != 4 {
		t.Errorf("%+v, %v", o, err)
	}
	if b.From.Format(time.RFC3339) != "2026-01-01T00:00:00Z" || b.To.Format(time.RFC3339) != "2026-02-01T11:00:00Z" || !b.Restart {
		t.Errorf("%+v", b)
	}
	// A task that Cloud Run starts once more does not begin anew once more.
	if _, b, _ := backfillOptions(args, []string{"CLOUD_RUN_TASK_ATTEMPT=1"}, &bytes.Buffer{}, now); b.Restart {
		t.Error("the second attempt begins anew")
	}
	if _, b, _ := backfillOptions(args, []string{"CLOUD_RUN_TASK_ATTEMPT=0"}, &bytes.Buffer{}, now); !b.Restart {
		t.Error("the first attempt does not begin anew")
	}
	var got []string
	for _, table := range o.tables("quickbooks") {
		got = append(got, table.Stream)
	}
	slices.Sort(got)
	if !slices.Equal(got, []string{"Bill", "Invoice"}) || len(o.tables("plaid")) != 0 || len(jobOptions{}.tables("quickbooks")) < 30 {
		t.Errorf("streams %q", got)
	}
}
