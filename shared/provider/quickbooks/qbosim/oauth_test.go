package qbosim_test

import (
	"encoding/base64"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/countinghouse/countinghouse/shared/provider/quickbooks/qbosim"
)

var form = map[string]string{"Content-Type": "application/x-www-form-urlencoded", "Authorization": basic(clientID, password)}

func basic(id, password string) string {
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(id+":"+password))
}

func with(header map[string]string, key, value string) map[string]string {
	out := map[string]string{key: value}
	for k, v := range header {
		if k != key {
			out[k] = v
		}
	}
	return out
}

func authorizeParams() url.Values {
	return url.Values{"client_id": {clientID}, "redirect_uri": {redirect}, "response_type": {"code"},
		"scope": {"com.intuit.quickbooks.accounting"}, "state": {"st&te"}}
}

// consent presses a button of the consent page and gives where it leads.
func (w *world) consent(realm, decision string) url.Values {
	w.Helper()
	params := authorizeParams()
	params.Set("realm", realm)
	params.Set("decision", decision)
	a := w.send("POST", "/connect/oauth2", params.Encode(), form)
	to, err := url.Parse(a.header.Get("Location"))
	if a.status != 302 || err != nil || !strings.HasPrefix(a.header.Get("Location"), redirect+"?") {
		w.Fatalf("%d to %q", a.status, a.header.Get("Location"))
	}
	if to.Query().Get("state") != "st&te" {
		w.Errorf("state came back as %q", to.Query().Get("state"))
	}
	return to.Query()
}

func (w *world) token(params ...string) answer {
	w.Helper()
	v := url.Values{}
	for i := 0; i < len(params); i += 2 {
		v.Set(params[i], params[i+1])
	}
	return w.send("POST", "/oauth2/v1/tokens/bearer", v.Encode(), form)
}

func (w *world) exchange(code string) answer {
	w.Helper()
	return w.token("grant_type", "authorization_code", "code", code, "redirect_uri", redirect)
}

func (w *world) refresh(token string) answer {
	w.Helper()
	return w.token("grant_type", "refresh_token", "refresh_token", token)
}

type tokenAnswer struct {
	Type    string `json:"token_type"`
	Access  string `json:"access_token"`
	Refresh string `json:"refresh_token"`
	Expires int    `json:"expires_in"`
	Rolling int    `json:"x_refresh_token_expires_in"`
	Hard    int    `json:"x_refresh_token_hard_expires_in"`
}

func (w *world) tokensIn(a answer) tokenAnswer {
	w.Helper()
	if a.status != 200 {
		w.Fatalf("%d %s", a.status, a.body)
	}
	var t tokenAnswer
	w.decode(a.body, &t)
	return t
}

const notGranted = `{"error":"invalid_grant","error_description":"Incorrect or invalid refresh token"}`

func TestConsentPage(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 1)
	a := w.get("/connect/oauth2?" + authorizeParams().Encode())
	for _, piece := range []string{"OnPoint Power", realm, `value="connect"`, `value="cancel"`, "<legend>", `lang="en"`} {
		if !strings.Contains(a.body, piece) {
			t.Errorf("the page has no %s", piece)
		}
	}
	if a.header.Get("X-Frame-Options") != "DENY" {
		t.Error("the page may be framed")
	}
	for _, tt := range []struct{ key, value, where string }{
		{"client_id", "other", "page"}, {"redirect_uri", redirect + "/", "page"}, {"redirect_uri", "https://evil.example", "page"},
		{"response_type", "token", "page"}, {"state", "", "page"}, {"scope", "everything", "redirect"}, {"scope", "openid", "redirect"},
	} {
		p := authorizeParams()
		p.Set(tt.key, tt.value)
		a := w.get("/connect/oauth2?" + p.Encode())
		if tt.where == "page" && (a.status != 400 || a.header.Get("Location") != "") {
			t.Errorf("%s=%s: %d to %q", tt.key, tt.value, a.status, a.header.Get("Location"))
		}
		if tt.where == "redirect" && !strings.Contains(a.header.Get("Location"), "error=invalid_scope") {
			t.Errorf("%s=%s: %d to %q", tt.key, tt.value, a.status, a.header.Get("Location"))
		}
	}
	if q := w.consent(realm, "cancel"); q.Get("error") != "access_denied" || q.Get("code") != "" {
		t.Errorf("cancelled: %v", q)
	}
}

