package qbosim

import (
	"maps"
	"strings"
)

// entity declares one type of object. A further type is a further declaration, plus what makes its
// first rows (see generate.go); the endpoints need nothing new.
type entity struct {
	name       string   // "Invoice": as statements and JSON spell it; paths have it in lower case
	list       bool     // a name list: soft removal, alphabetical, only active rows unless asked
	named      string   // the property that may exist only once
	names      string   // entities that share unique names have the same word here
	properties []string // all that a body may hold, in the order QBO prints them
	computed   []string // of these: what a body cannot set
	filters    map[string]kind
	totalCount bool // row answers hold totalCount
	cdc        bool
	void       voidForm
	zero       func(*object) // voids; nil when void is noVoid
	readOnly   bool          // no POST

	showsEditor bool // MetaData names who changed it last

	alone      func(*object) // puts in what the answer to a read or a write shows and a row does not
	rowsOnly   []string      // what rows show and those answers lack
	notOnWrite []string      // what moreover the answer to a write lacks

	frozen func(*object) error // why an object may not be written any more; nil: it always may
	write  func(*change) error // checks and completes change.doc
	effect func(*change)       // moves balances once the change is stored; doc is nil for a removal
}

// single prints an object as the answer to a read by id shows it. That is not what a query or CDC
// prints of the same object.
func (e *entity) single(o *object) []byte {
	if e.alone != nil {
		e.alone(o)
	}
	o.drop(e.rowsOnly...)
	o.arrange(e.properties)
	return o.append(nil)
}

// writable gives why an object must not be written any more.
func (e *entity) writable(o *object) error {
	if e.frozen == nil {
		return nil
	}
	return e.frozen(o)
}

// voidForm is how the API voids objects of a type.
type voidForm int

const (
	noVoid       voidForm = iota
	voidByName            // ?operation=void
	voidByUpdate          // ?operation=update&include=void
)

// kind says how the values of a property compare.
type kind int

const (
	textKind kind = iota
	numberKind
	boolKind
	dateKind
	timeKind
	refKind // compares the ref's value
	idKind  // = and IN only
)

// sortable: an id has no order that QBO would sort by, a ref none that it promises.
func (k kind) sortable() bool { return k != refKind && k != idKind }

const (
	updatedPath = "MetaData.LastUpdatedTime"
	createdPath = "MetaData.CreateTime"
)

// filters adds the properties that every entity can be searched by.
func filters(own map[string]kind) map[string]kind {
	all := map[string]kind{"Id": idKind, updatedPath: timeKind, createdPath: timeKind}
	maps.Copy(all, own)
	return all
}

// entities is every type the simulator knows, by name.
var entities = byName(
	customerEntity, vendorEntity, itemEntity, accountEntity, termEntity, companyInfoEntity,
	invoiceEntity, paymentEntity,
)

func byName(list ...*entity) map[string]*entity {
	out := make(map[string]*entity, len(list))
	for _, e := range list {
		out[e.name] = e
	}
	return out
}

// entityOfPath finds the entity of a path segment such as "invoice".
func entityOfPath(segment string) *entity {
	for _, e := range entities {
		if strings.ToLower(e.name) == segment {
			return e
		}
	}
	return nil
}

// withoutCDC are the types that change data capture refuses by name.
var withoutCDC = []string{"JournalCode", "TimeActivity", "TaxAgency", "TaxCode", "TaxRate"}

// refTargets says which list a ref points into. The names inside these refs are looked up when an
// object is printed, so that a rename shows everywhere at once.
var refTargets = map[string]string{
	"CustomerRef": "Customer", "VendorRef": "Vendor", "PrefVendorRef": "Vendor",
	"ItemRef": "Item", "GroupItemRef": "Item",
	"SalesTermRef": "Term", "TermRef": "Term",
	"ItemAccountRef": "Account", "IncomeAccountRef": "Account", "ExpenseAccountRef": "Account",
	"AssetAccountRef": "Account", "DiscountAccountRef": "Account", "DepositToAccountRef": "Account",
	"ARAccountRef": "Account", "APAccountRef": "Account",
}

// refName is the property of a list object that refs show: accounts show the whole path.
func refName(entity string) string {
	switch entity {
	case "Account":
		return "FullyQualifiedName"
	case "Customer", "Vendor":
		return "DisplayName"
	}
	return "Name"
}

// frame is what every object has.
var frame = []string{"domain", "sparse", "status", "Id", "SyncToken", "MetaData"}

// properties splits a declaration; "…" stands for the frame.
func properties(words string) []string {
	return strings.Fields(strings.ReplaceAll(words, "…", strings.Join(frame, " ")))
}
