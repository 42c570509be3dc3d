package qbosim

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// change is one write on its way into the company.
type change struct {
	c   *Company
	t   *table
	at  int64   // unix seconds
	old *object // as it stands; nil for a create
	doc *object // as it will be; nil for a removal

	sparse bool // what the body leaves out stays
}

func (ch *change) creating() bool { return ch.old == nil }

// save creates an object from a body without Id, or updates the one that Id names.
func (c *Company) save(t *table, body *object) (*row, error) {
	r, err := c.write(t, body)
	if err == nil {
		c.note("save", t, "", string(body.append(nil)), time.Time{})
	}
	return r, err
}

func (c *Company) write(t *table, body *object) (*row, error) {
	if t.def.readOnly {
		return nil, unsupported("create or update of " + t.def.name)
	}
	for _, m := range body.members {
		if !slices.Contains(t.def.properties, m.key) {
			return nil, unknownProperty(t.def.name, m.key)
		}
	}
	ch := &change{c: c, t: t, at: c.now().Unix()}
	if !body.has("Id") {
		ch.doc = settable(t.def, body)
		return c.commit(ch)
	}
	current, err := c.current(t, body)
	if err != nil {
		return nil, err
	}
	if err := t.def.writable(current); err != nil {
		return nil, err
	}
	ch.old = current
	if ch.sparse = body.get("sparse") == true; ch.sparse {
		ch.doc, _ = c.load(t, body.text("Id"))
		for _, m := range body.members {
			if m.value == nil {
				ch.doc.drop(m.key)
			} else if !slices.Contains(t.def.computed, m.key) {
				ch.doc.set(m.key, m.value)
			}
		}
	} else {
		ch.doc = settable(t.def, body)
		for _, m := range current.members {
			if slices.Contains(t.def.computed, m.key) {
				ch.doc.set(m.key, m.value)
			}
		}
	}
	if h, _ := t.find(body.text("Id")); t.def.list && !h.row.active && body.get("Active") == false {
		return h.row, nil // deactivating twice is accepted and changes nothing
	}
	return c.commit(ch)
}

// settable gives the members of body that a client may set.
func settable(def *entity, body *object) *object {
	doc := &object{}
	for _, m := range body.members {
		if m.value != nil && !slices.Contains(def.computed, m.key) {
			doc.set(m.key, m.value)
		}
	}
	return doc
}

// current finds the object that a body names by Id and checks its SyncToken.
func (c *Company) current(t *table, body *object) (*object, error) {
	id := body.text("Id")
	if id == "" {
		return nil, missing("Id")
	}
	if strings.Trim(id, "0123456789") != "" {
		return nil, badID(id)
	}
	o, ok := c.load(t, id)
	if !ok {
		return nil, notFound(t.def.name, id)
	}
	if !body.has("SyncToken") {
		return nil, missing("SyncToken")
	}
	if body.text("SyncToken") != o.text("SyncToken") {
		return nil, staleObject(id)
	}
	return o, nil
}

// commit completes a create or an update by its entity's rules, stores it and moves balances.
func (c *Company) commit(ch *change) (*row, error) {
	txn, list := c.nextTxn, c.nextList
	if ch.creating() {
		ch.doc.set("Id", c.newID(ch.t))
	}
	if err := ch.t.def.write(ch); err != nil {
		c.nextTxn, c.nextList = txn, list // what is refused is not on the tape, so it must not use up an id
		return nil, err
	}
	r := c.store(ch, true)
	if ch.t.def.effect != nil {
		ch.t.def.effect(ch)
	}
	return r, nil
}

func (c *Company) newID(t *table) string {
	if t.def.list {
		c.nextList++
		return strconv.FormatInt(c.nextList, 10)
	}
	c.nextTxn++
	return strconv.FormatInt(c.nextTxn, 10)
}

