package qbosource

import "errors"

// errMoved says that a page does not begin where the one before it ended.
var errMoved = errors.New("the objects have moved")

// page follows one page's objects as they come in.
type page struct {
	at    load   // where the load is after the objects met so far
	start load   // where it was before the first
	first string // the first object's key
	met   int
}

// meet takes one object in. The first one must be the last of the page before, which is stored
// already. A page that broke off comes again from its first object on.
func (p *page) meet(b *builder, stream string, raw []byte) error {
	key, version := b.add(stream, raw)
	if p.met == 0 {
		p.start, p.first = p.at, key
	} else if key == p.first {
		p.at, p.met = p.start, 0
	}
	p.met++
	if p.met == 1 && p.at.Place > 0 {
		if key != p.at.Last || !version.IsZero() && !version.Equal(p.at.Second) {
			return errMoved
		}
		return nil
	}
	if version.After(p.at.Second) {
		p.at.Second, p.at.Place = version, 0
	}
	p.at.Place++
	p.at.Last = key
	return nil
}
