package declare

import (
	"slices"

	"github.com/countinghouse/countinghouse/shared/catalog"
)

// Each of these makes a column of its type for every path.

// Texts makes columns of text.
func Texts(paths ...string) []catalog.Column { return columns(catalog.Text, paths) }

// Numbers makes columns of exact decimals: amounts, rates, quantities.
func Numbers(paths ...string) []catalog.Column { return columns(catalog.Numeric, paths) }

// Integers makes columns of whole numbers.
func Integers(paths ...string) []catalog.Column { return columns(catalog.Integer, paths) }

// Flags makes columns of yes and no.
func Flags(paths ...string) []catalog.Column { return columns(catalog.Boolean, paths) }

// Dates makes columns of days.
func Dates(paths ...string) []catalog.Column { return columns(catalog.Date, paths) }

// Instants makes columns of moments.
func Instants(paths ...string) []catalog.Column { return columns(catalog.Timestamp, paths) }

// Wholes makes columns that keep the JSON at the path as it is.
func Wholes(paths ...string) []catalog.Column { return columns(catalog.JSON, paths) }

func columns(typ catalog.Type, paths []string) []catalog.Column {
	out := make([]catalog.Column, len(paths))
	for i, p := range paths {
		out[i] = catalog.Column{Path: p, Type: typ}
	}
	return out
}

// Under puts columns below an object.
func Under(object string, groups ...[]catalog.Column) []catalog.Column {
	all := slices.Concat(groups...)
	for i := range all {
		all[i].Path = object + "." + all[i].Path
	}
	return all
}
