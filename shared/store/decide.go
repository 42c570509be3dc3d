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
}

// change is what a record asks for.
type change struct {
	version  instant
	deletion bool
	digest   digest
}

// after returns the state that follows c, and whether c's content is to be written.
//
// Changes with versions may come in any order and again and again: newer content replaces older, a
// deletion holds until content newer than it comes, and older content fills a row that only marks
// a deletion without bringing it back. Of two contents of one version the later to come stays. A
// change without version is the word of the lease's owner: it is taken to be the newest.
func (s state) after(c change, now int64) (next state, written bool) {
	if c.deletion {
		return s.deletedBy(c.version, now), false
	}
	next = s
	next.exists = true
	switch {
	case !c.version.known:
		written = !s.content || c.digest != s.digest
		next.deleted = instant{}
	default:
		written = !s.content || !s.version.known || c.version.micros > s.version.micros ||
			c.version.micros == s.version.micros && c.digest != s.digest
		if s.deleted.known && c.version.micros > s.deleted.micros {
			next.deleted = instant{}
		}
	}
	if written {
		next.content, next.version, next.digest = true, c.version, c.digest
	}
	return next, written
}

func (s state) deletedBy(version instant, now int64) state {
	if !version.known {
		if s.deleted.known {
			return s
		}
		version = instant{max(now, s.version.micros), true}
	}
	older := s.version.known && version.micros < s.version.micros
	if older || s.deleted.known && version.micros <= s.deleted.micros {
		return s
	}
	s.exists = true
	s.deleted = version
	return s
}
