package plaid

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// requests has every call there is: what is sent, and the schema of Plaid's description that it must fit.
var requests = []struct {
	name, path, schema string
	call               func(ctx context.Context, c *Client, i *Item) error
	want               string
	app                bool // about no Item: else the access token is there too
}{
	{"sync from the beginning", "/transactions/sync", "TransactionsSyncRequest", func(ctx context.Context, _ *Client, i *Item) error {
		_, err := i.Sync(ctx, "", 0)
		return err
	}, `{"count":500,"options":{"include_original_description":true}}`, false},
	{"sync from a cursor", "/transactions/sync", "TransactionsSyncRequest", func(ctx context.Context, _ *Client, i *Item) error {
		_, err := i.Sync(ctx, "CAES==", 100)
		return err
	}, `{"count":100,"cursor":"CAES==","options":{"include_original_description":true}}`, false},
	{"a range", "/transactions/get", "TransactionsGetRequest", func(ctx context.Context, _ *Client, i *Item) error {
		_, err := i.Transactions(ctx, Range{From: "2026-01-01", To: "2026-01-31", Count: 1})
		return err
	}, `{"end_date":"2026-01-31","options":{"count":1,"include_original_description":true,"offset":0},"start_date":"2026-01-01"}`, false},
	{"a range of investments", "/investments/transactions/get", "InvestmentsTransactionsGetRequest", func(ctx context.Context, _ *Client, i *Item) error {
		_, err := i.InvestmentTransactions(ctx, Range{From: "2026-01-01", To: "2026-01-31", Offset: 500})
		return err
	}, `{"end_date":"2026-01-31","options":{"count":500,"offset":500},"start_date":"2026-01-01"}`, false},
	{"state", "/item/get", "ItemGetRequest", func(ctx context.Context, _ *Client, i *Item) error { _, err := i.Get(ctx); return err }, `{}`, false},
	{"remove", "/item/remove", "ItemRemoveRequest", func(ctx context.Context, _ *Client, i *Item) error { return i.Remove(ctx) }, `{}`, false},
	{"a webhook", "/item/webhook/update", "ItemWebhookUpdateRequest", func(ctx context.Context, _ *Client, i *Item) error {
		return i.UpdateWebhook(ctx, "https://example.com/w")
	}, `{"webhook":"https://example.com/w"}`, false},
	{"no webhook", "/item/webhook/update", "ItemWebhookUpdateRequest", func(ctx context.Context, _ *Client, i *Item) error {
		return i.UpdateWebhook(ctx, "")
	}, `{"webhook":null}`, false},
	{"another token", "/item/access_token/invalidate", "ItemAccessTokenInvalidateRequest", func(ctx context.Context, _ *Client, i *Item) error {
		_, err := i.Invalidate(ctx)
		return err
	}, `{}`, false},
	{"accounts", "/accounts/get", "AccountsGetRequest", func(ctx context.Context, _ *Client, i *Item) error { _, err := i.Accounts(ctx); return err }, `{}`, false},
	{"all balances", "/accounts/balance/get", "AccountsBalanceGetRequest", func(ctx context.Context, _ *Client, i *Item) error {
		_, err := i.Balances(ctx, BalancesQuery{})
		return err
	}, `{}`, false},
	{"some balances", "/accounts/balance/get", "AccountsBalanceGetRequest", func(ctx context.Context, _ *Client, i *Item) error {
		_, err := i.Balances(ctx, BalancesQuery{Accounts: []string{"a"}, Since: time.Date(2026, 1, 1, 9, 0, 0, 5, time.FixedZone("", 9*3600))})
		return err
	}, `{"options":{"account_ids":["a"],"min_last_updated_datetime":"2026-01-01T00:00:00Z"}}`, false},
	{"refresh", "/transactions/refresh", "TransactionsRefreshRequest", func(ctx context.Context, _ *Client, i *Item) error { return i.Refresh(ctx) }, `{}`, false},
	{"recurring", "/transactions/recurring/get", "TransactionsRecurringGetRequest", func(ctx context.Context, _ *Client, i *Item) error {
		_, err := i.Recurring(ctx)
		return err
	}, `{}`, false},
	{"liabilities", "/liabilities/get", "LiabilitiesGetRequest", func(ctx context.Context, _ *Client, i *Item) error { _, err := i.Liabilities(ctx); return err }, `{}`, false},
	{"holdings", "/investments/holdings/get", "InvestmentsHoldingsGetRequest", func(ctx context.Context, _ *Client, i *Item) error {
		_, err := i.Holdings(ctx)
		return err
	}, `{}`, false},
	{"statements", "/statements/list", "StatementsListRequest", func(ctx context.Context, _ *Client, i *Item) error { _, err := i.Statements(ctx); return err }, `{}`, false},
	{"a statement", "/statements/download", "StatementsDownloadRequest", func(ctx context.Context, _ *Client, i *Item) error {
		_, err := i.Statement(ctx, "s1", io.Discard)
		return err
	}, `{"statement_id":"s1"}`, false},
	{"a bank", "/institutions/get_by_id", "InstitutionsGetByIdRequest", func(ctx context.Context, c *Client, _ *Item) error {
		_, err := c.Institution(ctx, "ins_3", []string{"US", "CA"})
		return err
	}, `{"country_codes":["US","CA"],"institution_id":"ins_3","options":{"include_optional_metadata":true}}`, true},
	{"a key", "/webhook_verification_key/get", "WebhookVerificationKeyGetRequest", func(ctx context.Context, c *Client, _ *Item) error {
		_, err := c.WebhookKey(ctx, "k")
		return err
	}, `{"key_id":"k"}`, true},
	{"exchange", "/item/public_token/exchange", "ItemPublicTokenExchangeRequest", func(ctx context.Context, c *Client, _ *Item) error {
		_, err := c.Exchange(ctx, "public-"+marker)
		return err
	}, `{"public_token":"public-SECRET-TOKEN-MARKER"}`, true},
	{"a session", "/link/token/get", "LinkTokenGetRequest", func(ctx context.Context, c *Client, _ *Item) error {
		_, err := c.LinkSession(ctx, "link-"+marker)
		return err
	}, `{"link_token":"link-SECRET-TOKEN-MARKER"}`, true},
	{"a link", "/link/token/create", "LinkTokenCreateRequest", func(ctx context.Context, c *Client, _ *Item) error {
		_, err := c.LinkToken(ctx, fullLink())
		return err
	}, `{"client_name":"Acme","country_codes":["US","CA"],"language":"en","user":{"client_user_id":"acme"},"webhook":"https://example.com/w",` +
		`"products":["transactions"],"required_if_supported_products":["statements"],"optional_products":["investments"],"additional_consented_products":["liabilities"],` +
		`"transactions":{"days_requested":730},"statements":{"start_date":"2025-01-01","end_date":"2026-01-01"},"institution_id":"ins_3",` +
		`"hosted_link":{"completion_redirect_uri":"https://example.com/back","url_lifetime_seconds":1800}}`, true},
	{"a link, the least", "/link/token/create", "LinkTokenCreateRequest", func(ctx context.Context, c *Client, _ *Item) error {
		_, err := c.LinkToken(ctx, LinkRequest{ClientName: "Acme", Language: "en", Countries: []string{"US"}, User: "acme",
			Products: []string{"liabilities"}, Days: 730, StatementsFrom: "2025-01-01", StatementsTo: "2026-01-01", RedirectURI: "https://example.com/oauth", SelectAccounts: true})
		return err
	}, `{"client_name":"Acme","country_codes":["US"],"language":"en","user":{"client_user_id":"acme"},"products":["liabilities"],"redirect_uri":"https://example.com/oauth"}`, true},
	{"update mode", "/link/token/create", "LinkTokenCreateRequest", func(ctx context.Context, c *Client, _ *Item) error {
		r := fullLink()
		r.Access, r.SelectAccounts, r.Hosted = "access-"+marker, true, &Hosted{}
		_, err := c.LinkToken(ctx, r)
		return err
	}, `{"client_name":"Acme","country_codes":["US","CA"],"language":"en","user":{"client_user_id":"acme"},"webhook":"https://example.com/w",` +
		`"additional_consented_products":["liabilities"],"institution_id":"ins_3","access_token":"access-SECRET-TOKEN-MARKER",` +
		`"update":{"account_selection_enabled":true},"hosted_link":{}}`, true},
}

