package store

import (
	"context"
	"errors"
	"io"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/countinghouse/countinghouse/shared/fault"
	"github.com/countinghouse/countinghouse/shared/org"
	"github.com/countinghouse/countinghouse/shared/tenant"
)

var _ tenant.Books = (*Store)(nil)

// ownColumns are the platform's tables that tell something about an organisation, and what of them is
// exported. A column that is not here never is: some hold tokens, sealed or not.
var ownColumns = map[string][]string{
	organisationTable: {"slug", "name", "created_at"},
	connectionTable: {
		"id", "org_id", "provider", "account", "account_name", "state", "reason", "created_at", "connected_at", "shown",
		"next_sync_at", "sweep_every", "last_swept_at", "webhooks_proven_at",
	},
	"sync.streams": {
		"connection_id", "name", "status", "loading", "last_attempt", "last_success", "failures", "error", "load_total", "load_done", "load_started_at",
	},
	"sync.runs": {
		"id", "org_id", "connection_id", "reason", "streams", "started_at", "finished_at", "outcome", "written", "deleted", "unchanged", "dead",
		"batches", "calls", "metered_calls", "error_kind", "error",
	},
	"sync.dead_letters": {
		"id", "org_id", "connection_id", "stream", "record_id", "key", "version", "is_deletion", "reason", "raw", "first_seen", "last_seen", "attempts", "resolved_at",
	},
	"sync.notices": {
		"id", "provider", "account", "connection_id", "event", "stream", "object_id", "change", "loser_id", "told_at", "received_at", "deliveries",
		"settled_at", "outcome", "problem", "raw",
	},
	"sync.reconciliations": {
		"id", "org_id", "connection_id", "stream", "reading", "method", "started_at", "finished_at", "checked", "equal", "missing", "stale", "damaged",
		"surplus", "mended", "examples",
	},
	"sync.api_usage":      {"connection_id", "day", "calls", "metered_calls"},
	"sync.custom_columns": {"org_id", "view", "field", "column_name"},
}

// leftOut is what of an organisation is not exported.
var leftOut = []tenant.Omission{
	{What: "tokens of connections", Why: "they open accounts at the providers, live in Secret Manager, and are of no use to anybody but this app"},
	{What: "sync.connections: fence, lease_*, tick_noted, not_before, asked_at, dispatched_at, clearing_at, restored_at, secret_version, parked_token, token_expires_at", Why: "how this installation works on the connection, and where its token is"},
	{What: "sync.streams: checkpoint", Why: "the place in the provider's feed: a secret of this installation"},
	{What: "sync.runs: parts; sync.parts; sync.census", Why: "work that is under way"},
	{What: "sync.token_journal, sync.connect_links, sync.connect_states", Why: "how tokens and sign-ins came about"},
	{What: "sync.rejected_messages, sync.call_windows, sync.allowances, sync.usage_days, sync.erased_usage", Why: "this installation's own books: they are nobody's rows"},
	{What: "tables in schemas of others, and in public", Why: "copies that people have made, or something else: this program does not know what is in them"},
	{What: "columns that follow from others, such as is_voided; the views of appsheet and reporting", Why: "a migrated database makes them again"},
}

const (
	snapshotSettings = `SET LOCAL statement_timeout = 0; SET LOCAL idle_in_transaction_session_timeout = 0; SET LOCAL TimeZone = 'UTC'; SET LOCAL DateStyle = 'ISO, YMD';
SET LOCAL IntervalStyle = 'postgres'; SET LOCAL bytea_output = 'hex'; SET LOCAL extra_float_digits = 1; SET LOCAL client_encoding = 'UTF8'`

	aboutTenant = `SELECT o.slug, o.name, o.leaving_since IS NOT NULL, (SELECT coalesce(max(m.version_id), 0) FROM sync.migrations AS m WHERE m.is_applied),
	EXISTS (SELECT FROM sync.erasures AS e WHERE e.org_digest = $2 AND e.finished_at IS NULL AND e.rows > 0)
FROM sync.organisations AS o WHERE o.slug = $1`
)

// snapshot is an organisation within one transaction.
type snapshot struct {
	tx     pgx.Tx
	about  tenant.About
	tables []tenant.Table
	query  map[string]string // by table: what is copied
}

var _ tenant.Snapshot = (*snapshot)(nil)

// About implements tenant.Snapshot.
func (s *snapshot) About() tenant.About { return s.about }

// Tables implements tenant.Snapshot.
func (s *snapshot) Tables() []tenant.Table { return s.tables }

