package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/countinghouse/countinghouse/shared/app"
	"github.com/countinghouse/countinghouse/shared/org"
	"github.com/countinghouse/countinghouse/shared/provider/plaid"
	"github.com/countinghouse/countinghouse/shared/provider/plaid/plaidsim"
	"github.com/countinghouse/countinghouse/shared/provider/quickbooks"
	"github.com/countinghouse/countinghouse/shared/provider/quickbooks/qbosim"
	"github.com/countinghouse/countinghouse/shared/store"
)

// before is life up to the backup. It is taken at the worst of moments: while one organisation's run
// renews its token, and another organisation has to log in again.
func (d *disaster) before(ctx context.Context) error {
	for _, part := range []struct {
		what string
		do   func(context.Context, organisation) error
	}{
		{"connect to QuickBooks", d.consentTo},
		{"first load", d.syncAll},
		{"connect the bank", d.linkBank},
		{"first load of the bank", d.bankLoaded},
	} {
		if err := d.each(ctx, part.what, part.do); err != nil {
			return err
		}
	}
	onpoint, powergen := organisations()[0], organisations()[1]
	if err := d.one(ctx, powergen, "its admin withdraws the consent: it asks for a new login", d.refused); err != nil {
		return err
	}
	return d.one(ctx, onpoint, "BACKUP, while a run is renewing the token", d.backupDuringRenewal)
}

func (d *disaster) refused(ctx context.Context, o organisation) error {
	return errors.Join(d.withdraw(ctx, o), d.syncRefused(ctx, o))
}

// backupDuringRenewal holds a renewal at the provider: the backup then has a lease, an open run, and an
// attempt in the token's journal whose answer nobody has.
func (d *disaster) backupDuringRenewal(ctx context.Context, o organisation) error {
	before, err := d.lastRun(ctx, o, quickbooks.Provider)
	if err != nil {
		return err
	}
	asked, release := make(chan struct{}), make(chan struct{})
	var once sync.Once
	d.gate.Store(func(r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/tokens/bearer") {
			once.Do(func() { close(asked); <-release })
		}
	})
	d.expire(ctx, o)
	select {
	case <-asked:
	case <-time.After(time.Minute):
		close(release)
		return errors.New("no renewal came")
	}
	var open int
	err = d.store.Pool().QueryRow(ctx, `SELECT count(*) FROM sync.token_journal AS j JOIN sync.connections AS c ON c.id = j.connection_id
WHERE j.finished_at IS NULL AND c.lease_until > now() AND EXISTS (SELECT FROM sync.runs AS r WHERE r.connection_id = c.id AND r.finished_at IS NULL)`).Scan(&open)
	if err == nil && open != 1 {
		err = fmt.Errorf("%d renewals under way, want one", open)
	}
	if err == nil {
		err = d.backup(ctx)
	}
	close(release)
	if err != nil {
		return err
	}
	return d.await(ctx, o, quickbooks.Provider, func(c store.ConnectionStatus) bool {
		return c.Runs[0].ID > before && c.Runs[0].Outcome == "done"
	})
}

// expire has the provider refuse the present access token at the next look for changes, and asks for one.
func (d *disaster) expire(ctx context.Context, o organisation) {
	d.sim.Inject(qbosim.Fault{On: qbosim.CDC, Realm: o.realm, Times: 1, Kind: qbosim.GatewayJSON401})
	d.tick(ctx, org.Tick{Org: o.Slug, Reason: org.Manual})
}

// after is life between the backup and the disaster. All that is written down of it is lost.
func (d *disaster) after(ctx context.Context) error {
	onpoint, powergen := organisations()[0], organisations()[1]
	steps := []struct {
		o    organisation
		what string
		do   func(context.Context, organisation) error
	}{
		{powergen, "connect again", d.consentTo},
		{onpoint, "the token is renewed, and renewed again: the one of the backup is dead", d.renewTwice},
		{powergen, "the token is renewed, and renewed again: the one of the backup is dead", d.renewTwice},
		{onpoint, "changes, voids, deletions; webhooks bring them", d.changeAndHear},
		{powergen, "changes, voids, deletions; webhooks bring them", d.changeAndHear},
		{onpoint, "a card payment: pending, then posted", d.payByCard},
		{onpoint, "next tick: balances that no webhook tells of", d.syncAll},
		{onpoint, "rows are damaged by hand; reconciling mends them", d.damageAndReconcile},
		{onpoint, "a second bank is connected", d.secondBank},
		{powergen, "the bank is disconnected", d.leaveBank},
		{onpoint, "more changes, heard of or not", d.change},
	}
	for _, s := range steps {
		if err := d.one(ctx, s.o, s.what, s.do); err != nil {
			return err
		}
	}
	return nil
}

