package app

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/countinghouse/countinghouse/shared/provider/plaid"
	"github.com/countinghouse/countinghouse/shared/sync/engine"
	"github.com/countinghouse/countinghouse/shared/sync/webhook"
)

// news is what an event says beside whom it is about.
type news struct {
	Stream string
	Change engine.Change
	Told   bool
	Mends  bool
	Wrong  bool // it cannot be acted upon
}

var (
	noted   = news{Change: engine.Updated, Told: true}
	unknown = news{Change: engine.Updated}
)

func reads(stream string) news { return news{Stream: stream, Change: engine.Updated} }

func newsOf(t *testing.T, environment, body string) news {
	t.Helper()
	at := time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	events, err := plaidReader(environment).events([]byte(body), webhook.Signed{At: at, Key: "key"})
	if err != nil || len(events) != 1 {
		t.Fatalf("%s: %d events, %v", body, len(events), err)
	}
	e := events[0]
	if e.Key != "key" || !e.At.Equal(at) || e.Object == "" || e.Kind == "" || len(e.Raw) == 0 {
		t.Errorf("%s: %+v", body, e)
	}
	return news{e.Stream, e.Change, e.Told, e.Mends, e.Problem != ""}
}

// plaidNews holds every code that Plaid's reference names.
var plaidNews = map[string]news{
	"TRANSACTIONS/SYNC_UPDATES_AVAILABLE":        reads("transactions"),
	"TRANSACTIONS/INITIAL_UPDATE":                noted,
	"TRANSACTIONS/HISTORICAL_UPDATE":             noted,
	"TRANSACTIONS/DEFAULT_UPDATE":                noted,
	"TRANSACTIONS/TRANSACTIONS_REMOVED":          noted,
	"TRANSACTIONS/RECURRING_TRANSACTIONS_UPDATE": reads("recurring_inflows"),
	"ITEM/ERROR":                                                    reads("items"),
	"ITEM/LOGIN_REPAIRED":                                           {Stream: "items", Change: engine.Mended, Mends: true},
	"ITEM/PENDING_EXPIRATION":                                       {Stream: "items", Change: engine.Ending},
	"ITEM/PENDING_DISCONNECT":                                       {Stream: "items", Change: engine.Ending},
	"ITEM/USER_PERMISSION_REVOKED":                                  reads("items"),
	"ITEM/USER_ACCOUNT_REVOKED":                                     reads("accounts"),
	"ITEM/NEW_ACCOUNTS_AVAILABLE":                                   {Stream: "items", Change: engine.Offered},
	"ITEM/WEBHOOK_UPDATE_ACKNOWLEDGED":                              noted,
	"LIABILITIES/DEFAULT_UPDATE":                                    reads("credit_liabilities"),
	"HOLDINGS/DEFAULT_UPDATE":                                       reads("holdings"),
	"INVESTMENTS_TRANSACTIONS/DEFAULT_UPDATE":                       reads("investment_transactions"),
	"INVESTMENTS_TRANSACTIONS/HISTORICAL_UPDATE":                    reads("investment_transactions"),
	"STATEMENTS/STATEMENTS_REFRESH_COMPLETE":                        reads("statement_accounts"),
	"LINK/SESSION_FINISHED":                                         noted,
	"LINK/ITEM_ADD_RESULT":                                          noted,
	"LINK/EVENTS":                                                   noted,
	"DASHBOARD_CONFIGURED_ALERT/INSTITUTION_STATUS_ALERT_TRIGGERED": noted,

	"LIABILITIES/OWL": reads("credit_liabilities"), // of these, all codes mean a look
	"HOLDINGS/OWL":    reads("holdings"),
	"LINK/OWL":        noted,
	"ITEM/OWL":        unknown,
	"OWL/ERROR":       unknown,
	"item/ERROR":      unknown,
}

// TestPlaidNews: every code of Plaid's means what its row says, for an Item of this environment alone.
func TestPlaidNews(t *testing.T) {
	t.Parallel()
	for name, want := range plaidNews {
		kind, code, _ := strings.Cut(name, "/")
		body := told(kind, code, "item-1")
		foreign, nowhere, nobody := want, want, want
		foreign.Wrong, foreign.Told, foreign.Mends = true, false, false
		if want.Stream != "" {
			nowhere, nobody = foreign, foreign
		}
		for _, tt := range []struct {
			name, body string
			want       news
		}{
			{"as it is", body, want},
			{"of the other environment", strings.Replace(body, "sandbox", "production", 1), foreign},
			{"of none", strings.Replace(body, `"environment": "sandbox"`, `"user_id": "u"`, 1), nowhere},
			{"without an Item", told(kind, code, ""), nobody},
		} {
			if diff := gocmp.Diff(tt.want, newsOf(t, "sandbox", tt.body)); diff != "" {
				t.Errorf("%s, %s (-want +got):\n%s", name, tt.name, diff)
			}
		}
	}
}

// TestPlaidStreams: what is to be read is in the catalog.
func TestPlaidStreams(t *testing.T) {
	t.Parallel()
	known := map[string]bool{"": true}
	for _, table := range plaid.Catalog() {
		known[table.Stream] = true
	}
	for name, m := range plaidMeanings {
		if !known[m.stream] || m.told == (m.stream != "") {
			t.Errorf("%v means %+v", name, m)
		}
	}
}

// TestRecordedPlaidWebhooks reads real bodies. They are not part of this repository.
func TestRecordedPlaidWebhooks(t *testing.T) {
	t.Parallel()
	dir := os.Getenv("COUNTINGHOUSE_FIXTURES")
	if dir == "" {
		t.Skip("COUNTINGHOUSE_FIXTURES is not set")
	}
	files, _ := filepath.Glob(filepath.Join(dir, "plaid", "webhook_*.json"))
	more, _ := filepath.Glob(filepath.Join(dir, "plaid", "more", "webhook_*.json"))
	for _, file := range append(files, more...) {
		body, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var said struct{ Environment, Webhook_type, Webhook_code string } //nolint:revive,staticcheck // as Plaid writes them
		if err := json.Unmarshal(body, &said); err != nil {
			t.Fatal(err)
		}
		want, listed := plaidNews[said.Webhook_type+"/"+said.Webhook_code]
		if diff := gocmp.Diff(want, newsOf(t, said.Environment, string(body))); diff != "" || !listed {
			t.Errorf("%s, listed %v (-want +got):\n%s", filepath.Base(file), listed, diff)
		}
	}
	if len(files)+len(more) < 23 {
		t.Errorf("only %d files", len(files)+len(more))
	}
}
