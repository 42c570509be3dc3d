package store_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/countinghouse/countinghouse/shared/fault"
	"github.com/countinghouse/countinghouse/shared/org"
	"github.com/countinghouse/countinghouse/shared/provider/plaid"
	"github.com/countinghouse/countinghouse/shared/store"
	"github.com/countinghouse/countinghouse/shared/store/storetest"
	"github.com/countinghouse/countinghouse/shared/sync/engine"
)

// newBank returns a store with one leased connection to a bank.
func newBank(t testing.TB) *fixture {
	t.Helper()
	f := &fixture{Store: storetest.New(t, plaid.Catalog()...), TB: t, ctx: t.Context()}
	return f.bank("onpoint", "item-1")
}

// bank returns the same store with another connection, whose login and bank are stored.
func (f *fixture) bank(slug org.Slug, item string) *fixture {
	f.Helper()
	out := &fixture{Store: f.Store, TB: f.TB, ctx: f.ctx, id: f.Connect(f, slug, plaid.Provider, item)}
	out.lease = out.Lease(f, out.id)
	out.apply(
		engine.Record{Stream: "items", ID: item, Raw: fmt.Appendf(nil, `{"item":{"item_id":%q,"institution_id":"ins_1","institution_name":"First Bank of %s"},
			"status":{"transactions":{"last_successful_update":"2026-11-20T08:00:00Z"}}}`, item, slug)},
		engine.Record{Stream: "institutions", ID: "ins_1", Raw: []byte(`{"institution_id":"ins_1","name":"First Platypus Bank"}`)},
	)
	return out
}

// account is an account's record; the mask tells it from others that are alike.
func account(id, mask string) engine.Record {
	return engine.Record{Stream: "accounts", ID: id, Raw: fmt.Appendf(nil, `{"account_id":%q,"name":"Checking","mask":%q,"type":"depository","subtype":"checking",
		"balances":{"available":100.50,"current":110,"limit":null,"iso_currency_code":"USD","unofficial_currency_code":null}}`, id, mask)}
}

// moved is a transaction's record; more is what else it says, as members of its JSON.
func moved(id, account, amount, more string) engine.Record {
	return engine.Record{Stream: "transactions", ID: id, Raw: fmt.Appendf(nil, `{"transaction_id":%q,"account_id":%q,"amount":%s,"date":"2026-11-19",
		"name":"Coffee","pending":false,"iso_currency_code":"USD"%s}`, id, account, amount, more)}
}

// removed is the record of an object that Plaid no longer has.
func removed(stream, id string) engine.Record {
	return engine.Record{Stream: stream, ID: id, Deleted: true}
}

// key is the row_key of what was first known by id.
func (f *fixture) key(slug, id string) string { return slug + ":" + f.id.String() + ":" + id }

