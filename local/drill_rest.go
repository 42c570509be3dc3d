package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"

	"github.com/countinghouse/countinghouse/shared/platform/vault"
	"github.com/countinghouse/countinghouse/shared/provider/plaid"
)

// mendRest does what no program can: people say again what was said after the backup.
func (d *disaster) mendRest(ctx context.Context) error {
	onpoint, powergen := organisations()[0], organisations()[1]
	if d.secretsLost {
		if err := d.everybodyAgain(ctx); err != nil {
			return err
		}
	}
	if err := d.one(ctx, powergen, "the bank was disconnected after the backup: it is disconnected again", d.leaveAgain); err != nil {
		return err
	}
	return d.one(ctx, onpoint, "the bank that was connected after the backup is connected again", d.secondAgain)
}

// everybodyAgain gives all logins once more.
func (d *disaster) everybodyAgain(ctx context.Context) error {
	if err := d.each(ctx, "log in to QuickBooks again", d.consentTo); err != nil {
		return err
	}
	if err := d.each(ctx, "next tick", d.syncAll); err != nil {
		return err
	}
	d.AskedAgain += len(organisations())
	return d.one(ctx, organisations()[0], "connect the bank anew; the old connection is ended", d.bankAnew)
}

// bankAnew replaces a bank's connection whose token is lost. Its login at Plaid stays, and only Plaid's
// support can end it.
func (d *disaster) bankAnew(ctx context.Context, o organisation) error {
	old, err := d.status(ctx, o, plaid.Provider)
	if err != nil {
		return err
	}
	if _, err := d.newBank(ctx, o); err != nil {
		return err
	}
	d.AskedAgain++
	return d.disconnectBank(ctx, old)
}

// leaveAgain ends a connection that came back with the backup. Its login at the provider was ended, and
// its token destroyed, before the disaster.
func (d *disaster) leaveAgain(ctx context.Context, _ organisation) error {
	c, err := d.byID(d.gone.ID)(ctx)
	if err != nil {
		return err
	}
	return d.disconnectBank(ctx, c)
}

// secondAgain connects a bank again of which only its secret was left. The new connection has another
// number, so the old secret is not taken for its own: it opens the old login, until an operator ends that.
func (d *disaster) secondAgain(ctx context.Context, o organisation) error {
	orphan := vault.SecretName(d.late.Connection)
	token, err := d.orphan(ctx, orphan)
	if err == nil && d.secretsLost != (token == "") {
		err = fmt.Errorf("it is there: %t", token != "")
	}
	if err != nil {
		return fmt.Errorf("the secret %s, that no connection has: %w", orphan, err)
	}
	o.bank = bank{"ins_109511", "Tartan Bank"}
	c, err := d.newBank(ctx, o)
	if err != nil {
		return err
	}
	d.AskedAgain++
	if c.ID <= d.late.ID {
		return fmt.Errorf("the new connection has the number %s, which one had that was lost", c.ID)
	}
	if d.secretsLost {
		d.say("%-9s   its old login at Plaid can only be ended by Plaid's support", o.Slug)
		return nil
	}
	d.say("%-9s   the old login is ended with the token of %s, a secret that no connection has", o.Slug, orphan)
	return d.endItem(ctx, token)
}

// orphan returns the token in a secret that no connection has; "" when there is no such secret.
func (d *disaster) orphan(ctx context.Context, name string) (token string, err error) {
	all, err := d.store.AllConnections(ctx)
	if err != nil {
		return "", err
	}
	for _, c := range all {
		if vault.SecretName(c) == name {
			return "", fmt.Errorf("connection %s has it", c.ID)
		}
	}
	for _, v := range d.secrets.Versions("projects/" + project + "/secrets/" + name) {
		var t vault.Token
		if v.State == "ENABLED" {
			err = json.Unmarshal(v.Data, &t)
			token = t.Access
		}
	}
	return token, err
}

// endItem ends a bank login at Plaid, as an operator does who has its token.
func (d *disaster) endItem(ctx context.Context, token string) error {
	body, err := json.Marshal(map[string]string{"client_id": clientID, "secret": clientID + "-secret", "access_token": token})
	if err != nil {
		return err
	}
	r := httptest.NewRequestWithContext(ctx, http.MethodPost, "/item/remove", bytes.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	w := httptest.NewRecorder()
	d.banks.ServeHTTP(w, r)
	if w.Code != http.StatusOK {
		return fmt.Errorf("the removal of an Item at Plaid is answered %d", w.Code)
	}
	return nil
}