func fullLink() LinkRequest {
	return LinkRequest{
		ClientName: "Acme", Language: "en", Countries: []string{"US", "CA"}, User: "acme",
		Products: []string{"transactions"}, RequiredIfSupported: []string{"statements"}, Optional: []string{"investments"}, Consented: []string{"liabilities"},
		Days: 730, StatementsFrom: "2025-01-01", StatementsTo: "2026-01-01", Webhook: "https://example.com/w", Institution: "ins_3",
		Hosted: &Hosted{CompletionRedirect: "https://example.com/back", Lifetime: 30 * time.Minute},
	}
}

// TestRequests: the address, the headers and the body of every call.
func TestRequests(t *testing.T) {
	for _, tt := range requests {
		t.Run(tt.name, func(t *testing.T) {
			seen := sent(t, tt.call)
			if seen.method != "POST" || seen.path != tt.path {
				t.Errorf("%s %s, want POST %s", seen.method, seen.path, tt.path)
			}
			for name, want := range map[string]string{
				"Content-Type": "application/json", "Plaid-Version": "2020-09-14", "PLAID-CLIENT-ID": "client-7", "PLAID-SECRET": "secret-" + marker,
			} {
				if got := seen.header.Get(name); got != want {
					t.Errorf("%s: %q, want %q", name, got, want)
				}
			}
			var got, want map[string]any
			if json.Unmarshal([]byte(seen.body), &got) != nil || json.Unmarshal([]byte(tt.want), &want) != nil {
				t.Fatalf("sent %s", seen.body)
			}
			if !tt.app {
				want["access_token"] = "access-" + marker
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("body (-want +got):\n%s", diff)
			}
		})
	}
}

