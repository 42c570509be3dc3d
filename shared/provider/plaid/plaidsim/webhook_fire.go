package plaidsim

import "slices"

// fired are the webhooks that /sandbox/item/fire_webhook sends for the asking: by code the product that
// the Item must have, "" for none.
var fired = map[string]struct{ kind, product string }{
	"SYNC_UPDATES_AVAILABLE":         {"TRANSACTIONS", "transactions"},
	"RECURRING_TRANSACTIONS_UPDATE":  {"TRANSACTIONS", "recurring_transactions"},
	"NEW_ACCOUNTS_AVAILABLE":         {"ITEM", ""},
	"LOGIN_REPAIRED":                 {"ITEM", ""},
	"PENDING_DISCONNECT":             {"ITEM", ""},
	"USER_PERMISSION_REVOKED":        {"ITEM", ""},
	"USER_ACCOUNT_REVOKED":           {"ITEM", ""},
	"AUTHORIZATION_GRANTED":          {"AUTH", "auth"},
	"SMS_MICRODEPOSITS_VERIFICATION": {"AUTH", "auth"},
	"PRODUCT_READY":                  {"ASSETS", "assets"},
	"ERROR":                          {"ASSETS", "assets"},
}

// defaultUpdates are the products whose DEFAULT_UPDATE can be asked for, by webhook type.
var defaultUpdates = map[string]string{
	"TRANSACTIONS": "transactions", "LIABILITIES": "liabilities", "HOLDINGS": "investments", "INVESTMENTS_TRANSACTIONS": "investments",
	"AUTH": "auth", "IDENTITY": "identity",
}

// fireWebhook answers /sandbox/item/fire_webhook: the webhook is sent, and nothing else happens.
func (s *Server) fireWebhook(q *query) (any, *refusal) {
	kind, refused := q.firedKind()
	if refused != nil {
		return nil, refused
	}
	if q.item.webhook == "" {
		return nil, failure("SANDBOX_WEBHOOK_INVALID")
	}
	s.tell(q.item, kind, q.text("webhook_code"), q.item.firedFields(kind, q.text("webhook_code")))
	return obj{"webhook_fired": true}, nil
}

// firedKind gives the webhook_type of what is asked for. ERROR is one of asset reports, unless ITEM is
// asked for.
func (q *query) firedKind() (string, *refusal) {
	kind, code := q.text("webhook_type"), q.text("webhook_code")
	what, known := fired[code]
	switch {
	case code == "DEFAULT_UPDATE" && kind == "":
		return "", badField("webhook_type must be provided for webhook_code DEFAULT_UPDATE")
	case code == "DEFAULT_UPDATE":
		what.kind, what.product = kind, defaultUpdates[kind]
		known = what.product != ""
	case code == "ERROR" && kind == "ITEM":
		what.kind, what.product = kind, ""
	}
	if !known || kind != "" && kind != what.kind {
		return "", badField("webhook_code and webhook_type are not a webhook that can be fired")
	}
	if what.product != "" && !slices.Contains(q.item.products, what.product) {
		return "", failure("SANDBOX_PRODUCT_NOT_ENABLED")
	}
	return what.kind, nil
}

// firedFields is what such a webhook says beside its type.
func (it *Item) firedFields(kind, code string) obj {
	switch kind + "/" + code {
	case "TRANSACTIONS/SYNC_UPDATES_AVAILABLE":
		return obj{"initial_update_complete": it.ledger.stage >= initial, "historical_update_complete": it.ledger.stage == historical}
	case "TRANSACTIONS/RECURRING_TRANSACTIONS_UPDATE":
		return obj{"account_ids": ids(it.live())}
	case "TRANSACTIONS/DEFAULT_UPDATE":
		return obj{"error": nil, "new_transactions": 0}
	case "LIABILITIES/DEFAULT_UPDATE":
		return obj{"error": nil, "account_ids_with_new_liabilities": []string{}, "account_ids_with_updated_liabilities": obj{}}
	case "HOLDINGS/DEFAULT_UPDATE":
		return obj{"error": nil, "new_holdings": 0, "updated_holdings": len(it.allHoldings())}
	case "INVESTMENTS_TRANSACTIONS/DEFAULT_UPDATE":
		return obj{"error": nil, "new_investments_transactions": 0, "cancelled_investments_transactions": 0}
	case "ITEM/NEW_ACCOUNTS_AVAILABLE":
		return obj{"error": nil}
	case "ITEM/PENDING_DISCONNECT":
		return obj{"reason": "INSTITUTION_TOKEN_EXPIRATION", "disconnect_time": it.s.cfg.Now().AddDate(0, 0, 7)}
	case "ITEM/USER_PERMISSION_REVOKED":
		return obj{"error": failure("USER_PERMISSION_REVOKED").inItem()}
	case "ITEM/ERROR":
		return obj{"error": failure("ITEM_LOGIN_REQUIRED").inItem()}
	}
	return it.firedForAccount(code)
}

func (it *Item) firedForAccount(code string) obj {
	all := ids(it.live())
	if code == "USER_ACCOUNT_REVOKED" && len(all) > 0 {
		return obj{"account_id": all[0]}
	}
	return nil
}

func ids(accounts []*account) []string {
	out := make([]string, 0, len(accounts))
	for _, a := range accounts {
		out = append(out, a.id)
	}
	return out
}
