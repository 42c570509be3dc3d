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

	// Each is about how many of every other kind of transaction there are (bills come twice as many);
	// 0: 3 to 24, by Invoices; negative: none.
	Each int

	// Without are the entities that the company's subscription does not have: a query for one is
	// refused with 400, nobody can make one, and change data capture has none. Nil: ExchangeRate and
	// CompanyCurrency unless MultiCurrency. Not nil, also when empty: exactly these, so that what is
	// off and not named here is answered as empty instead. Which of the two QuickBooks does is not known.
	Without []string

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
	kinds    map[string]*entity
	tables   map[string]*table // those that somebody changed
	books    *books
	renamed  map[refKey]string // names changed since the company was made
	merged   map[refKey]string // what became of objects that were merged into others
	nextTxn  int64
	nextList int64
	answered map[string][]byte // first answers by requestid
	made     time.Time
	tape     []edit // what was done since
	playing  bool   // a tape: nobody is told
}

// look gives the table of an entity for reading, nil when there is no such entity. One that nobody
// has changed is made for the occasion: most companies of a big simulator stay small that way.
func (c *Company) look(entity string) *table {
	if t := c.tables[entity]; t != nil {
		return t
	}
	def := c.kinds[entity]
	if def == nil {
		return nil
	}
	return newTable(def, c.baseOf(def))
}

// table gives the table of an entity for changing. The caller holds the lock for writing.
func (c *Company) table(entity string) *table {
	t := c.look(entity)
	if t != nil {
		c.tables[entity] = t
	}
	return t
}

// baseOf gives the rows that the company was made with.
func (c *Company) baseOf(def *entity) base {
	switch {
	case c.lacks(def.name):
		return nil
	case def == c.kinds["Invoice"]:
		return invoiceBase{c.books}
	case def == c.kinds["Payment"]:
		return paymentBase{c.books}
	case def.gen == nil:
		return nil
	}
	return madeBase{c, def}
}

// lacks: the company's subscription does not have the entity.
func (c *Company) lacks(entity string) bool { return c.books.without(entity) }

// Realm gives the company id.
func (c *Company) Realm() string { return c.spec.Realm }

// Name gives the company's name, as the consent page and CompanyInfo show it.
func (c *Company) Name() string { return c.spec.Name }

var errNoEntity = errors.New("qbosim: the simulator has no such entity")

// Create adds an object and gives it as a query row would print it. Errors are *Refusal.
func (c *Company) Create(entity, body string) (json.RawMessage, error) {
	return c.edit(entity, body, func(o *object) {
		if def := c.kinds[entity]; def != nil {
			def.core(o).drop("Id", "SyncToken")
		}
	})
}

// Update changes an object: sparsely when the body says "sparse":true, else as a whole. A body
// without SyncToken gets the current one: people always work on the newest. Errors are *Refusal.
func (c *Company) Update(entity, body string) (json.RawMessage, error) {
	return c.edit(entity, body, func(o *object) {
		def := c.kinds[entity]
		if def == nil {
			return
		}
		if current, ok := c.load(c.look(entity), def.idOf(o)); ok {
			def.core(o).setMissing("SyncToken", def.core(current).text("SyncToken"))
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
	t := c.table(entity)
	if t == nil {
		return nil, errNoEntity
	}
	prepare(o)
	r, err := c.save(t, o)
	if err != nil {
		return nil, err
	}
	return slices.Clone(r.raw), nil
}

// PutRaw plants raw as the object of that id, last updated at that time. Nothing is checked and no
// balance moves, so it can be what QBO would never send: no Id, an amount in words, broken JSON.
func (c *Company) PutRaw(entity, id string, updated time.Time, raw string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	t := c.table(entity)
	c.note(edit{Do: "plant", Entity: entity, ID: id, Body: raw, Updated: updated})
	t.put(&row{id: id, raw: []byte(raw), created: updated.Unix(), updated: updated.Unix(), active: true, verbatim: true})
}

// Get gives the object of that id as a query row would print it now.
func (c *Company) Get(entity, id string) (json.RawMessage, bool) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	t := c.look(entity)
	if t == nil {
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
		for t, h := range c.handles(entity) {
			c.mu.RLock()
			raw := c.appendRow(nil, t, h)
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
		for t, h := range c.handles(entity) {
			if !yield(t.id(h)) {
				return
			}
		}
	}
}

// handles never yields under the lock, so that the caller may edit.
func (c *Company) handles(entity string) iter.Seq2[*table, handle] {
	return func(yield func(*table, handle) bool) {
		c.mu.RLock()
		t, n := c.look(entity), 0
		if t != nil {
			n = t.baseCount()
		}
		c.mu.RUnlock()
		if t == nil {
			return
		}
		for i := range n {
			c.mu.RLock()
			if now := c.tables[entity]; now != nil {
				t = now
			}
			hidden := t.hidden[i]
			c.mu.RUnlock()
			if !hidden && !yield(t, handle{base: i}) {
				return
			}
		}
		c.mu.RLock()
		kept := slices.Clone(c.look(entity).byTime)
		c.mu.RUnlock()
		for _, r := range kept {
			if !yield(t, handle{row: r}) {
				return
			}
		}
	}
}

// Count counts the live objects, inactive ones too.
func (c *Company) Count(entity string) int {
	c.mu.RLock()
	defer c.mu.RUnlock()
	if t := c.look(entity); t != nil {
		return t.count()
	}
	return 0
}

// appendRow prints a row as a query does, with the ids and names that refs have now.
func (c *Company) appendRow(dst []byte, t *table, h handle) []byte {
	if h.row == nil {
		return t.base.append(dst, h.base)
	}
	if h.row.verbatim || !c.moved() {
		return append(dst, h.row.raw...)
	}
	o, err := parseObject(h.row.raw)
	if err != nil {
		return append(dst, h.row.raw...)
	}
	c.resolve(t.def.name, o)
	return o.append(dst)
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