// TestRequestsFollowTheDescription: no call holds a field that Plaid's own description does not know, which Plaid refuses, nor
// lacks one that it demands.
func TestRequestsFollowTheDescription(t *testing.T) {
	all := description{text: fixture(t, "2020-09-14.yml")}
	for _, tt := range requests {
		all.check(t, tt.name, tt.schema, json.RawMessage(sent(t, tt.call).body))
	}
}

// sent returns what call sends.
func sent(t *testing.T, call func(context.Context, *Client, *Item) error) seenRequest {
	t.Helper()
	c, s, _ := scripted(t, reply{status: 400, body: said("ITEM_ERROR", "ITEM_NOT_SUPPORTED")})
	if err := call(t.Context(), c, c.Item("item-1", tokens{})); err == nil {
		t.Error("a refusal went well")
	}
	if len(s.seen) != 1 {
		t.Fatalf("%d calls", len(s.seen))
	}
	return s.seen[0]
}

// description is Plaid's OpenAPI file, of which only the names of fields are read, by their indentation.
type description struct{ text []byte }

var (
	sectionLine  = regexp.MustCompile(`^      ([a-z-]+):`)
	fieldLine    = regexp.MustCompile(`^        ([a-z_]+):$`)
	refLine      = regexp.MustCompile(`^          \$ref: '#/components/schemas/(\w+)'`)
	requiredLine = regexp.MustCompile(`^      - ([a-z_]+)$`)
)

// schema returns a schema's fields, each with the schema it refers to, and those it demands.
func (d description) schema(name string) (fields map[string]string, demanded []string) {
	_, after, _ := bytes.Cut(d.text, []byte("\n    "+name+":\n"))
	fields = map[string]string{}
	field, section := "", ""
	for line := range bytes.Lines(after) {
		line := strings.TrimRight(string(line), "\n")
		if len(line) > 4 && line[4] != ' ' && strings.HasPrefix(line, "    ") {
			break
		}
		if m := sectionLine.FindStringSubmatch(line); m != nil {
			section = m[1]
		} else if m := fieldLine.FindStringSubmatch(line); m != nil {
			field = m[1]
			fields[field] = ""
		} else if m := refLine.FindStringSubmatch(line); m != nil && field != "" {
			fields[field] = m[1]
		} else if m := requiredLine.FindStringSubmatch(line); m != nil && section == "required" {
			demanded = append(demanded, m[1])
		}
	}
	return fields, demanded
}

func (d description) check(t *testing.T, where, schema string, body json.RawMessage) {
	t.Helper()
	var sent map[string]json.RawMessage
	if err := json.Unmarshal(body, &sent); err != nil {
		return // not an object: its field is known
	}
	fields, demanded := d.schema(schema)
	if len(fields) == 0 {
		t.Errorf("%s: Plaid's description has no fields of %s", where, schema)
	}
	for name, value := range sent {
		refers, known := fields[name]
		if !known {
			t.Errorf("%s: %s has no field %s", where, schema, name)
		} else if value[0] == '{' && len(value) > 2 {
			d.check(t, where+"."+name, refers, value)
		}
	}
	for _, name := range demanded {
		if _, ok := sent[name]; !ok {
			t.Errorf("%s: %s demands %s", where, schema, name)
		}
	}
}

// TestTheDescriptionIsRead: the check above would notice.
func TestTheDescriptionIsRead(t *testing.T) {
	fields, demanded := description{text: fixture(t, "2020-09-14.yml")}.schema("TransactionsSyncRequest")
	want := map[string]string{
		"client_id": "APIClientID", "access_token": "AccessToken", "secret": "APISecret", "cursor": "", "count": "", "options": "TransactionsSyncRequestOptions",
	}
	if diff := cmp.Diff(want, fields); diff != "" {
		t.Errorf("fields (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"access_token"}, demanded); diff != "" {
		t.Errorf("demanded (-want +got):\n%s", diff)
	}
}
