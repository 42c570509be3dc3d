package plaid

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/countinghouse/countinghouse/shared/fault"
)

func TestLinkToken(t *testing.T) {
	at := func(s string) time.Time { t, _ := time.Parse(time.RFC3339, s); return t }
	const hosted = `{"link_token":"link-1","expiration":"2026-11-21T12:00:00.123Z","hosted_link_url":"https://secure.plaid.com/hl/1","request_id":"1"}`
	for _, tt := range []struct {
		name, body string
		hosted     *Hosted
		want       LinkToken
		kind       fault.Kind
	}{
		{"the documented one", string(fixture(t, "resp_link_token_create.json")), nil,
			LinkToken{Token: "link-sandbox-af1a0311-da53-4636-b754-dd15cc058176", Expires: at("2020-03-27T12:56:34Z")}, ""},
		{"the recorded one", string(fixture(t, "recorded_sandbox_link_token_create.json")), nil,
			LinkToken{Token: "link-sandbox-00000000-0000-0000-0000-000000000001", Expires: at("2025-05-19T21:24:04Z")}, ""},
		{"Plaid's own page", hosted, &Hosted{}, LinkToken{Token: "link-1", Expires: at("2026-11-21T12:00:00.123Z"), HostedURL: "https://secure.plaid.com/hl/1"}, ""},
		{"Plaid's own page without an address", `{"link_token":"link-1"}`, &Hosted{}, LinkToken{}, fault.Unavailable},
		{"no token", `{"expiration":"2026-11-21T12:00:00Z"}`, nil, LinkToken{}, fault.Unavailable},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c, _, _ := scripted(t, ok(tt.body))
			c.opts.Retry.MaxRetries = 0
			got, err := c.LinkToken(t.Context(), LinkRequest{Hosted: tt.hosted})
			if diff := cmp.Diff(tt.want, got); diff != "" || fault.Of(err) != tt.kind {
				t.Errorf("%v (-want +got):\n%s", err, diff)
			}
		})
	}
}

