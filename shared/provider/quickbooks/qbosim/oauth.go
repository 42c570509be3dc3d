package qbosim

import (
	"crypto/subtle"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
)

// basicAuth: the app authenticates by Basic only, as Intuit's documents tell it to.
func (s *Server) basicAuth(r *http.Request) bool {
	id, password, ok := r.BasicAuth()
	same := subtle.ConstantTimeCompare([]byte(id), []byte(s.cfg.ClientID)) &
		subtle.ConstantTimeCompare([]byte(password), []byte(s.cfg.ClientSecret))
	return ok && same == 1
}

func (w *answerWriter) oauthError(status int, code, description string) {
	w.fault = true
	o := (&object{}).set("error", code)
	if description != "" {
		o.set("error_description", description)
	}
	w.json(status, o.append(nil))
}

// tokenEndpoint answers POST /oauth2/v1/tokens/bearer.
func (s *Server) tokenEndpoint(rw http.ResponseWriter, r *http.Request) {
	w := &answerWriter{ResponseWriter: rw}
	w.tid()
	form := s.tokenForm(r)
	token := form.Get("refresh_token") + form.Get("code")
	realm := s.grants.owner(token)
	g, concurrent := s.grants.begin(form.Get("refresh_token"))
	defer s.grants.end(g)
	defer s.countToken(w, realm, Token)
	if concurrent {
		s.stats.add(realm, func(st *Stats) { st.ConcurrentRefreshes++ })
	}
	f := s.faults.take(Token, realm, nil)
	if f != nil && f.Kind == InvalidGrant && s.cfg.OmitErrorDescription {
		f.wait(r)
		w.oauthError(http.StatusBadRequest, "invalid_grant", "")
		return
	}
	f.serve(w, r, s.cfg.Now(), func() { s.answerToken(w, r, form, realm) })
}

// countToken enters a call to the token or the revoke endpoint. OAuth is neither metered nor limited.
func (s *Server) countToken(w *answerWriter, realm string, kind Endpoint) {
	s.stats.add(realm, func(st *Stats) {
		*st.byKind(kind)++
		if w.failed() {
			st.Errors++
		}
	})
}

// tokenForm reads the form body; nil when it is not one.
func (s *Server) tokenForm(r *http.Request) url.Values {
	body, err := io.ReadAll(io.LimitReader(r.Body, 64<<10))
	if err != nil || !strings.HasPrefix(r.Header.Get("Content-Type"), "application/x-www-form-urlencoded") {
		return nil
	}
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return nil
	}
	return form
}

func (s *Server) answerToken(w *answerWriter, r *http.Request, form url.Values, realm string) {
	if !s.basicAuth(r) {
		w.oauthError(http.StatusUnauthorized, "invalid_client", "")
		return
	}
	switch form.Get("grant_type") {
	case "authorization_code":
		g, access, ok := s.grants.exchange(form.Get("code"), form.Get("redirect_uri"))
		if !ok {
			s.invalidGrant(w, "Invalid authorization code")
			return
		}
		s.writeTokens(w, r, g, access)
	case "refresh_token":
		g, access, rotated, ok := s.grants.renew(form.Get("refresh_token"))
		if !ok {
			s.invalidGrant(w, "Incorrect or invalid refresh token")
			return
		}
		s.stats.add(realm, func(st *Stats) {
			st.Refreshes++
			if rotated {
				st.Rotations++
			}
		})
		s.writeTokens(w, r, g, access)
	case "":
		w.oauthError(http.StatusBadRequest, "invalid_request", "")
	default:
		w.oauthError(http.StatusBadRequest, "unsupported_grant_type", "")
	}
}

func (s *Server) invalidGrant(w *answerWriter, description string) {
	if s.cfg.OmitErrorDescription {
		description = ""
	}
	w.oauthError(http.StatusBadRequest, "invalid_grant", description)
}

func (s *Server) writeTokens(w *answerWriter, r *http.Request, g *grant, access string) {
	s.grants.mu.Lock()
	refresh, given := g.refresh, g.given
	s.grants.mu.Unlock()
	answer := map[string]any{
		"token_type": "bearer", "access_token": access, "refresh_token": refresh,
		"expires_in": int(s.cfg.AccessTTL.Seconds()), "x_refresh_token_expires_in": int(refreshTTL.Seconds()),
	}
	if r.Header.Get("x-include-refresh-token-hard-expires-in") == "true" {
		answer["x_refresh_token_hard_expires_in"] = int((refreshHard - s.cfg.Now().Sub(given)).Seconds())
	}
	body, _ := json.Marshal(answer) // strings and numbers always marshal
	w.Header().Set("Cache-Control", "no-cache, no-store")
	w.json(http.StatusOK, body)
}

// revokeEndpoint answers POST /v2/oauth2/tokens/revoke: ending either token ends the grant.
func (s *Server) revokeEndpoint(rw http.ResponseWriter, r *http.Request) {
	w := &answerWriter{ResponseWriter: rw}
	w.tid()
	var body struct {
		Token string `json:"token"`
	}
	raw, _ := io.ReadAll(io.LimitReader(r.Body, 64<<10))
	broken := json.Unmarshal(raw, &body) != nil || body.Token == "" ||
		!strings.HasPrefix(r.Header.Get("Content-Type"), "application/json")
	realm := s.grants.owner(body.Token)
	defer s.countToken(w, realm, Revoke)
	s.faults.take(Revoke, realm, nil).serve(w, r, s.cfg.Now(), func() {
		switch {
		case !s.basicAuth(r):
			w.oauthError(http.StatusUnauthorized, "invalid_client", "")
		case broken:
			w.oauthError(http.StatusBadRequest, "invalid_request", "")
		case !s.grants.revokeToken(body.Token): // Intuit says no more than that
			w.fault = true
			w.WriteHeader(http.StatusBadRequest)
		default:
			w.WriteHeader(http.StatusOK)
		}
	})
}
