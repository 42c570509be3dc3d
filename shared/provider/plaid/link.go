package plaid

import (
	"context"
	"slices"
	"time"
)

// LinkRequest says how people are to sign in at their bank.
type LinkRequest struct {
	ClientName string   // as people see it, at most 30 characters
	Language   string   // "en"
	Countries  []string // of the banks: "US"
	User       string   // names whoever connects, always the same, and is nobody's name or address

	// Products that the bank must offer, and that are billed from the start; that are used where bank and account have them; that are tried;
	// that people consent to and that are billed when first called. A product stands in one of the lists only.
	Products, RequiredIfSupported, Optional, Consented []string
	Days                                               int    // of transactions, 30 to 730; 0: not said; cannot be changed later
	StatementsFrom, StatementsTo                       string // YYYY-MM-DD, where statements are among the products

	Webhook     string  // where the Item's webhooks go; in update mode where the session's go
	RedirectURI string  // where banks send people back to: for the overlay
	Hosted      *Hosted // Plaid's own page; nil: the overlay

	// Access, of an Item, is for update mode: the Item stays the same. Products, RequiredIfSupported and Optional, and
	// what is said about them, are left out then; Consented asks for consent to more.
	Access         Secret
	SelectAccounts bool   // in update mode: people may also choose accounts anew
	Institution    string // the bank's id, so that nobody has to look for it; empty: people choose
}

// Hosted is Plaid's own page for signing in.
type Hosted struct {
	CompletionRedirect string        // where people go afterwards; no token is added to it
	Lifetime           time.Duration // of the page's address, 21 days at most; 0: 30 minutes
}

// LinkToken opens Link once.
type LinkToken struct {
	Token     Secret
	Expires   time.Time // in 4 hours, in update mode in 30 minutes; zero: not told
	HostedURL string    // of Plaid's own page; empty for the overlay
}

// LinkToken begins a session of Link.
//
//	POST /link/token/create → {"link_token":"…","expiration":"…","hosted_link_url":"…"}
//
// Errors: fault.Invalid for products, countries, addresses that Plaid doesn't accept; [Ended] in update mode; else see [Client].
// Source: Plaid, /link/token/create; Hosted Link; Update mode.
func (c *Client) LinkToken(ctx context.Context, r LinkRequest) (LinkToken, error) {
	var t LinkToken
	err := c.post(ctx, "/link/token/create", r.body(), func(body []byte) error {
		var token, expires string
		err := read(body, shape{"link_token": text(&token), "expiration": text(&expires), "hosted_link_url": text(&t.HostedURL)}, "link_token")
		if err == nil && r.Hosted != nil && t.HostedURL == "" {
			err = unreadable("Plaid gave no address for its sign-in page")
		}
		t.Token, t.Expires = Secret(token), loose(expires).time()
		return err
	})
	if err != nil {
		return LinkToken{}, err
	}
	return t, nil
}

func (r LinkRequest) body() fields {
	body := fields{
		"client_name": r.ClientName, "language": r.Language, "country_codes": r.Countries,
		"user": fields{"client_user_id": r.User},
	}
	for name, value := range map[string]string{
		"webhook": r.Webhook, "redirect_uri": r.RedirectURI, "institution_id": r.Institution, "access_token": string(r.Access),
	} {
		if value != "" {
			body[name] = value
		}
	}
	if r.Access != "" && r.SelectAccounts {
		body["update"] = fields{"account_selection_enabled": true}
	}
	if r.Hosted != nil {
		body["hosted_link"] = r.Hosted.body()
	}
	r.products(body)
	return body
}

// products adds the products and what is said about them: Plaid wants that with the product only.
func (r LinkRequest) products(body fields) {
	if r.Access != "" {
		r.Products, r.RequiredIfSupported, r.Optional = nil, nil, nil
	}
	for name, products := range map[string][]string{
		"products": r.Products, "required_if_supported_products": r.RequiredIfSupported,
		"optional_products": r.Optional, "additional_consented_products": r.Consented,
	} {
		if len(products) > 0 {
			body[name] = products
		}
	}
	all := slices.Concat(r.Products, r.RequiredIfSupported, r.Optional, r.Consented)
	if r.Days > 0 && slices.Contains(all, "transactions") {
		body["transactions"] = fields{"days_requested": r.Days}
	}
	if r.StatementsFrom != "" && slices.Contains(all, "statements") {
		body["statements"] = fields{"start_date": r.StatementsFrom, "end_date": r.StatementsTo}
	}
}

func (h Hosted) body() fields {
	body := fields{}
	if h.CompletionRedirect != "" {
		body["completion_redirect_uri"] = h.CompletionRedirect
	}
	if h.Lifetime > 0 {
		body["url_lifetime_seconds"] = int(h.Lifetime.Seconds())
	}
	return body
}

// Grant is what a connected bank gives.
type Grant struct {
	Access Secret // keep it before anything else: there is no way to get it again
	Item   string
}

// Exchange turns the public token of a session into an Item's access token. In update mode there is nothing to exchange.
//
//	POST /item/public_token/exchange → {"access_token":"…","item_id":"…"}
//
// Limits: once for each public token, within 30 minutes. It is tried again when the answer gets lost, and then
// fault.Invalid may mean that Plaid has made the Item but its token is lost.
// Source: Plaid, /item/public_token/exchange.
func (c *Client) Exchange(ctx context.Context, public Secret) (Grant, error) {
	var access, item string
	err := c.post(ctx, "/item/public_token/exchange", fields{"public_token": string(public)}, func(body []byte) error {
		err := read(body, shape{"access_token": text(&access), "item_id": text(&item)}, "access_token", "item_id")
		if err == nil && (access == "" || item == "") {
			err = unreadable("Plaid sent an empty access token")
		}
		return err
	})
	if err != nil {
		return Grant{}, err
	}
	return Grant{Access: Secret(access), Item: item}, nil
}
