package qbosim

import (
	"encoding/json"
	"errors"
	"iter"
	"slices"
	"sync"
	"time"
)

// CompanySpec describes a company to make. The same spec at the same instant gives the same bytes.
type CompanySpec struct {
	Realm, Name   string
	Seed          uint64
	Invoices      int      // base invoices; about 6 payments come with every 10
	Customers     int      // 0: derived from Invoices, at most 2000
	CustomFields  []string // names for DefinitionId 1…3 on invoices and customers; more are ignored
	MultiCurrency bool     // every seventh customer trades in euros

	// LinesPerInvoice fixes the number of item lines (the SubTotal line comes on top); 0: a believable mix.
	LinesPerInvoice int
}

// Company is one simulated QuickBooks company. Its methods do what a person or another program does
// in it, by the same code as the POST endpoints, and are safe for concurrent use.
type Company struct {
	spec   CompanySpec
	server *Server
	now    func() time.Time

	mu       sync.RWMutex
	tables   map[string]*table
	books    *books
	renamed  map[refKey]string // names changed since the company was made
	nextTxn  int64
	nextList int64
	answered map[string][]byte // first answers by requestid
	made     time.Time
	tape     []edit // what was done since
}

// refKey names a list object.
type refKey struct{ entity, id string }

// Realm gives the company id.
func (c *Company) Realm() string { return c.spec.Realm }

// Name gives the company's name, as the consent page and CompanyInfo show it.
func (c *Company) Name() string { return c.spec.Name }

var errNoEntity = errors.New("qbosim: the simulator has no such entity")

// Create adds an object and gives it as a query row would print it. Errors are *Refusal.
func (c *Company) Create(entity, body string) (json.RawMessage, error) {
	return c.edit(entity, body, func(o *object) { o.drop("Id", "SyncToken") })
}

// Update changes an object: sparsely when the body says "sparse":true, else as a whole. A body
// without SyncToken gets the current one: people always work on the newest. Errors are *Refusal.
func (c *Company) Update(entity, body string) (json.RawMessage, error) {
	return c.edit(entity, body, func(o *object) {
		if current, ok := c.load(c.tables[entity], o.text("Id")); ok {
			o.setMissing("SyncToken", current.text("SyncToken"))
		}
	})
}

func (c *Company) edit(entity, body string, prepare func(*object)) (json.RawMessage, error) {
	o, err := parseObject([]byte(body))
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	t, ok := c.tables[entity]
	if !ok {
		return nil, errNoEntity
	}
	prepare(o)
	r, err := c.save(t, o)
	if err != nil {
		return nil, err
	}
	return slices.Clone(r.raw), nil
}

// Delete removes a transaction for good and leaves a tombstone for change data capture.
func (c *Company) Delete(entity, id string) error { return c.end(entity, id, c.remove) }

// Void zeroes a transaction, which stays readable.
func (c *Company) Void(entity, id string) error {
	return c.end(entity, id, func(t *table, o *object) error {
		_, err := c.void(t, o)
		return err
	})
}

// Deposit takes a payment to the bank. It gains a link to the deposit and cannot be changed any more;
// its last update and its SyncToken stay, so neither a query by time nor CDC tells of it. The deposit
// itself is no object of the simulator, so no account moves.
func (c *Company) Deposit(paymentID string) error { return c.end("Payment", paymentID, c.deposit) }

func (c *Company) end(entity, id string, how func(*table, *object) error) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	t, ok := c.tables[entity]
	if !ok {
		return errNoEntity
	}
	o, ok := c.load(t, id)
	if !ok {
		return notFound(entity, id)
	}
	return how(t, o)
}

// Deactivate is the soft removal of a list object: Active false and " (deleted)" after its name.
func (c *Company) Deactivate(entity, id string) error {
	o := (&object{}).set("Id", id).set("sparse", true).set("Active", false)
	_, err := c.Update(entity, string(o.append(nil)))
	return err
}

