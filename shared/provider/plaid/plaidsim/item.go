package plaidsim

import (
	"net/url"
	"slices"
	"time"
)

// itemGet answers /item/get, which costs nothing and works whatever is the matter with the Item.
func (s *Server) itemGet(q *query) (any, *refusal) {
	item := q.item.print()
	item["created_at"] = q.item.made.UTC().Truncate(time.Second)
	item["consented_use_cases"] = []string{"Track and manage your finances"}
	item["consented_data_scopes"] = q.item.scopes()
	var hook any
	if at := q.item.lastWebhook.at; !at.IsZero() {
		hook = obj{"sent_at": at, "code_sent": q.item.lastWebhook.code}
	}
	status := obj{"last_webhook": hook}
	for _, product := range []string{"transactions", "investments"} {
		if q.item.has(product) {
			status[product] = obj{"last_successful_update": instant(q.item.updated), "last_failed_update": instant(q.item.failed)}
		}
	}
	return obj{"item": item, "status": status}, nil
}

func (it *Item) scopes() []string {
	out := []string{"account_balance_info"}
	for _, p := range []string{"transactions", "investments", "liabilities"} {
		if slices.Contains(it.consented, p) {
			out = append(out, map[string]string{"transactions": "transactions", "investments": "investments", "liabilities": "account_balance_info"}[p])
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// itemRemove answers /item/remove: billing ends, and the token with it.
func (s *Server) itemRemove(q *query) (any, *refusal) {
	if len(q.text("reason_note")) > 512 {
		return nil, badField("reason_note must be at most 512 characters long")
	}
	q.item.removed = true
	return obj{}, nil
}

// itemWebhook answers /item/webhook/update. The new address is told that it is one.
func (s *Server) itemWebhook(q *query) (any, *refusal) {
	if _, sent := q.body["webhook"]; !sent {
		return nil, badRequest("MISSING_FIELDS", "the following required fields are missing: webhook")
	}
	to := q.text("webhook")
	if to != "" && !isURL(to) {
		return nil, badField("webhook must be a valid URL")
	}
	q.item.webhook = to
	if to != "" {
		s.tell(q.item, "ITEM", "WEBHOOK_UPDATE_ACKNOWLEDGED", obj{"error": nil, "new_webhook_url": to})
	}
	return obj{"item": q.item.print()}, nil
}

func isURL(t string) bool {
	u, err := url.Parse(t)
	return err == nil && (u.Scheme == "https" || u.Scheme == "http") && u.Host != ""
}

// itemInvalidate answers /item/access_token/invalidate: the old token dies at once.
func (s *Server) itemInvalidate(q *query) (any, *refusal) {
	return obj{"new_access_token": s.giveToken(q.item)}, nil
}

// giveToken makes the Item's access token.
func (s *Server) giveToken(it *Item) string {
	r := s.random("access")
	it.token = "access-" + environment + "-" + r.uuid()
	s.access[it.token] = it
	return it.token
}

// accountsGet answers /accounts/get from what Plaid has.
func (s *Server) accountsGet(q *query) (any, *refusal) {
	if it := q.item; it.trouble != nil {
		if refused := it.stands(); refused != nil {
			return nil, refused
		}
	}
	accounts, refused := q.accounts()
	if refused != nil {
		return nil, refused
	}
	return obj{"accounts": printAccounts(accounts), "item": q.item.print()}, nil
}

// balanceGet answers /accounts/balance/get: Plaid asks the bank, and is paid for it.
func (s *Server) balanceGet(q *query) (any, *refusal) {
	accounts, refused := q.accounts()
	if refused != nil {
		return nil, refused
	}
	if t := q.text("options.min_last_updated_datetime"); t != "" {
		if _, err := time.Parse(time.RFC3339, t); err != nil {
			return nil, badField("options.min_last_updated_datetime must be a date-time")
		}
	}
	s.stats.Billed["balance"]++
	return obj{"accounts": printAccounts(accounts), "item": q.item.print()}, nil
}

// RequireLogin has the Item need a new login, and tells so. The reason is error_code_reason, such as
// OAUTH_CONSENT_EXPIRED; "": none.
func (it *Item) RequireLogin(reason string) { it.Break("ITEM_LOGIN_REQUIRED", reason) }

// Break gives the Item an error of its own, such as PASSWORD_RESET_REQUIRED, and tells so.
func (it *Item) Break(code, reason string) {
	it.s.mu.Lock()
	defer it.s.mu.Unlock()
	it.breaks(code, reason)
}

func (it *Item) breaks(code, reason string) {
	it.trouble = failure(code)
	it.trouble.Reason = reason
	it.failed = it.s.cfg.Now()
	it.s.tell(it, "ITEM", "ERROR", obj{"error": it.trouble.inItem()})
}

// Repair mends the Item without our update mode, through another app say, and tells so.
func (it *Item) Repair() {
	it.s.mu.Lock()
	defer it.s.mu.Unlock()
	it.trouble = nil
	it.s.tell(it, "ITEM", "LOGIN_REPAIRED", nil)
}

// KeepBroken has signing in again in update mode not mend the Item, until it is called with false.
func (it *Item) KeepBroken(yes bool) {
	it.s.mu.Lock()
	defer it.s.mu.Unlock()
	it.stubborn = yes
}

// Revoke has the person take the permission back, at Plaid or at the bank. Nothing mends the Item.
func (it *Item) Revoke() {
	it.s.mu.Lock()
	defer it.s.mu.Unlock()
	it.trouble = failure("USER_PERMISSION_REVOKED")
	it.s.tell(it, "ITEM", "USER_PERMISSION_REVOKED", obj{"error": it.trouble.inItem()})
}

// BankDown has the bank of this Item not answer: what reads a product is refused with INSTITUTION_DOWN.
func (it *Item) BankDown(yes bool) {
	it.s.mu.Lock()
	defer it.s.mu.Unlock()
	it.bankDown = nil
	if yes {
		it.bankDown, it.failed = failure("INSTITUTION_DOWN"), it.s.cfg.Now()
	}
}

// EndConsent sets when the consent ends, and tells of it, as Plaid does a week before.
func (it *Item) EndConsent(at time.Time) {
	it.s.mu.Lock()
	defer it.s.mu.Unlock()
	it.consent = at
	it.s.tell(it, "ITEM", "PENDING_EXPIRATION", obj{"consent_expiration_time": at})
}

// ExpireConsent ends the consent now: a new login is needed.
func (it *Item) ExpireConsent() {
	it.s.mu.Lock()
	defer it.s.mu.Unlock()
	it.consent = it.s.cfg.Now()
	it.breaks("ITEM_LOGIN_REQUIRED", "OAUTH_CONSENT_EXPIRED")
}

// EndConnection tells that the bank ends the connection at a time, as it does to those in the US and
// Canada: the reason is INSTITUTION_MIGRATION or INSTITUTION_TOKEN_EXPIRATION.
func (it *Item) EndConnection(reason string, at time.Time) {
	it.s.mu.Lock()
	defer it.s.mu.Unlock()
	it.s.tell(it, "ITEM", "PENDING_DISCONNECT", obj{"reason": reason, "disconnect_time": at})
}
