package plaid

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/countinghouse/countinghouse/shared/fault"
)

// TestItemState reads the recorded Items: both halves verbatim, and what is acted upon.
func TestItemState(t *testing.T) {
	at := func(s string) time.Time { t, _ := time.Parse(time.RFC3339, s); return t }
	for name, want := range map[string]ItemState{
		"resp_item_get.json": {
			ID: "Ed6bjNrDLJfGvZWwnkQlfxwoNz54B5C97ejBr", InstitutionID: "ins_109508", Products: []string{"identity", "transactions"},
			ConsentEnds: at("2024-03-16T15:53:00Z"), LastUpdate: at("2019-02-15T15:52:39Z"),
		},
		"recorded_sandbox_item_get.json": {
			ID: "n7XKpjRmDkHENymaBw7rU71wxQnrW4i6DDrQP", InstitutionID: "ins_109508", Products: []string{"investments", "liabilities", "transactions"},
		},
	} {
		body := fixture(t, name)
		got, err := answering(t, string(body)).Get(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		var sent map[string]json.RawMessage
		if err := json.Unmarshal(body, &sent); err != nil {
			t.Fatal(err)
		}
		want.Raw = json.RawMessage(`{"item":` + string(sent["item"]) + `,"status":` + string(sent["status"]) + `}`)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestItemStateWithTrouble(t *testing.T) {
	s, err := answering(t, `{"item":{"item_id":"i","institution_id":null,"products":["b","a"],"billed_products":["c","a"],"new":{},
		"error":`+said("ITEM_ERROR", "ITEM_LOGIN_REQUIRED")+`,"consent_expiration_time":"soon"}}`).Get(t.Context())
	if err != nil || !fault.Is(s.Trouble, fault.Reconnect) || s.InstitutionID != "" || !s.ConsentEnds.IsZero() || !s.LastUpdate.IsZero() {
		t.Errorf("%+v, %v", s, err)
	}
	if diff := cmp.Diff([]string{"a", "b", "c"}, s.Products); diff != "" || !strings.HasSuffix(string(s.Raw), `,"status":null}`) || !json.Valid(s.Raw) {
		t.Errorf("%s, products (-want +got):\n%s", s.Raw, diff)
	}
	for _, body := range []string{`{"item":{}}`, `{"item":null}`, `{"item":[]}`, `{"status":{}}`, `{"item":{"item_id":7}}`} {
		c, _, _ := scripted(t, ok(body))
		c.opts.Retry.MaxRetries = 0
		if _, err := c.Item("i", tokens{}).Get(t.Context()); !fault.Is(err, fault.Unavailable) {
			t.Errorf("%s: %v", body, err)
		}
	}
}

// TestAccountsTellTrouble: balances of a bank that Plaid can't read come as they were, and say so.
func TestAccountsTellTrouble(t *testing.T) {
	a, err := answering(t, `{"item":{"error":`+said("INSTITUTION_ERROR", "INSTITUTION_DOWN")+`},"accounts":[{"account_id":"a"}]}`).Accounts(t.Context())
	if err != nil || len(a.Accounts) != 1 || !fault.Is(a.Trouble, fault.Unavailable) {
		t.Errorf("%+v, %v", a, err)
	}
	a, err = answering(t, string(fixture(t, "resp_accounts_get.json"))).Accounts(t.Context())
	if err != nil || a.Trouble != nil {
		t.Errorf("%v, %v", a.Trouble, err)
	}
}

// TestRemove: what is gone already is removed; what only seems so is not.
func TestRemove(t *testing.T) {
	for code, want := range map[string]fault.Kind{
		"": "", "ITEM_NOT_FOUND": "", "INVALID_ACCESS_TOKEN": "", "ITEM_CONCURRENTLY_DELETED": "", "USER_PERMISSION_REVOKED": "",
		"INSTITUTION_NO_LONGER_SUPPORTED": fault.Reconnect, "ITEM_LOGIN_REQUIRED": fault.Reconnect, "INVALID_API_KEYS": fault.Forbidden,
	} {
		rep := ok(string(fixture(t, "resp_item_remove.json")))
		if code != "" {
			rep = reply{status: 400, body: said("ITEM_ERROR", code)}
		}
		c, _, _ := scripted(t, rep)
		if err := c.Item("item-1", tokens{}).Remove(t.Context()); fault.Of(err) != want {
			t.Errorf("%s: %v, want %q", code, err, want)
		}
	}
}

// TestRemoveOfAnotherEnvironment: Plaid would say that there is no such Item, and it would be taken for removed.
func TestRemoveOfAnotherEnvironment(t *testing.T) {
	for _, tt := range []struct {
		own, token string
		want       fault.Kind
	}{
		{"sandbox", "access-sandbox-" + marker, ""},
		{"sandbox", "access-production-" + marker, fault.Forbidden},
		{"production", "access-sandbox-" + marker, fault.Forbidden},
		{"production", "access-development-" + marker, fault.Forbidden},
		{"production", marker, ""}, // of a form that Plaid does not have yet
		{"", "access-production-" + marker, ""},
	} {
		c, s, _ := scripted(t, reply{status: 400, body: said("INVALID_INPUT", "INVALID_ACCESS_TOKEN")})
		c.opts.Environment = tt.own
		err := c.Item("item-1", given(tt.token)).Remove(t.Context())
		if asked := len(s.seen) == 1; fault.Of(err) != tt.want || asked != (tt.want == "") {
			t.Errorf("%s in %s: %v, Plaid was asked: %t", tt.token, tt.own, err, asked)
		}
		if err != nil && !strings.Contains(err.Error(), "set PLAID_ENVIRONMENT and PLAID_SECRET") {
			t.Errorf("%v does not say what to do", err)
		}
		leaks(t, err)
	}
}

// given is an access token.
type given string

func (g given) Access(context.Context) (string, error) { return string(g), nil }

// TestAcknowledgements: the calls that only say that it was done.
func TestAcknowledgements(t *testing.T) {
	if err := answering(t, string(fixture(t, "resp_item_webhook_update.json"))).UpdateWebhook(t.Context(), "https://example.com"); err != nil {
		t.Error(err)
	}
	if err := answering(t, string(fixture(t, "resp_transactions_refresh.json"))).Refresh(t.Context()); err != nil {
		t.Error(err)
	}
	if s, err := answering(t, `{"new_access_token":"access-2","request_id":"1"}`).Invalidate(t.Context()); string(s) != "access-2" || err != nil {
		t.Errorf("%q, %v", string(s), err)
	}
	if s, err := answering(t, `{"new_access_token":null}`).Invalidate(t.Context()); s != "" || !fault.Is(err, fault.Unavailable) {
		t.Errorf("%q, %v", string(s), err)
	}
}

func TestInstitution(t *testing.T) {
	body := fixture(t, "more/resp_institutions_get_by_id.json")
	c, _, _ := scripted(t, ok(string(body)))
	bank, err := c.Institution(t.Context(), "ins_109512", []string{"US"})
	var sent map[string]json.RawMessage
	if json.Unmarshal(body, &sent) != nil || err != nil || string(bank) != string(sent["institution"]) {
		t.Errorf("%s, %v", bank, err)
	}
}
