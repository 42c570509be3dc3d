package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"slices"
	"sync/atomic"
	"time"

	"github.com/countinghouse/countinghouse/shared/org"
	"github.com/countinghouse/countinghouse/shared/platform/vault/vaulttest"
	"github.com/countinghouse/countinghouse/shared/provider/quickbooks"
	"github.com/countinghouse/countinghouse/shared/store"
)

// drilled is the drill's last line.
type drilled struct {
	verdict
	BackupMiB  float64 `json:"backup_mib"`
	Behind     int     `json:"behind"`          // kinds of differences between the restored backup and the providers
	RestoreS   float64 `json:"restore_seconds"` // from the first step of the restore to the first tick
	CurrentS   float64 `json:"current_seconds"` // to the moment when every connection had caught up
	AskedAgain int     `json:"asked_again"`     // logins that people had to give once more
}

// drill backs the database up, goes on living, destroys the database, restores the backup and
// lets ticks come. It tells whether the database then equals the providers. With secretsLost the secrets
// are gone too, as when a project is lost.
func drill(ctx context.Context, o options, secretsLost bool) error {
	v := drilled{verdict: verdict{Organisations: len(organisations())}}
	return perform(o.stdout, &v.verdict, &v, func() error { return playDisaster(ctx, o, secretsLost, &v) })
}

// disaster is a drill under way. What outlives the database (the providers, Pub/Sub, Secret Manager) is
// started once; what lives with it, the house, is started again after the restore.
type disaster struct {
	*platform
	*drilled
	secretsLost bool
	gate        *atomic.Value // func(*http.Request) that requests to QuickBooks go through
	folder      string        // of the backup
	outlives    int           // closers of what outlives the database
	end         context.CancelFunc
	restored    time.Time
	late        store.ConnectionStatus // a bank that was connected after the backup
	gone        store.ConnectionStatus // one that was disconnected after it
}

func playDisaster(ctx context.Context, o options, secretsLost bool, v *drilled) (err error) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Minute)
	defer cancel()
	folder, err := os.MkdirTemp("", "countinghouse-backup-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(folder)
	var gate atomic.Value
	gate.Store(func(*http.Request) {})
	o.met = func(r *http.Request) { gate.Load().(func(*http.Request))(r) }
	d := &disaster{platform: newPlatform(o), drilled: v, gate: &gate, secretsLost: secretsLost, folder: folder, end: cancel}
	if err := d.outside(ctx); err != nil {
		return err
	}
	defer func() {
		d.end()
		err = errors.Join(err, d.close())
	}()
	if err := d.house(ctx, nil, nil); err != nil {
		return err
	}
	if err := d.clients(); err != nil {
		return err
	}
	for _, chapter := range []func(context.Context) error{d.before, d.after, d.destroy, d.restore, d.caughtUp, d.mendRest, d.lifeGoesOn} {
		if err := chapter(ctx); err != nil {
			return err
		}
	}
	v.Rows, v.Differences = 0, nil
	return d.equal(ctx, &v.verdict)
}

// outside starts what outlives the database.
func (d *disaster) outside(ctx context.Context) error {
	err := d.bring(ctx, []step{
		{"Secret Manager and Pub/Sub, in process", d.startGoogle},
		{"the address", d.listen},
		{"QuickBooks' simulator", d.startQuickBooks},
		{"Plaid's simulator", d.startPlaid},
	})
	if err != nil {
		return err
	}
	d.outlives = len(d.closers)
	_, err = fmt.Sscanf(d.url, "http://127.0.0.1:%d", &d.port) // where the providers send people back to
	return err
}

// house starts the database and what lives with it. filled is done once the server is there, looked once
// its tables are.
func (d *disaster) house(ctx context.Context, filled, looked []step) error {
	steps := slices.Concat([]step{{"PostgreSQL, on a new data folder", d.startPostgres}}, filled,
		[]step{{"the database's tables", d.migrate}}, looked, []step{{"the functions", d.startFunctions}})
	if err := d.bring(ctx, steps); err != nil {
		return err
	}
	running, end := context.WithCancel(ctx)
	d.end = end
	if !d.restored.IsZero() {
		d.RestoreS = seconds(d.restored)
	}
	d.run(running)
	return nil
}

