package store

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/countinghouse/countinghouse/shared/fault"
)

// viewSchema holds the generated views.
const viewSchema = "appsheet"

// viewColumn is one column of a view.
type viewColumn struct{ name, expression string }

// view is a generated view.
type view struct {
	relation *relation
	columns  []viewColumn
}

// RebuildViews makes the views in the schema appsheet what the catalogs and sync.custom_columns
// say. A view that loses columns is made anew and keeps its grants; views that others have built on
// it are in the way then, and are named in the error. fault.Invalid: a custom column whose name is
// taken or cannot be a name.
func (s *Store) RebuildViews(ctx context.Context) error {
	err := s.inTx(ctx, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, `SELECT pg_advisory_xact_lock(hashtext('appsheet views'))`); err != nil {
			return err
		}
		custom, err := customColumns(ctx, tx)
		if err != nil {
			return err
		}
		for _, t := range s.tables {
			for _, r := range t.relations {
				if r.View == "" {
					continue
				}
				v, err := newView(r, custom[r.View])
				if err != nil {
					return err
				}
				if err := v.rebuild(ctx, tx); err != nil {
					return failure("build the view "+viewSchema+"."+r.View, err)
				}
			}
		}
		return nil
	})
	return failure("rebuild the views", err)
}

// newView lists a view's columns: what it is keyed by, the catalog's under their flat names, and
// the organisations' own.
func newView(r *relation, custom []customColumn) (view, error) {
	v := view{relation: r}
	key := `r.org_id || ':' || r.connection_id || ':' || r.` + r.rootID
	if r.Parent != nil {
		key += ` || ':' || r.position`
	}
	v.columns = []viewColumn{
		{"row_key", "(" + key + `) COLLATE "C"`}, {"organizationname", "o.name"},
		{"org_id", "r.org_id"}, {"connection_id", "r.connection_id"},
	}
	if r.Parent != nil {
		v.columns = append(v.columns, viewColumn{r.RootID(), "r." + r.rootID},
			viewColumn{"position", "r.position"}, viewColumn{"parent_position", "r.parent_position"})
	}
	for _, c := range r.Columns {
		v.columns = append(v.columns, viewColumn{c.InView(), "r." + quote(c.Name)})
	}
	for _, c := range r.Ours() {
		v.columns = append(v.columns, viewColumn{c.Name, "r." + quote(c.Name)})
	}
	for i, c := range v.columns {
		if v.place(c.name) != i || len(c.name) > maxName {
			return view{}, fault.New(fault.Internal, fmt.Sprintf("the view %s cannot have the column %q: taken or too long", r.View, c.name))
		}
	}
	return v, v.addCustom(custom)
}

func (v *view) place(name string) int {
	return slices.IndexFunc(v.columns, func(c viewColumn) bool { return c.name == name })
}

func (v view) name() string { return pgx.Identifier{viewSchema, v.relation.View}.Sanitize() }

// definition is the view's query. Rights are those of whoever reads the view, so that the policies
// on the tables below hold.
func (v view) definition() string {
	var b strings.Builder
	fmt.Fprintf(&b, "CREATE OR REPLACE VIEW %s WITH (security_invoker = true) AS\nSELECT", v.name())
	for i, c := range v.columns {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, "\n\t%s AS %s", c.expression, quote(c.name))
	}
	fmt.Fprintf(&b, "\nFROM %s AS r LEFT JOIN sync.organisations AS o ON o.slug = r.org_id\nWHERE r.deleted_at IS NULL", v.relation.name)
	return b.String()
}

// rebuild creates or replaces the view. PostgreSQL can only add columns at a view's end; for any
// other change it is dropped first and its grants are given again.
func (v view) rebuild(ctx context.Context, tx pgx.Tx) error {
	have, err := v.stored(ctx, tx)
	if err != nil {
		return err
	}
	var want, grants []string
	for _, c := range v.columns {
		want = append(want, c.name)
	}
	if len(have) > len(want) || !slices.Equal(have, want[:len(have)]) {
		if grants, err = v.grants(ctx, tx); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, "DROP VIEW "+v.name()); err != nil {
			return err
		}
	}
	statements := append([]string{v.definition(), "GRANT SELECT ON " + v.name() + " TO " + readers}, grants...)
	if says := v.relation.Meaning(); says != "" {
		statements = append(statements, "COMMENT ON VIEW "+v.name()+" IS "+literal(says))
	}
	for _, sql := range statements {
		if _, err := tx.Exec(ctx, sql); err != nil {
			return err
		}
	}
	return nil
}

// stored returns the columns that the view has now, or none.
func (v view) stored(ctx context.Context, tx pgx.Tx) ([]string, error) {
	rows, err := tx.Query(ctx, `SELECT a.attname FROM pg_catalog.pg_attribute AS a
JOIN pg_catalog.pg_class AS c ON c.oid = a.attrelid
WHERE c.relnamespace = $1::regnamespace AND c.relname = $2 AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum`, viewSchema, v.relation.View)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[string])
}

// grants returns the statements that give the view's rights, beyond its owner's, again.
func (v view) grants(ctx context.Context, tx pgx.Tx) ([]string, error) {
	rows, err := tx.Query(ctx, `SELECT format('GRANT %s ON %I.%I TO %s', a.privilege_type, $1::text, $2::text,
	CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(a.grantee)) END)
FROM pg_catalog.pg_class AS c, aclexplode(c.relacl) AS a
WHERE c.relnamespace = $1::regnamespace AND c.relname = $2 AND a.grantee <> c.relowner`, viewSchema, v.relation.View)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[string])
}
