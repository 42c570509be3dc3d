package plaidsim

import (
	"cmp"
	"slices"
	"time"

	"github.com/countinghouse/countinghouse/shared/provider/chance"
)

const (
	linkLife   = 4 * time.Hour
	updateLife = 30 * time.Minute
	publicLife = 30 * time.Minute
	sessionFor = 6 * time.Hour // how long /link/token/get tells of a session that ended
)

// asked is what an app wants of an Item.
type asked struct {
	Products    []string `json:"products,omitempty"`
	IfSupported []string `json:"if_supported,omitempty"`
	Optional    []string `json:"optional,omitempty"`
	Consented   []string `json:"consented,omitempty"`
	Webhook     string   `json:"webhook,omitempty"`
	Days        int      `json:"days,omitempty"` // of transactions; 0: 90
}

// suits: a bank that lacks one of the products cannot be linked for them.
func (a asked) suits(l *Login) *refusal {
	for _, p := range a.Products {
		if p != "balance" && !slices.Contains(l.spec.Products, p) {
			return failure("PRODUCTS_NOT_SUPPORTED")
		}
	}
	return nil
}

// days: a month at least, and three unless more are asked for.
func (a asked) days() int { return max(30, cmp.Or(a.Days, 90)) }

// publicToken is what Link gives out for an Item; it is exchanged once.
type publicToken struct {
	Item  string    `json:"item"`
	Until time.Time `json:"until"`
	Used  bool      `json:"used"`
	Again bool      `json:"again"` // of update mode: nothing needs to be exchanged
}

// Link makes an Item as /sandbox/public_token/create does, with the longest history that can be asked
// for, and gives its public token.
func (s *Server) Link(login *Login, products []string, webhook string) (public string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.cfg.Now()
	return s.givePublic(s.link(login, asked{Products: products, Webhook: webhook, Days: 730}, nil, now), now)
}

// link makes an Item of a login. chosen are numbers of its accounts; nil: all.
func (s *Server) link(l *Login, want asked, chosen []int, now time.Time) *Item {
	it := s.newItem(l, len(s.order)+1, chosen, now)
	it.webhook = want.Webhook
	it.days = want.days()
	for _, list := range [][]string{want.Products, want.IfSupported, want.Optional} {
		for _, p := range list {
			if slices.Contains(l.spec.Products, p) && !it.has(p) {
				it.bill(p)
			}
		}
	}
	for _, p := range want.Consented {
		if !slices.Contains(it.consented, p) {
			it.consented = append(it.consented, p)
		}
	}
	return it
}

// newItem makes the nth Item that was linked: its ids follow from that.
func (s *Server) newItem(l *Login, n int, chosen []int, made time.Time) *Item {
	it := &Item{s: s, login: l, n: n, made: made, chosen: chosen, seed: draw64(chance.Seed(s.cfg.Seed, "item"), n)}
	it.id = id(chance.Seed(it.seed, "item id"), 0)
	for i, spec := range l.spec.Accounts {
		in := chosen == nil || slices.Contains(chosen, i)
		it.accounts = append(it.accounts, &account{id: id(chance.Seed(it.seed, "account"), i), spec: spec, n: i, offered: !in})
	}
	it.past = l.history(made)
	it.makeLedger()
	it.makeProducts()
	s.items[it.id] = it
	s.order = append(s.order, it)
	return it
}

func draw64(seed uint64, i int) uint64 {
	r := draw(seed, i)
	return r.Next()
}

func (s *Server) givePublic(it *Item, now time.Time) string {
	r := s.random("public")
	token := "public-" + environment + "-" + r.uuid()
	s.publics[token] = &publicToken{Item: it.id, Until: now.Add(publicLife)}
	return token
}

// exchange answers /item/public_token/exchange.
func (s *Server) exchange(q *query) (any, *refusal) {
	p := s.publics[q.text("public_token")]
	if p == nil || p.Used || !q.now.Before(p.Until) {
		return nil, failure("INVALID_PUBLIC_TOKEN")
	}
	it := s.items[p.Item]
	if it.removed {
		return nil, failure("ITEM_NOT_FOUND")
	}
	p.Used = true
	if !it.exchanged {
		s.giveToken(it)
		it.exchanged = true
	}
	q.item = it // for the figures
	return obj{"access_token": it.token, "item_id": it.id}, nil
}
