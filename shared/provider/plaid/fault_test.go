package plaid

import (
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/countinghouse/countinghouse/shared/fault"
	"github.com/countinghouse/countinghouse/shared/org"
)

// verdict is all that a failure means.
type verdict struct {
	Kind   fault.Kind
	After  time.Duration
	Effect string    // the predicate that holds
	Retry  bool      // by another run
	State  org.State // that the engine gives the connection; empty: as it is
}

// The classes of reference 11.
var (
	limited  = verdict{Kind: fault.RateLimited, After: time.Minute, Retry: true}
	dashed   = verdict{Kind: fault.Forbidden, After: time.Hour}
	down     = verdict{Kind: fault.Unavailable, Retry: true}
	bankOut  = verdict{Kind: fault.Unavailable, After: time.Hour, Retry: true}
	signIn   = verdict{Kind: fault.Reconnect, State: org.NeedsReauth}
	anew     = verdict{Kind: fault.Reconnect, Effect: "Ended", State: org.NeedsReauth}
	off      = verdict{Kind: fault.Forbidden, Effect: "Unsupported"}
	mistaken = verdict{Kind: fault.Invalid}
)

// classes has every code of Plaid's that the reference or a fixture names, with its error_type.
var classes = []struct {
	kind  string
	want  verdict
	words string // that what people read holds
	codes string
}{
	{"RATE_LIMIT_EXCEEDED", limited, "fewer calls", `TRANSACTIONS_SYNC_LIMIT TRANSACTIONS_LIMIT ACCOUNTS_LIMIT ACCOUNTS_BALANCE_GET_LIMIT
		BALANCE_LIMIT ITEM_GET_LIMIT INVESTMENT_HOLDINGS_GET_LIMIT INVESTMENT_TRANSACTIONS_LIMIT INSTITUTIONS_GET_LIMIT
		INSTITUTIONS_GET_BY_ID_LIMIT INSTITUTION_RATE_LIMIT AUTH_LIMIT IDENTITY_LIMIT RATE_LIMIT A_NEW_LIMIT`},
	{"RATE_LIMIT_EXCEEDED", dashed, "ask Plaid", `TRIAL_CONNECTION_LIMIT CREDITS_EXHAUSTED ADDITION_LIMIT`},
	{"API_ERROR", down, "Plaid is", `INTERNAL_SERVER_ERROR PLANNED_MAINTENANCE A_NEW_OUTAGE`},
	{"INSTITUTION_ERROR", bankOut, "every hour", `INSTITUTION_DOWN INSTITUTION_NOT_RESPONDING INSTITUTION_NOT_AVAILABLE UNSUPPORTED_RESPONSE A_NEW_OUTAGE`},
	{"INSTITUTION_ERROR", dashed, "", `INSTITUTION_NOT_ENABLED_IN_ENVIRONMENT UNAUTHORIZED_INSTITUTION INSTITUTION_REGISTRATION_REQUIRED`},
	{"INSTITUTION_ERROR", anew, "connect the bank anew", `INSTITUTION_NO_LONGER_SUPPORTED`},
	{"ITEM_ERROR", verdict{Kind: fault.Unavailable, After: 5 * time.Minute, Effect: "NotReady", Retry: true}, "nothing to do", `PRODUCT_NOT_READY`},
	{"ITEM_ERROR", signIn, "from here", `ITEM_LOGIN_REQUIRED INVALID_CREDENTIALS INVALID_MFA INVALID_OTP INVALID_SEND_METHOD INVALID_PHONE_NUMBER
		INVALID_UPDATED_USERNAME ITEM_LOCKED PASSWORD_RESET_REQUIRED USER_SETUP_REQUIRED USER_INPUT_TIMEOUT INSUFFICIENT_CREDENTIALS
		MFA_NOT_SUPPORTED NO_ACCOUNTS ACCESS_NOT_GRANTED`},
	{"INVALID_INPUT", signIn, "agree", `ADDITIONAL_CONSENT_REQUIRED`},
	{"ITEM_ERROR", anew, "connect the bank anew", `ITEM_NOT_FOUND ITEM_CONCURRENTLY_DELETED USER_PERMISSION_REVOKED`},
	{"INVALID_INPUT", anew, "connect the bank anew", `INVALID_ACCESS_TOKEN USER_PERMISSION_REVOKED`},
	{"ITEM_ERROR", off, "", `PRODUCTS_NOT_SUPPORTED PRODUCT_NOT_ENABLED NO_LIABILITY_ACCOUNTS NO_INVESTMENT_ACCOUNTS NO_INVESTMENT_AUTH_ACCOUNTS
		NO_AUTH_ACCOUNTS ITEM_NOT_SUPPORTED INSTANT_MATCH_FAILED`},
	{"INVALID_INPUT", off, "", `INVALID_PRODUCT PRODUCT_UNAVAILABLE`},
	{"ITEM_ERROR", bankOut, "A_NEW_TROUBLE", `A_NEW_TROUBLE`},
	{"TRANSACTIONS_ERROR", verdict{Kind: fault.Unavailable, Effect: "Mutated", Retry: true}, "read again", `TRANSACTIONS_SYNC_MUTATION_DURING_PAGINATION`},
	{"TRANSACTIONS_ERROR", down, "A_NEW_TROUBLE", `A_NEW_TROUBLE`},
	{"INVALID_INPUT", verdict{Kind: fault.Forbidden, After: 15 * time.Minute, Effect: "AppRefused"}, "check PLAID_CLIENT_ID and PLAID_SECRET", `INVALID_API_KEYS`},
	{"INVALID_INPUT", verdict{Kind: fault.Forbidden, After: time.Hour, Effect: "AppRefused"}, "Plaid's dashboard", `UNAUTHORIZED_ENVIRONMENT DIRECT_INTEGRATION_NOT_ENABLED`},
	{"INVALID_INPUT", dashed, "Plaid's dashboard", `UNAUTHORIZED_ROUTE_ACCESS`},
	{"INVALID_REQUEST", verdict{Kind: fault.Invalid, After: 15 * time.Minute, Effect: "AppRefused"}, "check PLAID_CLIENT_ID and PLAID_SECRET", `INVALID_HEADERS`},
	{"INVALID_REQUEST", verdict{Kind: fault.Invalid, After: time.Hour, Effect: "AppRefused"}, "up to date", `INCOMPATIBLE_API_VERSION`},
	{"INVALID_INPUT", verdict{Kind: fault.NotFound}, "webhook key", `INVALID_WEBHOOK_VERIFICATION_KEY_ID`},
	{"INVALID_INPUT", mistaken, "", `INVALID_ACCOUNT_ID INVALID_PUBLIC_TOKEN INVALID_LINK_TOKEN INVALID_INSTITUTION INVALID_PRODUCTS INVALID_LINK_CUSTOMIZATION
		INCORRECT_DEPOSIT_VERIFICATION INVALID_AUDIT_COPY_TOKEN INVALID_PROCESSOR_TOKEN INVALID_STRIPE_ACCOUNT INVALID_USER_TOKEN
		TOO_MANY_VERIFICATION_ATTEMPTS A_NEW_MISTAKE`},
	{"INVALID_REQUEST", mistaken, "", `MISSING_FIELDS UNKNOWN_FIELDS INVALID_FIELD INVALID_BODY NOT_FOUND SANDBOX_ONLY
		INVALID_ACCOUNT_NUMBER INVALID_CONFIGURATION NO_LONGER_AVAILABLE A_NEW_MISTAKE`},
	{"INVALID_RESULT", bankOut, "balance", `LAST_UPDATED_DATETIME_OUT_OF_RANGE`},
	{"INVALID_RESULT", mistaken, "", `PLAID_DIRECT_ITEM_IMPORT_RETURNED_INVALID_MFA`},
	{"OAUTH_ERROR", mistaken, "", `INCORRECT_OAUTH_NONCE INCORRECT_LINK_TOKEN OAUTH_STATE_ID_ALREADY_PROCESSED OAUTH_STATE_ID_NOT_FOUND`},
	{"RECAPTCHA_ERROR", mistaken, "", `RECAPTCHA_REQUIRED RECAPTCHA_BAD`},
	{"SANDBOX_ERROR", mistaken, "", `SANDBOX_PRODUCT_NOT_ENABLED SANDBOX_WEBHOOK_INVALID SANDBOX_TRANSFER_EVENT_TRANSITION_INVALID`},
	{"SOMETHING_NEW", mistaken, "", `A_NEW_MISTAKE`},
}

