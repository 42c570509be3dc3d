package plaidsim

import (
	"io"
	"net/http"
	"strconv"
	"strings"

	"github.com/countinghouse/countinghouse/shared/provider/chance"
)

// handler answers a well-formed request with the lock held: an obj to be printed with the request_id
// added, or a file.
type handler func(q *query) (any, *refusal)

type route struct {
	in      fields
	answer  handler
	atBank  bool // refused while the Item needs a new login or its bank is out of order
	product string
}

// handle registers an endpoint. Every request may carry client_id and secret; one with a field
// access_token finds its Item.
func (s *Server) handle(path string, in fields, answer handler) {
	s.register(path, route{in: in, answer: answer})
}

// handleProduct registers an endpoint that reads a product of an Item: it is refused while the Item
// does not work, refused when the Item cannot have the product, and begins its billing when it is
// called for the first time. In product "" nothing is billed.
func (s *Server) handleProduct(path, product string, in fields, answer handler) {
	s.register(path, route{in: tokenAnd(in), answer: answer, atBank: true, product: product})
}

func (s *Server) register(path string, r route) {
	r.in["client_id"], r.in["secret"] = text(), text()
	s.routes[path] = r
}

const maxBody = 1 << 20

// api answers one call.
func (s *Server) api(w http.ResponseWriter, r *http.Request) {
	s.runHooks(r)
	fault := s.faults.take(r.URL.Path)
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		http.Error(w, "the body is too large", http.StatusRequestEntityTooLarge)
		return
	}
	if s.failBefore(w, r, fault) {
		return
	}
	buf := s.buffers.Get().(*[]byte)
	defer s.buffers.Put(buf)
	var status int
	status, *buf = s.answer((*buf)[:0], w.Header(), r, body)
	send(w, status, s.spoil(fault, *buf))
}

// answer computes a call and prints it.
func (s *Server) answer(b []byte, h http.Header, r *http.Request, body []byte) (status int, printed []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	q := &query{s: s, r: r, now: s.cfg.Now()}
	v, refused := s.call(q, body)
	s.stats.count(q, refused)
	if f, ok := v.(file); ok && refused == nil {
		h.Set("Content-Type", f.ContentType)
		for name, value := range f.Header {
			h.Set(name, value)
		}
		return http.StatusOK, append(b, f.Body...)
	}
	return s.print(b, h, v, refused)
}

func (s *Server) print(b []byte, h http.Header, v any, refused *refusal) (status int, printed []byte) {
	h.Set("Content-Type", "application/json; charset=utf-8")
	h.Set("Plaid-Version", version)
	var out obj
	status = http.StatusOK
	if refused != nil {
		out, status = refused.body(), refused.Status
	} else {
		out = v.(obj)
	}
	out["request_id"] = s.requestID()
	return status, appendValue(b, out, 0)
}

func send(w http.ResponseWriter, status int, body []byte) {
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	w.Write(body)
}

// call checks a request and hands it to its endpoint.
func (s *Server) call(q *query, raw []byte) (any, *refusal) {
	to, ok := s.routes[q.r.URL.Path]
	if !ok || q.r.Method != http.MethodPost {
		return nil, failure("NOT_FOUND")
	}
	if refused := checkHeaders(q.r.Header); refused != nil {
		return nil, refused
	}
	body, err := parse(raw)
	if err != nil {
		return nil, failure("INVALID_BODY")
	}
	in, ok := body.(map[string]any)
	if !ok {
		return nil, failure("INVALID_BODY")
	}
	q.body = in
	if refused := s.checkKeys(q); refused != nil {
		return nil, refused
	}
	if refused := to.in.check(in); refused != nil {
		return nil, refused
	}
	if refused := s.admit(q, to); refused != nil {
		return nil, refused
	}
	return to.answer(q)
}

func checkHeaders(h http.Header) *refusal {
	if !strings.HasPrefix(strings.ToLower(h.Get("Content-Type")), "application/json") {
		return badRequest("INVALID_HEADERS", "Content-Type header must be application/json")
	}
	if v := h.Get("Plaid-Version"); v != "" && v != version {
		return badRequest("INVALID_HEADERS", "Plaid-Version header is not one that is known")
	}
	return nil
}

// checkKeys: the credentials stand in the headers or in the body.
func (s *Server) checkKeys(q *query) *refusal {
	id, secret := q.r.Header.Get("PLAID-CLIENT-ID"), q.r.Header.Get("PLAID-SECRET")
	if id == "" {
		id = q.text("client_id")
	}
	if secret == "" {
		secret = q.text("secret")
	}
	var missing []string
	if id == "" {
		missing = append(missing, "client_id")
	}
	if secret == "" {
		missing = append(missing, "secret")
	}
	if missing != nil {
		return badRequest("MISSING_FIELDS", "the following required fields are missing: "+strings.Join(missing, ", "))
	}
	if id != s.cfg.ClientID || secret != s.cfg.Secret {
		return failure("INVALID_API_KEYS")
	}
	return nil
}

// admit finds the Item of a call and sees whether it may be made: limits, the Item's state, its products.
func (s *Server) admit(q *query, to route) *refusal {
	if token, ok := q.body["access_token"].(string); ok && to.in["access_token"].required {
		item, refused := s.itemOf(token)
		if refused != nil {
			return refused
		}
		q.item = item
	}
	if !s.cfg.NoLimits {
		if refused := s.limits.enter(q); refused != nil {
			return refused
		}
	}
	if q.item == nil || !to.atBank {
		return nil
	}
	if refused := q.item.stands(); refused != nil {
		return refused
	}
	if to.product == "" {
		return nil
	}
	if days := q.whole("options.days_requested", 0); days > 0 && !q.item.has("transactions") {
		q.item.days = max(30, days)
	}
	return q.item.use(to.product)
}

// itemOf finds the Item of an access token.
func (s *Server) itemOf(token string) (*Item, *refusal) {
	parts := strings.SplitN(token, "-", 3)
	switch {
	case len(parts) != 3 || parts[0] != "access":
		r := failure("INVALID_ACCESS_TOKEN")
		r.Message = "provided access token is in an invalid format. expected format: access-<environment>-<identifier>"
		return nil, r
	case parts[1] != environment:
		r := failure("INVALID_ACCESS_TOKEN")
		r.Message = "provided access token is for the wrong Plaid environment. expected \"" + environment + "\", got \"" + parts[1] + "\""
		return nil, r
	}
	item := s.access[token]
	switch {
	case item == nil:
		return nil, failure("INVALID_ACCESS_TOKEN")
	case item.removed:
		return nil, failure("ITEM_NOT_FOUND")
	case item.token != token: // another one took its place
		return nil, failure("INVALID_ACCESS_TOKEN")
	}
	return item, nil
}

// requestID names an answer.
func (s *Server) requestID() string {
	r := s.random("request")
	return r.pick(15)
}

// random starts a sequence that no other call gets.
func (s *Server) random(what string) random {
	s.drawn++
	return draw(chance.Seed(s.cfg.Seed, what), int(s.drawn))
}