// store puts ch.doc into the table. A write by somebody moves the SyncToken, a derived change may not.
func (c *Company) store(ch *change, newToken bool) *row {
	token, created := int64(0), string(appendStamp(nil, ch.at))
	if ch.old != nil {
		token, _ = strconv.ParseInt(ch.old.text("SyncToken"), 10, 64)
		created = ch.old.text("MetaData", "CreateTime")
		if newToken {
			token++
		}
	}
	ch.doc.set("domain", "QBO").set("sparse", false).set("SyncToken", strconv.FormatInt(token, 10))
	meta := (&object{}).set("CreateTime", created)
	if ch.t.def.showsEditor {
		meta.set("LastModifiedByRef", ref(editor, ""))
	}
	ch.doc.set("MetaData", meta.set("LastUpdatedTime", string(appendStamp(nil, ch.at))))
	ch.doc.arrange(ch.t.def.properties)
	r := newRow(ch.t.def, ch.doc)
	c.noteRename(ch, r)
	ch.t.put(r)
	return r
}

// newRow prints a complete object for keeping.
func newRow(def *entity, doc *object) *row {
	return &row{
		id:      doc.text("Id"),
		raw:     doc.append(nil),
		created: unixOf(doc.text("MetaData", "CreateTime")),
		updated: unixOf(doc.text("MetaData", "LastUpdatedTime")),
		active:  doc.text("Active") != "false",
		name:    strings.ToLower(doc.text(def.named)),
	}
}

func unixOf(stamp string) int64 {
	t, err := time.Parse(time.RFC3339, stamp)
	if err != nil {
		return 0
	}
	return t.Unix()
}

// noteRename lets every ref show a list object's new name from now on.
func (c *Company) noteRename(ch *change, r *row) {
	if !ch.t.def.list || ch.old == nil {
		return
	}
	key := refName(ch.t.def.name)
	if name := ch.doc.text(key); name != ch.old.text(key) {
		c.renamed[refKey{ch.t.def.name, r.id}] = name
		c.books.rename(ch.t.def.name, r.id, name)
	}
}

// amend is a derived change: the last update moves, the SyncToken only when token says so.
func (c *Company) amend(t *table, id string, at int64, token bool, f func(*object)) {
	old, ok := c.load(t, id)
	if !ok {
		return
	}
	doc, _ := c.load(t, id)
	f(doc)
	c.store(&change{c: c, t: t, at: at, old: old, doc: doc}, token)
}

// remove deletes a transaction for good.
func (c *Company) remove(t *table, old *object) error {
	if t.def.list || t.def.readOnly {
		return unsupported("delete of " + t.def.name)
	}
	if err := t.def.writable(old); err != nil {
		return err
	}
	ch := &change{c: c, t: t, at: c.now().Unix(), old: old}
	t.remove(old.text("Id"), ch.at)
	t.def.effect(ch)
	c.note("remove", t, old.text("Id"), "", time.Time{})
	return nil
}

// void zeroes a transaction.
func (c *Company) void(t *table, doc *object) (*row, error) {
	if t.def.void == noVoid {
		return nil, unsupported("void of " + t.def.name)
	}
	if err := t.def.writable(doc); err != nil {
		return nil, err
	}
	id := doc.text("Id")
	old, _ := c.load(t, id)
	t.def.zero(doc)
	note := "Voided"
	if was := doc.text("PrivateNote"); was != "" {
		note += " - " + was
	}
	doc.set("PrivateNote", note)
	ch := &change{c: c, t: t, at: c.now().Unix(), old: old, doc: doc}
	r := c.store(ch, true)
	t.def.effect(ch)
	c.note("void", t, id, "", time.Time{})
	return r, nil
}

func unknownProperty(entity, key string) *Refusal {
	return invalid("2010", "Request has invalid or unsupported property", fmt.Sprintf(
		"Property Name:Unrecognized field %q (class com.intuit.schema.finance.v3.%s), not marked as ignorable\n specified is unsupported or invalid", key, entity))
}
