package plaidsim

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"
)

// saved is a simulator's state in a file.
type saved struct {
	Drawn   uint64                  `json:"drawn"`
	Logins  []LoginSpec             `json:"logins"`
	Items   []savedItem             `json:"items"`
	Access  map[string]string       `json:"access"` // access token → item_id, those that worked once too
	Publics map[string]*publicToken `json:"publics"`
	Links   map[string]*link        `json:"links"`
	Keys    []savedKey              `json:"keys"`
}

type savedItem struct {
	Login       LoginSpec `json:"login"`
	N           int       `json:"n"`
	Made        time.Time `json:"made"`
	Chosen      []int     `json:"chosen,omitempty"`
	Token       string    `json:"token,omitempty"`
	Exchanged   bool      `json:"exchanged,omitempty"`
	Removed     bool      `json:"removed,omitempty"`
	Webhook     string    `json:"webhook,omitempty"`
	Products    []string  `json:"products"`
	Consented   []string  `json:"consented"`
	Trouble     *refusal  `json:"trouble,omitempty"`
	Stubborn    bool      `json:"stubborn,omitempty"`
	BankDown    *refusal  `json:"bank_down,omitempty"`
	Consent     time.Time `json:"consent,omitzero"`
	Days        int       `json:"days"`
	Asked       int       `json:"asked,omitempty"`
	Synced      bool      `json:"synced,omitempty"`
	WebhookAt   time.Time `json:"webhook_at,omitzero"`
	WebhookCode string    `json:"webhook_code,omitempty"`
	Updated     time.Time `json:"updated,omitzero"`
	Failed      time.Time `json:"failed,omitzero"`
	Tape        []change  `json:"tape"`
}

type savedKey struct {
	Created time.Time `json:"created"`
	Expired time.Time `json:"expired,omitzero"`
}

func (it *Item) save() savedItem {
	return savedItem{Login: it.login.spec, N: it.n, Made: it.made, Chosen: it.chosen, Token: it.token, Exchanged: it.exchanged, Removed: it.removed,
		Webhook: it.webhook, Products: it.products, Consented: it.consented, Trouble: it.trouble, Stubborn: it.stubborn, BankDown: it.bankDown,
		Consent: it.consent, Days: it.days, Asked: it.asked, Synced: it.synced, WebhookAt: it.lastWebhook.at, WebhookCode: it.lastWebhook.code,
		Updated: it.updated, Failed: it.failed, Tape: it.tape}
}

// load makes an Item again.
func (s *Server) load(kept savedItem) error {
	it := s.newItem(newLogin(kept.Login), kept.N, kept.Chosen, kept.Made)
	it.token, it.exchanged, it.removed, it.webhook = kept.Token, kept.Exchanged, kept.Removed, kept.Webhook
	it.products, it.consented = kept.Products, kept.Consented
	it.trouble, it.stubborn, it.bankDown, it.consent = kept.Trouble, kept.Stubborn, kept.BankDown, kept.Consent
	it.days = kept.Days
	it.asked, it.synced, it.updated, it.failed = kept.Asked, kept.Synced, kept.Updated, kept.Failed
	it.lastWebhook.at, it.lastWebhook.code = kept.WebhookAt, kept.WebhookCode
	return it.play(kept.Tape)
}

// Save writes logins, Items with all that was done to them, and tokens to a file that only its owner
// reads. Figures, faults and webhooks that wait are not kept.
func (s *Server) Save(file string) error {
	b, err := s.snapshot()
	if err != nil {
		return fmt.Errorf("plaidsim: save: %w", err)
	}
	next := file + ".new"
	if err := os.WriteFile(next, b, 0o600); err != nil {
		return fmt.Errorf("plaidsim: save: %w", err)
	}
	if err := os.Rename(next, file); err != nil {
		return fmt.Errorf("plaidsim: save: %w", err)
	}
	return nil
}

func (s *Server) snapshot() ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	state := saved{Drawn: s.drawn, Access: map[string]string{}, Publics: s.publics, Links: s.links, Keys: s.keys.save()}
	for _, l := range s.logins {
		state.Logins = append(state.Logins, l.spec)
	}
	for _, it := range s.order {
		state.Items = append(state.Items, it.save())
	}
	for token, it := range s.access {
		state.Access[token] = it.id
	}
	return json.Marshal(state)
}

// Load brings back what Save wrote into a new server of the same seed. A file that is not there is no
// error: found is false.
func (s *Server) Load(file string) (found bool, err error) {
	b, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	var state saved
	if err == nil {
		err = json.Unmarshal(b, &state)
	}
	if err == nil {
		err = s.restore(state)
	}
	if err != nil {
		return false, fmt.Errorf("plaidsim: load %s: %w", file, err)
	}
	return true, nil
}

func (s *Server) restore(state saved) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, spec := range state.Logins {
		s.addLogin(spec)
	}
	s.items, s.order, s.access = map[string]*Item{}, nil, map[string]*Item{}
	for _, kept := range state.Items {
		if err := s.load(kept); err != nil {
			return err
		}
	}
	for token, id := range state.Access {
		it := s.items[id]
		if it == nil {
			return fmt.Errorf("there is no Item %s: it was saved by a server of another seed", id)
		}
		s.access[token] = it
	}
	s.drawn, s.publics, s.links = state.Drawn, state.Publics, state.Links
	s.keys.load(state.Keys)
	return nil
}

func (k *keyring) save() []savedKey {
	k.mu.Lock()
	defer k.mu.Unlock()
	var out []savedKey
	for _, key := range k.keys {
		out = append(out, savedKey{key.created, key.expired})
	}
	return out
}

func (k *keyring) load(all []savedKey) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.keys = nil
	for _, kept := range all {
		k.rotate(kept.Created).expired = kept.Expired
	}
}
