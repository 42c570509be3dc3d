package plaid

import (
	"slices"
	"strings"
	"time"

	"github.com/countinghouse/countinghouse/shared/catalog"
	"github.com/countinghouse/countinghouse/shared/catalog/declare"
)

// stream declares a stream and its table, which has the same name. The column at the path id is named
// id; that of an id in several parts is added to the others.
func stream(one, many, id string, groups ...[]catalog.Column) declare.Table {
	all := slices.Concat(groups...)
	at := slices.IndexFunc(all, func(c catalog.Column) bool { return c.Path == id })
	if at < 0 {
		all, at = append([]catalog.Column{{Path: id, Note: strings.ReplaceAll(id, ",", " and ") + ", joined by |: Plaid has no id"}}, all...), 0
	}
	all[at].Name = "id"
	return declare.Table{Provider: Provider, Stream: many, Name: many, One: one, ID: id, Columns: all}
}

// How often what has no feed of changes is read. Plaid itself asks the banks one to four times a day,
// and its webhooks tell of most changes in between.
const (
	sixHourly  = 6 * time.Hour
	twiceDaily = 12 * time.Hour
	daily      = 24 * time.Hour
	weekly     = 7 * 24 * time.Hour
)
