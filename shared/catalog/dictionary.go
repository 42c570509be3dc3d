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
		fmt.Fprintf(b, "One row for each %s", r.Root.each())
	} else {
		fmt.Fprintf(b, "One row for each element of `%s` of each %s", strings.TrimSuffix(r.path, "."), r.Root.each())
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
	if says := r.Meaning(); says != "" {
		fmt.Fprintf(b, "\n\n%s.", sentences(says))
	}
	head, line := "| column | JSON path | type | meaning |", "|---|---|---|---|"
	if r.View != "" {
		head, line = "| column | in the view | JSON path | type | meaning |", line+"---|"
	}
	fmt.Fprintf(b, "\n\n%s\n%s\n", head, line)
	if r.Parent != nil {
		r.row(b, Column{Name: r.RootID(), Note: "the id of the " + r.Root.Stream + " that the row belongs to"}, "")
	}
	for _, c := range r.Columns {
		r.row(b, c, "`"+r.JSONPath(c)+"`")
	}
	for _, c := range r.Ours() {
		r.row(b, c, "")
	}
}

// row writes what is said of one column; path is where it comes from, "" for a column of ours.
func (r *Relation) row(b *strings.Builder, c Column, path string) {
	fmt.Fprintf(b, "| `%s` |", c.Name)
	if r.View != "" {
		fmt.Fprintf(b, " `%s` |", c.InView())
	}
	fmt.Fprintf(b, " %s | %s | %s |\n", path, c.Type.SQL(), strings.ReplaceAll(c.Meaning(), "|", `\|`))
}

// sentences begins each sentence of a note with a capital.
func sentences(note string) string {
	all := strings.Split(note, ". ")
	for i, s := range all {
		all[i] = strings.ToUpper(s[:1]) + s[1:]
	}
	return strings.Join(all, ". ")
}

const dictionaryHead = `# Data dictionary

Made from the catalog, so it is never edited by hand: ` + "`go test ./shared/app -run Dictionary -update`" + ` writes it.

Every table has the columns that its section lists and those that come next; a row of an array also
has the id of its object. Its view has the same, but not those marked "tables only", under names of its
own; it leaves out deleted rows. Custom fields that an organisation has asked for stand at the view's end.

| column | where | type | meaning |
|---|---|---|---|
| ` + "`org_id`" + ` | everywhere | text | the organisation's slug |
| ` + "`connection_id`" + ` | everywhere | bigint | the connection, one company's account at the provider; ids are unique within it only |
| ` + "`organizationname`" + ` | views | text | the organisation's name |
| ` + "`row_key`" + ` | views | text | org_id, connection_id, id and, in child rows, position, joined by colons: unique within the view |
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
