package app

import (
	"context"
	"encoding/json"
	"errors"
	"net/http/httptrace"
	"net/url"
	"slices"
	"sync/atomic"
	"time"

	"github.com/countinghouse/countinghouse/shared/fault"
	"github.com/countinghouse/countinghouse/shared/org"
	"github.com/countinghouse/countinghouse/shared/platform/vault"
	"github.com/countinghouse/countinghouse/shared/provider/plaid"
	"github.com/countinghouse/countinghouse/shared/sync/connect"
	"github.com/countinghouse/countinghouse/shared/tenant"
)

// plaidConnect is Plaid's part in connecting: people sign in at their bank on a page of Plaid's, and
// Plaid is asked afterwards what came of it.
type plaidConnect struct {
	*banks
	client *plaid.Client // that does not wait for limits: a person does
	asks   PlaidLinkConfig
	book   bankBook
}

var _ connect.Provider = plaidConnect{}

func newPlaidConnect(b *banks, asks PlaidLinkConfig) plaidConnect {
	return plaidConnect{b, plaid.New(b.atOnce()), asks, b.db}
}

// atOnce are the options of a client that does not wait for limits.
func (b *banks) atOnce() plaid.Options {
	o := b.options
	o.Retry.RateWaits = -1
	return o
}

// signInLife is how long people may take at their bank, and how long Plaid's page for it lives. What
// they were given there has to be used within as long again.
const signInLife = 30 * time.Minute

// Title implements connect.Provider.
func (plaidConnect) Title() string { return "Plaid" }

// Words implements connect.Provider.
func (plaidConnect) Words() connect.Words {
	return connect.Words{Account: "bank login", Kept: "accounts and transactions"}
}

// Several implements connect.Provider: hardly anybody has one bank only.
func (plaidConnect) Several() bool { return true }

// StateLife implements connect.Provider.
func (plaidConnect) StateLife() time.Duration { return 2 * signInLife }

// relink is told of a bank login that cannot be mended.
const relink = "This bank login cannot be mended any more. Ask for a link that connects the bank anew; what was copied so far is kept"

// Begin implements connect.Provider.
func (p plaidConnect) Begin(ctx context.Context, start connect.Start) (address string, memo []byte, err error) {
	request, kept := p.request(start), plaidMemo{Org: start.Org, Add: start.Add}
	if start.Mend != nil {
		if start.Mend.State == org.Connecting {
			return "", nil, fault.New(fault.Forbidden, "This bank login was never connected, so there is nothing to connect again. Ask for a link that connects the bank")
		}
		t, err := p.vault.Current(ctx, *start.Mend)
		if errors.Is(err, vault.ErrNoToken) {
			return "", nil, fault.Wrap(fault.Forbidden, relink, err)
		}
		if err != nil {
			return "", nil, unreadable(err)
		}
		kept.Mends, kept.Item = start.Mend.ID, start.Mend.Account
		request.mend(t, start.Mend.State)
	}
	token, err := p.client.LinkToken(ctx, request.LinkRequest)
	if plaid.Ended(err) {
		return "", nil, fault.Wrap(fault.Forbidden, relink, err)
	}
	if err != nil {
		return "", nil, err
	}
	kept.Token = string(token.Token)
	memo, err = p.seal(kept)
	return token.HostedURL, memo, err
}

// unreadable is told where a token is, or may be, but cannot be had: whose connection it is stays as it is.
func unreadable(err error) error {
	return fault.Wrap(fault.Unavailable, "This connection's token cannot be read at the moment", err)
}

// plaidRequest is what Plaid's page is to do.
type plaidRequest struct{ plaid.LinkRequest }

