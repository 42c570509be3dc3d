package quickbooks

import (
	"strings"

	"github.com/countinghouse/countinghouse/shared/catalog"
	"github.com/countinghouse/countinghouse/shared/catalog/declare"
)

// What columns are made of.
var (
	text    = declare.Texts
	number  = declare.Numbers
	integer = declare.Integers
	flag    = declare.Flags
	date    = declare.Dates
	instant = declare.Instants
	whole   = declare.Wholes
	under   = declare.Under
)

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

// named gives a column a name of its own, where the path makes one that is too long.
func named(name string, columns []catalog.Column) []catalog.Column {
	for i := range columns {
		columns[i].Name = name + "_" + columns[i].Path[strings.LastIndexByte(columns[i].Path, '.')+1:]
	}
	return columns
}
