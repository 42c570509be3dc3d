package store

import (
	"context"
	"encoding/json"
	"time"

	"github.com/jackc/pgx/v5"
)

// WebhookKey is a public key that a provider signs its webhooks with.
type WebhookKey struct {
	ID      string
	Key     json.RawMessage // as its provider's package writes it
	Expired bool            // the provider has withdrawn it
	Seen    time.Time       // when the provider last confirmed it
}

// maxWebhookKeys is how many are read: providers have a handful.
const maxWebhookKeys = 64

// WebhookKeys returns a provider's keys, those confirmed last; provider may name an environment too.
func (s *Store) WebhookKeys(ctx context.Context, provider string) ([]WebhookKey, error) {
	rows, err := s.pool.Query(ctx, `SELECT key_id AS id, key, expired, seen_at AS seen FROM sync.webhook_keys
WHERE provider = $1 ORDER BY seen_at DESC LIMIT $2`, provider, maxWebhookKeys)
	if err != nil {
		return nil, failure("read the keys of webhooks", err)
	}
	keys, err := pgx.CollectRows(rows, pgx.RowToStructByName[WebhookKey])
	return keys, failure("read the keys of webhooks", err)
}

// SaveWebhookKey keeps a key. One that was withdrawn stays so.
func (s *Store) SaveWebhookKey(ctx context.Context, provider string, k WebhookKey) error {
	_, err := s.pool.Exec(ctx, `INSERT INTO sync.webhook_keys AS w (provider, key_id, key, expired, seen_at) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (provider, key_id) DO UPDATE SET key = excluded.key, expired = w.expired OR excluded.expired, seen_at = excluded.seen_at`,
		provider, k.ID, k.Key, k.Expired, k.Seen)
	return failure("keep a key of webhooks", err)
}