// request asks for a new bank. Plaid learns of the organisation only its slug.
func (p plaidConnect) request(start connect.Start) plaidRequest {
	r := plaid.LinkRequest{
		ClientName: p.asks.Name, Language: p.asks.Language, Countries: p.countries, User: string(start.Org),
		Products: p.asks.Products, Optional: p.asks.Optional, Days: p.asks.Days, Webhook: p.asks.Webhook,
		Hosted: &plaid.Hosted{CompletionRedirect: start.Callback + "?" + url.Values{"state": {start.State}}.Encode(), Lifetime: signInLife},
	}
	if slices.Contains(r.Products, statements) || slices.Contains(r.Optional, statements) {
		today := p.now().UTC()
		r.StatementsFrom, r.StatementsTo = today.AddDate(-2, 0, 1).Format(time.DateOnly), today.Format(time.DateOnly)
	}
	return plaidRequest{r}
}

// statements is the product that wants to be told from when on.
const statements = "statements"

// mend makes it a request to sign in again. Whoever comes with a login that works has another reason:
// accounts to be added or taken out.
func (r *plaidRequest) mend(t vault.Token, state org.State) {
	r.Products, r.Optional, r.Days, r.StatementsFrom, r.StatementsTo, r.Webhook = nil, nil, 0, "", "", ""
	r.Access, r.SelectAccounts = plaid.Secret(t.Access), state == org.Active
}

// plaidMemo is what has to be known of a sign-in when the person is back.
type plaidMemo struct {
	Token string           // opens Plaid's page, and tells what was done there
	Org   org.Slug         // who connects
	Mends org.ConnectionID // zero: a new bank
	Item  string           // of Mends
	Add   bool             // what looks like a login that the organisation has is another one
}

// memoOwner tells sealed memos from sealed tokens.
const memoOwner = "connect plaid"

func (p plaidConnect) seal(m plaidMemo) ([]byte, error) {
	plain, err := json.Marshal(m)
	if err != nil {
		return nil, err
	}
	return p.vault.Seal.Close(plain, memoOwner)
}

func (p plaidConnect) unseal(memo []byte) (m plaidMemo, err error) {
	plain, err := p.vault.Seal.Open(memo, memoOwner)
	if err == nil {
		err = json.Unmarshal(plain, &m)
	}
	return m, fault.Wrap(fault.Invalid, "This sign-in cannot be gone on with, perhaps because PLAID_SECRET was changed meanwhile. Open your link again", err)
}

// Return implements connect.Provider. The callback's query is not looked at: Plaid is asked.
func (p plaidConnect) Return(ctx context.Context, memo []byte, _ url.Values) (connect.Consent, error) {
	m, err := p.unseal(memo)
	if err != nil {
		return connect.Consent{}, err
	}
	s, err := p.client.LinkSession(ctx, plaid.Secret(m.Token))
	switch {
	case err != nil:
		return connect.Consent{}, err
	case !s.Finished:
		return connect.Consent{}, connect.ErrUnfinished
	case !s.Succeeded:
		return connect.Consent{}, left(s)
	case m.Mends != 0:
		return connect.Consent{Account: m.Item, Mends: m.Mends}, nil
	case len(s.Items) == 0:
		return connect.Consent{}, fault.New(fault.Unavailable, "Plaid does not tell yet which bank was connected")
	}
	item := s.Items[0] // one a session: no more were asked for
	if !m.Add {
		if err := p.known(ctx, m.Org, item); err != nil {
			return connect.Consent{}, err
		}
	}
	return connect.Consent{Name: item.InstitutionName, Shown: shown(item), Claim: item.Public}, nil
}

// left words a sign-in that came to nothing.
func left(s plaid.LinkSession) error {
	if s.ExitMessage == "" {
		return fault.New(fault.Forbidden, "You left the bank's page before you were done, so nothing was connected. If that was a mistake, open your link again")
	}
	return fault.New(fault.Forbidden, "The bank was not connected: "+s.ExitMessage+". Nothing was changed; open your link again to retry")
}

// Grant implements connect.Provider.
func (p plaidConnect) Grant(ctx context.Context, c org.Connection, l org.Lease, consent connect.Consent) (string, error) {
	if consent.Mends != 0 {
		return c.Account, p.mended(ctx, c, l)
	}
	public, _ := consent.Claim.(plaid.Secret)
	return p.exchange(ctx, c, l, public)
}