func TestCodeExchange(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 1)
	old := w.tokens
	q := w.consent(realm, "connect")
	if q.Get("realmId") != realm {
		t.Errorf("realmId %q", q.Get("realmId"))
	}
	if a := w.token("grant_type", "authorization_code", "code", q.Get("code"), "redirect_uri", redirect+"x"); a.status != 400 {
		t.Errorf("another redirect_uri: %d", a.status)
	}
	got := w.tokensIn(w.exchange(q.Get("code")))
	if got.Type != "bearer" || got.Expires != 3600 || got.Rolling != 8726400 || got.Hard != 0 {
		t.Errorf("tokens %+v", got)
	}
	w.tokens.Access = got.Access
	if a := w.query("SELECT COUNT(*) FROM Invoice"); a.status != 200 {
		t.Errorf("new access token: %d", a.status)
	}
	if a := w.refresh(old.Refresh); a.body != notGranted {
		t.Errorf("tokens from before the reconnect: %s", a.body)
	}
	if a := w.exchange(q.Get("code")); a.status != 400 || !strings.Contains(a.body, "invalid_grant") {
		t.Errorf("second use of a code: %d %s", a.status, a.body)
	}
	if a := w.refresh(got.Refresh); a.body != notGranted {
		t.Errorf("grant of a replayed code: %s", a.body)
	}
	q = w.consent(realm, "connect")
	w.clock.advance(6 * time.Minute)
	if a := w.exchange(q.Get("code")); a.status != 400 {
		t.Errorf("an old code: %d", a.status)
	}
}

func TestRotation(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 1)
	same := w.tokensIn(w.refresh(w.tokens.Refresh))
	if same.Refresh != w.tokens.Refresh || same.Access == w.tokens.Access {
		t.Error("within a day the refresh token stays and the access token is new")
	}
	w.clock.advance(24 * time.Hour)
	rotated := w.tokensIn(w.refresh(w.tokens.Refresh))
	if rotated.Refresh == w.tokens.Refresh {
		t.Error("after a day the refresh token is the same")
	}
	if a := w.refresh(w.tokens.Refresh); a.status != 400 || a.body != notGranted {
		t.Errorf("the value before: %d %s", a.status, a.body)
	}
	if st := w.sim.Stats(); st.Refreshes != 2 || st.Rotations != 1 || st.Realms[realm].Refreshes != 2 {
		t.Errorf("figures %+v", st)
	}
	w.clock.advance(102 * 24 * time.Hour)
	if a := w.refresh(rotated.Refresh); a.body != notGranted {
		t.Errorf("after 102 idle days: %s", a.body)
	}
}

func TestHardExpiry(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 1)
	body := "grant_type=refresh_token&refresh_token="
	a := w.send("POST", "/oauth2/v1/tokens/bearer", body+w.tokens.Refresh, with(form, "x-include-refresh-token-hard-expires-in", "true"))
	if hard := w.tokensIn(a).Hard; hard != 5*365*24*3600 {
		t.Errorf("hard limit in %d s", hard)
	}
	token := w.tokens.Refresh
	for range 20 {
		w.clock.advance(90 * 24 * time.Hour)
		token = w.tokensIn(w.refresh(token)).Refresh
	}
	w.clock.advance(90 * 24 * time.Hour)
	if a := w.refresh(token); a.body != notGranted {
		t.Errorf("after five years: %s", a.body)
	}
}