func TestBankViews(t *testing.T) {
	t.Parallel()
	f := newBank(t)
	f.exec(`UPDATE sync.organisations SET name = 'OnPoint'`)
	miles := strings.NewReplacer(`"iso_currency_code":"USD"`, `"iso_currency_code":null,"unofficial_currency_code":"MILES"`)
	points := account("a2", "2")
	points.Raw = []byte(strings.Replace(miles.Replace(string(points.Raw)), `,"unofficial_currency_code":null`, "", 1))
	reward := moved("t2", "a2", "-0.123456789", "")
	reward.Raw = []byte(miles.Replace(string(reward.Raw)))
	f.apply(account("a1", "1"), points, reward,
		moved("t1", "a1", "2307.21", `,"authorized_date":"2026-11-18","merchant_name":"Apple","payment_channel":"in store","account_owner":"Ann 1234","check_number":"7",
			"personal_finance_category":{"primary":"FOOD_AND_DRINK","detailed":"FOOD_AND_DRINK_COFFEE"},"original_description":"APPLE #1"`),
		moved("t3", "a1", "0.00", `,"pending":true`))
	id := f.id.String()
	want := []string{
		"(onpoint:" + id + ":a1,OnPoint,onpoint," + id + `,a1,ins_1,"First Platypus Bank",Checking,1,depository,checking,100.50,110,,USD,t)`,
		"(onpoint:" + id + ":a2,OnPoint,onpoint," + id + `,a2,ins_1,"First Platypus Bank",Checking,2,depository,checking,100.50,110,,MILES,f)`,
	}
	if diff := cmp.Diff(want, f.rows(`SELECT row_key, organizationname, org_id, connection_id, account_id, institution_id, institution_name, name, mask, type, subtype,
		balance_available, balance_current, balance_limit, currency, currency_is_official FROM reporting.bank_accounts ORDER BY row_key`)); diff != "" {
		t.Errorf("accounts (-want +got):\n%s", diff)
	}
	want = []string{
		"(onpoint:" + id + `:t1,OnPoint,t1,a1,onpoint:` + id + `:a1,"First Platypus Bank",Checking,1,2026-11-19,2026-11-18,2307.21,out,USD,t,f,Coffee,Apple,"APPLE #1",` +
			`FOOD_AND_DRINK,FOOD_AND_DRINK_COFFEE,"in store","Ann 1234",7)`,
		"(onpoint:" + id + `:t2,OnPoint,t2,a2,onpoint:` + id + `:a2,"First Platypus Bank",Checking,2,2026-11-19,,-0.123456789,in,MILES,f,f,Coffee,,,,,,,)`,
		"(onpoint:" + id + `:t3,OnPoint,t3,a1,onpoint:` + id + `:a1,"First Platypus Bank",Checking,1,2026-11-19,,0.00,,USD,t,t,Coffee,,,,,,,)`,
	}
	if diff := cmp.Diff(want, f.rows(`SELECT row_key, organizationname, transaction_id, account_id, account_row_key, institution_name, account_name, account_mask,
		date, authorized_date, amount, direction, currency, currency_is_official, pending, name, merchant_name, original_description,
		category_primary, category_detailed, payment_channel, account_owner, check_number FROM reporting.bank_transactions ORDER BY row_key`)); diff != "" {
		t.Errorf("transactions (-want +got):\n%s", diff)
	}
}

// bankKeys are the transactions that people see, by key and present id.
func (f *fixture) bankKeys() []string {
	f.Helper()
	return f.rows(`SELECT row_key, transaction_id, amount, account_mask FROM appsheet.bank_transactions WHERE connection_id = $1 ORDER BY row_key`, f.id)
}

// One thing keeps its key, whatever becomes of its id.
func TestBankTransactionKeepsItsKey(t *testing.T) {
	t.Parallel()
	f := newBank(t)
	f.apply(account("a1", "1"), moved("pend", "a1", "20.00", `,"pending":true`), moved("old", "a1", "7.00", ""))
	if diff := cmp.Diff([]string{"(" + f.key("onpoint", "old") + ",old,7.00,1)", "(" + f.key("onpoint", "pend") + ",pend,20.00,1)"}, f.bankKeys()); diff != "" {
		t.Errorf("pending (-want +got):\n%s", diff)
	}
	f.apply(moved("post", "a1", "23.50", `,"pending_transaction_id":"pend"`)) // the tip came later; the pending one goes on a later page
	want := []string{"(" + f.key("onpoint", "old") + ",old,7.00,1)", "(" + f.key("onpoint", "pend") + ",post,23.50,1)"}
	if diff := cmp.Diff(want, f.bankKeys()); diff != "" {
		t.Errorf("posted (-want +got):\n%s", diff)
	}
	f.apply(removed("transactions", "pend"))
	if diff := cmp.Diff(want, f.bankKeys()); diff != "" {
		t.Errorf("the pending one has gone (-want +got):\n%s", diff)
	}
	f.apply(removed("transactions", "old"), moved("new", "a1", "7.00", "")) // the bank numbers it anew
	want[0] = "(" + f.key("onpoint", "old") + ",new,7.00,1)"
	if diff := cmp.Diff(want, f.bankKeys()); diff != "" {
		t.Errorf("under a new id (-want +got):\n%s", diff)
	}
}