func TestExchange(t *testing.T) {
	for name, want := range map[string]Grant{
		"resp_item_public_token_exchange.json":        {"access-sandbox-de3ce8ef-33f8-452c-a685-8671031fc0f6", "M5eVJqLnv3tbzdngLDp9FL5OlDNxlNhlE55op"},
		"recorded_sandbox_public_token_exchange.json": {"access-sandbox-00000000-0000-0000-0000-000000000001", "n7XKpjRmDkHENymaBw7rU71wxQnrW4i6DDrQP"},
	} {
		c, _, _ := scripted(t, ok(string(fixture(t, name))))
		if got, err := c.Exchange(t.Context(), "public-1"); got != want || err != nil {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
	for _, body := range []string{`{"access_token":"","item_id":"i"}`, `{"access_token":"a"}`, `{"access_token":"a","item_id":""}`} {
		c, _, _ := scripted(t, ok(body))
		c.opts.Retry.MaxRetries = 0
		if got, err := c.Exchange(t.Context(), "public-1"); got != (Grant{}) || !fault.Is(err, fault.Unavailable) {
			t.Errorf("%s: %+v, %v", body, got, err)
		}
	}
}

// TestRecordedLinkSession: both banks that one session connected, with their accounts.
func TestRecordedLinkSession(t *testing.T) {
	c, _, _ := scripted(t, ok(string(fixture(t, "more/resp_link_token_get.json"))))
	s, err := c.LinkSession(t.Context(), "link-1")
	if err != nil || !s.Finished || !s.Succeeded || s.ExitCode != "" || s.ExitMessage != "" || len(s.Items) != 2 {
		t.Fatalf("%+v, %v", s, err)
	}
	if first := s.Items[0]; string(first.Public) != "public-sandbox-3b9687f0-3abd-4913-9889-f0ba816d4a3a" || len(first.Accounts) < 3 ||
		first.Accounts[1] != (LinkedAccount{"VJyR7wRm79TNGEKxpEG9fjpJ1mmM5Bt9ymVkR", "Plaid Saving", "1111", "depository", "savings"}) {
		t.Errorf("first: %+v", first)
	}
	want := LinkedItem{
		Public: "public-sandbox-44ba202e-bf6b-45c6-a5ba-d526765626a9", InstitutionID: "ins_20", InstitutionName: "Citizens Bank",
		Accounts: []LinkedAccount{{"qvqrX8gDvxCdyvvgGkKzSNPzDwaQGjFgyQk5Z", "Checking", "4007", "depository", "checking"}},
	}
	if diff := cmp.Diff(want, s.Items[1]); diff != "" {
		t.Errorf("second (-want +got):\n%s", diff)
	}
}

// TestLinkSessions: what became of a link token, of all that may have happened in its windows.
func TestLinkSessions(t *testing.T) {
	added := func(n int) string {
		return fmt.Sprintf(`"results":{"item_add_results":[{"public_token":"public-%d","institution":{"institution_id":"ins_%[1]d","name":"Bank"},"accounts":[]}]}`, n)
	}
	item := func(n int) []LinkedItem {
		return []LinkedItem{{Public: Secret(fmt.Sprintf("public-%d", n)), InstitutionID: fmt.Sprintf("ins_%d", n), InstitutionName: "Bank"}}
	}
	const (
		left   = `{"link_session_id":"1","started_at":"2026-01-01T10:00:00Z","finished_at":"2026-01-01T10:05:00Z","exit":{"error":null,"metadata":{"status":"requires_credentials"}},"results":null}`
		failed = `{"started_at":"2026-01-01T10:00:00Z","finished_at":"2026-01-01T10:05:00Z","exit":{"error":{"error_type":"ITEM_ERROR","error_code":"INVALID_CREDENTIALS","error_message":"` + quoted + `","display_message":null}}}`
	)
	locked := Problem(json.RawMessage(said("ITEM_ERROR", "INVALID_CREDENTIALS"))).Error()
	locked, _, _ = strings.Cut(locked, " (request")
	for _, tt := range []struct {
		name, sessions string
		want           LinkSession
	}{
		{"nobody came", `[]`, LinkSession{}},
		{"nobody came, said otherwise", `null`, LinkSession{}},
		{"somebody is there", `[{"link_session_id":"1","started_at":"2026-01-01T10:00:00Z","finished_at":null,"events":[{"event_name":"OPEN"}]}]`, LinkSession{}},
		{"they left", `[` + left + `]`, LinkSession{Finished: true}},
		{"the bank refused", `[` + failed + `]`, LinkSession{Finished: true, ExitCode: "INVALID_CREDENTIALS", ExitMessage: locked}},
		{"the bank refused, as it was told before", `[{"on_exit":{"error":{"error_type":"ITEM_ERROR","error_code":"INVALID_CREDENTIALS"}}}]`,
			LinkSession{Finished: true, ExitCode: "INVALID_CREDENTIALS", ExitMessage: locked}},
		{"connected", `[{"started_at":"2026-01-01T10:00:00Z","finished_at":"2026-01-01T10:05:00Z",` + added(1) + `}]`, LinkSession{Finished: true, Succeeded: true, Items: item(1)}},
		{"connected, as it was told before", `[{"finished_at":"2026-01-01T10:05:00Z","on_success":{"public_token":"public-1","metadata":{"institution":{"institution_id":"ins_1","name":"Bank"},"accounts":null}}}]`,
			LinkSession{Finished: true, Succeeded: true, Items: item(1)}},
		{"mended", `[{"finished_at":"2026-01-01T10:05:00Z","events":[{"event_name":"OPEN"},{"event_name":"HANDOFF"}],"results":{"item_add_results":[]}}]`,
			LinkSession{Finished: true, Succeeded: true}},
		{"refused, then connected", `[` + failed + `,{"started_at":"2026-01-01T11:00:00.5Z",` + added(2) + `}]`, LinkSession{Finished: true, Succeeded: true, Items: item(2)}},
		{"connected, then opened again", `[{"started_at":"2026-01-01T10:00:00Z",` + added(1) + `},{"started_at":"2026-01-01T11:00:00Z","finished_at":null}]`,
			LinkSession{Finished: true, Succeeded: true, Items: item(1)}},
		{"connected twice", `[{"started_at":"2026-01-01T12:00:00Z",` + added(2) + `},{"started_at":"2026-01-01T11:00:00Z",` + added(1) + `}]`,
			LinkSession{Finished: true, Succeeded: true, Items: item(2)}},
		{"left, then there again", `[` + left + `,{"started_at":"2026-01-01T11:00:00Z"}]`, LinkSession{}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c, _, _ := scripted(t, ok(`{"link_token":"link-1","link_sessions":`+tt.sessions+`,"metadata":{}}`))
			got, err := c.LinkSession(t.Context(), "link-1")
			if diff := cmp.Diff(tt.want, got); diff != "" || err != nil {
				t.Errorf("%v (-want +got):\n%s", err, diff)
			}
		})
	}
	for _, body := range []string{`{}`, `[]`, `{"link_token":"l","link_sessions":{}}`, `{"link_token":"l","link_sessions":[7]}`} {
		c, _, _ := scripted(t, ok(body))
		c.opts.Retry.MaxRetries = 0
		if _, err := c.LinkSession(t.Context(), "link-1"); !fault.Is(err, fault.Unavailable) {
			t.Errorf("%s: %v", body, err)
		}
	}
}
