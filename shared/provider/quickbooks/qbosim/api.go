package qbosim

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// call is one request to the API of a company.
type call struct {
	s       *Server
	c       *Company
	w       *answerWriter
	r       *http.Request
	started time.Time // the envelope's time
	kind    Endpoint
	rest    []string   // the path behind the realm
	body    []byte     // of a POST
	st      *statement // of a query
	bad     error      // why the query could not be read
	fault   *activeFault
}

const maxBody = 4 << 20

// api answers everything under /v3/company/{realm}.
func (s *Server) api(w http.ResponseWriter, r *http.Request) {
	realm := r.PathValue("realm")
	k := &call{s: s, w: &answerWriter{ResponseWriter: w}, r: r, started: s.cfg.Now(), rest: strings.Split(r.PathValue("rest"), "/")}
	defer k.count(realm)
	k.w.tid()
	token, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	owner, ok := s.grants.access(token)
	if !ok {
		k.w.unauthorized(k.started)
		return
	}
	k.c = s.Company(realm)
	if owner != realm || k.c == nil {
		k.w.xmlFault(http.StatusForbidden, notEntitled, k.started)
		return
	}
	if s.overQuota(k.started) {
		k.w.overQuota = true
		k.w.xmlFault(http.StatusTooManyRequests, throttleExceeded, k.started)
		return
	}
	if !s.cfg.NoLimits {
		if !s.limits.enter(realm, k.started) {
			k.w.throttled = true
			k.w.xmlFault(http.StatusTooManyRequests, throttleExceeded, k.started)
			return
		}
		defer s.limits.leave(realm)
	}
	if r.Body != nil {
		k.body, _ = io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	}
	k.classify()
	k.fault = s.faults.take(k.kind, realm, k.entities())
	k.fault.serve(k.w, r, k.started, k.answer)
}

// classify finds out what is asked for, so that faults and figures know it before it is answered.
func (k *call) classify() {
	switch {
	case len(k.rest) == 1 && k.rest[0] == "query":
		k.kind = Query
		k.st, k.bad = parseStatement(k.statementText())
		if k.st != nil && k.st.counting {
			k.kind = Count
		}
	case len(k.rest) == 1 && k.rest[0] == "cdc":
		k.kind = CDC
	case k.r.Method == http.MethodPost:
		k.kind = Write
	default:
		k.kind = Read
	}
}

// statementText: a GET has it in the URL, a POST in its body or, body empty, in the URL too.
func (k *call) statementText() string {
	if k.r.Method == http.MethodPost && len(k.body) > 0 {
		return string(k.body)
	}
	return k.r.URL.Query().Get("query")
}

// entities are the types that the call is about.
func (k *call) entities() []string {
	switch {
	case k.st != nil:
		if def := entityOfStatement(k.st.entity); def != nil {
			return []string{def.name}
		}
		return []string{k.st.entity}
	case k.kind == CDC:
		return strings.Split(k.r.URL.Query().Get("entities"), ",")
	}
	if def := entityOfPath(k.rest[0]); def != nil {
		return []string{def.name}
	}
	return nil
}

func (k *call) answer() {
	k.s.runHooks(k.r)
	if err := k.admit(); err != nil {
		k.refuse(err)
		return
	}
	var err error
	switch k.kind {
	case Query, Count:
		err = k.answerQuery()
	case CDC:
		err = k.answerChanges()
	case Write:
		err = k.answerWrite()
	default:
		err = k.answerRead()
	}
	if err != nil {
		k.refuse(err)
	}
}

const maxRequestID = 50 // characters

// admit refuses what no endpoint takes: another method than its own, an answer in XML, a requestid
// that is too long.
func (k *call) admit() error {
	methods := []string{http.MethodGet, http.MethodPost}
	if k.kind == CDC {
		methods = methods[:1]
	}
	request := k.r.URL.Query().Get("requestid")
	switch n := utf8.RuneCountInString(request); {
	case !slices.Contains(methods, k.r.Method):
		k.w.Header().Set("Allow", strings.Join(methods, ", "))
		return notAllowed(k.r.Method, k.r.URL.Path)
	case !acceptsJSON(k.r):
		return invalid("100", "General request error", "This simulator answers JSON only: send the header Accept: application/json")
	case n > maxRequestID:
		return tooLong("requestid", n, maxRequestID)
	}
	return nil
}

