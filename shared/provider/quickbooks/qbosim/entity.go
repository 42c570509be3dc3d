package qbosim

import (
	"cmp"
	"maps"
	"strings"
)

// entity declares one type of object. A further type is a further declaration, plus what makes its
// first rows (see generate.go); the endpoints need nothing new.
type entity struct {
	name       string   // "Invoice": as statements and JSON spell it; paths have it in lower case
	queried    string   // what statements call it; "": its name, which they must spell exactly
	key        string   // what JSON calls it; "": its name
	list       bool     // has Active: alphabetical, only active rows unless asked, soft removal
	hard       bool     // of lists: may be deleted all the same
	named      string   // the property that may exist only once
	names      string   // entities that share unique names have the same word here
	properties []string // all that a body may hold, in the order QBO prints them
	computed   []string // of these: what a body cannot set
	filters    map[string]kind
	totalCount bool // row answers hold totalCount
	cdc        bool
	void       voidForm
	zero       func(*object) // voids; nil: it cannot be voided
	readOnly   bool          // no POST: people change it in QuickBooks
	permanent  bool          // cannot be removed
	merges     bool          // one of its objects can be merged into another
	webhooks   string        // the letters of the operations that Intuit tells of, as in the reference: CUDMVE

	showsEditor bool                 // MetaData names who changed it last
	wordIDs     bool                 // ids may be words
	wrapped     bool                 // rows are {"Invoice":{…}}: the object is inside
	identify    func(*object) string // of objects without Id: what names them here; nil: they have one
	unusual     func(*object)        // puts an object's frame into the entity's own form; nil: it is as usual

	gen  *generator // makes the rows that a new company has; nil: none, or its own base
	bare []string   // refs whose names are not shown

	alone      func(*object) // puts in what the answer to a read or a write shows and a row does not
	rowsOnly   []string      // what rows show and those answers lack
	notOnWrite []string      // what moreover the answer to a write lacks

	frozen func(*object) error     // why an object may not be written any more; nil: it always may
	write  func(*change) error     // checks and completes change.doc
	posts  func(*object) []posting // what it does to balances
	effect func(*change)           // moves what else follows once the change is stored; doc is nil for a removal
	revive func(*change)           // takes out of change.doc what a restored object has lost; nil: nothing
}

// jsonKey is what an answer calls the entity.
func (e *entity) jsonKey() string { return cmp.Or(e.key, e.name) }

// core is the object itself, which some entities wrap.
func (e *entity) core(o *object) *object {
	if e.wrapped && len(o.members) > 0 {
		if inner, ok := o.members[0].value.(*object); ok {
			return inner
		}
	}
	return o
}

// idOf names an object.
func (e *entity) idOf(o *object) string {
	if e.identify != nil {
		return e.identify(o)
	}
	return e.core(o).text("Id")
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
	voidByPeople voidForm = iota // in QuickBooks only, if at all
	voidByName                   // ?operation=void
	voidByUpdate                 // ?operation=update&include=void
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
	companyInfoEntity, preferencesEntity, companyCurrencyEntity, exchangeRateEntity,
	accountEntity, classEntity, departmentEntity, termEntity, paymentMethodEntity, customerTypeEntity, journalCodeEntity,
	taxAgencyEntity, taxRateEntity, taxCodeEntity,
	customerEntity, vendorEntity, employeeEntity, itemEntity, budgetEntity,
	invoiceEntity, paymentEntity, creditMemoEntity, salesReceiptEntity, refundReceiptEntity, estimateEntity,
	billEntity, billPaymentEntity, purchaseEntity, purchaseOrderEntity, vendorCreditEntity, creditCardPaymentEntity,
	journalEntryEntity, depositEntity, transferEntity, inventoryAdjustmentEntity,
	timeActivityEntity, reimburseChargeEntity, recurringTransactionEntity, attachableEntity,
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

// entityOfStatement finds the entity that a statement names.
func entityOfStatement(word string) *entity {
	for _, e := range entities {
		if cmp.Or(e.queried, e.name) == word {
			return e
		}
	}
	return nil
}

// frame is what every object has.
var frame = []string{"domain", "sparse", "status", "Id", "SyncToken", "MetaData"}

// properties splits a declaration; "…" stands for the frame.
func properties(words string) []string {
	return strings.Fields(strings.ReplaceAll(words, "…", strings.Join(frame, " ")))
}
