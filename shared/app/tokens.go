package app

import (
	"context"

	"github.com/countinghouse/countinghouse/shared/platform/vault"
	"github.com/countinghouse/countinghouse/shared/sync/engine"
)

// timed are a run's tokens. The run learns how long its source waits for them.
type timed struct{ *vault.Session }

// Access implements the tokens of providers' clients.
func (t timed) Access(ctx context.Context) (string, error) {
	defer engine.Token(ctx)()
	return t.Session.Access(ctx)
}

// Renew does, too.
func (t timed) Renew(ctx context.Context, rejected string) (string, error) {
	defer engine.Token(ctx)()
	return t.Session.Renew(ctx, rejected)
}
