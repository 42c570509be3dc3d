package plaidsim

import "cmp"

// sandboxPublicToken answers /sandbox/public_token/create: linking without a person. Plaid's own users
// have a login at each of the Sandbox's banks.
func (s *Server) sandboxPublicToken(q *query) (any, *refusal) {
	institution, user := q.text("institution_id"), cmp.Or(q.text("options.override_username"), "user_good")
	l := s.login(institution, user)
	if l == nil && institutionNames[institution] != "" && (user == "user_good" || user == dynamicUser) {
		l = s.addLogin(LoginSpec{Institution: institution, Username: user, Transactions: 50, Pending: 3})
	}
	if l == nil && institutionNames[institution] == "" {
		return nil, failure("INVALID_INSTITUTION")
	}
	if pass := q.text("options.override_password"); l == nil || user == "user_good" && pass != "" && pass != "pass_good" {
		return nil, failure("INVALID_CREDENTIALS")
	}
	webhook := q.text("options.webhook")
	if webhook != "" && !isURL(webhook) {
		return nil, badField("options.webhook must be a valid URL")
	}
	wanted := asked{Products: q.texts("initial_products"), Webhook: webhook, Days: q.whole("options.transactions.days_requested", 0)}
	if refused := wanted.suits(l); refused != nil {
		return nil, refused
	}
	it := s.link(l, wanted, nil, q.now)
	return obj{"public_token": s.givePublic(it, q.now)}, nil
}

// resetLogin answers /sandbox/item/reset_login.
func (s *Server) resetLogin(q *query) (any, *refusal) {
	q.item.breaks("ITEM_LOGIN_REQUIRED", "")
	return obj{"reset_login": true}, nil
}