// What was closed is gone, and what moved there stays; what was replaced shows under the new account only.
func TestBankViewsOfAccounts(t *testing.T) {
	t.Parallel()
	f := newBank(t)
	f.apply(account("open", "1"), account("closed", "2"), account("old", "3"),
		moved("t1", "open", "1", ""), moved("t2", "closed", "2", ""), moved("t3", "old", "3", ""), moved("t4", "never listed", "4", ""))
	f.apply(removed("accounts", "closed"))
	f.apply(account("new", "3"), moved("t5", "new", "3", ""), removed("accounts", "old"))
	want := []string{"(" + f.key("onpoint", "old") + ",new)", "(" + f.key("onpoint", "open") + ",open)"}
	if diff := cmp.Diff(want, f.rows(`SELECT row_key, account_id FROM reporting.bank_accounts ORDER BY row_key`)); diff != "" {
		t.Errorf("accounts (-want +got):\n%s", diff)
	}
	want = []string{
		"(t1," + f.key("onpoint", "open") + ",Checking)", "(t2," + f.key("onpoint", "closed") + ",Checking)",
		`(t4,"` + f.key("onpoint", "never listed") + `",)`, "(t5," + f.key("onpoint", "old") + ",Checking)",
	}
	if diff := cmp.Diff(want, f.rows(`SELECT transaction_id, account_row_key, account_name FROM reporting.bank_transactions ORDER BY transaction_id`)); diff != "" {
		t.Errorf("transactions (-want +got):\n%s", diff)
	}
}

// Before the login and the bank have been read, what they name is null and nothing is missing.
func TestBankViewsWithoutBank(t *testing.T) {
	t.Parallel()
	f := newBank(t)
	f.exec(`DELETE FROM plaid.institutions`)
	f.apply(account("a1", "1"), moved("t1", "a1", "1", ""))
	if diff := cmp.Diff([]string{`("First Bank of onpoint")`}, f.rows(`SELECT institution_name FROM reporting.bank_transactions`)); diff != "" {
		t.Errorf("without the bank (-want +got):\n%s", diff)
	}
	f.exec(`DELETE FROM plaid.items`)
	if diff := cmp.Diff([]string{`(a1,)`}, f.rows(`SELECT account_id, institution_name FROM reporting.bank_accounts`)); diff != "" {
		t.Errorf("without the login (-want +got):\n%s", diff)
	}
}

var bankViews = []string{"reporting.bank_accounts", "reporting.bank_transactions", "appsheet.bank_accounts", "appsheet.bank_transactions"}

// A login of one organisation sees its own banks in every view, and no other's.
func TestBankReaderSeesItsOwn(t *testing.T) {
	t.Parallel()
	f := newBank(t)
	f.apply(account("a1", "1"), moved("t1", "a1", "1", ""))
	f.bank("powergen", "item-2").apply(account("b1", "1"), moved("u1", "b1", "1", ""))
	h := hostile{signIn(t, f.Store, store.ReaderRole("onpoint")), t}
	for _, view := range bankViews {
		if n := f.value(`SELECT count(*) FROM ` + view); n != "2" {
			t.Errorf("%s holds %s rows", view, n)
		}
		if got, err := h.try(`SELECT org_id, organizationname FROM ` + view); err != nil || got != "onpoint|onpoint|\n" {
			t.Errorf("%s: %q, %v", view, got, err)
		}
		for _, sql := range []string{`SELECT * FROM ` + view + ` WHERE org_id = 'powergen'`, `SELECT * FROM ` + view + ` WHERE row_key LIKE 'powergen%'`} {
			if got, err := h.try(sql); got != "" || err != nil {
				t.Errorf("%s: %q, %v", sql, got, err)
			}
		}
	}
}

