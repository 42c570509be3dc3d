package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http/httptest"
	"net/url"
	"slices"
	"time"

	"github.com/countinghouse/countinghouse/shared/app"
	"github.com/countinghouse/countinghouse/shared/catalog"
	"github.com/countinghouse/countinghouse/shared/org"
	"github.com/countinghouse/countinghouse/shared/provider/plaid"
	"github.com/countinghouse/countinghouse/shared/provider/plaid/plaidsim"
	"github.com/countinghouse/countinghouse/shared/store"
)

// bank is where an organisation of the demo has its accounts.
type bank struct{ id, name string }

// startPlaid makes the simulator of Plaid, unless the caller has named a Plaid app.
func (p *platform) startPlaid(context.Context) error {
	if p.set("PLAID_CLIENT_ID") {
		p.consent = append(p.consent, "https://*.plaid.com")
		return nil
	}
	p.banks = plaidsim.New(plaidsim.Config{ClientID: clientID, Secret: clientID + "-secret", NotReadyCalls: 1})
	found, err := p.kept("plaid.json", p.banks.Load, p.banks.Save)
	if err != nil {
		return err
	}
	if !found {
		p.logins()
	}
	server := httptest.NewServer(p.banks)
	p.onClose(func() error { server.Close(); return nil })
	p.consent = append(p.consent, server.URL)
	p.settings = append(p.settings,
		"PLAID_CLIENT_ID="+clientID, "PLAID_SECRET="+clientID+"-secret", "PLAID_API_URL="+server.URL,
		"PLAID_OPTIONAL_PRODUCTS=liabilities,investments,statements", "PLAID_RECURRING=true",
		"PLAID_WEBHOOK_URL="+p.url+"/functions/plaidwebhook/",
	)
	p.bankHooks = p.banks.Webhooks(plaidsim.WebhookConfig{})
	return nil
}

// logins gives each of the demo's organisations accounts at its bank.
func (p *platform) logins() {
	for _, o := range organisations() {
		p.banks.AddLogin(plaidsim.LoginSpec{
			Institution: o.bank.id, InstitutionName: o.bank.name, Username: string(o.Slug), Seed: o.seed,
			Transactions: max(2*p.invoices/o.share, 10), Days: 365, Pending: 3, Plain: true,
		})
	}
}

// linkBank connects an organisation's bank as a person does: by the link, at Plaid's hosted page.
func (p *platform) linkBank(ctx context.Context, o organisation) error {
	return p.visitBank(ctx, o)
}

// visitBank opens a link, goes through the bank's page, and waits until the bank is connected.
func (p *platform) visitBank(ctx context.Context, o organisation, flags ...string) error {
	if err := p.signIn(ctx, o, flags...); err != nil {
		return err
	}
	return p.await(ctx, o, plaid.Provider, func(c store.ConnectionStatus) bool { return c.State == org.Active })
}

// signIn opens a link and goes through the bank's page.
func (p *platform) signIn(ctx context.Context, o organisation, flags ...string) error {
	link, err := p.link(plaid.Provider, string(o.Slug), flags...)
	if err != nil {
		return err
	}
	person, err := newBrowser()
	if err != nil {
		return err
	}
	asked, err := person.get(ctx, link)
	if err != nil {
		return err
	}
	answer, err := person.press(ctx, asked, "Continue", url.Values{"login": {o.bank.id + "/" + string(o.Slug)}})
	if err != nil {
		return err
	}
	p.say("%-9s   page says: %s", o.Slug, answer.words())
	return nil
}

// bankLoaded waits until everything of the bank is here. Plaid has the last days first and the rest a
// little later; what is not ready comes with the next tick.
func (p *platform) bankLoaded(ctx context.Context, o organisation) error {
	return p.await(ctx, o, plaid.Provider, p.loaded(ctx))
}

// loaded reports whether all of a connection is here, and asks for what is not.
func (p *platform) loaded(ctx context.Context) func(store.ConnectionStatus) bool {
	asked := int64(0)
	return func(c store.ConnectionStatus) bool {
		if len(c.Runs) == 0 || c.Runs[0].Outcome != "done" || len(c.Streams) == 0 {
			return false
		}
		waits := slices.ContainsFunc(c.Streams, func(s store.StreamStatus) bool { return s.Loading || s.LastSuccess == nil })
		if waits && c.Runs[0].ID > asked {
			asked = c.Runs[0].ID
			p.tick(ctx, org.Tick{Org: c.Org, Connection: c.ID, Reason: org.Manual})
		}
		return !waits
	}
}

// item is the organisation's bank at Plaid.
func (p *platform) item(ctx context.Context, o organisation) (store.ConnectionStatus, *plaidsim.Item, error) {
	c, err := p.status(ctx, o, plaid.Provider)
	if err != nil {
		return c, nil, err
	}
	if item := p.banks.Item(c.Account); item != nil {
		return c, item, nil
	}
	return c, nil, fmt.Errorf("the bank does not know %s", c.Account)
}

// payByCard pays something: it is pending first, and posts under another id with another amount. Webhooks
// alone bring both, and whoever reads sees one thing.
func (p *platform) payByCard(ctx context.Context, o organisation) error {
	_, item, err := p.item(ctx, o)
	if err != nil {
		return err
	}
	pending, err := item.Pend(plaidsim.TransactionSpec{Amount: "48.20", Name: "DINER ON MAIN"})
	if err != nil {
		return err
	}
	first, err := p.awaitPayment(ctx, o, pending)
	if err != nil {
		return err
	}
	posted, err := item.Post(pending, plaidsim.PostSpec{Amount: "57.84"}) // with the tip
	if err != nil {
		return err
	}
	second, err := p.awaitPayment(ctx, o, posted)
	if err != nil {
		return err
	}
	if first.key != second.key || !first.pending || second.pending || second.amount != "57.84" {
		return fmt.Errorf("the payment was %+v and is %+v: not one thing to its readers", first, second)
	}
	p.say("%-9s   %s pending, then %s posted; the row_key stays %s…", o.Slug, first.amount, second.amount, first.key[:min(len(first.key), 20)])
	return nil
}

