package main

import (
	"context"
	"net"
	"net/http"
	"time"

	"github.com/countinghouse/countinghouse/local/broker"
	"github.com/countinghouse/countinghouse/shared/app"
	"github.com/countinghouse/countinghouse/shared/platform/queue"
	"github.com/countinghouse/countinghouse/shared/platform/web"
)

// startFunctions mounts every function at /functions/NAME/, and what browsers know where they know it.
func (p *platform) startFunctions(ctx context.Context) error {
	mux := http.NewServeMux()
	for _, f := range []struct {
		name, path string
		build      app.Function
	}{
		{"SyncOrg", "syncorg", app.SyncOrg}, {"Connect", "connect", app.Connect},
		{"QuickBooksWebhook", "quickbookswebhook", app.QuickBooksWebhook}, {"PlaidWebhook", "plaidwebhook", app.PlaidWebhook},
		{"Dispatch", "dispatch", app.Dispatch}, {"Watch", "watch", app.Watch},
	} {
		if f.path == "quickbookswebhook" && p.hooks == nil && !p.set("QUICKBOOKS_WEBHOOK_VERIFIER_TOKEN") {
			continue // Intuit's webhooks do not reach this machine
		}
		if f.path == "plaidwebhook" && p.banks == nil {
			continue // nor do Plaid's
		}
		handler, end, err := f.build.Build(ctx, p.environment(), p.log)
		if err != nil {
			return err
		}
		server := web.New(ctx, web.Options{Name: f.name, Handler: handler, Close: end, Log: p.log})
		p.onClose(server.Shutdown)
		mux.Handle("/functions/"+f.path+"/", http.StripPrefix("/functions/"+f.path, server))
		if f.path == "connect" {
			mux.Handle("/connect/", server)
		}
	}
	p.routes(mux)
	safe := http.NewCrossOriginProtection() // no other page of this browser presses our buttons or sends ticks
	server := &http.Server{Handler: p.onlyHere(safe.Handler(mux)), ReadHeaderTimeout: 10 * time.Second}
	go server.Serve(p.listening) //nolint:errcheck // ends with the platform
	p.onClose(func() error {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
		defer cancel()
		return server.Shutdown(ctx)
	})

	client, err := queue.New(ctx, queue.Config{Project: project, Emulator: p.broker.Addr()})
	if err != nil {
		return err
	}
	p.onClose(client.Close)
	p.ticks = client.Publisher(topic)
	return nil
}

// onlyHere answers requests for this machine's own names only: a foreign name that leads here is
// another page's attempt to reach us through a browser.
func (p *platform) onlyHere(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		host := r.Host
		if name, _, err := net.SplitHostPort(host); err == nil {
			host = name
		}
		if host != "localhost" && host != "127.0.0.1" {
			http.Error(w, "this is "+p.url, http.StatusMisdirectedRequest)
			return
		}
		h.ServeHTTP(w, r)
	})
}

// run starts what keeps the platform moving: the push subscription, the scheduler and what it calls
// besides, the simulators' webhooks, and what keeps their state.
func (p *platform) run(ctx context.Context) {
	parts := []func(context.Context){p.push, p.schedule, p.watch, p.keepHouse, p.keep, p.tell, p.tellOfBanks}
	done := make(chan struct{}, len(parts))
	for _, part := range parts {
		go func() {
			defer func() { done <- struct{}{} }()
			part(ctx)
		}()
	}
	p.onClose(func() error {
		for range parts {
			<-done
		}
		return nil
	})
}

// push delivers the ticks.
func (p *platform) push(ctx context.Context) {
	err := p.broker.Push(ctx, project, subscription, "http://"+p.listening.Addr().String()+"/functions/syncorg/", broker.PushOptions{Log: p.log})
	if err != nil && ctx.Err() == nil {
		p.log.Error("push subscription ended", "err", err)
	}
}

// tell sends the simulated QuickBooks' webhooks.
func (p *platform) tell(ctx context.Context) {
	if p.hooks == nil {
		return
	}
	if err := p.hooks.Run(ctx); ctx.Err() == nil {
		p.log.Error("the simulator's webhooks ended", "err", err)
	}
}

// tellOfBanks sends the simulated Plaid's webhooks.
func (p *platform) tellOfBanks(ctx context.Context) {
	if p.bankHooks == nil {
		return
	}
	if err := p.bankHooks.Run(ctx); ctx.Err() == nil {
		p.log.Error("the simulated bank's webhooks ended", "err", err)
	}
}
