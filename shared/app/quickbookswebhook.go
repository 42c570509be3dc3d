package app

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"time"

	"github.com/countinghouse/countinghouse/shared/fault"
	"github.com/countinghouse/countinghouse/shared/org"
	"github.com/countinghouse/countinghouse/shared/platform/config"
	"github.com/countinghouse/countinghouse/shared/platform/logging"
	"github.com/countinghouse/countinghouse/shared/platform/queue"
	"github.com/countinghouse/countinghouse/shared/provider/quickbooks"
	"github.com/countinghouse/countinghouse/shared/store"
	"github.com/countinghouse/countinghouse/shared/sync/engine"
	"github.com/countinghouse/countinghouse/shared/sync/webhook"
)

// receiverConfig is what receivers of webhooks need: they read no account, so they have no key to any.
type receiverConfig struct {
	Log      logging.Options
	Database store.Config
	Queue    queue.Config
	Topic    string `env:"SYNC_TOPIC,required" help:"Pub/Sub topic of the ticks"`
}

// join builds what the settings describe. It makes no call.
func (c receiverConfig) join(ctx context.Context, log *slog.Logger) (_ *joint, err error) {
	if log == nil {
		log = logging.New(os.Stderr, c.Log)
	}
	j := &joint{log: log, now: time.Now}
	if j.store, err = openStore(ctx, c.Database, &j.ends); err != nil {
		return nil, err
	}
	publisher, err := queue.New(ctx, c.Queue)
	if err != nil {
		j.ends.close(ctx) //nolint:errcheck // the first error counts
		return nil, err
	}
	j.ends.add(func(context.Context) error { return publisher.Close() })
	j.ticks = ticks{publisher.Publisher(c.Topic)}
	return j, nil
}

// webhookConfig is what the receiver of QuickBooks' webhooks needs.
type webhookConfig struct {
	Receiver receiverConfig
	Verifier config.Secret `env:"QUICKBOOKS_WEBHOOK_VERIFIER_TOKEN" help:"of the app's webhooks, from Intuit's developer portal; several, separated by commas, while it is changed; empty: none is taken yet"`
}

// Validate implements config.Validator.
func (c webhookConfig) Validate() error {
	if c.Verifier != "" && len(c.verifiers()) == 0 {
		return errors.New("QUICKBOOKS_WEBHOOK_VERIFIER_TOKEN: want the token, or several of them separated by commas")
	}
	return nil
}

func (c webhookConfig) verifiers() (tokens []quickbooks.Secret) {
	for token := range entries(c.Verifier.Reveal()) {
		tokens = append(tokens, quickbooks.Secret(token))
	}
	return tokens
}

// QuickBooksWebhook is the function that takes in QuickBooks' webhooks.
var QuickBooksWebhook = functionOf(newQuickBooksWebhook)

func newQuickBooksWebhook(ctx context.Context, cfg webhookConfig, log *slog.Logger) (http.Handler, func(context.Context) error, error) {
	j, err := cfg.Receiver.join(ctx, log)
	if err != nil {
		return nil, nil, err
	}
	j.patience = quickBooksPatience.Answer
	mux := http.NewServeMux()
	if len(cfg.verifiers()) > 0 {
		mux.Handle("/{$}", quickBooksReceiver(cfg.verifiers(), j.store, j.store, j.ticks, j.log))
	} else {
		mux.Handle("POST /{$}", notYet(quickbooks.Provider, "QUICKBOOKS_WEBHOOK_VERIFIER_TOKEN is not set", j.log))
	}
	mux.Handle("GET /disconnect", &webhook.Disconnected{
		Provider: quickbooks.Provider, Account: realmOf, Store: j.store, Ticks: j.ticks, Log: j.log,
	})
	return ready{mux, j}, j.ends.close, nil
}

// notYet refuses webhooks in a way that has them sent again: Intuit tells its token only once it has been
// given the address, so the function is there first. Whoever knows the address can have this line
// written, so the line is none that somebody is woken by. The 503 still counts in the alert public-errors.
func notYet(p org.Provider, why string, log *slog.Logger) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		log.WarnContext(r.Context(), "webhook not taken: there is no key yet", "event", "webhooks_not_set_up", "provider", string(p), "reason", why)
		http.Error(w, "try again: webhooks are not taken yet", http.StatusServiceUnavailable)
	})
}

// quickBooksReceiver is a receiver of what is signed by one of the tokens.
func quickBooksReceiver(tokens []quickbooks.Secret, s webhook.Store, rejected webhook.Rejecter, t webhook.Ticker, log *slog.Logger) *webhook.Receiver {
	return &webhook.Receiver{
		Provider: quickbooks.Provider, Header: quickbooks.WebhookSignature, Verify: verifier(tokens).verify,
		Parse: quickBooksEvents, Keep: func(body []byte) string { return string(body) },
		Store: s, Rejected: rejected, Ticks: t, Limits: quickBooksPatience, Log: log,
	}
}

// quickBooksPatience leaves Intuit's three seconds a margin, which an answer may need that waits for its
// spans (tracing.FlushWait).
var quickBooksPatience = webhook.Limits{
	Body: 2 * time.Second, Verify: 2 * time.Second, Record: 2500 * time.Millisecond, Ticks: time.Second, Answer: 2700 * time.Millisecond,
}

// verifier knows the tokens of Intuit's webhooks.
type verifier []quickbooks.Secret

// verify implements webhook.Receiver's Verify. Intuit's signature tells nothing beside that it is good.
func (v verifier) verify(_ context.Context, body []byte, signature string) (s webhook.Signed, err error) {
	good := false
	for _, token := range v { // all of them: how long it takes tells nothing
		good = quickbooks.VerifyWebhook(token, body, signature) || good
	}
	if !good {
		return s, fault.New(fault.Forbidden, "no verifier token of ours has signed it")
	}
	return s, nil
}

// quickBooksEvents reads a delivery in our own words.
func quickBooksEvents(body []byte, _ webhook.Signed) ([]webhook.Event, error) {
	told, err := quickbooks.ParseWebhook(body)
	if err != nil {
		return nil, err
	}
	events := make([]webhook.Event, len(told))
	for i, e := range told {
		events[i] = webhook.Event{
			Key: e.Key, Account: e.Realm, Stream: e.Entity, Kind: e.Kind, Object: e.ID,
			Change: quickBooksChange(e.Operation), Loser: e.Loser, At: e.Time, Raw: e.Raw, Problem: e.Problem,
		}
	}
	return events, nil
}

func quickBooksChange(operation string) engine.Change {
	switch operation {
	case quickbooks.OperationCreated:
		return engine.Created
	case quickbooks.OperationDeleted:
		return engine.Deleted
	case quickbooks.OperationMerged:
		return engine.Merged
	case quickbooks.OperationVoided:
		return engine.Voided
	case quickbooks.OperationEmailed:
		return engine.Emailed
	}
	return engine.Updated // whatever it was: the object is read
}

// realmOf reads the company from the address that Intuit sends a person to after a disconnect.
func realmOf(q url.Values) string {
	if realm := q.Get("realmId"); quickbooks.IsRealm(realm) {
		return realm
	}
	return ""
}