// predicates by name.
var predicates = map[string]func(error) bool{
	"Mutated": Mutated, "CursorRefused": CursorRefused, "NotReady": NotReady, "Unsupported": Unsupported, "Ended": Ended, "AppRefused": AppRefused,
}

// judged returns what err means, the state as the engine makes it.
func judged(t *testing.T, err error) verdict {
	t.Helper()
	v := verdict{Kind: fault.Of(err), After: fault.After(err), Retry: fault.Retry(err), State: stateAfter(t, err)}
	for _, name := range slices.Sorted(maps.Keys(predicates)) {
		if predicates[name](err) {
			v.Effect += name
		}
	}
	return v
}

// TestEveryCode: kind, wait, predicate, retry, the state that follows, and the words.
func TestEveryCode(t *testing.T) {
	met := map[string]bool{}
	for _, class := range classes {
		for _, code := range strings.Fields(class.codes) {
			t.Run(class.kind+"/"+code, func(t *testing.T) {
				c, _, _ := scripted(t, reply{status: 400, body: said(class.kind, code)})
				c.opts.Retry.MaxRetries, c.opts.Retry.RateWaits = 0, -1
				_, err := c.Item("item-1", tokens{}).Accounts(t.Context())
				if diff := cmp.Diff(class.want, judged(t, err)); diff != "" {
					t.Errorf("%v (-want +got):\n%s", err, diff)
				}
				wantWords(t, err, class.words)
				asEmbedded := Problem(json.RawMessage(said(class.kind, code)))
				if diff := cmp.Diff(class.want, judged(t, asEmbedded)); diff != "" || asEmbedded.Error() != err.Error() {
					t.Errorf("inside something else: %v (-want +got):\n%s", asEmbedded, diff)
				}
			})
			met[code] = true
		}
	}
	for code := range meanings {
		if !met[code] {
			t.Errorf("nothing is said here of %s", code)
		}
	}
}