// PutRaw plants raw as the object of that id, last updated at that time. Nothing is checked and no
// balance moves, so it can be what QBO would never send: no Id, an amount in words, broken JSON.
func (c *Company) PutRaw(entity, id string, updated time.Time, raw string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	t := c.tables[entity]
	c.note("plant", t, id, raw, updated)
	t.put(&row{id: id, raw: []byte(raw), created: updated.Unix(), updated: updated.Unix(), active: true, verbatim: true})
}

// Get gives the object of that id as a query row would print it now.
func (c *Company) Get(entity, id string) (json.RawMessage, bool) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	t, ok := c.tables[entity]
	if !ok {
		return nil, false
	}
	h, ok := t.find(id)
	if !ok {
		return nil, false
	}
	return c.appendRow(nil, t, h), true
}

// All gives every live object, inactive ones too, as a query row would print it now: first the
// untouched ones in the order of their making, then the kept ones by last update. The company may be
// edited meanwhile; an object edited then can come twice.
func (c *Company) All(entity string) iter.Seq[json.RawMessage] {
	return func(yield func(json.RawMessage) bool) {
		for h := range c.handles(entity) {
			c.mu.RLock()
			raw := c.appendRow(nil, c.tables[entity], h)
			c.mu.RUnlock()
			if !yield(raw) {
				return
			}
		}
	}
}

// IDs gives the ids of every live object in the order of All.
func (c *Company) IDs(entity string) iter.Seq[string] {
	return func(yield func(string) bool) {
		for h := range c.handles(entity) {
			if !yield(c.tables[entity].id(h)) {
				return
			}
		}
	}
}

// handles never yields under the lock, so that the caller may edit.
func (c *Company) handles(entity string) iter.Seq[handle] {
	return func(yield func(handle) bool) {
		t, ok := c.tables[entity]
		if !ok {
			return
		}
		for i := range t.baseCount() {
			c.mu.RLock()
			hidden := t.hidden[i]
			c.mu.RUnlock()
			if !hidden && !yield(handle{base: i}) {
				return
			}
		}
		c.mu.RLock()
		kept := slices.Clone(t.byTime)
		c.mu.RUnlock()
		for _, r := range kept {
			if !yield(handle{row: r}) {
				return
			}
		}
	}
}

// Count counts the live objects, inactive ones too.
func (c *Company) Count(entity string) int {
	c.mu.RLock()
	defer c.mu.RUnlock()
	if t, ok := c.tables[entity]; ok {
		return t.count()
	}
	return 0
}

// Disconnect is the user removing the app: the API answers 401 and a refresh invalid_grant.
func (c *Company) Disconnect() { c.server.grants.revokeRealm(c.spec.Realm) }

// appendRow prints a row as a query does, with the names that refs have now.
func (c *Company) appendRow(dst []byte, t *table, h handle) []byte {
	if h.row == nil {
		return t.base.append(dst, h.base)
	}
	if h.row.verbatim || len(c.renamed) == 0 {
		return append(dst, h.row.raw...)
	}
	o, err := parseObject(h.row.raw)
	if err != nil {
		return append(dst, h.row.raw...)
	}
	c.resolveNames(o)
	return o.append(dst)
}

// resolveNames puts the present names into the refs below v.
func (c *Company) resolveNames(v any) {
	switch v := v.(type) {
	case *object:
		for _, m := range v.members {
			target, isRef := refTargets[m.key]
			o, isObject := m.value.(*object)
			if isRef && isObject && o.has("name") {
				if name, ok := c.renamed[refKey{target, o.text("value")}]; ok {
					o.set("name", name)
				}
				continue
			}
			c.resolveNames(m.value)
		}
	case []any:
		for _, e := range v {
			c.resolveNames(e)
		}
	}
}

// load gives a fresh tree of an object, to be changed and stored again.
func (c *Company) load(t *table, id string) (*object, bool) {
	if t == nil {
		return nil, false
	}
	h, ok := t.find(id)
	if !ok {
		return nil, false
	}
	o, err := parseObject(c.appendRow(nil, t, h))
	return o, err == nil
}