func (d *disaster) renewTwice(ctx context.Context, o organisation) error {
	before := d.sim.Stats().Rotations
	for range 2 {
		last, err := d.lastRun(ctx, o, quickbooks.Provider)
		if err != nil {
			return err
		}
		d.expire(ctx, o)
		err = d.await(ctx, o, quickbooks.Provider, func(c store.ConnectionStatus) bool { return c.Runs[0].ID > last && c.Runs[0].Outcome == "done" })
		if err != nil {
			return err
		}
	}
	if n := d.sim.Stats().Rotations - before; n != 2 {
		return fmt.Errorf("the provider has changed the token %d times, want 2", n)
	}
	return nil
}

// secondBank connects a bank that the backup does not know of.
func (d *disaster) secondBank(ctx context.Context, o organisation) error {
	o.bank = bank{"ins_109511", "Tartan Bank"}
	d.banks.AddLogin(plaidsim.LoginSpec{Institution: o.bank.id, InstitutionName: o.bank.name, Username: string(o.Slug), Seed: 99, Transactions: 40, Days: 90, Plain: true})
	late, err := d.newBank(ctx, o)
	d.late = late
	return err
}

// newBank connects a further bank and waits until all of it is here.
func (d *disaster) newBank(ctx context.Context, o organisation) (c store.ConnectionStatus, err error) {
	if err := d.signIn(ctx, o); err != nil {
		return c, err
	}
	all, err := d.store.Overview(ctx)
	if err != nil {
		return c, err
	}
	for _, x := range all {
		if x.Org == o.Slug && x.ID > c.ID && isBank(x.Provider) {
			c = x
		}
	}
	err = await(ctx, d.byID(c.ID), d.loaded(ctx))
	return c, err
}

// leaveBank ends a bank's connection by the page, as a person does.
func (d *disaster) leaveBank(ctx context.Context, o organisation) error {
	c, err := d.status(ctx, o, plaid.Provider)
	if err != nil {
		return err
	}
	d.gone = c
	return d.disconnectBank(ctx, c)
}

func (d *disaster) disconnectBank(ctx context.Context, c store.ConnectionStatus) error {
	link, err := d.link(plaid.Provider, string(c.Org), "-disconnect", "-connection", c.ID.String())
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
	answer, err := person.press(ctx, asked, "Disconnect Plaid", nil)
	if err != nil {
		return err
	}
	d.say("%-9s   page says: %s", c.Org, answer.words())
	return await(ctx, d.byID(c.ID), func(c store.ConnectionStatus) bool { return c.State == org.Disconnected })
}

// caughtUp waits until the scheduler's ticks, and nothing else, have brought every connection up to date,
// and compares.
func (d *disaster) caughtUp(ctx context.Context) error {
	all, err := d.store.Overview(ctx)
	if err != nil {
		return err
	}
	for _, c := range all {
		if err := await(ctx, d.byID(c.ID), d.settled); err != nil {
			return fmt.Errorf("%s, connection %s, after the restore: %w", c.Org, c.ID, err)
		}
		now, err := d.byID(c.ID)(ctx)
		if err != nil {
			return err
		}
		d.say("%-9s connection %s (%s) is %s %s", now.Org, now.ID, now.Provider, now.State, now.Reason)
	}
	d.CurrentS = seconds(d.restored)
	if d.secretsLost {
		return nil
	}
	var v verdict
	if err := d.equal(ctx, &v); err != nil {
		return err
	}
	if len(v.Differences) > 0 {
		return fmt.Errorf("after the next ticks: %s", strings.Join(v.Differences, "; "))
	}
	d.say("after the next ticks %d objects equal the providers'", v.Rows)
	return nil
}

// settled reports whether a connection is as it will stay until somebody acts.
func (d *disaster) settled(c store.ConnectionStatus) bool {
	if d.secretsLost {
		return c.State == org.NeedsReauth
	}
	if len(c.Runs) == 0 || c.Runs[0].Started.Before(d.restored) {
		return false
	}
	if c.ID == d.gone.ID {
		return c.State == org.NeedsReauth
	}
	return c.State == org.Active && c.Runs[0].Outcome == "done" && c.OpenNotices == 0
}

// lifeGoesOn shows that nothing of the old life is in the way: webhooks, and a full reconciliation that
// finds nothing.
func (d *disaster) lifeGoesOn(ctx context.Context) error {
	if err := d.each(ctx, "more changes: webhooks bring them", d.changeAndHear); err != nil {
		return err
	}
	if err := d.each(ctx, "next tick: balances that no webhook tells of", d.syncAll); err != nil {
		return err
	}
	at := time.Now()
	if err := app.Reconcile.Run(ctx, []string{"-all", "-full"}, append(d.environment(), "LOG_LEVEL=error"), io.Discard, io.Discard); err != nil {
		return err
	}
	var checked, wrong int
	err := d.store.Pool().QueryRow(ctx, `SELECT coalesce(sum(checked), 0), coalesce(sum(missing + stale + damaged + surplus), 0)
FROM sync.reconciliations WHERE started_at >= $1`, at).Scan(&checked, &wrong)
	if err == nil && (checked == 0 || wrong > 0) {
		err = fmt.Errorf("of %d objects compared by jobs/reconcile %d differ", checked, wrong)
	}
	d.say("jobs/reconcile -all -full has compared %d objects: nothing differs", checked)
	return err
}