func TestTokenEndpointRefuses(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 1)
	good := "grant_type=refresh_token&refresh_token=" + w.tokens.Refresh
	for _, tt := range []struct {
		name, body string
		header     map[string]string
		status     int
		err        string
	}{
		{"wrong password", good, with(form, "Authorization", basic(clientID, "x")), 401, "invalid_client"},
		{"client in the body", good + "&client_id=" + clientID + "&client_secret=" + password, with(form, "Authorization", ""), 401, "invalid_client"},
		{"as JSON", `{}`, with(form, "Content-Type", "application/json"), 400, "invalid_request"},
		{"another grant", "grant_type=password", form, 400, "unsupported_grant_type"},
		{"unknown token", "grant_type=refresh_token&refresh_token=x", form, 400, "invalid_grant"},
	} {
		if a := w.send("POST", "/oauth2/v1/tokens/bearer", tt.body, tt.header); a.status != tt.status || !strings.Contains(a.body, tt.err) {
			t.Errorf("%s: %d %s", tt.name, a.status, a.body)
		}
	}
	plain := newWorld(t, 1, func(c *qbosim.Config, _ *qbosim.CompanySpec) { c.OmitErrorDescription = true })
	if a := plain.refresh("x"); a.body != `{"error":"invalid_grant"}` {
		t.Errorf("without a description: %s", a.body)
	}
}

func TestRevokeAndDisconnect(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 1)
	asJSON := with(form, "Content-Type", "application/json")
	revoke := func(token string) answer {
		return w.send("POST", "/v2/oauth2/tokens/revoke", `{"token":"`+token+`"}`, asJSON)
	}
	if a := revoke("unknown"); a.status != 400 {
		t.Errorf("unknown token: %d", a.status)
	}
	if a := w.send("POST", "/v2/oauth2/tokens/revoke", "token="+w.tokens.Refresh, form); a.status != 400 {
		t.Errorf("as a form: %d", a.status)
	}
	if a := revoke(w.tokens.Refresh); a.status != 200 || a.body != "" {
		t.Errorf("revoked: %d %q", a.status, a.body)
	}
	w.expectEnded("revoked")
	w.tokens = w.sim.IssueTokens(realm)
	w.company.Disconnect()
	w.expectEnded("disconnected")
}

func (w *world) expectEnded(how string) {
	w.Helper()
	if a := w.query("SELECT * FROM Invoice"); a.status != 401 {
		w.Errorf("%s: the API answers %d", how, a.status)
	}
	if a := w.refresh(w.tokens.Refresh); a.body != notGranted {
		w.Errorf("%s: a refresh answers %s", how, a.body)
	}
}

func TestAccess(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 1)
	w.sim.AddCompany(qbosim.CompanySpec{Realm: "1", Name: "Other"})
	w.clock.advance(time.Hour)
	a := w.query("SELECT * FROM Invoice")
	if a.status != 401 || !strings.HasPrefix(a.body, `{"warnings":null,"intuitObject":null,"fault":{"error":[{"message":"message=AuthenticationFailed; errorCode=003200; statusCode=401"`) ||
		a.header.Get("WWW-Authenticate") != `Bearer realm="Intuit", error="invalid_token"` {
		t.Errorf("expired: %d %s %v", a.status, a.body, a.header)
	}
	w.tokens = w.sim.IssueTokens(realm)
	for _, other := range []string{"1", "777"} {
		if a := w.get("/v3/company/" + other + "/query?query=select"); a.status != 403 || !strings.Contains(a.body, "<Fault") {
			t.Errorf("realm %s with another's token: %d %s", other, a.status, a.body)
		}
	}
	a = w.send("GET", "/v3/company/"+realm+"/query?query=select", "", map[string]string{"Accept": "*/*"})
	if a.status != 400 || !strings.Contains(a.body, "Accept: application/json") || !strings.Contains(a.header.Get("Content-Type"), "xml") {
		t.Errorf("without Accept: %d %s", a.status, a.body)
	}
}

func TestConcurrentRefreshesAreSeen(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 1)
	w.sim.Inject(qbosim.Fault{On: qbosim.Token, Kind: qbosim.Slow, Delay: 200 * time.Millisecond})
	var both sync.WaitGroup
	for range 2 {
		both.Go(func() { w.refresh(w.tokens.Refresh) })
	}
	both.Wait()
	if n := w.sim.Stats().ConcurrentRefreshes; n != 1 {
		t.Errorf("%d concurrent refreshes seen, want 1", n)
	}
}
