package main

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"

	"github.com/countinghouse/countinghouse/shared/provider/quickbooks/qbosim"
)

// startQuickBooks makes the simulator of QuickBooks Online, unless the caller has named an Intuit app.
func (p *platform) startQuickBooks(context.Context) error {
	if p.set("QUICKBOOKS_CLIENT_ID") { // a real Intuit app: no simulator
		p.url = strings.Replace(p.url, "127.0.0.1", "localhost", 1) // the only address without HTTPS that Intuit takes
		p.consent = append(p.consent, "https://*.intuit.com")
		return nil
	}
	p.sim = qbosim.New(qbosim.Config{
		ClientID: clientID, ClientSecret: clientID + "-secret",
		RedirectURIs: []string{p.url + "/connect/quickbooks/callback"}, RotateAlways: p.rotate,
	})
	found, err := p.kept("quickbooks.json", p.sim.Load, p.sim.Save)
	if err != nil {
		return err
	}
	if !found {
		p.companies()
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if p.met != nil {
			p.met(r)
		}
		p.sim.ServeHTTP(w, r)
	}))
	p.onClose(func() error { server.Close(); return nil })
	p.consent = append(p.consent, server.URL)
	p.settings = append(p.settings,
		"QUICKBOOKS_CLIENT_ID="+clientID, "QUICKBOOKS_CLIENT_SECRET="+clientID+"-secret",
		"QUICKBOOKS_API_URL="+server.URL, "QUICKBOOKS_AUTHORIZE_URL="+server.URL+"/connect/oauth2",
		"QUICKBOOKS_TOKEN_URL="+server.URL+"/oauth2/v1/tokens/bearer", "QUICKBOOKS_REVOKE_URL="+server.URL+"/v2/oauth2/tokens/revoke",
		"QUICKBOOKS_WEBHOOK_VERIFIER_TOKEN="+verifier,
	)
	p.hooks = p.sim.Webhooks(qbosim.WebhookConfig{URL: p.url + "/functions/quickbookswebhook/", VerifierToken: verifier, Format: qbosim.CloudEvents})
	return nil
}

// companies makes the demo's.
func (p *platform) companies() {
	for _, o := range organisations() {
		p.sim.AddCompany(qbosim.CompanySpec{
			Realm: o.realm, Name: o.company, Seed: o.seed, Invoices: max(p.invoices/o.share, 10),
			CustomFields: []string{"Generator Model", "Engine Model"},
		})
	}
}