// exchange turns a sign-in into a token and stores it; it returns the Item's id. Plaid gives the token
// once, so that it was asked for is journaled first: who finds the attempt open knows that there may be
// an Item that nobody can end from here, and the vault then looks for a token that was stored without
// being noted.
func (p plaidConnect) exchange(ctx context.Context, c org.Connection, l org.Lease, public plaid.Secret) (item string, err error) {
	attempt, err := p.vault.Ledger.StartRefresh(ctx, l)
	if err != nil {
		return "", err
	}
	var x exchanged
	grant, err := x.client(p.atOnce()).Exchange(x.watch(ctx), public)
	switch {
	case err != nil && x.lost(): // the attempt stays open in the journal
		p.log.ErrorContext(ctx, "Plaid may have made an Item whose token never arrived, and bill it: have Plaid's support look for it",
			"event", "exchange_lost", "org", string(c.Org), "connection", int64(c.ID), "err", err.Error())
		return "", errors.Join(err, connect.ErrAnswerLost)
	case err != nil:
		p.log.WarnContext(ctx, "no token for a bank that was just connected", "event", "exchange_failed", "connection", int64(c.ID), "err", err.Error())
		return "", p.concluded(ctx, l, attempt, "failed", err)
	}
	// Nothing may come between: there is no other copy.
	c.Account = grant.Item
	if err := p.vault.Save(ctx, c, l, vault.Token{Access: string(grant.Access), App: p.options.ClientID}); err != nil {
		return "", p.unsaved(ctx, c, l, attempt, grant, err)
	}
	return grant.Item, nil
}

// exchanged watches the attempts of one exchange.
type exchanged struct{ sent, refused atomic.Int32 }

// client returns one whose answers are watched.
func (x *exchanged) client(o plaid.Options) *plaid.Client {
	o.Observe = func(c plaid.Call) {
		if c.Status >= 400 && c.Status < 500 {
			x.refused.Add(1)
		}
	}
	return plaid.New(o)
}

// watch returns a context whose requests are counted when they go out.
func (x *exchanged) watch(ctx context.Context) context.Context {
	return httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{WroteHeaders: func() { x.sent.Add(1) }})
}

// lost reports whether one went out that Plaid did not refuse. Then a refusal of the next one says only
// that the sign-in has been used up.
func (x *exchanged) lost() bool { return x.sent.Load() > x.refused.Load() }

// unsaved ends an Item whose token could not be stored: it would be billed for ever. One that cannot be
// ended now is left to jobs/daily, which finds its token if it was stored without being noted.
func (p plaidConnect) unsaved(ctx context.Context, c org.Connection, l org.Lease, attempt vault.Attempt, grant plaid.Grant, cause error) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), removeWithin)
	defer cancel()
	if err := p.client.Item(grant.Item, fixed(grant.Access)).Remove(ctx); err != nil {
		p.log.ErrorContext(ctx, "a bank's token was not stored, and Plaid goes on billing its Item: where jobs/daily does not end it, have it removed by Plaid's support",
			"event", "item_lost", "connection", int64(c.ID), "item", grant.Item, "err", err.Error())
		return errors.Join(cause, connect.ErrNotEnded)
	}
	cause = p.concluded(ctx, l, attempt, "removed", cause)
	p.forget(ctx, c, l) // it may have been stored without being noted
	return cause
}

const removeWithin = 20 * time.Second

// concluded journals how an exchange ended without a token, and returns err.
func (p plaidConnect) concluded(ctx context.Context, l org.Lease, attempt vault.Attempt, outcome string, err error) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), countWithin)
	defer cancel()
	if errEnd := p.vault.Ledger.EndRefresh(ctx, l, attempt.ID, outcome, err.Error()); errEnd != nil {
		p.log.WarnContext(ctx, "exchange not journaled", "connection", int64(l.Connection), "err", errEnd.Error())
	}
	return err
}

