package qbosim

import (
	"slices"
	"strings"
)

const (
	maxChanges = 1000
	cdcReach   = 30 * 24 * 3600 // seconds
)

// changes is what change data capture answers for one entity: live rows first, then tombstones.
type changes struct {
	t    *table
	rows []handle
	gone []tombstone
}

// changes reads the parameters of a call and collects what it asks for.
func (c *Company) changes(entities, changedSince string) ([]changes, error) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	tables, err := c.changedEntities(entities)
	if err != nil {
		return nil, err
	}
	since, err := c.changedSince(changedSince)
	if err != nil {
		return nil, err
	}
	return c.changedObjects(tables, since), nil
}

// changedEntities reads the entities parameter.
func (c *Company) changedEntities(param string) ([]*table, error) {
	if param == "" {
		return nil, missing("entities")
	}
	var out []*table
	for name := range strings.SplitSeq(param, ",") {
		name = strings.TrimSpace(name)
		def := c.kinds[name]
		switch {
		case def == nil:
			return nil, invalid("100", "General request error", "Invalid entity in the entities parameter: "+name)
		case !def.cdc, slices.Contains(c.server.cfg.NoCDC, name):
			return nil, unsupported("changedatacapture of " + name)
		}
		if !slices.ContainsFunc(out, func(t *table) bool { return t.def == def }) {
			out = append(out, c.look(name))
		}
	}
	return out, nil
}

// changedSince reads the parameter of that name.
func (c *Company) changedSince(param string) (int64, error) {
	if param == "" {
		return 0, missing("changedSince")
	}
	since, ok := parseInstant(param)
	if !ok {
		return 0, invalid("100", "General request error", "changedSince is not a date or a timestamp: "+param)
	}
	if c.now().Unix()-since > cdcReach && !c.server.cfg.OldChanges {
		return 0, invalid("100", "General request error", "changedSince is more than 30 days ago: "+param)
	}
	return since, nil
}

// changedObjects collects what changed at or after since: at most 1000 objects over all entities,
// with no way to ask for more. The caller holds the company's lock.
func (c *Company) changedObjects(tables []*table, since int64) []changes {
	left := maxChanges
	var out []changes
	for _, t := range tables {
		ch := changes{t: t}
		for h := range t.walk(span{since, always.to}, false, 0) {
			if left == 0 {
				break
			}
			ch.rows = append(ch.rows, h)
			left--
		}
		for _, grave := range t.gone {
			if grave.at >= since && left > 0 {
				ch.gone = append(ch.gone, grave)
				left--
			}
		}
		if len(ch.rows)+len(ch.gone) > 0 {
			out = append(out, ch)
		}
	}
	return out
}

// falsify turns the newest live row of entity into a tombstone, as CDC once did for objects that had
// just been changed.
func falsify(all []changes, entity string) {
	for i := range all {
		ch := &all[i]
		if n := len(ch.rows); n > 0 && (entity == "" || ch.t.def.name == entity) {
			last := ch.rows[n-1]
			ch.rows = ch.rows[:n-1]
			ch.gone = append(ch.gone, tombstone{id: ch.t.id(last), at: ch.t.updated(last)})
			return
		}
	}
}

func appendTombstone(dst []byte, grave tombstone) []byte {
	dst = append(dst, `{"domain":"QBO","status":"Deleted","Id":`...)
	dst = appendText(dst, grave.id)
	dst = append(dst, `,"MetaData":{"LastUpdatedTime":"`...)
	dst = appendStamp(dst, grave.at)
	return append(dst, `"}}`...)
}