// Both schemas have the same views, whose every column is explained, and nothing that makes the other views anew touches them.
func TestBankViewsAgree(t *testing.T) {
	t.Parallel()
	f := newBank(t)
	f.apply(account("a1", "1"), moved("t1", "a1", "1", ""))
	if err := f.RebuildViews(f.ctx); err != nil {
		t.Fatal(err)
	}
	says := func(schema string) []string {
		return f.rows(`SELECT c.relname, a.attname, col_description(c.oid, a.attnum), obj_description(c.oid, 'pg_class'), c.reloptions,
			has_table_privilege('countinghouse_reader', c.oid, 'SELECT')
			FROM pg_class AS c JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0
			WHERE c.relnamespace = $1::regnamespace AND c.relname IN ('bank_accounts', 'bank_transactions') ORDER BY c.relname, a.attnum`, schema)
	}
	all := says("reporting")
	if diff := cmp.Diff(all, says("appsheet")); diff != "" || len(all) < 40 {
		t.Errorf("%d columns (-reporting +appsheet):\n%s", len(all), diff)
	}
	for _, line := range all {
		if strings.Contains(line, ",,") || !strings.HasSuffix(line, ",{security_invoker=true},t)") {
			t.Errorf("not explained, or not for readers: %s", line)
		}
	}
	for _, view := range []string{"bank_accounts", "bank_transactions"} {
		sql := `SELECT v FROM %s.` + view + ` AS v`
		if diff := cmp.Diff(f.rows(fmt.Sprintf(sql, "reporting")), f.rows(fmt.Sprintf(sql, "appsheet"))); diff != "" {
			t.Errorf("%s (-reporting +appsheet):\n%s", view, diff)
		}
		err := f.SetCustomColumn(f.ctx, store.CustomColumn{Org: "onpoint", View: view, Field: "x", Column: "y"})
		if !fault.Is(err, fault.Invalid) {
			t.Errorf("a custom column of %s: %v", view, err)
		}
	}
}

// What apps ask for is found by an index, not by reading all that an organisation has.
func TestBankViewsUseIndexes(t *testing.T) {
	t.Parallel()
	f := newBank(t)
	f.apply(account("a1", "1"))
	f.exec(`INSERT INTO plaid.transactions (org_id, connection_id, id, account_id, amount, date, raw, digest, synced_at)
SELECT 'onpoint', $1, 't' || n, 'a' || n % 50, n, DATE '2024-01-01' + n % 700, '{}', '', now() FROM generate_series(1, 20000) AS n`, f.id)
	f.exec(`ANALYZE`)
	h := hostile{signIn(t, f.Store, store.ReaderRole("onpoint")), t}
	for where, index := range map[string]string{
		`date = '2024-03-01'`: "transactions_date",
		`org_id = 'onpoint' AND account_id = 'a7' AND date >= '2025-11-01'`: "transactions_account_id_date",
		`transaction_id = 't77'`: "transactions_pkey",
	} {
		plan, err := h.try(`EXPLAIN SELECT row_key, amount FROM appsheet.bank_transactions WHERE ` + where)
		if err != nil || !strings.Contains(plan, index) {
			t.Errorf("%s: %v\n%s", where, err, plan)
		}
	}
}

// Whatever happens to ids, no key is there twice and no transaction is lost or shown twice.
func TestBankKeysAreUnique(t *testing.T) {
	t.Parallel()
	f := newBank(t)
	for seed := range uint64(25) {
		h := &bankHistory{fixture: f.bank("onpoint", fmt.Sprint("item of seed ", seed)), random: rand.New(rand.NewPCG(seed, 4)), live: map[string]string{}}
		h.apply(account("a", "1"))
		for range 12 {
			h.step()
			want := strings.Join(slices.Sorted(maps.Keys(h.live)), " ")
			got := h.value(`SELECT coalesce(string_agg(transaction_id, ' ' ORDER BY transaction_id COLLATE "C"), '') || repeat(' twice', (count(*) - count(DISTINCT row_key))::integer)
				FROM reporting.bank_transactions WHERE connection_id = $1`, h.id)
			if got != want {
				t.Fatalf("seed %d, after %s: got %s, want %s", seed, strings.Join(h.told, ", "), got, want)
			}
		}
	}
}

