package plaid

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/countinghouse/countinghouse/shared/fault"
)

// TestRecordedWebhooks: every one is read, and kept as it came but for what gives access.
func TestRecordedWebhooks(t *testing.T) {
	all := documents(t, "webhook_*.json")
	if len(all) < 22 {
		t.Errorf("%d webhooks only: is the folder complete?", len(all))
	}
	for name, body := range all {
		w, err := ParseWebhook(body)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		var want struct {
			Type        string `json:"webhook_type"`
			Code        string `json:"webhook_code"`
			Item        string `json:"item_id"`
			Environment string `json:"environment"`
		}
		if err := json.Unmarshal(body, &want); err != nil {
			t.Fatal(err)
		}
		if w.Type != want.Type || w.Code != want.Code || w.Item != want.Item || w.Environment != want.Environment || w.Environment == "" {
			t.Errorf("%s: %+v", name, w)
		}
		if (w.Item == "") != (w.Type == "LINK" || w.Type == "DASHBOARD_CONFIGURED_ALERT") {
			t.Errorf("%s is about the Item %q", name, w.Item)
		}
		if !bytes.Equal(w.Body, body) != (w.Type == "LINK") {
			t.Errorf("%s is kept as %s", name, w.Body)
		}
		for _, secret := range []string{"public-sandbox", "link-sandbox", "access-sandbox"} {
			if bytes.Contains(w.Body, []byte(secret)) {
				t.Errorf("%s is kept with a secret: %s", name, w.Body)
			}
		}
	}
}

// TestWebhookSecrets: what gives access is not kept, wherever it stands; all else is, byte for byte.
func TestWebhookSecrets(t *testing.T) {
	const begin = `{"webhook_type":"LINK","webhook_code":"X"`
	for give, want := range map[string]string{
		begin + `,"public_token": "p" , "a":1}`:                                begin + `,"public_token": "[secret]" , "a":1}`,
		begin + `,"public_tokens":["p",{"q":["r"]}],"link_token":"l"}`:         begin + `,"public_tokens":"[secret]","link_token":"[secret]"}`,
		begin + `,"a":[[{"b":{"link_token":{"x":1}}}],"public_token"]}`:        begin + `,"a":[[{"b":{"link_token":"[secret]"}}],"public_token"]}`,
		begin + `,"public\u005ftoken":"p","link_token":null,"link_token":"l"}`: begin + `,"public\u005ftoken":"[secret]","link_token":"[secret]","link_token":"[secret]"}`,
		begin + `,"Access_Token":"a","oauthTokens":["o"],"client_secret":{"a":1},"TOKEN":1,"tokenized":"t","secrets":0}`: begin +
			`,"Access_Token":"[secret]","oauthTokens":"[secret]","client_secret":"[secret]","TOKEN":"[secret]","tokenized":"t","secrets":0}`,
		begin + `,"a":"link_token","b":"p"}`:               begin + `,"a":"link_token","b":"p"}`,
		begin + "\n\t,\"n\":1.50e0 ,\"n\":\"\\u00e9\"} \n": begin + "\n\t,\"n\":1.50e0 ,\"n\":\"\\u00e9\"} \n",
	} {
		w, err := ParseWebhook([]byte(give))
		if err != nil || string(w.Body) != want {
			t.Errorf("%s is kept as %s, %v; want %s", give, w.Body, err, want)
		}
	}
}

func TestOddWebhooks(t *testing.T) {
	for _, body := range []string{
		``, ` `, `null`, `7`, `[]`, `"x"`, `{}`, `{`, `{"webhook_type":"ITEM"}`, `{"webhook_code":"ERROR"}`, `{"webhook_type":"","webhook_code":"ERROR"}`,
		`{"webhook_type":7,"webhook_code":"ERROR"}`, `{"webhook_type":"ITEM","webhook_code":null}`, `{"webhook_type":"ITEM","webhook_code":"ERROR"}{}`,
		`{"WEBHOOK_TYPE":"ITEM","webhook_code":"ERROR"}`, `{"webhook_type":"ITEM","webhook_code":"ERROR","a":"` + "\xff" + `"}`,
		`{"webhook_type":"ITEM","webhook_code":"ERROR","a":"` + strings.Repeat("x", MaxWebhook) + `"}`, strings.Repeat("[", MaxWebhook),
	} {
		w, err := ParseWebhook([]byte(body))
		if !fault.Is(err, fault.Invalid) || w.Type != "" || w.Body != nil {
			t.Errorf("%.60s: %+v, %v", body, w, err)
		}
	}
	w, err := ParseWebhook([]byte(`{"webhook_type":"NEW","webhook_code":"NEWS","item_id":7,"account_id":null,"error":"none","environment":[]}`))
	want := Webhook{Type: "NEW", Code: "NEWS", Body: w.Body}
	if diff := cmp.Diff(want, w); diff != "" || err != nil {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
}

// FuzzParseWebhook: whatever a signed body holds, it is refused without being quoted, or kept as JSON without what gives access, and reads the same from
// what is kept.
func FuzzParseWebhook(f *testing.F) {
	recordings(f, "webhook_*.json", func(body []byte) { f.Add(body) })
	f.Add([]byte(`{"webhook_type":"LINK","webhook_code":"EVENTS","events":[{"public_token":"p"}],"link_token":"l"}`))
	f.Add([]byte(`{"webhook_type":"ITEM","webhook_code":"ERROR","item_id":"i","error":{"error_type":"ITEM_ERROR","error_code":"ITEM_LOCKED"}}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		w, err := ParseWebhook(body)
		if err != nil {
			if !fault.Is(err, fault.Invalid) || w.Body != nil {
				t.Errorf("%+v, %v", w, err)
			}
			return
		}
		var value any
		if w.Type == "" || w.Code == "" || json.Unmarshal(w.Body, &value) != nil {
			t.Fatalf("%+v", w)
		}
		if path := secretIn(value); path != "" {
			t.Errorf("kept with its %s: %s", path, w.Body)
		}
		again, err := ParseWebhook(w.Body)
		if err != nil || again.Type != w.Type || again.Code != w.Code || again.Item != w.Item ||
			again.Environment != w.Environment || !bytes.Equal(again.Body, w.Body) {
			t.Errorf("reads otherwise from what is kept: %+v, %+v, %v", w, again, err)
		}
	})
}

// secretIn names a member that gives access and was kept.
func secretIn(value any) string {
	switch v := value.(type) {
	case map[string]any:
		for name, inner := range v {
			if secretMembers.MatchString(name) && inner != hidden {
				return name
			}
			if found := secretIn(inner); found != "" {
				return found
			}
		}
	case []any:
		for _, inner := range v {
			if found := secretIn(inner); found != "" {
				return found
			}
		}
	}
	return ""
}
