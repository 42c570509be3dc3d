package app

import (
	"context"

	"github.com/countinghouse/countinghouse/shared/provider/plaid"
	"github.com/countinghouse/countinghouse/shared/store"
)

// plaidKeyStore keeps Plaid's webhook keys in the database. Each environment has its own.
type plaidKeyStore struct {
	store       *store.Store
	environment string
}

var _ plaid.KeyStore = plaidKeyStore{}

func (k plaidKeyStore) provider() string { return string(plaid.Provider) + " " + k.environment }

// Load implements plaid.KeyStore. A key that cannot be read is left out, and so looked up again.
func (k plaidKeyStore) Load(ctx context.Context) ([]plaid.Key, error) {
	kept, err := k.store.WebhookKeys(ctx, k.provider())
	keys := make([]plaid.Key, 0, len(kept))
	for _, row := range kept {
		if key, err := plaid.ReadKey(row.Key, row.ID); err == nil {
			key.Expired, key.Seen = row.Expired, row.Seen
			keys = append(keys, key)
		}
	}
	return keys, err
}

// Save implements plaid.KeyStore.
func (k plaidKeyStore) Save(ctx context.Context, key plaid.Key) error {
	written, err := key.JWK()
	if err != nil {
		return err
	}
	return k.store.SaveWebhookKey(ctx, k.provider(), store.WebhookKey{ID: key.ID, Key: written, Expired: key.Expired, Seen: key.Seen})
}