// bankHistory is what happens at random to an account's transactions.
type bankHistory struct {
	*fixture
	random *rand.Rand
	live   map[string]string // by id: the pending one whose place it says to have taken, or ""
	last   int
	told   []string // what was applied, for people
}

// add makes a transaction that says to have taken the place of pending, or of none.
func (h *bankHistory) add(pending string) engine.Record {
	h.last++
	return h.put(fmt.Sprintf("t%03d", h.last), pending)
}

func (h *bankHistory) put(id, pending string) engine.Record {
	h.live[id] = pending
	more := ""
	if pending != "" {
		more = fmt.Sprintf(`,"pending_transaction_id":%q`, pending)
	}
	return moved(id, "a", fmt.Sprint(h.random.IntN(3)+1), more)
}

// step applies a few changes at once: new ones, posted ones, others under new ids, holds that are let go, and ids that come back,
// but not those of what has been posted: these stay hidden.
func (h *bankHistory) step() {
	var batch []engine.Record
	for range h.random.IntN(3) + 1 {
		ids := slices.Sorted(maps.Keys(h.live))
		choice := h.random.IntN(5)
		if len(ids) == 0 || choice == 0 {
			batch = append(batch, h.add(""))
			continue
		}
		old := ids[h.random.IntN(len(ids))]
		delete(h.live, old)
		gone := removed("transactions", old)
		switch choice {
		case 1:
			batch = append(batch, h.add(old), gone)
		case 2:
			batch = append(batch, gone, h.add(""))
		case 3:
			batch = append(batch, gone)
		case 4:
			batch = append(batch, gone)
			if back := fmt.Sprintf("t%03d", h.random.IntN(h.last)+1); !slices.Contains(slices.Collect(maps.Values(h.live)), back) {
				batch = append(batch, h.put(back, ""))
			}
		}
	}
	for _, r := range batch {
		h.told = append(h.told, fmt.Sprint(r.ID, map[bool]string{true: " gone"}[r.Deleted]))
	}
	h.apply(batch...)
}

// on puts a transaction on another day.
func on(day string, r engine.Record) engine.Record {
	r.Raw = []byte(strings.Replace(string(r.Raw), "2026-11-19", day, 1))
	return r
}

// balance is the record of an account's balance on a day.
func balance(account, day string) engine.Record {
	return engine.Record{Stream: "balances", ID: account + "|" + day,
		Raw: fmt.Appendf(nil, `{"account_id":%q,"date":%q,"balances":{"current":110,"iso_currency_code":"USD"}}`, account, day)}
}