// wantWords checks what people read: it holds words, tells Plaid's id of the call, and is not empty or somebody's secret.
func wantWords(t *testing.T, err error, words string) {
	t.Helper()
	leaks(t, err)
	var f *fault.Error
	switch {
	case !errors.As(err, &f) || f.Msg == "":
		t.Errorf("%v says nothing", err)
	case !strings.Contains(err.Error(), words):
		t.Errorf("%q does not hold %q", err, words)
	case f.Ref != "HNTDNrA8F1shFEW" || strings.Count(err.Error(), f.Ref) != 1:
		t.Errorf("%q tells the request id %q", err, f.Ref)
	}
}

// TestProductFailuresStayWithTheProduct: what one product lacks consent to does not stop the bank's other ones.
func TestProductFailuresStayWithTheProduct(t *testing.T) {
	for code, base := range map[string]verdict{"ACCESS_NOT_GRANTED": signIn, "ADDITIONAL_CONSENT_REQUIRED": signIn, "UNAUTHORIZED_ROUTE_ACCESS": dashed} {
		c, _, _ := scripted(t, reply{status: 400, body: said("ITEM_ERROR", code)})
		i := c.Item("item-1", tokens{})
		for path, want := range map[string]verdict{
			pathSync: base, "/accounts/get": base, "/transactions/get": base,
			pathLiabilities: off, pathHoldings: off, pathInvestments: off, pathStatements: off, pathDownload: off, pathRecurring: off, pathRefresh: off,
		} {
			err := i.post(t.Context(), path, nil, acknowledged)
			if diff := cmp.Diff(want, judged(t, err)); diff != "" {
				t.Errorf("%s at %s (-want +got):\n%s", code, path, diff)
			}
		}
	}
}