// mended checks that the bank lets Plaid in again. A bank that is only out of order has nothing to do
// with the sign-in: the next sync sees when it is back.
func (p plaidConnect) mended(ctx context.Context, c org.Connection, l org.Lease) error {
	item := p.client.Item(c.Account, p.vault.Session(c, l, endless))
	s, err := item.Get(ctx)
	switch {
	case plaid.Ended(err), plaid.Ended(s.Trouble):
		return fault.Wrap(fault.Forbidden, relink, errors.Join(err, s.Trouble))
	case err != nil:
		return err
	case fault.Is(s.Trouble, fault.Reconnect):
		return fault.Wrap(fault.Forbidden, "The bank login does not work yet: "+message(s.Trouble)+". Open your link once more", s.Trouble)
	}
	p.redirect(ctx, c, item, s)
	return nil
}

// message is what a fault tells people, without its causes.
func message(err error) string {
	var f *fault.Error
	if errors.As(err, &f) && f.Msg != "" {
		return f.Msg
	}
	return "the reason is not known"
}

// redirect has webhooks sent to where they go now: an Item keeps the address that it was made with.
// Without them changes are found all the same, a little later.
func (p plaidConnect) redirect(ctx context.Context, c org.Connection, item *plaid.Item, s plaid.ItemState) {
	var raw struct{ Item struct{ Webhook string } }
	if err := json.Unmarshal(s.Raw, &raw); err != nil || p.asks.Webhook == "" || raw.Item.Webhook == p.asks.Webhook {
		return
	}
	if err := item.UpdateWebhook(ctx, p.asks.Webhook); err != nil {
		p.log.WarnContext(ctx, "webhooks still go to another address", "connection", int64(c.ID), "err", err.Error())
	}
}

// Revoke implements connect.Provider: the Item is removed, so that it costs nothing any more.
func (p plaidConnect) Revoke(ctx context.Context, c org.Connection, l org.Lease) error {
	return ifAny(p.end(ctx, c, l))
}

// end removes the Item, with the newest token there is. tenant.ErrNoToken: nobody has what removes it.
func (p plaidConnect) end(ctx context.Context, c org.Connection, l org.Lease) error {
	if err := p.vault.Adopt(ctx, c, l); err != nil {
		return unreadable(err)
	}
	t, err := p.vault.Current(ctx, c)
	switch {
	case errors.Is(err, vault.ErrNoToken):
		return p.withoutToken(ctx, c, l)
	case err != nil:
		return unreadable(err)
	}
	if err := p.remove(ctx, c.Account, t); err != nil {
		return err
	}
	p.forget(ctx, c, l)
	return nil
}

// remove removes the Item that a token opens.
func (p plaidConnect) remove(ctx context.Context, item string, t vault.Token) error {
	if err := ofApp(t, p.options.ClientID, "PLAID_CLIENT_ID"); err != nil {
		return err
	}
	return p.client.Item(item, fixed(t.Access)).Remove(ctx)
}

// withoutToken tells of an Item that nobody can remove from here.
func (p plaidConnect) withoutToken(ctx context.Context, c org.Connection, l org.Lease) error {
	p.log.WarnContext(ctx, "no token to remove an Item with", "event", "item_without_token", "connection", int64(c.ID), "item", c.Account)
	e, err := p.vault.Ledger.Entry(ctx, c.ID)
	if err != nil {
		return err
	}
	if e.Version != 0 { // where there never was one, the journal has to go on telling that it was asked for
		p.forget(ctx, c, l)
	}
	return tenant.ErrNoToken
}

// forget destroys a token that opens nothing any more.
func (p plaidConnect) forget(ctx context.Context, c org.Connection, l org.Lease) {
	if err := p.vault.Forget(ctx, c, l); err != nil {
		p.log.WarnContext(ctx, "token not destroyed, but its Item is gone", "connection", int64(c.ID), "err", err.Error())
	}
}
