package plaid

import (
	"slices"
	"strings"
	"time"

	"github.com/countinghouse/countinghouse/shared/catalog"
)

// declaration is a table on its way into the catalog; each of its methods adds one property.
type declaration catalog.Table

// stream declares a stream and its table, which has the same name. The column at the path id is named
// id; that of an id in several parts is added to the others.
func stream(one, many, id string, groups ...[]catalog.Column) declaration {
	all := slices.Concat(groups...)
	at := slices.IndexFunc(all, func(c catalog.Column) bool { return c.Path == id })
	if at < 0 {
		all, at = append([]catalog.Column{{Path: id, Note: strings.ReplaceAll(id, ",", " and ") + ", joined by |: Plaid has no id"}}, all...), 0
	}
	all[at].Name = "id"
	return declaration{Provider: Provider, Stream: many, Name: many, One: one, ID: id, Columns: all}
}

// holding adds the tables of the arrays inside the objects.
func (d declaration) holding(children ...catalog.Child) declaration {
	d.Children = children
	return d
}

// indexed adds the columns that people look objects up by.
func (d declaration) indexed(columns ...string) declaration {
	d.Indexes = columns
	return d
}

// noted says of the column at path what its name cannot say.
func (d declaration) noted(path, note string) declaration {
	for i := range d.Columns {
		if d.Columns[i].Path == path {
			d.Columns[i].Note = note
			return d
		}
	}
	panic("plaid: the catalog's " + d.Stream + " has no " + path)
}

// about says of the table what its name cannot say.
func (d declaration) about(note string) declaration {
	d.Note = note
	return d
}

// every says how often the stream is read: Plaid's feed of changes is of transactions only.
func (d declaration) every(again time.Duration) declaration {
	d.Every = again
	return d
}

// How often what has no feed of changes is read. Plaid itself asks the banks one to four times a day,
// and its webhooks tell of most changes in between.
const (
	sixHourly  = 6 * time.Hour
	twiceDaily = 12 * time.Hour
	daily      = 24 * time.Hour
	weekly     = 7 * 24 * time.Hour
)

// permanent says that objects are never removed.
func (d declaration) permanent() declaration {
	d.Permanent = true
	return d
}

// optional says that an Item may not have the product, or no account that it is for.
func (d declaration) optional() declaration {
	d.Optional = true
	return d
}

// succeeding says how an object shows that it takes the place of another.
func (d declaration) succeeding(by string, same ...[]string) declaration {
	d.Succession = &catalog.Succession{By: by, Same: same}
	return d
}

// alone says that an object does not take the place of one of several that are alike.
func (d declaration) alone() declaration {
	d.Succession.Alone = true
	return d
}
