package qbosource

import "errors"

// errMoved says that a page does not begin where the one before it ended.
var errMoved = errors.New("the objects have moved")

// page follows one page's objects as they come in.
type page struct {
	start load // where the load is before the page
	at    load // and after the objects met so far
	met   int
}

// begin is called before each attempt at the page: one that broke off comes again from its first object.
func (p *page) begin() { p.at, p.met = p.start, 0 }

// meet takes one object in. The first one must be the last of the page before, which is stored already.
func (p *page) meet(b *builder, stream string, raw []byte) error {
	key, version := b.add(stream, raw)
	p.met++
	ordered := !p.at.Unordered
	if p.met == 1 && p.at.Place > 0 {
		if key != p.at.Last || ordered && !version.IsZero() && !version.Equal(p.at.Second) {
			return errMoved
		}
		return nil
	}
	if ordered && version.After(p.at.Second) {
		p.at.Second, p.at.Place = version, 0
	}
	p.at.Place++
	p.at.Last = key
	return nil
}
