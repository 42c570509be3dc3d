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
	raw := string(body.append(nil)) // what is written may share parts with the body
	r, err := c.write(t, body)
	if err != nil {
		return nil, err
	}
	c.note(edit{Do: "save", Entity: t.def.name, Body: raw})
	return r, nil
}

func (c *Company) write(t *table, body *object) (*row, error) {
	def := t.def
	if c.lacks(def.name) {
		return nil, featureOff(def.name)
	}
	for _, m := range body.members {
		if !slices.Contains(def.properties, m.key) {
			return nil, unknownProperty(def.name, m.key)
		}
	}
	ch := &change{c: c, t: t, at: c.now().Unix()}
	core := def.core(body)
	h, known := t.find(def.idOf(body))
	if !core.has("Id") && !known {
		ch.doc = settable(def, body)
		return c.commit(ch)
	}
	if known && def.list && !t.active(h) && core.get("Active") == false {
		return c.deactivatedAgain(t, body, h)
	}
	current, err := c.current(t, body)
	if err != nil {
		return nil, err
	}
	if err := def.writable(current); err != nil {
		return nil, err
	}
	ch.old, ch.sparse = current, core.get("sparse") == true
	ch.doc = ch.combine(body)
	return c.commit(ch)
}

// deactivatedAgain: a second time is accepted and changes nothing.
func (c *Company) deactivatedAgain(t *table, body *object, h handle) (*row, error) {
	current, err := c.current(t, body)
	if err != nil {
		return nil, err
	}
	if h.row != nil {
		return h.row, nil
	}
	return newRow(t.def, current), nil
}

// combine makes the object that an update asks for.
func (ch *change) combine(body *object) *object {
	def := ch.t.def
	from, was := def.core(body), def.core(ch.old)
	if !ch.sparse {
		doc := settable(def, body)
		core := def.core(doc)
		for _, m := range was.members {
			if slices.Contains(def.computed, m.key) {
				core.set(m.key, m.value)
			}
		}
		return doc
	}
	doc, _ := ch.c.load(ch.t, def.idOf(ch.old))
	core := def.core(doc)
	for _, m := range from.members {
		if m.value == nil {
			core.drop(m.key)
		} else if !slices.Contains(def.computed, m.key) {
			core.set(m.key, m.value)
		}
	}
	return doc
}

// settable gives the members of body that a client may set.
func settable(def *entity, body *object) *object {
	doc := &object{}
	for _, m := range def.core(body).members {
		if m.value != nil && !slices.Contains(def.computed, m.key) {
			doc.set(m.key, m.value)
		}
	}
	if def.wrapped && len(body.members) > 0 {
		return obj(body.members[0].key, doc)
	}
	return doc
}

// current finds the object that a body names by Id and checks its SyncToken.
func (c *Company) current(t *table, body *object) (*object, error) {
	id, core := t.def.idOf(body), t.def.core(body)
	if id == "" {
		return nil, missing("Id")
	}
	if !t.def.possible(id) {
		return nil, badID(id)
	}
	o, ok := c.load(t, id)
	if !ok {
		return nil, notFound(t.def.name, id)
	}
	token := t.def.core(o).text("SyncToken")
	if !core.has("SyncToken") && token != "" {
		return nil, missing("SyncToken")
	}
	if core.text("SyncToken") != token {
		return nil, staleObject(id)
	}
	return o, nil
}

// possible: ids are numbers, but for those of tax codes and of what has none.
func (e *entity) possible(id string) bool {
	return e.identify != nil || e.wordIDs || strings.Trim(id, "0123456789") == ""
}

// commit completes a create or an update by its entity's rules, stores it and moves balances.
func (c *Company) commit(ch *change) (*row, error) {
	txn, list := c.nextTxn, c.nextList
	if ch.creating() && ch.t.def.identify == nil {
		ch.t.def.core(ch.doc).set("Id", c.newID(ch.t))
	}
	if err := ch.t.def.write(ch); err != nil {
		c.nextTxn, c.nextList = txn, list // what is refused is not on the tape, so it must not use up an id
		return nil, err
	}
	r := c.store(ch, true)
	ch.follow()
	c.tell(ch.changed(), ch.t.def.name, r.id, "")
	return r, nil
}

// follow moves what depends on a change that is stored.
func (ch *change) follow() {
	ch.post()
	if ch.t.def.effect != nil {
		ch.t.def.effect(ch)
	}
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
	def := ch.t.def
	token, created := int64(0), ""
	if ch.old != nil {
		was := def.core(ch.old)
		token, _ = strconv.ParseInt(was.text("SyncToken"), 10, 64)
		created = was.text("MetaData", "CreateTime")
		if newToken {
			token++
		}
	}
	if created == "" {
		created = string(appendStamp(nil, ch.at))
	}
	core := def.core(ch.doc)
	core.set("domain", "QBO").set("sparse", false).set("SyncToken", strconv.FormatInt(token, 10))
	meta := obj("CreateTime", created)
	if def.showsEditor {
		meta.set("LastModifiedByRef", ref(editor, ""))
	}
	core.set("MetaData", meta.set("LastUpdatedTime", string(appendStamp(nil, ch.at))))
	unusual(def, ch.doc)
	core.arrange(def.properties)
	r := newRow(def, ch.doc)
	c.noteRename(ch, r)
	ch.t.put(r)
	return r
}

// unusual gives an object the frame that its entity really has.
func unusual(def *entity, o *object) {
	if def.unusual != nil {
		def.unusual(def.core(o))
	}
}

// newRow prints a complete object for keeping.
func newRow(def *entity, doc *object) *row {
	core := def.core(doc)
	return &row{
		id:      def.idOf(doc),
		raw:     doc.append(nil),
		created: unixOf(core.text("MetaData", "CreateTime")),
		updated: unixOf(core.text("MetaData", "LastUpdatedTime")),
		active:  core.text("Active") != "false",
		name:    strings.ToLower(core.text(def.named)),
	}
}

// unixOf reads a stamp, or the bare date that some entities show instead.
func unixOf(stamp string) int64 {
	if t, err := time.Parse(time.RFC3339, stamp); err == nil {
		return t.Unix()
	}
	t, err := time.ParseInLocation(time.DateOnly, stamp, pacific)
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
		c.rename(refKey{ch.t.def.name, r.id}, name)
	}
}

// rename lets every ref to a list object show that name.
func (c *Company) rename(key refKey, name string) {
	if c.renamed == nil {
		c.renamed = map[refKey]string{}
	}
	c.renamed[key] = name
	c.books.show(key, key.id, name)
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
	c.derived(t.def.name, id)
}

func unknownProperty(entity, key string) *Refusal {
	return invalid("2010", "Request has invalid or unsupported property", fmt.Sprintf(
		"Property Name:Unrecognized field %q (class com.intuit.schema.finance.v3.%s), not marked as ignorable\n specified is unsupported or invalid", key, entity))
}
