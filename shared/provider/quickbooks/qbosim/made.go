package qbosim

import "strings"

// generator makes the objects of one entity that a new company has. They are not kept: each is made
// when it is printed, from the company's books and its number, so that a company nobody changes costs
// almost nothing.
type generator struct {
	count func(b *books) int
	id    func(b *books, i int) string
	index func(b *books, id string) int // the number of an id, checked by the caller; nil: look at all
	when  func(b *books, i int) (created, updated int64)
	make  func(b *books, i int) *object // without its frame
	name  func(i int) string            // of a list: what is unique; nil: it is read from the object
	gone  func(i int) bool              // of a list: inactive; nil: none is
	token func(b *books, i int) int     // SyncToken; nil: 0
	order func(b *books) []int32        // the numbers by last update; nil: as they are
}

// madeBase is the rows of a generator in a company.
type madeBase struct {
	c   *Company
	def *entity
}

func (m madeBase) count() int { return m.def.gen.count(m.c.books) }

// number gives the object at a place in the order of last updates.
func (m madeBase) number(place int) int {
	if m.def.gen.order != nil {
		return int(m.def.gen.order(m.c.books)[place])
	}
	return place
}

func (m madeBase) place(number int) int {
	if m.def.gen.order == nil {
		return number
	}
	for place, n := range m.def.gen.order(m.c.books) {
		if int(n) == number {
			return place
		}
	}
	return -1
}

func (m madeBase) id(place int) string { return m.def.gen.id(m.c.books, m.number(place)) }

func (m madeBase) index(id string) (int, bool) {
	b, g, n := m.c.books, m.def.gen, m.count()
	if g.index != nil {
		i := g.index(b, id)
		if i < 0 || i >= n || g.id(b, i) != id {
			return 0, false
		}
		return m.place(i), true
	}
	for i := range n {
		if g.id(b, i) == id {
			return m.place(i), true
		}
	}
	return 0, false
}

func (m madeBase) created(place int) int64 {
	created, _ := m.def.gen.when(m.c.books, m.number(place))
	return created
}

func (m madeBase) updated(place int) int64 {
	_, updated := m.def.gen.when(m.c.books, m.number(place))
	return updated
}

func (m madeBase) name(place int) string {
	if m.def.gen.name != nil {
		return strings.ToLower(m.def.gen.name(m.number(place)))
	}
	return strings.ToLower(m.def.core(m.object(place)).text(m.def.named))
}

func (m madeBase) scalar(place int, path string) (string, bool) {
	if path == "Active" && m.def.list {
		if m.def.gen.gone != nil && m.def.gen.gone(m.number(place)) {
			return "false", true
		}
		return "true", true
	}
	return "", false
}

func (m madeBase) object(place int) *object {
	o := m.c.books.object(m.def, m.number(place))
	if m.c.moved() {
		m.c.resolve(m.def.name, o)
	}
	return o
}

func (m madeBase) append(dst []byte, place int) []byte { return m.object(place).append(dst) }

// object makes an object with its frame.
func (b *books) object(def *entity, i int) *object {
	g := def.gen
	o := g.make(b, i)
	created, updated := g.when(b, i)
	token := 0
	if g.token != nil {
		token = g.token(b, i)
	}
	core := def.core(o)
	meta := obj("CreateTime", string(appendStamp(nil, created)))
	if def.showsEditor {
		meta.set("LastModifiedByRef", ref(editor, ""))
	}
	meta.set("LastUpdatedTime", string(appendStamp(nil, updated)))
	core.set("domain", "QBO").set("sparse", false).set("Id", g.id(b, i)).set("SyncToken", count(token).String()).set("MetaData", meta)
	unusual(def, o)
	core.arrange(def.properties)
	return o
}

// madeOnce is the time at which list objects were typed in, one a second.
func madeOnce(b *books, i int) (created, updated int64) {
	at := b.made + int64(i)
	return at, at
}

func numbered(_ *books, i int) string { return count(i + 1).String() }

// fixed is the count of a list that every company has.
func fixed(n int) func(*books) int { return func(*books) int { return n } }
