package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/url"
	"time"

	"github.com/countinghouse/countinghouse/shared/app"
	"github.com/countinghouse/countinghouse/shared/catalog"
	"github.com/countinghouse/countinghouse/shared/org"
	"github.com/countinghouse/countinghouse/shared/provider/quickbooks"
	"github.com/countinghouse/countinghouse/shared/store"
	"github.com/countinghouse/countinghouse/shared/store/storetest"
)

// verdict is the demo's last line.
type verdict struct {
	OK            bool     `json:"ok"`
	Organisations int      `json:"organisations"`
	Rows          int      `json:"rows"` // live objects that were compared with the provider's
	Seconds       float64  `json:"seconds"`
	Differences   []string `json:"differences,omitempty"`
	Error         string   `json:"error,omitempty"`
}

// demo plays everything once on fresh data, unattended, and tells whether database and provider
// agree in the end.
func demo(ctx context.Context, o options) error {
	v := verdict{Organisations: len(organisations())}
	return perform(o.stdout, &v, &v, func() error { return play(ctx, o, &v) })
}

// perform plays something and prints its verdict as the last line: told, which v is or is part of. It
// returns an error when the play failed, or database and providers differ.
func perform(stdout io.Writer, v *verdict, told any, play func() error) error {
	began := time.Now()
	err := play()
	v.Seconds = time.Since(began).Round(10 * time.Millisecond).Seconds()
	v.OK = err == nil && len(v.Differences) == 0
	if err != nil {
		v.Error = err.Error()
	}
	line, errJSON := json.Marshal(told)
	if errJSON != nil {
		return errJSON
	}
	fmt.Fprintln(stdout, string(line))
	if err == nil && !v.OK {
		err = errors.New("database and provider differ")
	}
	return err
}

func play(ctx context.Context, o options, v *verdict) (err error) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Minute)
	defer cancel()
	p, err := start(ctx, o)
	if err != nil {
		return err
	}
	defer func() {
		cancel()
		err = errors.Join(err, p.close())
	}()
	p.run(ctx)

	for _, step := range []struct {
		what string
		do   func(context.Context, organisation) error
	}{
		{"connect to QuickBooks through the consent page", p.consentTo},
		{"first load", p.syncAll},
		{"create, change, void, deactivate and delete in QuickBooks", p.change},
		{"next tick", p.syncAll},
		{"the company's admin withdraws the consent", p.withdraw},
		{"next tick: it asks for a new login", p.syncRefused},
		{"connect again; the data has stayed", p.consentTo},
		{"more changes: signed webhooks bring them, no tick is sent", p.changeAndHear},
		{"next tick: balances that no webhook tells of", p.syncAll},
		{"rows are damaged by hand; reconciling finds and mends them", p.damageAndReconcile},
		{"connect the bank through Plaid's hosted page", p.linkBank},
		{"first load of the bank", p.bankLoaded},
		{"a card payment: pending, then posted under another id and amount", p.payByCard},
		{"the bank wants a new login: the webhook is enough", p.loginBreaks},
		{"log in again: update mode; the data has stayed", p.mendLogin},
		{"every value of the bank is compared: nothing differs", p.reconcileBank},
	} {
		for _, o := range organisations() {
			at := time.Now()
			if err := step.do(ctx, o); err != nil {
				return fmt.Errorf("%s: %s: %w", o.Slug, step.what, err)
			}
			p.say("%-9s %-58s %6d ms", o.Slug, step.what, time.Since(at).Milliseconds())
		}
	}
	for _, o := range organisations() {
		if err := errors.Join(p.agree(ctx, o, v), p.bankAgrees(ctx, o, v)); err != nil {
			return fmt.Errorf("%s: compare with the providers: %w", o.Slug, err)
		}
	}
	return nil
}

// consentTo connects an organisation as a person does: by the link, at QuickBooks' consent page.
func (p *platform) consentTo(ctx context.Context, o organisation) error {
	link, err := p.link(quickbooks.Provider, string(o.Slug))
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
	answer, err := person.press(ctx, asked, "Connect", url.Values{"realm": {o.realm}})
	if err != nil {
		return err
	}
	p.say("%-9s   page says: %s", o.Slug, answer.words())
	return p.await(ctx, o, quickbooks.Provider, func(c store.ConnectionStatus) bool { return c.State == org.Active })
}

// syncAll sends a tick and waits until a run that began after it is done.
func (p *platform) syncAll(ctx context.Context, o organisation) error {
	before, err := p.lastRun(ctx, o, quickbooks.Provider)
	if err != nil {
		return err
	}
	p.tick(ctx, org.Tick{Org: o.Slug, Reason: org.Manual})
	return p.await(ctx, o, quickbooks.Provider, func(c store.ConnectionStatus) bool {
		return len(c.Runs) > 0 && c.Runs[0].ID > before && c.Runs[0].Outcome == "done"
	})
}

func (p *platform) syncRefused(ctx context.Context, o organisation) error {
	p.tick(ctx, org.Tick{Org: o.Slug, Reason: org.Manual})
	return p.await(ctx, o, quickbooks.Provider, func(c store.ConnectionStatus) bool {
		if c.State == org.NeedsReauth {
			p.say("%-9s   reason: %s", o.Slug, c.Reason)
		}
		return c.State == org.NeedsReauth
	})
}

func (p *platform) withdraw(_ context.Context, o organisation) error {
	p.sim.Company(o.realm).Disconnect()
	return nil
}