// Copy implements tenant.Snapshot.
func (s *snapshot) Copy(ctx context.Context, t tenant.Table, w io.Writer) (rows int64, err error) {
	tag, err := s.tx.Conn().PgConn().CopyTo(ctx, w, "COPY ("+s.query[t.Name]+") TO STDOUT WITH (FORMAT csv, HEADER, ENCODING 'UTF8')")
	return tag.RowsAffected(), failure("copy "+t.Name, err)
}

// Snapshot calls f with an organisation as it is at one instant. See tenant.Books.
func (s *Store) Snapshot(ctx context.Context, slug org.Slug, f func(tenant.Snapshot) error) error {
	err := pgx.BeginTxFunc(ctx, s.pool, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, snapshotSettings, pgx.QueryExecModeSimpleProtocol); err != nil {
			return err
		}
		snap := &snapshot{tx: tx, query: map[string]string{}}
		if err := snap.look(ctx, slug); err != nil {
			return err
		}
		if err := snap.choose(ctx, s, slug); err != nil {
			return err
		}
		return f(snap)
	})
	return failure("export an organisation", err)
}

// look finds out whose snapshot it is.
func (s *snapshot) look(ctx context.Context, slug org.Slug) error {
	var begun bool
	o := &s.about.Organisation
	err := s.tx.QueryRow(ctx, aboutTenant, slug, slugDigest(slug)).Scan(&o.Slug, &o.Name, &s.about.Leaving, &s.about.Schema, &begun)
	if errors.Is(err, pgx.ErrNoRows) {
		return fault.New(fault.NotFound, "there is no organisation "+string(slug))
	}
	if err == nil && begun {
		return fault.New(fault.Conflict, "the rows of "+string(slug)+" are being erased: an export would not be whole")
	}
	return err
}

// choose finds the tables that have rows of the organisation: those of the providers whole, of
// the platform's own what ownColumns names.
func (s *snapshot) choose(ctx context.Context, store *Store, slug org.Slug) error {
	all, err := tablesOfTenants(ctx, s.tx)
	if err != nil {
		return err
	}
	s.about.LeftOut = slices.Clone(leftOut)
	for _, t := range all {
		columns, where := store.exported(t, slug)
		switch {
		case where == "":
			continue
		case len(columns) == 0: // this login may not be allowed to look whether it has rows
			s.about.LeftOut = append(s.about.LeftOut, tenant.Omission{What: t.String(), Why: "this version does not know what of it may be handed out"})
			continue
		}
		var some bool
		if err := s.tx.QueryRow(ctx, "SELECT EXISTS (SELECT FROM "+t.quoted()+" WHERE "+where+")").Scan(&some); err != nil {
			return failure("look for rows in "+t.String(), err)
		}
		if some {
			s.add(t, columns, where)
		}
	}
	return nil
}

func (s *snapshot) add(t tenantTable, columns []string, where string) {
	quoted := make([]string, len(columns))
	for i, c := range columns {
		quoted[i] = quote(c)
	}
	list := strings.Join(quoted, ", ")
	s.query[t.String()] = "SELECT " + list + " FROM " + t.quoted() + " WHERE " + where
	s.tables = append(s.tables, tenant.Table{Name: t.String(), Columns: columns, Load: "COPY " + t.quoted() + " (" + list + ") FROM STDIN WITH (FORMAT csv, HEADER)"})
}

// exported returns what of a table is exported, and the condition that a row is the organisation's: ""
// when none is, or when the table is known not to be handed out. COPY takes no parameters.
func (s *Store) exported(t tenantTable, slug org.Slug) (columns []string, where string) {
	name, is := t.String(), literal(string(slug))
	columns = ownColumns[name]
	switch {
	case name == organisationTable:
		return columns, "slug = " + is
	case columns == nil && t.schema == "sync":
		return nil, ""
	case t.has("org_id"):
		where = "org_id = " + is
	case t.has("connection_id"):
		where = "connection_id IN (SELECT id FROM sync.connections WHERE org_id = " + is + ")"
	default:
		return nil, ""
	}
	if s.knows(t) {
		columns = t.columns
	}
	return columns, where
}

// knows reports whether a table is a provider's, of this version's catalog.
func (s *Store) knows(t tenantTable) bool {
	return slices.ContainsFunc(s.tables, func(p *table) bool {
		return slices.ContainsFunc(p.relations, func(r *relation) bool { return r.Qualified() == t.String() })
	})
}