// seconds have passed since then.
func seconds(then time.Time) float64 { return time.Since(then).Round(10 * time.Millisecond).Seconds() }

// fall ends the house.
func (d *disaster) fall() error {
	d.end()
	var errs []error
	for len(d.closers) > d.outlives {
		last := d.closers[len(d.closers)-1]
		d.closers = d.closers[:len(d.closers)-1]
		errs = append(errs, last())
	}
	return errors.Join(errs...)
}

// destroy kills the server, as a lost machine does, while everything is at work, and removes its data.
// Life at the providers does not wait.
func (d *disaster) destroy(ctx context.Context) error {
	var folder string
	if err := d.store.Pool().QueryRow(ctx, `SHOW data_directory`).Scan(&folder); err != nil {
		return err
	}
	server, err := os.FindProcess(d.server.PID)
	if err == nil {
		err = server.Kill()
	}
	if err != nil {
		return err
	}
	<-d.server.Done()
	if err := d.each(ctx, "the database is gone; work at the providers goes on", d.change); err != nil {
		return err
	}
	if err := d.fall(); err != nil {
		return err
	}
	if _, err := os.Stat(folder); !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("the data folder %s is still there", folder)
	}
	d.say("the data folder is removed")
	if !d.secretsLost {
		return nil
	}
	d.say("and so are Secret Manager's secrets")
	if d.secrets, err = vaulttest.New(vaulttest.Options{}); err != nil {
		return err
	}
	d.onClose(func() error { d.secrets.Close(); return nil })
	d.outlives = len(d.closers)
	return nil
}

// each does something for every organisation and tells how long it took.
func (d *disaster) each(ctx context.Context, what string, do func(context.Context, organisation) error) error {
	for _, o := range organisations() {
		if err := d.one(ctx, o, what, do); err != nil {
			return err
		}
	}
	return nil
}

func (d *disaster) one(ctx context.Context, o organisation, what string, do func(context.Context, organisation) error) error {
	at := time.Now()
	if err := do(ctx, o); err != nil {
		return fmt.Errorf("%s: %s: %w", o.Slug, what, err)
	}
	d.say("%-9s %-78s %6d ms", o.Slug, what, time.Since(at).Milliseconds())
	return nil
}

// byID is how a connection of that number is doing.
func (d *disaster) byID(id org.ConnectionID) func(context.Context) (store.ConnectionStatus, error) {
	return func(ctx context.Context) (store.ConnectionStatus, error) {
		all, err := d.store.Overview(ctx)
		if err != nil {
			return store.ConnectionStatus{}, err
		}
		for _, c := range all {
			if c.ID == id {
				return c, nil
			}
		}
		return store.ConnectionStatus{}, fmt.Errorf("there is no connection %s", id)
	}
}

// equal compares all that is read with the providers, object by object.
func (d *disaster) equal(ctx context.Context, v *verdict) error {
	all, err := d.store.Overview(ctx)
	if err != nil {
		return err
	}
	if err := d.booksEqual(ctx, v); err != nil {
		return err
	}
	for _, c := range all {
		if !isBank(c.Provider) || c.State != org.Active {
			continue
		}
		item, err := d.bankItem(c.Account)
		if err == nil {
			err = d.bankEquals(ctx, c, item, v)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (d *disaster) booksEqual(ctx context.Context, v *verdict) error {
	for _, o := range organisations() {
		c, err := d.status(ctx, o, quickbooks.Provider)
		if err == nil {
			err = d.compare(ctx, c, quickbooks.Catalog(), d.sim.Company(o.realm).All, v)
		}
		if err != nil {
			return err
		}
	}
	return nil
}
