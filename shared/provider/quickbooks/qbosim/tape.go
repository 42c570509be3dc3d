package qbosim

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"
)

// A company is kept between two lives of a simulator as what was done in it: made again from its
// spec at the same instant, and all edits played again at theirs, it has the same bytes.

// edit is one thing that was done.
type edit struct {
	At      time.Time `json:"at"`
	Do      string    `json:"do"` // the names are those in Company.again
	Entity  string    `json:"entity"`
	ID      string    `json:"id,omitempty"`
	Other   string    `json:"other,omitempty"` // the loser of a merge
	N       int       `json:"n,omitempty"`     // how many were touched
	Body    string    `json:"body,omitempty"`
	Updated time.Time `json:"updated,omitzero"` // of what was planted
}

// note records an edit that was carried out. The caller holds the lock.
func (c *Company) note(e edit) {
	e.At = c.now()
	c.tape = append(c.tape, e)
}

// play does everything on a tape again.
func (c *Company) play(tape []edit) error {
	now := c.now
	c.playing = true
	defer func() { c.now, c.playing = now, false }()
	for i, e := range tape {
		c.now = func() time.Time { return e.At }
		if err := c.again(e); err != nil {
			return fmt.Errorf("qbosim: edit %d of %s, %s %s: %w", i+1, c.spec.Realm, e.Do, e.Entity, err)
		}
	}
	return nil
}

func (c *Company) again(e edit) error {
	if c.kinds[e.Entity] == nil {
		return errNoEntity
	}
	switch e.Do {
	case "plant":
		c.PutRaw(e.Entity, e.ID, e.Updated, e.Body)
		return nil
	case "remove":
		return c.Delete(e.Entity, e.ID)
	case "remove early":
		return c.Delete(e.Entity, e.ID, OldTombstone)
	case "restore":
		return c.Restore(e.Entity, e.ID)
	case "restore quietly":
		return c.Restore(e.Entity, e.ID, SameTime)
	case "void":
		return c.Void(e.Entity, e.ID)
	case "deposit":
		return c.Deposit(e.ID)
	case "merge":
		return c.Merge(e.Entity, e.ID, e.Other)
	case "merge, keeping":
		return c.Merge(e.Entity, e.ID, e.Other, LoserInactive)
	case "touch":
		return c.Touch(e.Entity, e.N)
	case "email":
		return c.Email(e.Entity, e.ID)
	}
	return c.saveAgain(e)
}

func (c *Company) saveAgain(e edit) error {
	body, err := parseObject([]byte(e.Body))
	if err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	_, err = c.save(c.table(e.Entity), body)
	return err
}

// saved is a simulator's state in a file.
type saved struct {
	Companies []savedCompany `json:"companies"`
	Grants    []savedGrant   `json:"grants"`
}

type savedCompany struct {
	Spec CompanySpec `json:"spec"`
	Made time.Time   `json:"made"`
	Tape []edit      `json:"tape"`
}

type savedGrant struct {
	Realm      string               `json:"realm"`
	Refresh    string               `json:"refresh"`
	ValueSince time.Time            `json:"value_since"`
	LastUsed   time.Time            `json:"last_used"`
	Given      time.Time            `json:"given"`
	Access     map[string]time.Time `json:"access"` // until when
}

// Save writes all companies' edits, and the tokens that were given, to a file that only its owner reads.
func (s *Server) Save(file string) error {
	state := saved{Grants: s.grants.save()}
	for _, c := range s.Companies() {
		c.mu.RLock()
		state.Companies = append(state.Companies, savedCompany{c.spec, c.made, c.tape})
		c.mu.RUnlock()
	}
	b, err := json.Marshal(state)
	if err != nil {
		return fmt.Errorf("qbosim: save: %w", err)
	}
	next := file + ".new"
	if err := os.WriteFile(next, b, 0o600); err != nil {
		return fmt.Errorf("qbosim: save: %w", err)
	}
	if err := os.Rename(next, file); err != nil {
		return fmt.Errorf("qbosim: save: %w", err)
	}
	return nil
}

// Load brings back what Save wrote, companies and tokens. A file that is not there is no error: found
// is false.
func (s *Server) Load(file string) (found bool, err error) {
	b, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	var state saved
	if err == nil {
		err = json.Unmarshal(b, &state)
	}
	if err != nil {
		return false, fmt.Errorf("qbosim: load %s: %w", file, err)
	}
	for _, kept := range state.Companies {
		c := s.add(kept.Spec, kept.Made)
		if err := c.play(kept.Tape); err != nil {
			return false, err
		}
	}
	s.grants.load(state.Grants)
	return true, nil
}

func (gs *grants) save() []savedGrant {
	gs.mu.Lock()
	defer gs.mu.Unlock()
	var out []savedGrant
	for _, g := range gs.byRealm {
		kept := savedGrant{g.realm, g.refresh, g.valueSince, g.lastUsed, g.given, map[string]time.Time{}}
		for _, token := range g.accessTokens {
			kept.Access[token] = gs.tokens[token].until
		}
		out = append(out, kept)
	}
	return out
}

func (gs *grants) load(all []savedGrant) {
	gs.mu.Lock()
	defer gs.mu.Unlock()
	for _, kept := range all {
		g := &grant{realm: kept.Realm, refresh: kept.Refresh, valueSince: kept.ValueSince, lastUsed: kept.LastUsed, given: kept.Given}
		gs.byRefresh[g.refresh], gs.byRealm[g.realm] = g, g
		for token, until := range kept.Access {
			gs.tokens[token] = accessToken{g, until}
			g.accessTokens = append(g.accessTokens, token)
		}
	}
}
