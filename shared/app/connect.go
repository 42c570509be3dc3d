package app

import (
	"context"
	"log/slog"
	"net/http"

	"github.com/countinghouse/countinghouse/shared/org"
	"github.com/countinghouse/countinghouse/shared/provider/plaid"
	"github.com/countinghouse/countinghouse/shared/provider/quickbooks"
	"github.com/countinghouse/countinghouse/shared/sync/connect"
)

// connectConfig is what functions/connect needs.
type connectConfig struct {
	Joint jointConfig
	Link  LinkConfig
	Banks PlaidLinkConfig
}

// Connect is the function that attaches provider accounts to organisations.
var Connect = functionOf(newConnect)

func newConnect(ctx context.Context, cfg connectConfig, log *slog.Logger) (http.Handler, func(context.Context) error, error) {
	redirect, err := connect.CallbackURL(cfg.Link.Public, quickbooks.Provider)
	if err != nil {
		return nil, nil, err
	}
	j, err := newJoint(ctx, log, "Connect", cfg.Joint)
	if err != nil {
		return nil, nil, err
	}
	providers := map[org.Provider]connect.Provider{quickbooks.Provider: quickBooksConnect{j.quickBooks, redirect}}
	if j.banks != nil {
		providers[plaid.Provider] = newPlaidConnect(j.banks, cfg.Banks)
	}
	handler, err := connect.New(connect.Options{
		Providers: providers, Store: j.store, Ticks: j.ticks, Key: []byte(cfg.Link.Key.Reveal()), Public: cfg.Link.Public,
		Holder: holder("Connect"), Log: j.log, Now: j.now,
	})
	if err != nil {
		j.ends.close(ctx) //nolint:errcheck // the first error counts
		return nil, nil, err
	}
	return ready{handler, j}, j.ends.close, nil
}
