package app

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/countinghouse/countinghouse/shared/fault"
	"github.com/countinghouse/countinghouse/shared/platform/httpclient"
	"github.com/countinghouse/countinghouse/shared/provider/plaid"
	"github.com/countinghouse/countinghouse/shared/sync/engine"
	"github.com/countinghouse/countinghouse/shared/sync/webhook"
)

// plaidPatience leaves Plaid's ten seconds a margin. Its keys may have to be asked for first, twice if
// need be.
var plaidPatience = webhook.Limits{
	Body: 2 * time.Second, Verify: 5 * time.Second, Record: 2500 * time.Millisecond, Ticks: time.Second, Answer: 9500 * time.Millisecond,
}

const (
	keyTimeLimit  = 2300 * time.Millisecond // of one attempt to get a key; there are two
	keyRetryDelay = 200 * time.Millisecond
)

// plaidWebhookConfig is what the receiver of Plaid's webhooks needs. The app's own secret is for Plaid's
// keys: there is none that the two sides share.
type plaidWebhookConfig struct {
	Receiver receiverConfig
	Plaid    PlaidConfig
}

// PlaidWebhook is the function that takes in Plaid's webhooks.
var PlaidWebhook = functionOf(newPlaidWebhook)

func newPlaidWebhook(ctx context.Context, cfg plaidWebhookConfig, log *slog.Logger) (http.Handler, func(context.Context) error, error) {
	j, err := cfg.Receiver.join(ctx, log)
	if err != nil {
		return nil, nil, err
	}
	mux := http.NewServeMux()
	if cfg.Plaid.ClientID == "" { // without an app nobody has been given the address: there is nothing here
		return ready{mux, j}, j.ends.close, nil
	}
	j.patience = plaidPatience.Answer
	signer := plaidSigner{plaid.NewVerifier(cfg.Plaid.keyClient(j.now).WebhookKey, j.now)}
	signer.Keep(plaidKeyStore{j.store, cfg.Plaid.Environment})
	mux.Handle("/{$}", plaidReceiver(signer, cfg.Plaid.Environment, j.store, j.store, j.ticks, j.log))
	return ready{mux, j}, j.ends.close, nil
}

// keyClient is a client for the keys alone: it gives up, after a second attempt, while Plaid still
// waits for our answer.
func (c PlaidConfig) keyClient(now func() time.Time) *plaid.Client {
	o := c.options(SyncConfig{MaxRetries: 1, RetryDelay: keyRetryDelay}, now)
	o.HTTP, o.Retry.RateWaits = httpclient.New(httpclient.Options{Timeout: keyTimeLimit}), -1
	return plaid.New(o)
}

// plaidReceiver is a receiver of what Plaid has signed and means for an environment.
func plaidReceiver(signer plaidSigner, environment string, s webhook.Store, rejected webhook.Rejecter, t webhook.Ticker, log *slog.Logger) *webhook.Receiver {
	return &webhook.Receiver{
		Provider: plaid.Provider, Header: plaid.WebhookSignature, Verify: signer.verify,
		Parse: plaidReader(environment).events, Keep: plaidKept,
		Store: s, Rejected: rejected, Ticks: t, Limits: plaidPatience, Log: log, Flood: plaid.Flooded,
	}
}

// plaidSigner tells what Plaid has signed.
type plaidSigner struct{ *plaid.Verifier }

// verify implements webhook.Receiver's Verify.
func (p plaidSigner) verify(ctx context.Context, body []byte, token string) (webhook.Signed, error) {
	s, err := p.Verify(ctx, body, token)
	if err != nil {
		return webhook.Signed{}, err
	}
	key, err := signingKey(token)
	return webhook.Signed{At: s.Issued, Key: key}, err
}

// signingKey returns a name for one signing: Plaid gives its webhooks none. Two webhooks of the same
// words have two, and one that somebody sends again has the same, even when he writes its signature in
// another way. Of a signature (r, s) anybody can make a second good one, but none with another r; and
// base64 has several texts for the same bytes. So r alone counts, as bytes.
func signingKey(token string) (string, error) {
	i := strings.LastIndexByte(token, '.')
	signature, err := base64.RawURLEncoding.DecodeString(token[i+1:])
	if i < 0 || err != nil || len(signature) != 64 {
		return "", fault.New(fault.Forbidden, "the signature is none of ES256")
	}
	digest := sha256.New()
	digest.Write([]byte(token[:i+1]))
	digest.Write(signature[:32])
	return hex.EncodeToString(digest.Sum(nil)), nil
}

