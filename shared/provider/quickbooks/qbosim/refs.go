package qbosim

import (
	"cmp"
	"slices"
	"strings"
)

// refTargets says which list a ref points into. The names inside these refs are looked up when an
// object is printed, so that a rename shows everywhere at once, and so does a merge.
var refTargets = map[string]string{
	"CustomerRef": "Customer", "VendorRef": "Vendor", "PrefVendorRef": "Vendor", "EmployeeRef": "Employee",
	"ItemRef": "Item", "GroupItemRef": "Item",
	"SalesTermRef": "Term", "TermRef": "Term", "PaymentMethodRef": "PaymentMethod", "CustomerTypeRef": "CustomerType",
	"ClassRef": "Class", "DepartmentRef": "Department",
	"AccountRef": "Account", "ItemAccountRef": "Account", "IncomeAccountRef": "Account", "ExpenseAccountRef": "Account",
	"AssetAccountRef": "Account", "DiscountAccountRef": "Account", "DepositToAccountRef": "Account",
	"ARAccountRef": "Account", "APAccountRef": "Account", "BankAccountRef": "Account", "CCAccountRef": "Account",
	"CreditCardAccountRef": "Account", "FromAccountRef": "Account", "ToAccountRef": "Account", "AdjustAccountRef": "Account",
	"TaxCodeRef": "TaxCode", "TxnTaxCodeRef": "TaxCode", "TaxRateRef": "TaxRate", "AgencyRef": "TaxAgency",
}

// parties are the lists that refs with a type of their own point into, by that type in capitals.
var parties = map[string]string{"CUSTOMER": "Customer", "VENDOR": "Vendor", "EMPLOYEE": "Employee"}

// targetOf gives the list that the ref at key of holder points into, "" when there is no ref into a
// list. Own is the entity of the whole object.
func targetOf(own string, holder *object, key string) string {
	ref := holder.child(key)
	if ref == nil || !ref.has("value") {
		return ""
	}
	switch key {
	case "ParentRef":
		return own
	case "EntityRef", "Entity":
		return parties[strings.ToUpper(cmp.Or(ref.text("type"), holder.text("Type")))]
	}
	return refTargets[key]
}

// refName is the property of a list object that refs show: accounts show the whole path.
func refName(entity string) string {
	switch entity {
	case "Account":
		return "FullyQualifiedName"
	case "Customer", "Vendor", "Employee", "TaxAgency":
		return "DisplayName"
	}
	return "Name"
}

// refKey names a list object.
type refKey struct{ entity, id string }

// follow gives the object that a merged one has become.
func (c *Company) follow(key refKey) refKey {
	for {
		next, ok := c.merged[key]
		if !ok {
			return key
		}
		key.id = next
	}
}

// resolve puts the present ids and names into the refs below an object of entity own.
func (c *Company) resolve(own string, v any) {
	switch v := v.(type) {
	case *object:
		for _, m := range v.members {
			target := targetOf(own, v, m.key)
			if target == "" {
				c.resolve(own, m.value)
				continue
			}
			ref := v.child(m.key)
			key := c.follow(refKey{target, ref.text("value")})
			ref.set("value", key.id)
			if name, ok := c.renamed[key]; ok && ref.has("name") {
				ref.set("name", name)
			}
		}
	case []any:
		for _, e := range v {
			c.resolve(own, e)
		}
	}
}

// moved says whether refs show anything else than what they were printed with.
func (c *Company) moved() bool { return len(c.renamed)+len(c.merged) > 0 }

// refer checks that the ref at key points at a list object that may be used, shows that object's
// name in it, and gives the object.
func (ch *change) refer(o *object, key string) (*object, error) {
	id := o.text(key, "value")
	if id == "" {
		return nil, missing(key)
	}
	given, target := o.child(key), targetOf(ch.t.def.name, o, key)
	found, ok := ch.c.load(ch.c.look(target), id)
	if !ok {
		return nil, badReference(key, id)
	}
	if ch.creating() && found.get("Active") == false {
		return nil, notFound(target, id)
	}
	shown := ref(id, found.text(refName(target)))
	if kind := given.text("type"); kind != "" {
		shown.set("type", kind)
	}
	o.set(key, shown)
	return found, nil
}

// referAll checks every ref below o and shows the names that this entity shows. Refs into lists that
// the simulator does not have are left as they are.
func (ch *change) referAll(o *object) error {
	for _, m := range o.members {
		if targetOf(ch.t.def.name, o, m.key) != "" {
			if err := ch.referAs(o, m.key); err != nil {
				return err
			}
			continue
		}
		for _, below := range children(m.value) {
			if err := ch.referAll(below); err != nil {
				return err
			}
		}
	}
	return nil
}

// referSome checks those of some refs that the object has, and shows their names.
func (ch *change) referSome(keys ...string) error {
	for _, key := range keys {
		if ch.doc.has(key) {
			if err := ch.referAs(ch.doc, key); err != nil {
				return err
			}
		}
	}
	return nil
}

// referAs checks one ref and shows its name, if this entity shows it.
func (ch *change) referAs(o *object, key string) error {
	_, err := ch.refer(o, key)
	if err == nil && nameless(ch.t.def, key) {
		o.child(key).drop("name")
	}
	return err
}

// nameless: refs to tax objects and parents show no name, and each entity may have more of them.
func nameless(def *entity, key string) bool {
	switch key {
	case "TaxCodeRef", "TxnTaxCodeRef", "AgencyRef":
		return true
	case "ParentRef":
		return def.name != "Item"
	}
	return slices.Contains(def.bare, key)
}

// children gives the objects that a value is or lists.
func children(v any) []*object {
	switch v := v.(type) {
	case *object:
		return []*object{v}
	case []any:
		var out []*object
		for _, e := range v {
			out = append(out, children(e)...)
		}
		return out
	}
	return nil
}