func TestCursorRefused(t *testing.T) {
	refused := verdict{Kind: fault.Invalid, Effect: "CursorRefused"}
	for _, tt := range []struct {
		path, message string
		want          verdict
	}{
		{pathSync, "cursor not associated with access_token", refused},
		{pathSync, "Cursor is invalid", refused},
		{pathSync, "count must be at most 500", mistaken},
		{"/transactions/get", "cursor not associated with access_token", mistaken},
	} {
		body := `{"error_type":"INVALID_REQUEST","error_code":"INVALID_FIELD","error_message":"` + tt.message + `"}`
		c, _, _ := scripted(t, reply{status: 400, body: body})
		err := c.Item("item-1", tokens{}).post(t.Context(), tt.path, nil, acknowledged)
		if diff := cmp.Diff(tt.want, judged(t, err)); diff != "" || strings.Contains(err.Error(), tt.message) {
			t.Errorf("%s at %s: %v (-want +got):\n%s", tt.message, tt.path, err, diff)
		}
	}
}

// TestReasons: a bank with OAuth says why somebody has to sign in again.
func TestReasons(t *testing.T) {
	told := map[string]bool{}
	for _, reason := range []string{`"OAUTH_INVALID_TOKEN"`, `"OAUTH_CONSENT_EXPIRED"`, `"OAUTH_USER_REVOKED"`, `"OAUTH_SOMETHING_NEW"`, `null`, `7`} {
		err := Problem(json.RawMessage(`{"error_type":"ITEM_ERROR","error_code":"ITEM_LOGIN_REQUIRED","error_code_reason":` + reason + `,"status":400}`))
		if diff := cmp.Diff(signIn, judged(t, err)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", reason, diff)
		}
		told[err.Error()] = true
	}
	if len(told) != 4 {
		t.Errorf("said %q, want something of its own for each of the three known ones", slices.Sorted(maps.Keys(told)))
	}
	gone := Problem(json.RawMessage(`{"error_type":"ITEM_ERROR","error_code":"ITEM_NOT_FOUND","error_code_reason":"OAUTH_USER_REVOKED"}`))
	if !strings.Contains(gone.Error(), "anew") {
		t.Errorf("%v: signing in does not bring it back", gone)
	}
}

// TestNoProblem: what is not an error is none.
func TestNoProblem(t *testing.T) {
	for _, raw := range []string{"", "null", "{}", "[]", `"ITEM_ERROR"`, "7", "{", `{"error_code":null,"error_type":null}`} {
		if err := Problem(json.RawMessage(raw)); err != nil {
			t.Errorf("%s: %v", raw, err)
		}
	}
}

// TestStatusWithoutCode: an answer that is not Plaid's own is judged by its status, and shows nothing of itself.
func TestStatusWithoutCode(t *testing.T) {
	for _, body := range []string{"", "<html>" + quoted, `{"message":"` + quoted + `"}`, `{"error_code":"` + quoted + `"}`, `[1]`, `{"error_code":7,"error_type":null}`} {
		for status, want := range map[int]verdict{
			429: limited, 500: down, 502: down, 503: down, 504: down, 408: down, 404: mistaken, 400: down, 401: down, 403: down, 301: down, 204: down,
		} {
			c, _, _ := scripted(t, reply{status: status, body: body})
			c.opts.Retry.MaxRetries, c.opts.Retry.RateWaits = 0, -1
			_, err := c.Item("item-1", tokens{}).Get(t.Context())
			if diff := cmp.Diff(want, judged(t, err)); diff != "" {
				t.Errorf("%d %s: %v (-want +got):\n%s", status, body, err, diff)
			}
			leaks(t, err)
		}
	}
}

