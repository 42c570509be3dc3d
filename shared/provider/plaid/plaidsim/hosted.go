package plaidsim

import (
	_ "embed"
	"html/template"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

//go:embed hosted.html
var hostedHTML string

var hostedTemplate = template.Must(template.New("hosted").Parse(hostedHTML))

// hostedView is what the page shows.
type hostedView struct {
	Title, Asks string
	Fine        bool   // the page is what was asked for
	Over        string // why there is nothing to do here
	Problem     string // what to choose otherwise
	Mending     bool
	Logins      []loginView
}

type loginView struct {
	Key, Bank, User string
	Checked         bool
	Accounts        []accountView
}

type accountView struct {
	Value, Name, About string
	Choice, Checked    bool
}

// hostedPage shows the page behind a hosted_link_url; the session begins with it.
func (s *Server) hostedPage(w http.ResponseWriter, r *http.Request) {
	showHosted(w, s.opened(r.PathValue("token")))
}

func (s *Server) opened(token string) hostedView {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.cfg.Now()
	l, over := s.openLink(token, now)
	if over != "" {
		return nothing(over)
	}
	s.visit(l, now)
	v := s.view(l, "")
	v.Fine = true
	return v
}

func nothing(why string) hostedView { return hostedView{Title: "Nothing to do here", Over: why} }

// openLink finds a link token that a person can still go on with, or says why there is none.
func (s *Server) openLink(token string, now time.Time) (l *link, over string) {
	l = s.links[token]
	switch {
	case l == nil || l.Hosted == nil:
		return nil, "This address is not known."
	case !now.Before(l.Until) || !now.Before(l.Hosted.Until):
		return nil, "This page has expired. Go back to where you came from and begin again."
	case slices.ContainsFunc(l.Sessions, func(one *session) bool { return !one.Finished.IsZero() }):
		return nil, "This is done. You can close the window."
	case l.Update != "" && s.items[l.Update].removed:
		return nil, "The bank is not connected any more."
	}
	return l, ""
}

// visit gives the session that is under way; it begins one when there is none.
func (s *Server) visit(l *link, now time.Time) *session {
	if len(l.Sessions) > 0 {
		return l.Sessions[len(l.Sessions)-1]
	}
	r := s.random("session")
	one := &session{ID: r.uuid(), Started: now}
	l.Sessions = append(l.Sessions, one)
	return one
}

func showHosted(w http.ResponseWriter, v hostedView) {
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("X-Frame-Options", "DENY")
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cache-Control", "no-store")
	if !v.Fine {
		w.WriteHeader(http.StatusBadRequest)
	}
	_ = hostedTemplate.Execute(w, v) // the browser has gone: nobody to tell
}

// view is the page of a link token that is open.
func (s *Server) view(l *link, problem string) hostedView {
	if l.Update != "" {
		return s.updateView(l, problem)
	}
	v := hostedView{Title: "Connect a bank", Asks: l.describe(), Problem: problem}
	for _, login := range s.logins {
		if l.Institution != "" && login.spec.Institution != l.Institution || l.Want.suits(login) != nil {
			continue
		}
		one := loginView{Key: login.key(), Bank: login.spec.InstitutionName, User: login.spec.Username, Checked: len(v.Logins) == 0}
		for i, a := range login.spec.Accounts {
			one.Accounts = append(one.Accounts, accountView{Value: login.key() + "/" + strconv.Itoa(i), Name: a.Name, About: a.about(), Choice: true, Checked: true})
		}
		v.Logins = append(v.Logins, one)
	}
	return v
}

func (s *Server) updateView(l *link, problem string) hostedView {
	it := s.items[l.Update]
	v := hostedView{Title: "Sign in again", Asks: l.Name + " asks you to sign in at your bank again.", Problem: problem, Mending: true}
	one := loginView{Bank: it.login.spec.InstitutionName, User: it.login.spec.Username}
	for _, a := range it.accounts {
		if !a.gone && (l.Select || !a.offered) {
			one.Accounts = append(one.Accounts, accountView{Value: a.id, Name: a.spec.Name, About: a.spec.about(), Choice: l.Select, Checked: true})
		}
	}
	v.Logins = []loginView{one}
	return v
}

func (a AccountSpec) about() string {
	about := a.Subtype
	if a.Mask != "" {
		about += " ····" + a.Mask
	}
	return strings.TrimSpace(about)
}

// hostedAnswer takes what the person chose.
func (s *Server) hostedAnswer(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, 1<<20)
	if err := r.ParseForm(); err != nil {
		http.Error(w, "not a form", http.StatusBadRequest)
		return
	}
	c := choice{cancel: r.PostForm.Get("decision") != "continue", login: r.PostForm.Get("login"), accounts: r.PostForm["account"]}
	back, page := s.sent(r.PathValue("token"), func(hostedView) choice { return c })
	switch {
	case page.Over != "" || page.Problem != "":
		showHosted(w, page)
	case back == "":
		showHosted(w, hostedView{Title: "Done", Over: "You can close the window.", Fine: true})
	default:
		w.Header().Set("Referrer-Policy", "no-referrer")
		http.Redirect(w, r, back, http.StatusSeeOther)
	}
}

