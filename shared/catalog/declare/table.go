// Package declare is the words that a provider's catalog is written in: the columns of some paths, and a
// table that each further word gives one more property.
package declare

import (
	"fmt"
	"time"

	"github.com/countinghouse/countinghouse/shared/catalog"
)

// Table is a table on its way into the catalog.
type Table catalog.Table

// Tables returns the declared tables in their order.
func Tables(declared ...Table) []catalog.Table {
	tables := make([]catalog.Table, len(declared))
	for i, t := range declared {
		tables[i] = catalog.Table(t)
	}
	return tables
}

// Holding adds the tables of the arrays inside the objects.
func (t Table) Holding(children ...catalog.Child) Table {
	t.Children = children
	return t
}

// Indexed adds the columns that people look objects up by.
func (t Table) Indexed(columns ...string) Table {
	t.Indexes = columns
	return t
}

// Noted says of the column at path what its name cannot say. It panics without such a column.
func (t Table) Noted(path, note string) Table {
	for i := range t.Columns {
		if t.Columns[i].Path == path {
			t.Columns[i].Note = note
			return t
		}
	}
	panic(fmt.Sprintf("the catalog's %s %s has no %s", t.Provider, t.Stream, path))
}

// About says of the table what its name cannot say.
func (t Table) About(note string) Table {
	t.Note = note
	return t
}

// ReadEvery says that no feed of changes tells of the objects, and how often they are read instead.
func (t Table) ReadEvery(again time.Duration) Table {
	t.Every = again
	return t
}

// NeverRemoved says that objects are never removed.
func (t Table) NeverRemoved() Table {
	t.Permanent = true
	return t
}

// IfOffered says that an account at the provider may not have the stream.
func (t Table) IfOffered() Table {
	t.Optional = true
	return t
}

// Merging says that objects can be merged into another.
func (t Table) Merging() Table {
	t.Merges = true
	return t
}

// Voided says that an object can be voided: the amount becomes zero and the note tells it by a word.
func (t Table) Voided(amount, note, word string) Table {
	t.Void = &catalog.Void{Amount: amount, Note: note, Word: word}
	return t
}

// Succeeding says how an object shows that it takes the place of another.
func (t Table) Succeeding(by string, same ...[]string) Table {
	t.Succession = &catalog.Succession{By: by, Same: same}
	return t
}

// Alone says, after Succeeding, that an object does not take the place of one of several that are alike.
func (t Table) Alone() Table {
	t.Succession.Alone = true
	return t
}