func (k *call) refuse(err error) {
	var refusal *Refusal
	if !errors.As(err, &refusal) {
		refusal = invalid("2010", "Request has invalid or unsupported property", err.Error())
	}
	if acceptsJSON(k.r) {
		k.w.jsonFault(refusal, k.started)
	} else {
		k.w.xmlFault(refusal.Status, refusal, k.started)
	}
}

func (k *call) answerQuery() error {
	if k.r.Method == http.MethodPost && len(k.body) > 0 {
		if kind := k.r.Header.Get("Content-Type"); !strings.HasPrefix(kind, "application/text") {
			return invalid("100", "General request error", "A statement in a body needs Content-Type: application/text, not "+kind)
		}
	}
	if k.bad != nil {
		return k.bad
	}
	k.c.mu.RLock()
	p, err := k.c.query(k.st)
	k.c.mu.RUnlock()
	if err != nil {
		return err
	}
	out := newStream(k.w, k.c)
	defer out.close()
	out.text(`{"QueryResponse":{`)
	switch {
	case k.st.counting:
		out.text(fmt.Sprintf(`"totalCount":%d`, p.total))
	case len(p.rows) > 0:
		out.array(p.t, p.rows, nil)
		out.text(fmt.Sprintf(`,"startPosition":%d,"maxResults":%d`, k.st.start, len(p.rows)))
		if p.t.def.totalCount {
			out.text(fmt.Sprintf(`,"totalCount":%d`, p.total))
		}
	}
	out.text(`},"time":"` + k.stamp() + `"}`)
	return nil
}

func (k *call) answerChanges() error {
	params := k.r.URL.Query()
	all, err := k.c.changes(params.Get("entities"), params.Get("changedSince"))
	if err != nil {
		return err
	}
	if k.fault != nil && k.fault.Kind == FalseTombstone {
		falsify(all, k.fault.Entity)
	}
	out := newStream(k.w, k.c)
	defer out.close()
	out.text(`{"CDCResponse":[{"QueryResponse":[`)
	for i, ch := range all {
		if i > 0 {
			out.text(`,`)
		}
		out.text(`{`)
		out.array(ch.t, ch.rows, ch.gone)
		n := len(ch.rows) + len(ch.gone)
		out.text(fmt.Sprintf(`,"startPosition":1,"maxResults":%d`, n))
		if ch.t.def.totalCount {
			out.text(fmt.Sprintf(`,"totalCount":%d`, n))
		}
		out.text(`}`)
	}
	if len(all) == 0 {
		out.text(`{}`) // nothing changed: one empty object, not an empty array
	}
	out.text(`]}],"time":"` + k.stamp() + `"}`)
	return nil
}

func (k *call) stamp() string { return k.started.In(pacific).Format(envelopeLayout) }

// answerRead reads one object by id. CompanyInfo goes by the realm, Preferences by nothing, an exchange
// rate by its currency and day.
func (k *call) answerRead() error {
	def := entityOfPath(k.rest[0])
	if def == nil {
		return unsupported("Could not find resource for relative : " + k.r.URL.Path)
	}
	id, err := k.wanted(def)
	if err != nil {
		return err
	}
	k.c.mu.RLock()
	o, ok := k.c.load(k.c.look(def.name), id)
	k.c.mu.RUnlock()
	if !ok {
		return notFound(def.name, id)
	}
	k.object(def.jsonKey(), def.single(o))
	return nil
}

// wanted gives the id that a read is about.
func (k *call) wanted(def *entity) (string, error) {
	params := k.r.URL.Query()
	switch {
	case def == exchangeRateEntity && len(k.rest) == 1:
		return rateID(params.Get("sourcecurrencycode"), homeCurrency, params.Get("asofdate")), nil
	case def == preferencesEntity && len(k.rest) == 1:
		return theOnlyID, nil
	case len(k.rest) != 2 || def.identify != nil || def == preferencesEntity:
		return "", unsupported("Could not find resource for relative : " + k.r.URL.Path)
	case def == companyInfoEntity && k.rest[1] != k.c.spec.Realm:
		return "", notFound(def.name, k.rest[1])
	case def == companyInfoEntity:
		return theOnlyID, nil
	case !def.possible(k.rest[1]):
		return "", badID(k.rest[1])
	}
	return k.rest[1], nil
}

// object answers {"Entity":{…},"time":…}.
func (k *call) object(key string, raw []byte) []byte {
	b := append([]byte(`{"`+key+`":`), raw...)
	b = append(b, `,"time":"`+k.stamp()+`"}`...)
	k.w.json(http.StatusOK, b)
	return b
}
