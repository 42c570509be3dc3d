package store

import "time"

// instant is a moment in microseconds since 1970, PostgreSQL's resolution; known is false for none.
type instant struct {
	micros int64
	known  bool
}

func at(t time.Time) instant {
	if t.IsZero() {
		return instant{}
	}
	return instant{t.UnixMicro(), true}
}

// time returns nil for no instant, for use as a parameter.
func (i instant) time() *time.Time {
	if !i.known {
		return nil
	}
	t := time.UnixMicro(i.micros).UTC()
	return &t
}

// digest stands for an object's bytes: the beginning of their SHA-256.
type digest [16]byte

// state is what the database holds, or will hold, under one id.
type state struct {
	exists  bool
	content bool    // false of a row that only marks a deletion
	version instant // of the content
	digest  digest  // of the content
	deleted instant
	merged  string // the id of the survivor, or ""
}

// change is what a record asks for.
type change struct {
	version  instant
	seen     instant // when the provider was asked
	deletion bool
	digest   digest
	merged   string // the id of the survivor, or ""
	verified bool   // nothing that is stored was observed later
}

// after returns the state that follows c, and whether c's content is to be written.
//
// Changes with versions may come in any order and again and again: newer content replaces older, a
// deletion holds until content newer than it comes, and older content fills a row that only marks
// a deletion without bringing it back. Of two contents of one version the later to come stays. A
// change without version is the word of the lease's owner: it is taken to be the newest.
//
// A change that was seen says whether the object existed at that instant, whatever its version: a
// live one undeletes what was deleted until then, and a deletion counts although it is said to be
// older than the content. What is merged stays so until an undeletion.
//
// What is verified is so, whatever is stored.
func (s state) after(c change, now int64) (next state, written bool) {
	if c.deletion {
		next = s.deletedBy(c, now)
	} else {
		next, written = s.shownBy(c)
	}
	revived := s.deleted.known && !next.deleted.known
	if revived || c.merged != "" && (!c.deletion || next.deleted.known) {
		next.merged = c.merged
	}
	return next, written
}

func (s state) shownBy(c change) (next state, written bool) {
	next = s
	next.exists = true
	switch {
	case c.verified:
		written = !s.content || c.version != s.version || c.digest != s.digest || s.deleted.known
		next.deleted = instant{}
	case !c.version.known:
		written = !s.content || c.digest != s.digest
		next.deleted = instant{}
	default:
		written = !s.content || !s.version.known || c.version.micros > s.version.micros ||
			c.version.micros == s.version.micros && c.digest != s.digest
		if c.version.micros > s.deleted.micros || c.seen.known && c.seen.micros >= s.deleted.micros {
			next.deleted = instant{}
		}
	}
	if written {
		next.content, next.version, next.digest = true, c.version, c.digest
	}
	return next, written
}

func (s state) deletedBy(c change, now int64) state {
	at := c.version
	older := at.known && s.version.known && at.micros < s.version.micros
	if !at.known || older {
		switch {
		case s.deleted.known:
			return s
		case c.seen.known && (c.verified || c.seen.micros >= s.version.micros):
			at = c.seen
		case c.verified:
			at = instant{now, true}
		case c.seen.known || older: // the content has come after it
			return s
		default:
			at = instant{max(now, s.version.micros), true}
		}
	}
	if s.deleted.known && at.micros <= s.deleted.micros {
		return s
	}
	s.exists = true
	s.deleted = at
	return s
}
