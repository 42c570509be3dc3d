package quickbooks

import (
	"strings"

	"github.com/countinghouse/countinghouse/shared/catalog"
)

// What columns are made of: each of these makes the columns of some paths.

func columns(typ catalog.Type, paths ...string) []catalog.Column {
	out := make([]catalog.Column, len(paths))
	for i, p := range paths {
		out[i] = catalog.Column{Path: p, Type: typ}
	}
	return out
}

func text(paths ...string) []catalog.Column    { return columns(catalog.Text, paths...) }
func number(paths ...string) []catalog.Column  { return columns(catalog.Numeric, paths...) }
func integer(paths ...string) []catalog.Column { return columns(catalog.Integer, paths...) }
func flag(paths ...string) []catalog.Column    { return columns(catalog.Boolean, paths...) }
func date(paths ...string) []catalog.Column    { return columns(catalog.Date, paths...) }
func instant(paths ...string) []catalog.Column { return columns(catalog.Timestamp, paths...) }
func whole(paths ...string) []catalog.Column   { return columns(catalog.JSON, paths...) }

// ref is a reference to another object: its id and the name it had when the row was read.
func ref(paths ...string) []catalog.Column {
	var out []catalog.Column
	for _, p := range paths {
		out = append(out, catalog.Column{Path: p + ".value", Refers: referred(p)})
		out = append(out, text(p+".name")...)
	}
	return out
}

// id is a reference that comes without a name.
func id(path string) []catalog.Column { return ref(path)[:1] }

// party is a reference to whoever the transaction is with; the type says what that is.
func party(path string) []catalog.Column {
	return append([]catalog.Column{{Path: path + ".value", Refers: "Customer,Vendor,Employee"}}, text(path+".name", path+".type")...)
}

// itself stands for the entity that a column is declared in.
const itself = "itself"

// referred tells what a reference refers to by the end of its name: ARAccountRef is an Account.
// Longer ends come first. Currencies, projects, templates, units and the like are no entities here.
func referred(path string) string {
	for _, r := range [...]struct{ end, stream string }{
		{"PayrollItemRef", ""}, {"ParentRef", itself}, {"CustomerTypeRef", "CustomerType"}, {"CustomerRef", "Customer"}, {"VendorRef", "Vendor"},
		{"EmployeeRef", "Employee"}, {"AccountRef", "Account"}, {"ItemRef", "Item"}, {"ClassRef", "Class"},
		{"DepartmentRef", "Department"}, {"TermRef", "Term"}, {"DefaultTerms", "Term"}, {"PaymentMethodRef", "PaymentMethod"},
		{"TaxCodeRef", "TaxCode"}, {"TaxGroupCodeRef", "TaxCode"}, {"TaxRateRef", "TaxRate"}, {"OriginalTaxRate", "TaxRate"},
		{"AgencyRef", "TaxAgency"}, {"JournalCodeRef", "JournalCode"}, {"InvoiceRef", "Invoice"}, {"ShipTo", "Customer"},
		{"EntityRef", "Customer,Vendor,Employee"},
	} {
		if strings.HasSuffix(path, r.end) {
			return r.stream
		}
	}
	return ""
}

func address(paths ...string) []catalog.Column {
	var out []catalog.Column
	for _, p := range paths {
		out = append(out, under(p, text("Line1", "Line2", "Line3", "Line4", "Line5", "City", "CountrySubDivisionCode", "PostalCode", "Country"))...)
	}
	return out
}

// under puts columns below an object.
func under(object string, groups ...[]catalog.Column) []catalog.Column {
	all := join(groups...)
	for i := range all {
		all[i].Path = object + "." + all[i].Path
	}
	return all
}

// named gives a column a name of its own, where the path makes one that is too long.
func named(name string, columns []catalog.Column) []catalog.Column {
	for i := range columns {
		columns[i].Name = name + "_" + columns[i].Path[strings.LastIndexByte(columns[i].Path, '.')+1:]
	}
	return columns
}

func join(groups ...[]catalog.Column) []catalog.Column {
	var out []catalog.Column
	for _, g := range groups {
		out = append(out, g...)
	}
	return out
}
