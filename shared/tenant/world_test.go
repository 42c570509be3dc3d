package tenant_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/countinghouse/countinghouse/shared/catalog"
	"github.com/countinghouse/countinghouse/shared/fault"
	"github.com/countinghouse/countinghouse/shared/org"
	"github.com/countinghouse/countinghouse/shared/store/storetest"
	"github.com/countinghouse/countinghouse/shared/tenant"
)

// world is a database with organisations that have rows in every table there is, providers that know of
// their logins, and a vault.
type world struct {
	*testing.T
	store *storetest.Store
	slug  org.Slug // of the one that leaves. Roles are the server's, so no two tests have one slug
	two   org.Slug // of one that stays
	few   bool     // quickbooks' many tables stay empty

	mu      sync.Mutex
	logins  map[string]bool // by account: open
	asked   int             // how often a provider was asked to end one
	refuses map[string]error
	secrets map[string]bool
}

var worlds atomic.Int32

func newWorld(t *testing.T, tables ...catalog.Table) *world {
	t.Helper()
	slug := org.Slug(fmt.Sprintf("acme%d", worlds.Add(1)))
	return &world{T: t, store: storetest.New(t, tables...), slug: slug, two: slug + "-two", logins: map[string]bool{}, refuses: map[string]error{}, secrets: map[string]bool{}}
}

// account is the name of a login of an organisation.
func account(slug org.Slug, p org.Provider) string { return fmt.Sprintf("%s of (%s)", p, slug) }

// settle makes an organisation with a connection of each provider and rows in every table.
func (w *world) settle(slug org.Slug) {
	w.Helper()
	if err := w.store.EnsureOrganisation(w.Context(), org.Organisation{Slug: slug, Name: "The (" + string(slug) + ")"}); err != nil {
		w.Fatal(err)
	}
	tables := columnsOf(w, w.store.Pool)
	for _, p := range []org.Provider{"quickbooks", "plaid"} {
		id := w.store.Connect(w.T, slug, p, account(slug, p))
		w.logins[account(slug, p)] = true
		w.secrets[secret(slug, p, id)] = true
		var batch pgx.Batch
		for name, columns := range tables {
			if !w.few || !strings.HasPrefix(name, "quickbooks.") {
				w.fill(&batch, name, columns, slug, p, id)
			}
		}
		if err := w.store.Pool.SendBatch(w.Context(), &batch).Close(); err != nil {
			w.Fatalf("%v: does value know what a new column takes?", err)
		}
		w.exec(`INSERT INTO sync.rejected_messages (kind, reason, attributes, body) VALUES ('webhook', 'malformed', '{}', $1)`, `{"realm":"`+account(slug, p)+`"}`)
		w.exec(`INSERT INTO sync.allowances AS a (provider, month, refused_accounts) VALUES ($1, '2026-01-01', ARRAY[$2::text])
ON CONFLICT (provider, month) DO UPDATE SET refused_accounts = a.refused_accounts || excluded.refused_accounts`, p, account(slug, p))
		w.exec(`INSERT INTO sync.notices (provider, account, event, stream, object_id, change, raw, settled_at) VALUES ($1, $2, $2, '', '', '', '{}', now())`, p, account(slug, p))
		w.exec(`INSERT INTO sync.call_windows (provider, account, recent) VALUES ($1, '/item/get ' || $2::text, '{}')`, p, account(slug, p))
		w.exec(`INSERT INTO sync.api_usage (connection_id, day, calls, metered_calls) SELECT $1, (now() AT TIME ZONE 'UTC')::date - ago, 1000, 500 + ago FROM generate_series(0, 2) AS ago`, id)
		w.exec(`UPDATE sync.connections SET shown = $2, lease_holder = '', secret_version = 1, parked_token = 'sealed' WHERE id = $1`, id, `{"marker":"(`+string(slug)+`)"}`)
	}
	w.exec(`INSERT INTO sync.rejected_messages (kind, reason, attributes) VALUES ('tick', 'no connection', jsonb_build_object('org', $1::text))`, slug)
}

func secret(slug org.Slug, p org.Provider, id org.ConnectionID) string {
	return fmt.Sprintf("connection-%s-%s-%d", slug, p, id)
}

func (w *world) exec(sql string, args ...any) {
	w.Helper()
	if _, err := w.store.Pool.Exec(w.Context(), sql, args...); err != nil {
		w.Fatal(err)
	}
}

type column struct {
	Name, Type string
	Required   bool
}

