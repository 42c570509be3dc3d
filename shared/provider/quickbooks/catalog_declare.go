package quickbooks

import (
	"time"

	"github.com/countinghouse/countinghouse/shared/catalog"
)

// declaration is a table on its way into the catalog; each of its methods adds one property.
type declaration catalog.Table

// entity declares the table of one entity: the columns that every entity has, and its own.
func entity(stream, one, many string, columns ...[]catalog.Column) declaration {
	return wrapped("", stream, one, many, columns...)
}

// wrapped is entity where what tells an object stands inside another object: at is the way there.
func wrapped(at, stream, one, many string, columns ...[]catalog.Column) declaration {
	known := []catalog.Column{
		{Path: "Id", Note: "unique among the company's objects of this kind; text, up to 21 digits"},
		{Path: "SyncToken", Note: "moves when a person edits the object, not when a balance follows from elsewhere"},
		{Path: "MetaData.CreateTime", Type: catalog.Timestamp},
		{Path: lastUpdated, Type: catalog.Timestamp, Note: "whole seconds; guards against older data"},
	}
	all := join(append([][]catalog.Column{known}, columns...)...)
	for i := range all {
		if all[i].Path != kind {
			all[i].Path = at + all[i].Path
		}
		if all[i].Refers == itself {
			all[i].Refers = stream
		}
	}
	return declaration{
		Provider: Provider, Stream: stream, Name: many, One: one, View: many,
		ID: at + "Id", Version: at + lastUpdated, Columns: all,
	}
}

const lastUpdated = "MetaData.LastUpdatedTime"

// kind is the path of the key that a wrapped object stands under.
const kind = "*"

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
	panic("quickbooks: the catalog's " + d.Stream + " has no " + path)
}

// about says of the table what its name cannot say.
func (d declaration) about(note string) declaration {
	d.Note = note
	return d
}

// every says that change data capture leaves the entity out, and how often it is read instead.
func (d declaration) every(again time.Duration) declaration {
	d.Every = again
	return d
}

// Change data capture is known to leave out, or nobody knows that it covers, what is read in these steps.
const (
	weekly     = 7 * 24 * time.Hour // what is set up once and hardly ever touched
	daily      = 24 * time.Hour
	twiceDaily = 12 * time.Hour
)

// permanent says that objects are never removed.
func (d declaration) permanent() declaration {
	d.Permanent = true
	return d
}

// optional says that a company, or its edition of QuickBooks, may not have the entity.
func (d declaration) optional() declaration {
	d.Optional = true
	return d
}

// merging says that objects can be merged into another.
func (d declaration) merging() declaration {
	d.Merges = true
	return d
}

// voided says that an object can be voided: it stays, with that amount at zero.
func (d declaration) voided(amount string) declaration {
	d.Void = &catalog.Void{Amount: amount, Note: "PrivateNote", Word: "Voided"}
	return d
}
