package qbosim

import "slices"

// DeleteHow is how a deletion looks from outside.
type DeleteHow int

// The ways of deleting.
const (
	Properly     DeleteHow = iota
	OldTombstone           // a fault: the tombstone tells an hour before the last content that was seen
)

// Delete removes an object for good and leaves a tombstone for change data capture.
func (c *Company) Delete(entity, id string, how ...DeleteHow) error {
	return c.end(entity, id, func(t *table, o *object) error {
		return c.remove(t, o, slices.Contains(how, OldTombstone))
	})
}

// Void zeroes a transaction, which stays readable.
func (c *Company) Void(entity, id string) error {
	return c.end(entity, id, func(t *table, o *object) error {
		_, err := c.void(t, o)
		return err
	})
}

func (c *Company) end(entity, id string, how func(*table, *object) error) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	t := c.table(entity)
	if t == nil {
		return errNoEntity
	}
	o, ok := c.load(t, id)
	if !ok {
		return notFound(entity, id)
	}
	return how(t, o)
}

const anHour = 3600

// remove deletes an object for good.
func (c *Company) remove(t *table, old *object, oldTombstone bool) error {
	if t.def.permanent || t.def.list && !t.def.hard {
		return unsupported("delete of " + t.def.name)
	}
	if err := t.def.writable(old); err != nil {
		return err
	}
	ch := &change{c: c, t: t, at: c.now().Unix(), old: old}
	id, told := t.def.idOf(old), ch.at
	if oldTombstone {
		told = unixOf(t.def.core(old).text("MetaData", "LastUpdatedTime")) - anHour
	}
	t.remove(id, told, old.append(nil))
	ch.follow()
	do := "remove"
	if oldTombstone {
		do = "remove early"
	}
	c.note(edit{Do: do, Entity: t.def.name, ID: id})
	c.tell(Deleted, t.def.name, id, "")
	return nil
}

// void zeroes a transaction.
func (c *Company) void(t *table, doc *object) (*row, error) {
	if t.def.zero == nil {
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
	ch.follow()
	c.note(edit{Do: "void", Entity: t.def.name, ID: id})
	c.tell(Voided, t.def.name, id, "")
	return r, nil
}

// Deactivate is the soft removal of a list object: Active false and " (deleted)" after its name.
func (c *Company) Deactivate(entity, id string) error { return c.setActive(entity, id, false) }

// Reactivate takes a soft removal back, with the old name.
func (c *Company) Reactivate(entity, id string) error { return c.setActive(entity, id, true) }

func (c *Company) setActive(entity, id string, active bool) error {
	o := obj("Id", id, "sparse", true, "Active", active)
	_, err := c.Update(entity, string(o.append(nil)))
	return err
}

// RestoreHow is what a restored object shows.
type RestoreHow int

// The ways of restoring.
const (
	NewTime  RestoreHow = iota // its last update is now
	SameTime                   // its last update is the one it had: no query by time tells of it
)

// Restore brings a deleted object back to life under its id, with all it had; what others did with it
// (a payment that covered it) is gone. Its tombstone goes too.
func (c *Company) Restore(entity, id string, how ...RestoreHow) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	t := c.table(entity)
	if t == nil {
		return errNoEntity
	}
	same := slices.Contains(how, SameTime)
	if err := c.restore(t, id, same); err != nil {
		return err
	}
	do := "restore"
	if same {
		do = "restore quietly"
	}
	c.note(edit{Do: do, Entity: entity, ID: id})
	c.tell(Created, entity, id, "")
	return nil
}

func (c *Company) restore(t *table, id string, same bool) error {
	at := slices.IndexFunc(t.gone, func(g tombstone) bool { return g.id == id && g.raw != nil })
	if _, alive := t.find(id); alive || at < 0 {
		return notFound(t.def.name, id)
	}
	doc, err := parseObject(t.gone[at].raw)
	if err != nil {
		return err
	}
	c.resolve(t.def.name, doc)
	ch := &change{c: c, t: t, at: c.now().Unix(), doc: doc}
	if t.def.revive != nil {
		t.def.revive(ch)
	}
	if !same {
		t.def.core(doc).child("MetaData").set("LastUpdatedTime", string(appendStamp(nil, ch.at)))
		unusual(t.def, doc)
	}
	t.gone = slices.Delete(t.gone, at, at+1)
	t.put(newRow(t.def, doc))
	ch.follow()
	return nil
}
