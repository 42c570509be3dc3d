package plaid

import (
	"slices"

	"github.com/countinghouse/countinghouse/shared/catalog"
)

// statementAccountTable is the list of statements that can be had, account by account.
var statementAccountTable = stream("statement_account", "statement_accounts", "account_id",
	refer("account_id", "accounts"),
	texts("account_name", "account_official_name", "account_mask", "account_type", "account_subtype"),
).ReadEvery(daily).IfOffered().
	About("accounts that have statements").
	Holding(catalog.Child{
		Path: "statements", Name: "statements", Indexes: []string{"statement_id"},
		Note: "the statements of an account, in no order that Plaid promises. The PDF is asked for from Plaid, by the id",
		Columns: slices.Concat(
			[]catalog.Column{{Path: "statement_id", Note: "unique, and stays"}},
			integers("year"), []catalog.Column{{Path: "month", Type: catalog.Integer, Note: "1 to 12"}},
			[]catalog.Column{{Path: "date_posted", Type: catalog.Date, Note: "null: the bank does not tell"}},
		),
	})
