package plaidsim

import "slices"

// everyProduct is what the simulator has. Balance is not among them: it is always on.
var everyProduct = []string{"transactions", addOn, "liabilities", "investments", "statements"}

// addOn is never asked for in Link: its first call puts it on an Item that has Transactions.
const addOn = "recurring_transactions"

// linkProducts are those that Plaid shows for each list of /link/token/create.
var linkProducts = map[string][]string{
	"products": {"assets", "auth", "beacon", "employment", "identity", "income_verification", "identity_verification", "investments",
		"investments_auth", "liabilities", "payment_initiation", "protect_transactions", "standing_orders", "signal", "statements", "transactions",
		"transfer", "cra_base_report", "cra_income_insights", "cra_cashflow_insights", "cra_lend_score", "cra_partner_insights",
		"cra_network_insights", "cra_monitoring", "layer", "protect_linked_bank"},
	"required_if_supported_products": {"auth", "identity", "investments", "liabilities", "transactions", "signal", "statements",
		"protect_linked_bank", "protect_transactions"},
	"optional_products": {"auth", "identity", "investments", "liabilities", "signal", "statements", "transactions", "cra_base_report",
		"cra_income_insights", "cra_cashflow_insights", "cra_lend_score", "cra_partner_insights", "cra_network_insights", "cra_monitoring"},
	"additional_consented_products": {"auth", "balance_plus", "identity", "investments", "investments_auth", "liabilities", "transactions", "signal"},
}

// knownProducts are those that Plaid accepts in lists of products.
var knownProducts = []string{"assets", "auth", "balance", "balance_plus", "beacon", "identity", "identity_match", "investments", "investments_auth",
	"liabilities", "payment_initiation", "identity_verification", "transactions", "credit_details", "income", "income_verification",
	"standing_orders", "transfer", "employment", "recurring_transactions", "transactions_refresh", "signal", "statements", "processor_payments",
	"processor_identity", "profile", "cra_base_report", "cra_income_insights", "cra_partner_insights", "cra_network_insights",
	"cra_cashflow_insights", "cra_monitoring", "cra_lend_score", "cra_plaid_credit_score", "layer", "pay_by_bank", "protect_linked_bank"}

// available are the products that the Item does not have and that calling an endpoint would add.
func (it *Item) available() []string {
	out := []string{"balance"}
	for _, p := range it.login.spec.Products {
		if !slices.Contains(it.products, p) {
			out = append(out, p)
		}
	}
	slices.Sort(out)
	return out
}

// billed are the products that are paid for month by month.
func (it *Item) billed() []string { return slices.Sorted(slices.Values(it.products)) }

// use is called with each call of a product's endpoint: the first one begins the billing of a product
// that the person agreed to.
func (it *Item) use(product string) *refusal {
	switch {
	case slices.Contains(it.products, product):
		return nil
	case !slices.Contains(it.login.spec.Products, product):
		return failure("PRODUCTS_NOT_SUPPORTED")
	case !it.agreed(product):
		r := failure("ADDITIONAL_CONSENT_REQUIRED")
		r.Message = "client does not have user consent to access the PRODUCT_" + upper(product) + " product"
		return r
	}
	it.bill(product)
	return nil
}

// agreed: the recurring add-on needs no consent beside that of Transactions.
func (it *Item) agreed(product string) bool {
	if product == addOn {
		product = "transactions"
	}
	return slices.Contains(it.consented, product)
}

// bill puts a product on the Item, which begins to pull its data.
func (it *Item) bill(product string) {
	it.products = append(it.products, product)
	it.s.stats.Billed[product]++
	if !slices.Contains(it.consented, product) {
		it.consented = append(it.consented, product)
	}
	if product == "transactions" && it.s.cfg.NotReadyCalls == 0 {
		it.advance(historical)
	}
}

func upper(t string) string {
	b := []byte(t)
	for i, c := range b {
		if c >= 'a' && c <= 'z' {
			b[i] = c - 'a' + 'A'
		}
	}
	return string(b)
}