// columnsOf returns the columns that can be written, of all tables with rows of tenants.
func columnsOf(t *world, pool *pgxpool.Pool) map[string][]column {
	rows, err := pool.Query(t.Context(), `SELECT c.table_schema || '.' || c.table_name, c.column_name, c.data_type, c.is_nullable = 'NO' FROM information_schema.columns AS c
JOIN information_schema.tables AS t USING (table_schema, table_name) WHERE t.table_type = 'BASE TABLE' AND c.is_generated = 'NEVER' AND c.is_identity = 'NO'
AND c.table_schema NOT IN ('pg_catalog', 'information_schema') AND c.table_schema NOT LIKE 'intake\_%' ORDER BY c.ordinal_position`)
	if err != nil {
		t.Fatal(err)
	}
	all := map[string][]column{}
	var name string
	var c column
	if _, err := pgx.ForEachRow(rows, []any{&name, &c.Name, &c.Type, &c.Required}, func() error {
		all[name] = append(all[name], c)
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	maps.DeleteFunc(all, func(name string, columns []column) bool {
		has := func(n string) bool {
			return slices.ContainsFunc(columns, func(c column) bool { return c.Name == n })
		}
		owned := has("org_id") || has("connection_id") || has("provider") && has("account")
		return name == "sync.connections" || !owned
	})
	return all
}

// fill writes rows into a table: one with the strangest values of each type, one with as little as can be.
func (*world) fill(batch *pgx.Batch, table string, columns []column, slug org.Slug, p org.Provider, id org.ConnectionID) {
	for _, sparse := range []bool{false, true} {
		if sparse && (table == "sync.call_windows" || table == "sync.custom_columns") {
			continue // nothing in it may be left out, or be there twice
		}
		var names, values []string
		for _, c := range columns {
			if sparse && !c.Required {
				continue
			}
			names = append(names, pgx.Identifier{c.Name}.Sanitize())
			values = append(values, value(table, c, slug, p, id, sparse))
		}
		schema, name, _ := strings.Cut(table, ".")
		batch.Queue(fmt.Sprintf("INSERT INTO %s (%s) VALUES (%s) ON CONFLICT DO NOTHING",
			pgx.Identifier{schema, name}.Sanitize(), strings.Join(names, ", "), strings.Join(values, ", ")))
	}
}

// value returns an SQL expression. Texts name the organisation, in brackets, so that it is found again.
func value(table string, c column, slug org.Slug, p org.Provider, id org.ConnectionID, sparse bool) string {
	literal := func(s string) string { return "E'" + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(s) + "'" }
	marker := fmt.Sprintf("only (%s) %s %v", slug, p, sparse)
	switch strings.TrimPrefix(table, "sync.") + "." + c.Name {
	case "streams.status":
		return "'ok'"
	case "runs.outcome":
		return "'done'"
	case "notices.outcome":
		return "'read'"
	case "reconciliations.method":
		return "'counts'"
	}
	switch c.Name {
	case "org_id":
		return literal(string(slug))
	case "connection_id":
		return id.String()
	case "provider":
		return literal(string(p))
	case "account":
		return literal(account(slug, p))
	}
	switch {
	case c.Type == "text" && sparse && !strings.HasSuffix(c.Name, "id"):
		return "''"
	case c.Type == "text":
		return literal(marker + " \"quoted\", \\. \\N 'and'\r\n\tlines é 𝄞")
	case c.Type == "numeric":
		return "12345678901234567890123456789.12345678901234567890"
	case c.Type == "bigint":
		return "9007199254740993"
	case c.Type == "integer":
		return fmt.Sprint(map[bool]string{false: "1", true: "2"}[sparse])
	case c.Type == "boolean":
		return "true"
	case c.Type == "date":
		return "'2026-02-28'"
	case strings.HasPrefix(c.Type, "timestamp"):
		return "'2026-01-31 23:59:59.123456+05:30'"
	case c.Type == "interval":
		return "'1 month 2 days 03:04:05.678901'"
	case c.Type == "jsonb":
		return literal(`{"amount": 1.10, "big": 12345678901234567890.10, "of": "` + marker + `", "nothing": null, "line": "a\nb"}`)
	case c.Type == "bytea":
		return fmt.Sprintf(`'\x00ff'::bytea || convert_to(%s, 'UTF8')`, literal(marker))
	case c.Type == "ARRAY" && strings.Contains(c.Name, "recent"):
		return "'{2026-01-31 23:59:59.123456+05:30}'"
	case c.Type == "ARRAY":
		return "ARRAY[" + literal(marker+`, {"x"}`) + ", NULL]"
	}
	panic("a type that no table had: " + c.Type + " of " + table)
}

// picture is all that a database holds, by table: the texts of its rows, sorted.
func (w *world) picture() map[string]string {
	w.Helper()
	rows, err := w.store.Pool.Query(w.Context(), `SELECT table_schema, table_name FROM information_schema.tables
WHERE table_type = 'BASE TABLE' AND table_schema NOT IN ('pg_catalog', 'information_schema') AND table_schema NOT LIKE 'intake\_%'`)
	if err != nil {
		w.Fatal(err)
	}
	type table struct{ Schema, Name string }
	all, err := pgx.CollectRows(rows, pgx.RowToStructByPos[table])
	if err != nil {
		w.Fatal(err)
	}
	picture := map[string]string{}
	var batch pgx.Batch
	for _, t := range all {
		batch.Queue(`SELECT coalesce(string_agg(t::text, E'\n' ORDER BY t::text COLLATE "C"), '') FROM ` + pgx.Identifier{t.Schema, t.Name}.Sanitize() + ` AS t`).QueryRow(func(row pgx.Row) error {
			var text string
			err := row.Scan(&text)
			picture[t.Schema+"."+t.Name] = text
			return err
		})
	}
	if err := w.store.Pool.SendBatch(w.Context(), &batch).Close(); err != nil {
		w.Fatal(err)
	}
	return picture
}

// differ names the tables in which two pictures differ, save that of erasures, which grows, and those of what
// has been added up: see costs.
func differ(a, b map[string]string) (tables []string) {
	for name := range a {
		if a[name] != b[name] && name != "sync.erasures" && name != "sync.usage_days" && name != "sync.erased_usage" {
			tables = append(tables, name)
		}
	}
	slices.Sort(tables)
	return tables
}

// costs is what each provider has metered, of whomever it was.
func (w *world) costs() (metered [4]int) {
	w.Helper()
	for i, p := range []org.Provider{"quickbooks", "plaid"} {
		u, err := w.store.Usage(w.Context(), p)
		if err != nil {
			w.Fatal(err)
		}
		metered[2*i], metered[2*i+1] = u.Month, u.Week
	}
	return metered
}

// eraser returns one that erases here.
func (w *world) eraser() *tenant.Eraser {
	return &tenant.Eraser{
		Tenants: w.store.Owner, Secrets: vaultOf{w}, Enders: map[org.Provider]tenant.Ender{"quickbooks": providerOf{w}, "plaid": providerOf{w}},
		Version: "v1", Holder: "test", Log: slog.New(slog.DiscardHandler), Patience: time.Minute, Poll: time.Millisecond,
	}
}

// providerOf is both providers.
type providerOf struct{ *world }

func (p providerOf) Revoke(ctx context.Context, c org.Connection, _ org.Lease) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if err := errors.Join(ctx.Err(), p.refuses[c.Account]); err != nil {
		return fault.Wrap(fault.Unavailable, "the provider does not answer", err)
	}
	p.logins[c.Account] = false
	p.asked++
	return nil
}

// RevokeOrphan ends the login that is named like the secret.
func (p providerOf) RevokeOrphan(ctx context.Context, c org.Connection) error {
	c.Account = secret(c.Org, c.Provider, c.ID)
	return p.Revoke(ctx, c, org.Lease{})
}

// vaultOf is Secret Manager. Its list has what was deleted, too: it is minutes old.
type vaultOf struct{ *world }

func (v vaultOf) Of(_ context.Context, slug org.Slug, all []org.Connection) (names []string, err error) {
	for _, c := range all {
		names = append(names, secret(slug, c.Provider, c.ID))
	}
	return append(names, "connection-"+string(slug)+"-quickbooks-999"), nil
}

func (v vaultOf) Login(ctx context.Context, name string) (c org.Connection, there bool, err error) {
	parts := strings.Split(name, "-")
	id, err := strconv.ParseInt(parts[len(parts)-1], 10, 64)
	v.mu.Lock()
	defer v.mu.Unlock()
	return org.Connection{ID: org.ConnectionID(id), Org: v.slug, Provider: org.Provider(parts[len(parts)-2])}, v.secrets[name], errors.Join(err, ctx.Err())
}

func (v vaultOf) Delete(ctx context.Context, name string) (there bool, err error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	there = v.secrets[name]
	if ctx.Err() == nil {
		delete(v.secrets, name)
	}
	return there, ctx.Err()
}

// open are the logins that are.
func (w *world) open() (accounts []string) {
	for a, is := range w.logins {
		if is {
			accounts = append(accounts, a)
		}
	}
	slices.Sort(accounts)
	return accounts
}