// Money is there once, whatever becomes of an account's id and of its login, and none is left out that does not come again.
func TestBankMoneyIsThereOnce(t *testing.T) {
	t.Parallel()
	old := []engine.Record{account("A", "1"), on("2023-01-05", moved("t2023", "A", "5000", "")), moved("t2026", "A", "7", "")}
	again := []engine.Record{account("B", "1"), moved("u2026", "B", "7", "")}
	state := func(f *fixture, state string) {
		f.exec(`UPDATE sync.connections SET state = $2 WHERE id = $1`, f.id, state)
	}
	for _, tt := range []struct {
		name           string
		happens        func(f *fixture)
		accounts, sees string
	}{
		{"a new id, with the last months only", func(f *fixture) { f.apply(append(again, removed("accounts", "A"))...) }, "B", "t2023 u2026"},
		{"a new id, and nothing came again", func(f *fixture) { f.apply(removed("accounts", "A"), account("B", "1")) }, "B", "t2023 t2026"},
		{"a new id, and all is removed", func(f *fixture) {
			f.apply(append(again, removed("accounts", "A"), removed("transactions", "t2023"), removed("transactions", "t2026"))...)
		}, "B", "u2026"},
		{"gone in one unit, there again in a later one", func(f *fixture) { f.apply(removed("accounts", "A")); f.apply(again...) }, "B", "t2023 u2026"},
		{"a new id, then closed", func(f *fixture) {
			f.apply(append(again, removed("accounts", "A"))...)
			f.apply(removed("accounts", "B"))
		}, "", "t2023 u2026"},
		{"gone, there under a new id, and back", func(f *fixture) {
			f.apply(append(again, removed("accounts", "A"))...)
			f.apply(removed("accounts", "B"), account("A", "1"))
		}, "A", "t2023 t2026"},
		{"linked anew", func(f *fixture) { state(f, "disconnected"); f.bank("onpoint", "item-2").apply(again...) }, "B", "t2023 u2026"},
		{"linked anew, nothing has come yet", func(f *fixture) { state(f, "needs_reauth"); f.bank("onpoint", "item-2").apply(account("B", "1")) }, "B", "t2023 t2026"},
		{"linked anew, and the new login has ended too", func(f *fixture) {
			state(f, "disconnected")
			next := f.bank("onpoint", "item-2")
			next.apply(again...)
			state(next, "needs_reauth")
		}, "B", "t2023 u2026"},
		{"a new id, then linked anew with a longer history", func(f *fixture) {
			f.apply(append(again, removed("accounts", "A"))...)
			state(f, "disconnected")
			f.bank("onpoint", "item-2").apply(account("C", "1"), on("2023-01-05", moved("v2023", "C", "5000", "")), moved("v2026", "C", "7", ""))
		}, "C", "v2023 v2026"},
		{"a login that has ended, and no other", func(f *fixture) { state(f, "disconnected") }, "A", "t2023 t2026"},
		{"another organisation's account", func(f *fixture) { state(f, "disconnected"); f.bank("powergen", "item-2").apply(again...) }, "A B", "t2023 t2026 u2026"},
		{"twins, of which one is closed", func(f *fixture) {
			f.apply(again...)
			for _, day := range []string{"2026-01-01", "2026-01-02"} {
				f.apply(balance("A", day), balance("B", day))
			}
			f.apply(removed("accounts", "A"))
		}, "B", "t2023 t2026 u2026"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := newBank(t)
			f.apply(old...)
			tt.happens(f)
			const list = `SELECT coalesce(string_agg(%[1]s, ' ' ORDER BY %[1]s), '') || repeat(' twice', (count(*) - count(DISTINCT row_key))::integer) FROM reporting.%[2]s`
			if got := f.value(fmt.Sprintf(list, "account_id", "bank_accounts")); got != tt.accounts {
				t.Errorf("accounts %q, want %q", got, tt.accounts)
			}
			if got := f.value(fmt.Sprintf(list, "transaction_id", "bank_transactions")); got != tt.sees {
				t.Errorf("transactions %q, want %q", got, tt.sees)
			}
		})
	}
}

// A reader learns the states of its own connections, by the views, and nothing else of them.
func TestBankReaderSeesStates(t *testing.T) {
	t.Parallel()
	f := newBank(t)
	f.apply(account("a1", "1"))
	f.bank("powergen", "item-2").apply(account("b1", "1"))
	f.exec(`UPDATE sync.connections SET state = 'needs_reauth' WHERE org_id = 'onpoint'`)
	h := hostile{signIn(t, f.Store, store.ReaderRole("onpoint")), t}
	if got, err := h.try(`SELECT account_id, connection_state FROM reporting.bank_accounts`); err != nil || got != "a1|needs_reauth|\n" {
		t.Errorf("%q, %v", got, err)
	}
	if got := f.value(`SELECT string_agg(column_name, ' ' ORDER BY column_name) FROM information_schema.column_privileges
		WHERE grantee = 'countinghouse_reader' AND table_schema = 'sync' AND table_name = 'connections'`); got != "id org_id provider state" {
		t.Errorf("readers may read %s", got)
	}
}