// payment is what a reader sees of a transaction.
type payment struct {
	key, amount string
	pending     bool
}

// awaitPayment looks until a transaction can be read.
func (p *platform) awaitPayment(ctx context.Context, o organisation, id string) (seen payment, err error) {
	err = p.await(ctx, o, plaid.Provider, func(store.ConnectionStatus) bool {
		return p.store.Pool().QueryRow(ctx, `SELECT row_key, amount::text, pending FROM reporting.bank_transactions WHERE org_id = $1 AND transaction_id = $2`,
			o.Slug, id).Scan(&seen.key, &seen.amount, &seen.pending) == nil
	})
	return seen, err
}

// loginBreaks has the bank ask for a new login. Plaid's webhook tells of it; no tick is sent.
func (p *platform) loginBreaks(ctx context.Context, o organisation) error {
	_, item, err := p.item(ctx, o)
	if err != nil {
		return err
	}
	item.RequireLogin("OAUTH_CONSENT_EXPIRED")
	return p.await(ctx, o, plaid.Provider, func(c store.ConnectionStatus) bool {
		if c.State == org.NeedsReauth {
			p.say("%-9s   reason: %s", o.Slug, c.Reason)
		}
		return c.State == org.NeedsReauth
	})
}

// mendLogin logs in again: the Item stays the same, and so do all ids.
func (p *platform) mendLogin(ctx context.Context, o organisation) error {
	c, _, err := p.item(ctx, o)
	if err != nil {
		return err
	}
	before, err := p.lastRun(ctx, o, plaid.Provider)
	if err != nil {
		return err
	}
	if err := p.visitBank(ctx, o, "-connection", c.ID.String()); err != nil {
		return err
	}
	return p.await(ctx, o, plaid.Provider, func(c store.ConnectionStatus) bool {
		return len(c.Runs) > 0 && c.Runs[0].ID > before && c.Runs[0].Outcome == "done"
	})
}

// reconcileBank has jobs/reconcile compare everything with the bank, and wants nothing to differ.
func (p *platform) reconcileBank(ctx context.Context, o organisation) error {
	c, err := p.status(ctx, o, plaid.Provider)
	if err != nil {
		return err
	}
	args := []string{"-org", string(o.Slug), "-connection", c.ID.String(), "-full"}
	if err := app.Reconcile.Run(ctx, args, append(p.environment(), "LOG_LEVEL=error"), io.Discard, io.Discard); err != nil {
		return err
	}
	var checked, wrong int
	err = p.store.Pool().QueryRow(ctx, `SELECT coalesce(sum(checked), 0), coalesce(sum(missing + stale + damaged + surplus), 0)
FROM sync.reconciliations WHERE connection_id = $1 AND finished_at IS NOT NULL`, c.ID).Scan(&checked, &wrong)
	if err == nil && (checked == 0 || wrong > 0) {
		err = fmt.Errorf("of %d objects compared with the bank %d differ", checked, wrong)
	}
	return err
}

// bankAgrees compares every object of the bank with the database.
func (p *platform) bankAgrees(ctx context.Context, o organisation, v *verdict) error {
	c, item, err := p.item(ctx, o)
	if err == nil {
		err = p.bankEquals(ctx, c, item, v)
	}
	if err == nil {
		p.say("%-9s %-58s", o.Slug, "compared with the bank, object by object")
	}
	return err
}

// bankEquals compares every object of one login with the database.
func (p *platform) bankEquals(ctx context.Context, c store.ConnectionStatus, item *plaidsim.Item, v *verdict) error {
	// What was said of the Item and its bank has changed since; balances are noted by the day.
	tables := slices.DeleteFunc(plaid.Catalog(), func(t catalog.Table) bool {
		return t.Stream == "items" || t.Stream == "institutions" || t.Stream == "balances"
	})
	return p.compare(ctx, c, tables, item.All, v)
}

// spend is one small payment, for the page's button: it is pending, and what was pending before posts.
func (p *platform) spend(account string) error {
	item, err := p.bankItem(account)
	if err != nil {
		return err
	}
	for _, id := range pending(item) {
		if _, err := item.Post(id, plaidsim.PostSpec{}); err != nil {
			return err
		}
	}
	_, err = item.Pend(plaidsim.TransactionSpec{Amount: fmt.Sprintf("%d.%02d", 4+time.Now().Second(), time.Now().Nanosecond()%100), Name: "CORNER SHOP"})
	return err
}

// pending returns the ids of the transactions that are not posted yet.
func pending(item *plaidsim.Item) (ids []string) {
	for raw := range item.Transactions() {
		var t struct {
			ID      string `json:"transaction_id"`
			Pending bool   `json:"pending"`
		}
		if json.Unmarshal(raw, &t) == nil && t.Pending {
			ids = append(ids, t.ID)
		}
	}
	return ids
}

// lock has the bank ask for a new login, for the page's button.
func (p *platform) lock(account string) error {
	item, err := p.bankItem(account)
	if err == nil {
		item.RequireLogin("")
	}
	return err
}

func (p *platform) bankItem(account string) (*plaidsim.Item, error) {
	if p.banks != nil {
		if item := p.banks.Item(account); item != nil {
			return item, nil
		}
	}
	return nil, fmt.Errorf("there is no simulated bank login %q", account)
}
