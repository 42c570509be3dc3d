package plaid_test

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/google/go-cmp/cmp"

	"github.com/countinghouse/countinghouse/shared/catalog"
	"github.com/countinghouse/countinghouse/shared/provider/plaid"
)

// documented are the schemas of Plaid's OpenAPI file that streams' objects have, by where they stand in them.
var documented = map[string]map[string]string{
	"items":                   {"item": "ItemWithConsentFields", "status": "ItemStatusNullable"},
	"institutions":            {"": "Institution"},
	"accounts":                {"": "AccountBase"},
	"balances":                {"balances": "AccountBalance"},
	"transactions":            {"": "Transaction"},
	"recurring_inflows":       {"": "TransactionStream"},
	"recurring_outflows":      {"": "TransactionStream"},
	"credit_liabilities":      {"": "CreditCardLiability"},
	"credit_statements":       {"": "CreditCardLiability"},
	"student_loans":           {"": "StudentLoan"},
	"mortgages":               {"": "MortgageLiability"},
	"securities":              {"": "Security"},
	"holdings":                {"": "Holding"},
	"investment_transactions": {"": "InvestmentTransaction"},
	"statement_accounts":      {"": "StatementsAccount"},
}

// keptAs tells the type of the column that a documented value must have, by its type and format.
var keptAs = map[string]catalog.Type{
	"string ": catalog.Text, "string date": catalog.Date, "string date-time": catalog.Timestamp, "number ": catalog.Numeric,
	"number double": catalog.Numeric, "integer ": catalog.Integer, "boolean ": catalog.Boolean,
}

// TestDocumentedFields compares the catalog with Plaid's OpenAPI file: every field that is documented has a column of
// the right type, but those that stand in lists below.
func TestDocumentedFields(t *testing.T) {
	t.Parallel()
	doc, err := openapi3.NewLoader().LoadFromFile(filepath.Join(recordedFolder(t), "2020-09-14.yml"))
	if err != nil {
		t.Fatal(err)
	}
	var missing, otherwise []string
	fields := 0
	for _, declared := range plaid.Catalog() {
		columns := columnsByPath(&declared)
		read := readPaths(&declared)
		for at, schema := range documented[declared.Stream] {
			if doc.Components.Schemas[schema] == nil {
				t.Fatalf("there is no schema %s", schema)
			}
			leaves(doc.Components.Schemas[schema], at, func(path, kind string) {
				fields++
				is, ok := columns[path]
				typ, scalar := keptAs[kind]
				switch {
				case !ok && !read(path, false):
					missing = append(missing, declared.Stream+" "+path)
				case ok && scalar && is != typ && is != catalog.JSON:
					otherwise = append(otherwise, declared.Stream+" "+path)
				}
			})
		}
	}
	if fields < 280 {
		t.Errorf("%d fields only: is the file complete?", fields)
	}
	slices.Sort(missing)
	if diff := cmp.Diff([]string{ // the rates are those of credit_liabilities
		"credit_statements aprs[].apr_percentage", "credit_statements aprs[].apr_type",
		"credit_statements aprs[].balance_subject_to_apr", "credit_statements aprs[].interest_charge_amount",
	}, missing); diff != "" {
		t.Errorf("documented fields without a column (-want +got):\n%s", diff)
	}
	if len(otherwise) > 0 {
		t.Errorf("columns of another type than is documented: %s", strings.Join(otherwise, ", "))
	}
}

// columnsByPath returns the types of a table's columns, by their paths from the object.
func columnsByPath(t *catalog.Table) map[string]catalog.Type {
	out := map[string]catalog.Type{}
	for _, r := range t.Relations() {
		for _, c := range r.Columns {
			out[r.JSONPath(c)] = c.Type
		}
	}
	return out
}

// leaves visits the fields of a schema that have no documented fields of their own.
func leaves(s *openapi3.SchemaRef, path string, visit func(path, kind string)) {
	properties, items := map[string]*openapi3.SchemaRef{}, s.Value.Items
	gather(s.Value, properties)
	switch {
	case len(properties) > 0:
		for name, p := range properties {
			leaves(p, strings.TrimPrefix(path+"."+name, "."), visit)
		}
	case items != nil && len(items.Value.Properties)+len(items.Value.AllOf) > 0:
		leaves(items, path+"[]", visit)
	default:
		visit(path, kindOf(s.Value))
	}
}

// gather collects the properties of a schema and of all that it is composed of.
func gather(s *openapi3.Schema, into map[string]*openapi3.SchemaRef) {
	for name, p := range s.Properties {
		into[name] = p
	}
	for _, part := range s.AllOf {
		gather(part.Value, into)
	}
}

// kindOf returns a schema's type and format.
func kindOf(s *openapi3.Schema) string {
	if s.Type == nil || len(*s.Type) == 0 {
		return ""
	}
	return (*s.Type)[0] + " " + s.Format
}