// plaidMeaning is what a webhook of Plaid's comes to here. Without a stream, and not told, it is of a
// kind that we do not know.
type plaidMeaning struct {
	stream string        // that is read
	change engine.Change // empty: engine.Updated
	told   bool          // for information
	mends  bool
}

// plaidMeanings holds what we know, by type and code. Without a code: all others of that type.
var plaidMeanings = map[[2]string]plaidMeaning{
	{"TRANSACTIONS", "SYNC_UPDATES_AVAILABLE"}:        {stream: "transactions"},
	{"TRANSACTIONS", "INITIAL_UPDATE"}:                {told: true}, // this and the next three are for those who do not use /transactions/sync
	{"TRANSACTIONS", "HISTORICAL_UPDATE"}:             {told: true},
	{"TRANSACTIONS", "DEFAULT_UPDATE"}:                {told: true},
	{"TRANSACTIONS", "TRANSACTIONS_REMOVED"}:          {told: true},
	{"TRANSACTIONS", "RECURRING_TRANSACTIONS_UPDATE"}: {stream: "recurring_inflows"}, // read together with the outflows

	{"ITEM", "ERROR"}:                       {stream: "items"},
	{"ITEM", "USER_PERMISSION_REVOKED"}:     {stream: "items"},
	{"ITEM", "LOGIN_REPAIRED"}:              {stream: "items", change: engine.Mended, mends: true},
	{"ITEM", "PENDING_EXPIRATION"}:          {stream: "items", change: engine.Ending},
	{"ITEM", "PENDING_DISCONNECT"}:          {stream: "items", change: engine.Ending},
	{"ITEM", "NEW_ACCOUNTS_AVAILABLE"}:      {stream: "items", change: engine.Offered},
	{"ITEM", "USER_ACCOUNT_REVOKED"}:        {stream: "accounts"},
	{"ITEM", "WEBHOOK_UPDATE_ACKNOWLEDGED"}: {told: true},

	{"LIABILITIES", ""}:                {stream: "credit_liabilities"}, // read together with the loans
	{"HOLDINGS", ""}:                   {stream: "holdings"},
	{"INVESTMENTS_TRANSACTIONS", ""}:   {stream: "investment_transactions"},
	{"STATEMENTS", ""}:                 {stream: "statement_accounts"},
	{"LINK", ""}:                       {told: true}, // Connect asks for the outcome itself
	{"DASHBOARD_CONFIGURED_ALERT", ""}: {told: true},
}

func meaningOf(w plaid.Webhook) plaidMeaning {
	m, known := plaidMeanings[[2]string{w.Type, w.Code}]
	if !known {
		m = plaidMeanings[[2]string{w.Type, ""}]
	}
	m.change = cmp.Or(m.change, engine.Updated)
	return m
}

// plaidReader reads what is meant for its environment, in our own words.
type plaidReader string

// events implements webhook.Receiver's Parse. A webhook is one event, about an Item as a whole: the
// streams are read whole.
func (environment plaidReader) events(body []byte, s webhook.Signed) ([]webhook.Event, error) {
	w, err := plaid.ParseWebhook(body)
	if err != nil {
		return nil, err
	}
	m := meaningOf(w)
	e := webhook.Event{
		Key: s.Key, Account: w.Item, Stream: m.stream, Kind: w.Type + "/" + w.Code, Object: cmp.Or(w.Item, w.Type),
		Change: m.change, At: s.At, Raw: w.Body, Told: m.told, Mends: m.mends,
	}
	if e.Problem = environment.problem(w, m); e.Problem != "" {
		e.Told, e.Mends = false, false
	}
	return []webhook.Event{e}, nil
}

// problem says why a webhook cannot be acted upon, or "".
func (environment plaidReader) problem(w plaid.Webhook, m plaidMeaning) string {
	switch {
	case w.Environment != string(environment) && (w.Environment != "" || m.stream != ""):
		return "it is not of the environment that PLAID_ENVIRONMENT names"
	case w.Item == "" && m.stream != "":
		return "it names no item"
	}
	return ""
}

// plaidKept returns what may be kept of a body that is refused. One that is no webhook is not kept,
// because nobody has taken a token out of it.
func plaidKept(body []byte) string {
	w, err := plaid.ParseWebhook(body)
	if err != nil {
		return fmt.Sprintf("%d bytes", len(body))
	}
	return string(w.Body)
}
