package quickbooks

import (
	"slices"
	"time"

	"github.com/countinghouse/countinghouse/shared/catalog"
	"github.com/countinghouse/countinghouse/shared/catalog/declare"
)

// entity declares the table of one entity: the columns that every entity has, and its own.
func entity(stream, one, many string, columns ...[]catalog.Column) declare.Table {
	return wrapped("", stream, one, many, columns...)
}

// wrapped is entity where what tells an object stands inside another object: at is the way there.
func wrapped(at, stream, one, many string, columns ...[]catalog.Column) declare.Table {
	known := []catalog.Column{
		{Path: "Id", Note: "unique among the company's objects of this kind; text, up to 21 digits"},
		{Path: "SyncToken", Note: "moves when a person edits the object, not when a balance follows from elsewhere"},
		{Path: "MetaData.CreateTime", Type: catalog.Timestamp},
		{Path: lastUpdated, Type: catalog.Timestamp, Note: "whole seconds; guards against older data"},
	}
	all := slices.Concat(append([][]catalog.Column{known}, columns...)...)
	for i := range all {
		if all[i].Path != kind {
			all[i].Path = at + all[i].Path
		}
		if all[i].Refers == itself {
			all[i].Refers = stream
		}
	}
	return declare.Table{
		Provider: Provider, Stream: stream, Name: many, One: one, View: many,
		ID: at + "Id", Version: at + lastUpdated, Columns: all,
	}
}

const lastUpdated = "MetaData.LastUpdatedTime"

// kind is the path of the key that a wrapped object stands under.
const kind = "*"

// Change data capture is known to leave out, or nobody knows that it covers, what is read in these steps.
const (
	weekly     = 7 * 24 * time.Hour // what is set up once and hardly ever touched
	daily      = 24 * time.Hour
	twiceDaily = 12 * time.Hour
)