// changeAndHear makes changes and waits until webhooks alone have brought them.
func (p *platform) changeAndHear(ctx context.Context, o organisation) error {
	before, err := p.lastRun(ctx, o, quickbooks.Provider)
	if err != nil {
		return err
	}
	if err := p.change(ctx, o); err != nil {
		return err
	}
	return p.await(ctx, o, quickbooks.Provider, func(c store.ConnectionStatus) bool {
		read := len(c.Runs) > 0 && c.Runs[0].ID > before && c.Runs[0].Outcome == "done" && c.Runs[0].Reason == string(org.Webhook)
		return read && c.OpenNotices == 0 && p.hooks.Stats().Waiting == 0
	})
}

// damageAndReconcile spoils rows behind everybody's back and lets jobs/reconcile find them.
func (p *platform) damageAndReconcile(ctx context.Context, o organisation) error {
	// What was changed this minute is read and stored, but a difference there would prove nothing.
	const one = ` WHERE org_id = $1 AND id = (SELECT min(id) FROM %[1]s WHERE org_id = $1 AND deleted_at IS NULL AND meta_data_last_updated_time < now() - interval '10 minutes')`
	for table, damage := range map[string]string{
		"quickbooks.customers": "DELETE FROM %[1]s",
		"quickbooks.invoices":  "UPDATE %[1]s SET total_amt = total_amt + 0.01",
		"quickbooks.items":     "UPDATE %[1]s SET deleted_at = now()",
	} {
		tag, err := p.store.Pool().Exec(ctx, fmt.Sprintf(damage+one, table), o.Slug)
		if err != nil || tag.RowsAffected() != 1 {
			return fmt.Errorf("damage %s: %s: %w", table, tag, err)
		}
	}
	if err := app.Reconcile.Run(ctx, []string{"-org", string(o.Slug), "-full", "-streams", "Customer,Invoice,Item"}, append(p.environment(), "LOG_LEVEL=error"), io.Discard, io.Discard); err != nil {
		return err
	}
	var found, mended int
	err := p.store.Pool().QueryRow(ctx, `SELECT coalesce(sum(missing + stale + damaged + surplus), 0), coalesce(sum(mended), 0) FROM sync.reconciliations WHERE org_id = $1`, o.Slug).Scan(&found, &mended)
	if err == nil && (found != 3 || mended != 3) {
		err = fmt.Errorf("%d damaged rows were found and %d mended, of 3", found, mended)
	}
	return err
}

func (p *platform) lastRun(ctx context.Context, o organisation, provider org.Provider) (int64, error) {
	c, err := p.status(ctx, o, provider)
	if err != nil || len(c.Runs) == 0 {
		return 0, err
	}
	return c.Runs[0].ID, nil
}

// status is how an organisation's connection to a provider is doing.
func (p *platform) status(ctx context.Context, o organisation, provider org.Provider) (store.ConnectionStatus, error) {
	all, err := p.store.Overview(ctx)
	if err != nil {
		return store.ConnectionStatus{}, err
	}
	for _, c := range all {
		if c.Org == o.Slug && (c.Provider == provider || c.ID == 0) {
			return c, nil
		}
	}
	return store.ConnectionStatus{}, fmt.Errorf("organisation %s has no connection to %s", o.Slug, provider)
}

// await looks until the connection is as wanted, and says how it is when that takes too long.
func (p *platform) await(ctx context.Context, o organisation, provider org.Provider, wanted func(store.ConnectionStatus) bool) error {
	return await(ctx, func(ctx context.Context) (store.ConnectionStatus, error) { return p.status(ctx, o, provider) }, wanted)
}

func await(ctx context.Context, status func(context.Context) (store.ConnectionStatus, error), wanted func(store.ConnectionStatus) bool) error {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	look := time.NewTicker(50 * time.Millisecond)
	defer look.Stop()
	var last store.ConnectionStatus
	for {
		c, err := status(ctx)
		if err == nil {
			if wanted(c) {
				return nil
			}
			last = c
		}
		select {
		case <-ctx.Done():
			run := "no run yet"
			if len(last.Runs) > 0 {
				run = fmt.Sprintf("last run %s %s", last.Runs[0].Outcome, last.Runs[0].Error)
			}
			return fmt.Errorf("gave up waiting: connection is %s %s; %s", last.State, last.Reason, run)
		case <-look.C:
		}
	}
}

// agree compares every object of the company with the database: bytes, columns and lines.
func (p *platform) agree(ctx context.Context, o organisation, v *verdict) error {
	company := p.sim.Company(o.realm)
	c, err := p.status(ctx, o, quickbooks.Provider)
	if err != nil {
		return err
	}
	if err := p.compare(ctx, c, quickbooks.Catalog(), company.All, v); err != nil {
		return err
	}
	p.say("%-9s %-58s", o.Slug, "compared with QuickBooks, object by object")
	return nil
}

// compare compares every object that a provider has for a connection with the database.
func (p *platform) compare(ctx context.Context, c store.ConnectionStatus, tables []catalog.Table, all func(stream string) iter.Seq[json.RawMessage], v *verdict) error {
	for i := range tables {
		t := &tables[i]
		diff, err := storetest.Compare(ctx, p.store.Pool(), c.ID, t, all(t.Stream))
		if err != nil {
			return err
		}
		for range all(t.Stream) {
			v.Rows++
		}
		for what, ids := range map[string][]string{"missing": diff.Missing, "stale": diff.Stale, "surplus": diff.Surplus, "wrong columns": diff.WrongColumns} {
			if len(ids) > 0 {
				v.Differences = append(v.Differences, fmt.Sprintf("%s %s: %d %s, such as %s", c.Org, t.Stream, len(ids), what, ids[0]))
			}
		}
	}
	return nil
}
