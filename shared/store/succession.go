package store

// line is what is stored of an object's place in a succession: whose place it has taken, and who has
// taken its own.
type line struct {
	merged string // the object that has taken its place, or ""
	origin string // the id under which the thing was first known, or "": its own
	by     string // the object whose place it says to have taken, or ""
	says   string // by, as the content to be written has it
}

// other returns by, the id that an object says to have taken the place of, unless that is its own.
func other(by, id string) string {
	if by == id {
		return ""
	}
	return by
}

// seat is an id that objects may say to have taken the place of, when its heir is to be found anew.
type seat struct {
	id     string
	exists bool // there is such an object
	live   bool
	merged string
	origin string
	was    string  // origin before the object there was written anew
	namers []namer // objects that say to have taken the place
	left   []namer // objects that say so no longer
}

// namer is an object that says to have taken a place.
type namer struct {
	id      string
	live    bool
	origin  string
	arrived bool // it says so, or is live, only now
}

// root is the id under which the thing in the place was first known.
func (p *seat) root() string {
	if p.origin != "" {
		return p.origin
	}
	return p.id
}

// holds reports whether an origin is one that the place gives to its heir, or has given: its own id
// before its own origin was known.
func (p *seat) holds(origin string) bool {
	return origin != "" && (origin == p.root() || origin == p.id || origin == p.was)
}

// heir returns the object that has the place, or "". It stays the one that has it, as long as that is
// live and says so; then who has arrived goes before who was there; of several the one with the least
// id has it. What is live and has taken a place itself keeps its own: so whatever the provider says,
// something stays to be seen.
func (p *seat) heir() string {
	if p.live && p.origin != "" {
		return ""
	}
	best, rank := "", 0
	for i := range p.namers {
		n, r := &p.namers[i], 3
		if !n.live {
			continue
		}
		switch {
		case n.id == p.merged:
			r = 0
		case !n.arrived && p.holds(n.origin):
			r = 1
		case n.arrived:
			r = 2
		}
		if best == "" || r < rank || r == rank && n.id < best {
			best, rank = n.id, r
		}
	}
	return best
}

// moves are what changes in the succession, as columns of ids and what they get; "" for null.
type moves struct {
	merged, heirs    []string // merged_into
	holders, origins []string // origin_id
	// Objects that no longer stand for a place: the thing that they lead to is another one. With the
	// origins that the place has given, as far as it is known by them.
	cut, roots, ids, were []string
}

func (m *moves) any() bool { return len(m.merged)+len(m.holders)+len(m.cut) > 0 }

func (m *moves) merge(id, heir string) {
	m.merged, m.heirs = append(m.merged, id), append(m.heirs, heir)
}

func (m *moves) descend(id, origin string) {
	m.holders, m.origins = append(m.holders, id), append(m.origins, origin)
}

func (m *moves) cutOff(id string, from *seat) {
	m.cut, m.roots, m.ids, m.were = append(m.cut, id), append(m.roots, from.root()), append(m.ids, from.id), append(m.were, from.was)
}

// settleAll finds the heirs of places, one after the other: what takes one place gives up its own.
func settleAll(places []seat) (m moves) {
	by := make(map[string]*seat, len(places))
	for i := range places {
		by[places[i].id] = &places[i]
	}
	for i := range places {
		heir, origin := places[i].settle(&m)
		if of := by[heir]; of != nil {
			of.origin = origin
		}
	}
	return m
}

// settle adds to m what must change so that the place has its heir, and nobody else is known by it. It
// returns the heir and its origin.
func (p *seat) settle(m *moves) (heir, origin string) {
	heir = p.heir()
	if p.exists && p.merged != heir && (heir != "" || p.live) {
		m.merge(p.id, heir)
		if p.merged != "" {
			m.cutOff(p.merged, p)
		}
	}
	keeper := p.keeper(heir)
	for i := range p.namers {
		n := &p.namers[i]
		switch {
		case n.id == heir:
			if origin = other(p.root(), n.id); origin != n.origin {
				m.descend(n.id, origin)
			}
		case n.id == keeper || !p.holds(n.origin):
		case n.live:
			m.descend(n.id, "")
		default:
			m.cutOff(n.id, p)
		}
	}
	for i := range p.left {
		if n := &p.left[i]; n.id != keeper && p.holds(n.origin) {
			m.descend(n.id, "")
		}
	}
	return heir, origin
}

// keeper returns the object that is known by what has gone from the place: the heir; without one the
// last that was, perhaps gone itself and known by what came after it.
func (p *seat) keeper(heir string) string {
	switch {
	case heir != "" || p.live:
		return heir
	case p.merged != "":
		return p.merged
	}
	best, arrived := "", false
	for i := range p.namers {
		if n := &p.namers[i]; p.holds(n.origin) && (best == "" || arrived && !n.arrived || arrived == n.arrived && n.id < best) {
			best, arrived = n.id, n.arrived
		}
	}
	return best
}
