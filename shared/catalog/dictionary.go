package catalog

import (
	"fmt"
	"strings"
)

// Chapter is what the data dictionary says of one provider.
type Chapter struct {
	Title  string // the provider's name as people write it
	About  string // what holds for all of its tables: units, what null means, in Markdown
	Tables []Table
}

// Dictionary returns the data dictionary in Markdown: every table and view with its columns, where
// each comes from in the provider's JSON, its type and what its name cannot say.
func Dictionary(chapters []Chapter) string {
	var b strings.Builder
	b.WriteString(dictionaryHead)
	for _, c := range chapters {
		fmt.Fprintf(&b, "\n## %s\n\n%s\n", c.Title, strings.TrimSpace(c.About))
		for i := range c.Tables {
			for _, r := range c.Tables[i].Relations() {
				r.describe(&b)
			}
		}
	}
	return b.String()
}

// describe writes a relation's section.
func (r *Relation) describe(b *strings.Builder) {
	fmt.Fprintf(b, "\n### %s\n\n", r.Qualified())
	if r.Parent == nil {
		fmt.Fprintf(b, "One row for each %s", r.Root.Stream)
	} else {
		fmt.Fprintf(b, "One row for each element of `%s` of each %s", strings.TrimSuffix(r.path, "."), r.Root.Stream)
		if r.again != "" {
			fmt.Fprintf(b, ", and of each `%s[]` inside such an element", r.again)
		}
	}
	if r.View != "" {
		fmt.Fprintf(b, "; view `appsheet.%s`", r.View)
	}
	fmt.Fprintf(b, ". Key: `%s`.", strings.Join(r.Key(), ", "))
	for _, columns := range r.Indexes {
		fmt.Fprintf(b, " Index: `org_id, %s`.", columns)
	}
	if r.Note != "" {
		fmt.Fprintf(b, "\n\n%s.", strings.ToUpper(r.Note[:1])+r.Note[1:])
	}
	head, line := "| column | JSON path | type | meaning |", "|---|---|---|---|"
	if r.View != "" {
		head, line = "| column | in the view | JSON path | type | meaning |", line+"---|"
	}
	fmt.Fprintf(b, "\n\n%s\n%s\n", head, line)
	for _, c := range r.Columns {
		fmt.Fprintf(b, "| `%s` |", c.Name)
		if r.View != "" {
			fmt.Fprintf(b, " `%s` |", Flat(c.Path))
		}
		fmt.Fprintf(b, " `%s` | %s | %s |\n", r.JSONPath(c), c.Type.SQL(), strings.ReplaceAll(c.Note, "|", `\|`))
	}
}

const dictionaryHead = `# Data dictionary

Made from the catalog, so it is never edited by hand: ` + "`go test ./shared/app -run Dictionary -update`" + ` writes it.

Every table has the columns that its section lists and those that come next. Its view has the same, but
not those marked "tables only", under names of its own; it leaves out deleted rows. Custom fields
that an organisation has asked for stand at the view's end.

| column | where | type | meaning |
|---|---|---|---|
| ` + "`org_id`" + ` | everywhere | text | the organisation's slug |
| ` + "`connection_id`" + ` | everywhere | bigint | the connection, one company's account at the provider; ids are unique within it only |
| ` + "`organizationname`" + ` | views | text | the organisation's name |
| ` + "`row_key`" + ` | views | text | org_id, connection_id, id and, in child rows, position, joined by colons: unique within the view |
| ` + "`invoice_id`, `payment_id`" + `, … | child rows | text | the object that the row belongs to: its ` + "`id`" + ` |
| ` + "`position`" + ` | child rows | integer | 1, 2, … in the order of the object's JSON; with nested ones, the one that holds them comes first |
| ` + "`parent_position`" + ` | child rows | integer | of a nested row: the position of the row that holds it; null: the object itself does |
| ` + "`raw`" + ` | tables only, not of child rows | jsonb | the whole object as the provider sent it, all numbers with their digits: what no column names is here |
| ` + "`digest`" + ` | tables only, not of child rows | bytea | stands for the bytes that were stored, so that the same object is not written twice |
| ` + "`deleted_at`" + ` | tables only | timestamptz | when the provider deleted the object, as far as it says; null: the object exists |
| ` + "`synced_at`" + ` | tables only | timestamptz | when this row was last written |

What null means in any other column: the object did not have that key, or had null there, or an
empty text where a number, date, time or truth belongs. It is never written for 0, false or empty text.

| type | how values are kept |
|---|---|
| text | as sent; a number or truth keeps its own text |
| numeric | exact: every digit that was sent, never rounded, ` + "`300.00`" + ` stays ` + "`300.00`" + ` |
| bigint | a whole number |
| boolean | true or false |
| date | a calendar date; it has no zone |
| timestamptz | an instant, whatever zone it was sent in |
| jsonb | the value as sent, objects and arrays too |
`
