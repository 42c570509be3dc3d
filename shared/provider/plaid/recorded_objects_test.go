package plaid_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"testing"

	"github.com/countinghouse/countinghouse/shared/catalog"
)

// object is one object as a file has it, or as it is composed of what a file has.
type object struct {
	table *catalog.Table
	raw   json.RawMessage
	gone  bool // the file says that Plaid no longer has it
}

// value returns the object as encoding/json reads it, its numbers as they were written.
func (o object) value() any { return decoded(o.raw) }

func decoded(raw []byte) (v any) {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	if err := d.Decode(&v); err != nil {
		panic(err) // files were read as JSON
	}
	return v
}

// reply is all that Plaid's answers hold of what tables hold, under the keys where it stands.
type reply struct {
	Added        []json.RawMessage `json:"added"`
	Modified     []json.RawMessage `json:"modified"`
	Removed      []json.RawMessage `json:"removed"`
	Transactions []json.RawMessage `json:"transactions"`
	Accounts     []json.RawMessage `json:"accounts"`
	Account      json.RawMessage   `json:"account"`
	Item         json.RawMessage   `json:"item"`
	Status       json.RawMessage   `json:"status"`
	Items        []json.RawMessage `json:"items"`
	Institution  json.RawMessage   `json:"institution"`
	Institutions []json.RawMessage `json:"institutions"`
	Inflows      []json.RawMessage `json:"inflow_streams"`
	Outflows     []json.RawMessage `json:"outflow_streams"`
	Liabilities  struct {
		Credit   []json.RawMessage `json:"credit"`
		Mortgage []json.RawMessage `json:"mortgage"`
		Student  []json.RawMessage `json:"student"`
	} `json:"liabilities"`
	Holdings    []json.RawMessage `json:"holdings"`
	Securities  []json.RawMessage `json:"securities"`
	Investments []json.RawMessage `json:"investment_transactions"`
}

// readObjects lists the objects of a file.
func readObjects(t *testing.T, file string) []object {
	t.Helper()
	raw, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var r reply
	var bare []struct {
		ID string `json:"transaction_id"`
	}
	switch {
	case json.Unmarshal(raw, &bare) == nil && bare[0].ID != "": // some files are lists of transactions
		err = json.Unmarshal(raw, &r.Transactions)
	case bare == nil:
		err = json.Unmarshal(raw, &r)
	}
	if err != nil {
		t.Fatal(err)
	}
	return r.objects(t)
}

func (r reply) objects(t *testing.T) (all []object) {
	add := func(stream string, raws ...json.RawMessage) {
		for _, raw := range raws {
			if len(raw) > 0 {
				all = append(all, object{table: table(t, stream), raw: raw})
			}
		}
	}
	if r.Item != nil {
		r.Items = append(r.Items, r.Item)
	}
	for _, item := range r.Items {
		add("items", composed("item", item, "status", r.Status))
	}
	add("institutions", append(r.Institutions, r.Institution)...)
	r.accounts(add)
	for _, list := range [][]json.RawMessage{r.Transactions, r.Added, r.Modified} {
		add("transactions", list...)
	}
	for _, raw := range r.Removed {
		all = append(all, object{table: table(t, "transactions"), raw: raw, gone: true})
	}
	add("recurring_inflows", r.Inflows...)
	add("recurring_outflows", r.Outflows...)
	for _, raw := range r.Liabilities.Credit {
		add("credit_liabilities", raw)
		if lookup(decoded(raw), "last_statement_issue_date") != nil {
			add("credit_statements", raw)
		}
	}
	add("mortgages", r.Liabilities.Mortgage...)
	add("student_loans", r.Liabilities.Student...)
	add("securities", r.Securities...)
	add("holdings", r.Holdings...)
	add("investment_transactions", r.Investments...)
	return all
}

// accounts adds accounts and their balances, or those of a list of statements, which are others.
func (r reply) accounts(add func(stream string, raws ...json.RawMessage)) {
	if r.Account != nil {
		r.Accounts = append(r.Accounts, r.Account)
	}
	for _, raw := range r.Accounts {
		var a map[string]json.RawMessage
		if err := json.Unmarshal(raw, &a); err != nil {
			panic(err)
		}
		if a["statements"] != nil {
			add("statement_accounts", raw)
			continue
		}
		add("accounts", raw)
		add("balances", composed("account_id", a["account_id"], "date", json.RawMessage(`"2026-11-21"`), "balances", a["balances"]))
	}
}

// composed makes an object of keys and values, which stay as they are.
func composed(members ...any) json.RawMessage {
	var b bytes.Buffer
	for i := 0; i < len(members); i += 2 {
		value, _ := members[i+1].(json.RawMessage)
		if value == nil {
			value = json.RawMessage("null")
		}
		fmt.Fprintf(&b, "%c%q:%s", "{,"[min(i, 1)], members[i], value)
	}
	b.WriteByte('}')
	return b.Bytes()
}
