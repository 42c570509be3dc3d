package plaidsim

import (
	"cmp"
	"strconv"

	"github.com/countinghouse/countinghouse/shared/provider/chance"
)

// LoginSpec describes a login at a bank.
type LoginSpec struct {
	Institution     string        `json:"institution"`        // "": ins_109508
	InstitutionName string        `json:"institution_name"`   // "": First Platypus Bank
	Username        string        `json:"username"`           // "": user_good; one login of each name at an institution
	Seed            uint64        `json:"seed"`               // of its data
	Transactions    int           `json:"transactions"`       // in its history
	Days            int           `json:"days"`               // that the history is spread over, today the last; 0: 90
	Pending         int           `json:"pending"`            // how many of the newest are still pending
	Accounts        []AccountSpec `json:"accounts,omitempty"` // nil: eight of all kinds
	Products        []string      `json:"products,omitempty"` // that the bank supports; nil: all that the simulator has
	Plain           bool          `json:"plain,omitempty"`    // no weird data: what a demo shows to people
}

// AccountSpec describes an account. Amounts are decimal text, "" prints null.
type AccountSpec struct {
	Name         string `json:"name"`
	OfficialName string `json:"official_name,omitempty"` // "": null
	Mask         string `json:"mask,omitempty"`          // "": null
	Type         string `json:"type"`
	Subtype      string `json:"subtype,omitempty"`    // "": null
	Currency     string `json:"currency,omitempty"`   // ISO 4217; "": USD, unless Unofficial is set
	Unofficial   string `json:"unofficial,omitempty"` // a currency that is none, such as BTC
	Available    string `json:"available,omitempty"`
	Current      string `json:"current,omitempty"`
	Limit        string `json:"limit,omitempty"`
	Persistent   string `json:"persistent,omitempty"` // persistent_account_id; "": absent
	Holder       string `json:"holder,omitempty"`     // holder_category; "": absent
	Further      string `json:"further,omitempty"`    // a JSON object of more members, laid over the account
}

func (a AccountSpec) iso() string {
	if a.Unofficial != "" {
		return ""
	}
	return cmp.Or(a.Currency, "USD")
}

func (a AccountSpec) further() obj {
	if a.Further == "" {
		return nil
	}
	return parsed([]byte(a.Further)).(obj)
}

// hasTransactions: what Transactions covers.
func (a AccountSpec) hasTransactions() bool {
	return a.Type == "depository" || a.Type == "credit" || a.Type == "loan" && a.Subtype == "student"
}

// AddLogin makes a login that hosted Link and /sandbox/public_token/create can sign in to. A second
// one of the same name at the same institution takes the place of the first for Items linked later.
func (s *Server) AddLogin(spec LoginSpec) *Login {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.addLogin(spec)
}

func (s *Server) addLogin(spec LoginSpec) *Login {
	l := newLogin(spec)
	for i, old := range s.logins {
		if old.key() == l.key() {
			s.logins[i] = l
			return l
		}
	}
	s.logins = append(s.logins, l)
	return l
}

// newLogin fills in what a spec leaves out.
func newLogin(spec LoginSpec) *Login {
	spec.Institution = cmp.Or(spec.Institution, "ins_109508")
	spec.InstitutionName = cmp.Or(spec.InstitutionName, institutionNames[spec.Institution], "First Platypus Bank")
	spec.Username = cmp.Or(spec.Username, "user_good")
	spec.Days = cmp.Or(spec.Days, 90)
	if spec.Products == nil {
		spec.Products = everyProduct
	}
	if spec.Accounts == nil {
		spec.Accounts = usualAccounts(spec.Plain)
	}
	return &Login{spec: spec, seed: chance.Seed(spec.Seed, spec.Institution+" "+spec.Username)}
}

// key names a login among all.
func (l *Login) key() string { return l.spec.Institution + "/" + l.spec.Username }

// Spec tells what the login was made of, defaults filled in.
func (l *Login) Spec() LoginSpec { return l.spec }

// login finds one, nil when there is none.
func (s *Server) login(institution, username string) *Login {
	for _, l := range s.logins {
		if l.key() == institution+"/"+username {
			return l
		}
	}
	return nil
}

// usualAccounts are one of each kind, most of them those of Plaid's user_good.
func usualAccounts(plain bool) []AccountSpec {
	all := []AccountSpec{
		{Name: "Plaid Checking", OfficialName: "Plaid Gold Standard 0% Interest Checking", Mask: "0000", Type: "depository", Subtype: "checking",
			Available: "100", Current: "110", Holder: "personal"},
		{Name: "Plaid Saving", OfficialName: "Plaid Silver Standard 0.1% Interest Saving", Mask: "1111", Type: "depository", Subtype: "savings",
			Available: "200", Current: "210", Holder: "personal"},
		{Name: "Plaid Credit Card", OfficialName: "Plaid Diamond 12.5% APR Interest Credit Card", Mask: "3333", Type: "credit", Subtype: "credit card",
			Current: "410", Limit: "2000"},
		{Name: "Plaid IRA", Mask: "5555", Type: "investment", Subtype: "ira", Current: "320.76"},
		{Name: "Plaid 401k", Mask: "6666", Type: "investment", Subtype: "401k", Current: "23631.9805"},
		{Name: "Plaid Student Loan", Mask: "7777", Type: "loan", Subtype: "student", Current: "65262"},
		{Name: "Plaid Mortgage", Mask: "8888", Type: "loan", Subtype: "mortgage", Current: "56302.06"},
	}
	if plain {
		return all
	}
	return append(all, AccountSpec{Name: "口座 🏦 " + strconv.Quote("Tango's") + ` \ Wallet`, Type: "depository", Unofficial: "BTC",
		Available: "-0.0000000001", Current: "0.1234567890", Limit: "0", Holder: "unrecognized", Further: `{"rewards_tier":{"name":"gold","since":null},"is_joint":true}`})
}