// TestOddRequestIDs: nothing but an id is told as one.
func TestOddRequestIDs(t *testing.T) {
	for _, id := range []string{quoted, strings.Repeat("x", 65), "<b>", "a\nb"} {
		written, _ := json.Marshal(id)
		c, _, _ := scripted(t, reply{status: 400, body: `{"error_type":"ITEM_ERROR","error_code":"ITEM_LOCKED","request_id":` + string(written) + `}`})
		_, err := c.Item("item-1", tokens{}).Get(t.Context())
		if strings.Contains(err.Error(), "request") || !fault.Is(err, fault.Reconnect) {
			t.Errorf("%q: %v", id, err)
		}
	}
}

// TestRecordedErrors: every error body of the fixtures is judged as the table says for its code.
func TestRecordedErrors(t *testing.T) {
	want := map[string]verdict{}
	for _, class := range classes {
		for _, code := range strings.Fields(class.codes) {
			want[class.kind+"/"+code] = class.want
		}
	}
	type recorded struct {
		Status int             `json:"http_status"`
		Body   json.RawMessage `json:"body"`
	}
	var all []recorded
	for _, name := range []string{"errors_item_institution_api_rate.json", "more/errors_invalid_and_sandbox.json"} {
		var some []recorded
		if err := json.Unmarshal(fixture(t, name), &some); err != nil {
			t.Fatal(err)
		}
		all = append(all, some...)
	}
	for _, body := range documents(t, "error_sandbox_*.json") {
		all = append(all, recorded{http.StatusBadRequest, body})
	}
	if len(all) < 90 {
		t.Errorf("%d errors only: is the folder complete?", len(all))
	}
	for _, r := range all {
		var body struct{ ErrorType, ErrorCode, ErrorMessage, DisplayMessage string }
		decode(t, r.Body, &body.ErrorType, "error_type")
		decode(t, r.Body, &body.ErrorCode, "error_code")
		decode(t, r.Body, &body.ErrorMessage, "error_message")
		decode(t, r.Body, &body.DisplayMessage, "display_message")
		c, _, _ := scripted(t, reply{status: r.Status, body: string(r.Body)})
		c.opts.Retry.MaxRetries, c.opts.Retry.RateWaits = 0, -1
		_, err := c.Item("item-1", tokens{}).Get(t.Context())
		expected, ok := want[body.ErrorType+"/"+body.ErrorCode]
		if !ok {
			t.Errorf("%s/%s stands in no class", body.ErrorType, body.ErrorCode)
		}
		if diff := cmp.Diff(expected, judged(t, err)); diff != "" {
			t.Errorf("%s/%s: %v (-want +got):\n%s", body.ErrorType, body.ErrorCode, err, diff)
		}
		var f *fault.Error
		if errors.As(err, &f); f == nil || f.Ref == "" {
			t.Errorf("%v has no request id", err)
		}
		for _, text := range []string{body.ErrorMessage, body.DisplayMessage} {
			if text != "" && text != "null" && text != body.ErrorCode && strings.Contains(err.Error(), text) {
				t.Errorf("%q quotes Plaid", err)
			}
		}
	}
}

// decode reads one text of an object; null is empty.
func decode(t *testing.T, object json.RawMessage, into *string, name string) {
	t.Helper()
	var all map[string]json.RawMessage
	if err := json.Unmarshal(object, &all); err != nil {
		t.Fatal(err)
	}
	json.Unmarshal(all[name], into) //nolint:errcheck // null, or not there
}
