package store

import (
	"context"
	"fmt"
	"regexp"

	"github.com/jackc/pgx/v5"

	"github.com/countinghouse/countinghouse/shared/fault"
	"github.com/countinghouse/countinghouse/shared/org"
)

// CustomColumn makes a custom field of one organisation's objects a column of a view.
type CustomColumn struct {
	Org    org.Slug
	View   string // "invoices"
	Field  string // the custom field's name, as the organisation wrote it
	Column string // lower-case letters, digits, underscores
}

type customColumn struct{ view, column string }

var customName = regexp.MustCompile(`^[a-z_][a-z0-9_]{0,62}$`)

// SetCustomColumn adds a custom column, or gives the field's column another name, and rebuilds the
// views. fault.Invalid: there is no such view of objects, or the name is taken or cannot be one;
// fault.NotFound: there is no such organisation.
func (s *Store) SetCustomColumn(ctx context.Context, c CustomColumn) error {
	if err := s.checkCustom(c); err != nil {
		return err
	}
	if _, err := s.Organisation(ctx, c.Org); err != nil {
		return err
	}
	_, err := s.pool.Exec(ctx, `INSERT INTO sync.custom_columns (org_id, view, field, column_name) VALUES ($1, $2, $3, $4)
ON CONFLICT (org_id, view, field) DO UPDATE SET column_name = excluded.column_name`, c.Org, c.View, c.Field, c.Column)
	if _, conflict := unstorable(err); conflict {
		return fault.New(fault.Invalid, fmt.Sprintf("the column %q of the view %s is another field's already", c.Column, c.View))
	}
	if err != nil {
		return failure("set a custom column", err)
	}
	return s.RebuildViews(ctx)
}

// DropCustomColumn takes a custom field's column away and rebuilds the views. Where there is none
// it does nothing.
func (s *Store) DropCustomColumn(ctx context.Context, slug org.Slug, view, field string) error {
	_, err := s.pool.Exec(ctx, `DELETE FROM sync.custom_columns WHERE org_id = $1 AND view = $2 AND field = $3`, slug, view, field)
	if err != nil {
		return failure("drop a custom column", err)
	}
	return s.RebuildViews(ctx)
}

func (s *Store) checkCustom(c CustomColumn) error {
	if c.Field == "" || clean(c.Field) != c.Field {
		return fault.New(fault.Invalid, "a custom column needs the name of a custom field")
	}
	for _, t := range s.tables {
		if r := t.relations[0]; r.View == c.View && c.View != "" {
			_, err := newView(r, []customColumn{{c.View, c.Column}})
			return err
		}
	}
	return fault.New(fault.Invalid, fmt.Sprintf("there is no view %s.%s of objects: custom fields are not columns of views of their parts", viewSchema, clean(c.View)))
}

func customColumns(ctx context.Context, tx pgx.Tx) (map[string][]customColumn, error) {
	rows, err := tx.Query(ctx, `SELECT DISTINCT view, column_name FROM sync.custom_columns ORDER BY view, column_name`)
	if err != nil {
		return nil, err
	}
	all := map[string][]customColumn{}
	var c customColumn
	_, err = pgx.ForEachRow(rows, []any{&c.view, &c.column}, func() error {
		all[c.view] = append(all[c.view], c)
		return nil
	})
	return all, err
}

// addCustom adds the organisations' own columns. Organisations may share a column: each sees the
// value of its own field. Which field that is, the view looks up under the reader's own rights, for
// everybody may read a view's definition.
func (v *view) addCustom(custom []customColumn) error {
	if len(custom) > 0 && v.relation.Parent != nil {
		return fault.New(fault.Invalid, "the view "+v.relation.View+" cannot have custom columns")
	}
	first := len(v.columns)
	for _, c := range custom {
		if !customName.MatchString(c.column) {
			return fault.New(fault.Invalid, fmt.Sprintf(
				"%q cannot be a column: want at most 63 lower-case letters, digits and underscores, a letter first", clean(c.column)))
		}
		i := v.place(c.column)
		if i >= 0 && i < first {
			return fault.New(fault.Invalid, fmt.Sprintf("the view %s has a column %q already, which is not a custom field", v.relation.View, c.column))
		}
		if i < 0 {
			v.columns = append(v.columns, viewColumn{c.column, customValue(v.relation.View, c.column)})
		}
	}
	return nil
}

// customValue finds the custom field that is the organisation's column and returns its value as text.
func customValue(view, column string) string {
	return `(
		SELECT coalesce(f ->> 'StringValue', f ->> 'NumberValue', f ->> 'DateValue', f ->> 'BooleanValue')
		FROM jsonb_array_elements(CASE jsonb_typeof(r.raw -> 'CustomField') WHEN 'array' THEN r.raw -> 'CustomField' ELSE '[]' END) AS f
		WHERE f ->> 'Name' = (
			SELECT c.field FROM sync.custom_columns AS c
			WHERE c.org_id = r.org_id AND c.view = ` + literal(view) + ` AND c.column_name = ` + literal(column) + `
		) LIMIT 1
	)`
}