// sent carries out what a person decides who sees the page: it gives the address to go back to, or the
// page with what is wrong.
func (s *Server) sent(token string, decide func(hostedView) choice) (back string, page hostedView) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.cfg.Now()
	l, over := s.openLink(token, now)
	if over != "" {
		return "", nothing(over)
	}
	s.visit(l, now)
	if problem := s.decide(l, decide(s.view(l, "")), now); problem != "" {
		return "", s.view(l, problem)
	}
	return l.Hosted.Back, hostedView{}
}

// choice is what a person sent off.
type choice struct {
	cancel   bool
	login    string   // key; nothing in update mode
	accounts []string // values of the boxes
}

// decide carries a choice out, or says what to choose otherwise.
func (s *Server) decide(l *link, c choice, now time.Time) (problem string) {
	one := s.visit(l, now)
	if c.cancel {
		one.Finished = now
		s.tellLink(l.Want.Webhook, "SESSION_FINISHED", obj{"status": "EXITED", "link_session_id": one.ID, "link_token": l.Token, "public_tokens": []string{}})
		return ""
	}
	it, problem := s.agree(l, c, now)
	if problem != "" {
		return problem
	}
	one.Finished, one.Item, one.Public = now, it.id, s.givePublic(it, now)
	for _, a := range it.live() {
		one.Accounts = append(one.Accounts, a.id)
	}
	s.publics[one.Public].Again = l.Update != ""
	s.tellSession(l, one)
	return ""
}

func (s *Server) tellSession(l *link, one *session) {
	tokens := []string{one.Public}
	if l.Update == "" {
		s.tellLink(l.Want.Webhook, "ITEM_ADD_RESULT", obj{"link_session_id": one.ID, "link_token": l.Token, "public_token": one.Public})
	}
	s.tellLink(l.Want.Webhook, "SESSION_FINISHED", obj{"status": "SUCCESS", "link_session_id": one.ID, "link_token": l.Token,
		"public_token": one.Public, "public_tokens": tokens})
}

// agree makes the Item, or mends the one of update mode.
func (s *Server) agree(l *link, c choice, now time.Time) (it *Item, problem string) {
	if l.Update != "" {
		return s.items[l.Update], s.items[l.Update].signIn(l, c, now)
	}
	at := slices.IndexFunc(s.logins, func(login *Login) bool { return login.key() == c.login })
	if at < 0 || l.Want.suits(s.logins[at]) != nil {
		return nil, "Choose one of the bank logins."
	}
	chosen := []int{}
	for i := range s.logins[at].spec.Accounts {
		if slices.Contains(c.accounts, c.login+"/"+strconv.Itoa(i)) {
			chosen = append(chosen, i)
		}
	}
	if len(chosen) == 0 {
		return nil, "Choose at least one account of that login."
	}
	return s.link(s.logins[at], l.Want, chosen, now), ""
}

// signIn is what update mode does: the Item works again, its consent begins anew, and where accounts
// could be chosen it has those.
func (it *Item) signIn(l *link, c choice, now time.Time) (problem string) {
	if l.Select {
		if len(c.accounts) == 0 {
			return "Choose at least one account."
		}
		it.must(change{Do: "select accounts", Body: encode(c.accounts)})
		it.flush()
	}
	if it.stubborn {
		return ""
	}
	it.trouble = nil
	if !it.consent.IsZero() {
		it.consent = now.AddDate(0, 0, 180)
	}
	for _, p := range l.Want.Consented {
		if !slices.Contains(it.consented, p) {
			it.consented = append(it.consented, p)
		}
	}
	return ""
}
