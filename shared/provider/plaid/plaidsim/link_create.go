package plaidsim

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/countinghouse/countinghouse/shared/provider/chance"
)

// link is a link token with the sessions that were had with it.
type link struct {
	Token       string     `json:"token"`
	Name        string     `json:"name"`
	Language    string     `json:"language"`
	Countries   []string   `json:"countries"`
	Want        asked      `json:"want"`
	Redirect    string     `json:"redirect,omitempty"` // redirect_uri
	Institution string     `json:"institution,omitempty"`
	Update      string     `json:"update,omitempty"` // the Item of update mode
	Select      bool       `json:"select,omitempty"` // accounts may be chosen anew
	Hosted      *hosted    `json:"hosted,omitempty"`
	Created     time.Time  `json:"created"`
	Until       time.Time  `json:"until"`
	Sessions    []*session `json:"sessions,omitempty"`
}

// hosted is what the app said of Plaid's own page.
type hosted struct {
	Back  string    `json:"back,omitempty"` // completion_redirect_uri
	Until time.Time `json:"until"`
}

// session is one visit of a person.
type session struct {
	ID       string    `json:"id"`
	Started  time.Time `json:"started"`
	Finished time.Time `json:"finished,omitzero"`
	Item     string    `json:"item,omitempty"` // "": left without one
	Public   string    `json:"public,omitempty"`
	Accounts []string  `json:"accounts,omitempty"`
}

var languages = []string{"da", "nl", "en", "et", "fr", "de", "hi", "it", "lv", "lt", "no", "pl", "pt", "ro", "es", "sv", "vi"}

// linkFields are those of /link/token/create. What is free is known to Plaid and does nothing here.
func linkFields() fields {
	products := func() field { return list(text(knownProducts...)).orNull() }
	filter := func() field { return object(fields{"account_subtypes": list(text()).must()}) }
	in := fields{"client_name": text().must(), "language": text(languages...).must(), "country_codes": list(text(countries...)).must(),
		"products": products(), "required_if_supported_products": products(), "optional_products": products(), "additional_consented_products": products(),
		"webhook": text(), "access_token": text().orNull(), "redirect_uri": text(), "android_package_name": text(), "institution_id": text(),
		"user_id": text(), "user_token": text(), "link_customization_name": text(), "enable_multi_item_link": flag(),
		"user": object(fields{"client_user_id": text().must(), "legal_name": text(), "email_address": text(), "phone_number": text(),
			"name": free(), "phone_number_verified_time": free(), "email_address_verified_time": free(), "date_of_birth": free(), "address": free()}),
		"update": object(fields{"account_selection_enabled": flag(), "reauthorization_enabled": flag(), "user": flag(), "item_ids": list(text()).orNull()}),
		"hosted_link": object(fields{"delivery_method": text("sms", "email"), "completion_redirect_uri": text(),
			"url_lifetime_seconds": whole(1, 21*24*3600), "is_mobile_app": flag()}),
		"transactions": object(fields{"days_requested": whole(1, 730)}), "statements": object(fields{"start_date": day().must(), "end_date": day().must()}),
		"account_filters": object(fields{"depository": filter(), "credit": filter(), "loan": filter(), "investment": filter(), "other": filter()}),
	}
	for _, name := range []string{"access_tokens", "appearance_mode", "institution_data", "card_switch", "eu_config", "payment_configuration",
		"payment_initiation", "employment", "income_verification", "base_report", "credit_partner_insights", "cra_options",
		"consumer_report_permissible_purpose", "auth", "transfer", "identity_verification", "third_party_user_token", "investments",
		"investments_auth", "cashflow_report", "cra_enabled", "identity", "financekit_supported"} {
		in[name] = free()
	}
	return in
}

// linkCreate answers /link/token/create.
func (s *Server) linkCreate(q *query) (any, *refusal) {
	l := &link{Name: q.text("client_name"), Language: q.text("language"), Countries: q.texts("country_codes"), Redirect: q.text("redirect_uri"),
		Institution: q.text("institution_id"), Select: q.flag("update.account_selection_enabled"), Created: q.now, Until: q.now.Add(linkLife),
		Want: asked{Products: q.texts("products"), IfSupported: q.texts("required_if_supported_products"), Optional: q.texts("optional_products"),
			Consented: q.texts("additional_consented_products"), Webhook: q.text("webhook"), Days: q.whole("transactions.days_requested", 0)}}
	for _, check := range []func(*query, *link) *refusal{s.checkPerson, s.checkAddresses, checkProducts, checkStatements, s.checkUpdate, s.checkHosted} {
		if refused := check(q, l); refused != nil {
			return nil, refused
		}
	}
	r := s.random("link")
	l.Token = "link-" + environment + "-" + r.uuid()
	s.links[l.Token] = l
	out := obj{"link_token": l.Token, "expiration": l.Until.UTC().Truncate(time.Second)}
	if l.Hosted != nil {
		out["hosted_link_url"] = base(q.r) + "/hosted/" + l.Token
	}
	return out, nil
}

func base(r *http.Request) string {
	if r.TLS != nil {
		return "https://" + r.Host
	}
	return "http://" + r.Host
}

func (s *Server) checkPerson(q *query, l *link) *refusal {
	switch {
	case len([]rune(l.Name)) > 30:
		return badField("client_name must be at most 30 characters long")
	case !q.has("user") && !q.has("user_id"):
		return badRequest("MISSING_FIELDS", "the following required fields are missing: user")
	case l.Institution != "" && !s.knows(l.Institution):
		return failure("INVALID_INSTITUTION")
	}
	return nil
}

func (s *Server) knows(institution string) bool {
	return institutionNames[institution] != "" || slices.ContainsFunc(s.logins, func(l *Login) bool { return l.spec.Institution == institution })
}

func (s *Server) checkAddresses(q *query, l *link) *refusal {
	u, err := url.Parse(l.Redirect)
	switch {
	case l.Want.Webhook != "" && !isURL(l.Want.Webhook):
		return badField("webhook must be a valid URL")
	case l.Redirect == "":
		return nil
	case q.has("android_package_name"):
		return badField("redirect_uri and android_package_name cannot be used together")
	case err != nil || u.RawQuery != "" || u.Fragment != "":
		return badField("redirect_uri must not contain a query string")
	case !s.cfg.RedirectTo(l.Redirect):
		return badField("OAuth redirect URI must be configured in the developer dashboard. See https://plaid.com/docs/#oauth-redirect-uris")
	}
	return nil
}

// checkProducts: a product stands in one list only, and not in any; without update mode there is one to begin with.
func checkProducts(q *query, l *link) *refusal {
	for list, shown := range linkProducts {
		for _, p := range q.texts(list) {
			if !slices.Contains(shown, p) {
				r := failure("INVALID_PRODUCTS")
				r.Message = p + " cannot be asked for in " + list
				return r
			}
		}
	}
	seen := map[string]bool{}
	for _, p := range slices.Concat(l.Want.Products, l.Want.IfSupported, l.Want.Optional, l.Want.Consented) {
		if seen[p] {
			r := failure("INVALID_PRODUCTS")
			r.Message = "the lists of products must not overlap: " + p
			return r
		}
		seen[p] = true
	}
	if q.has("access_token") || len(l.Want.Products) > 0 {
		return nil
	}
	return badRequest("MISSING_FIELDS", "the following required fields are missing: products")
}

// checkStatements: their span has to be said, at most two years back.
func checkStatements(q *query, l *link) *refusal {
	wanted := slices.Contains(slices.Concat(l.Want.Products, l.Want.IfSupported, l.Want.Optional, l.Want.Consented), "statements")
	from, to := q.text("statements.start_date"), q.text("statements.end_date")
	switch {
	case wanted && from == "":
		return badRequest("MISSING_FIELDS", "the following required fields are missing: statements")
	case !wanted && from != "":
		return badField("statements may only be set when statements is among the products")
	case from > to:
		return badField("statements.start_date must not be after statements.end_date")
	case from != "" && from < q.now.UTC().AddDate(-2, 0, 0).Format(time.DateOnly):
		return badField("statements.start_date must be at most two years back")
	}
	return nil
}

// checkUpdate: update mode is for an Item that can be mended, and asks for no products.
func (s *Server) checkUpdate(q *query, l *link) *refusal {
	if !q.has("access_token") {
		if q.has("update") {
			return badField("update may only be set in update mode: with access_token")
		}
		return nil
	}
	it, refused := s.itemOf(q.text("access_token"))
	if refused != nil {
		return refused
	}
	if asks := slices.Concat(l.Want.Products, l.Want.IfSupported, l.Want.Optional); len(asks) > 0 {
		return badField("products must be left out in update mode: " + strings.Join(asks, ", "))
	}
	if it.trouble != nil && it.trouble.Code == "USER_PERMISSION_REVOKED" {
		return failure("USER_PERMISSION_REVOKED")
	}
	l.Update, l.Until = it.id, q.now.Add(updateLife)
	return nil
}

func (s *Server) checkHosted(q *query, l *link) *refusal {
	if !q.has("hosted_link") {
		return nil
	}
	l.Hosted = &hosted{Back: q.text("hosted_link.completion_redirect_uri")}
	life := 30 * time.Minute
	switch q.text("hosted_link.delivery_method") {
	case "sms":
		life = 24 * time.Hour
		if !q.has("user.phone_number") {
			return badField("user.phone_number is required to deliver by sms")
		}
	case "email":
		life = 7 * 24 * time.Hour
		if !q.has("user.email_address") {
			return badField("user.email_address is required to deliver by email")
		}
	}
	l.Hosted.Until = q.now.Add(time.Duration(q.whole("hosted_link.url_lifetime_seconds", int(life/time.Second))) * time.Second)
	if back := l.Hosted.Back; back != "" && (!isURL(back) || !s.cfg.RedirectTo(back)) {
		return badField("completion_redirect_uri must be configured in the developer dashboard")
	}
	return nil
}

// linkGet answers /link/token/get with the sessions of the last hours.
func (s *Server) linkGet(q *query) (any, *refusal) {
	l := s.links[q.text("link_token")]
	if l == nil {
		return nil, failure("INVALID_LINK_TOKEN")
	}
	sessions := []obj{}
	for i := len(l.Sessions) - 1; i >= 0; i-- { // the newest first
		if one := l.Sessions[i]; one.Finished.IsZero() || q.now.Sub(one.Finished) < sessionFor {
			sessions = append(sessions, s.printSession(one))
		}
	}
	products := []string{}
	out := obj{"link_token": l.Token, "created_at": l.Created.UTC().Truncate(time.Second), "expiration": l.Until.UTC().Truncate(time.Second),
		"metadata": obj{"initial_products": append(products, l.Want.Products...), "webhook": orNull(l.Want.Webhook), "country_codes": l.Countries,
			"language": l.Language, "redirect_uri": orNull(l.Redirect), "client_name": l.Name}}
	if len(sessions) > 0 {
		out["link_sessions"] = sessions
	}
	return out, nil
}

func (s *Server) printSession(one *session) obj {
	out := obj{"link_session_id": one.ID, "started_at": one.Started, "finished_at": instant(one.Finished), "events": s.printEvents(one)}
	if one.Finished.IsZero() {
		return out
	}
	adds := []obj{}
	if it := s.items[one.Item]; it != nil {
		bank := obj{"institution_id": it.login.spec.Institution, "name": it.login.spec.InstitutionName}
		accounts := it.printLinked(one.Accounts)
		out["on_success"] = obj{"public_token": one.Public, "metadata": obj{"accounts": accounts, "institution": bank,
			"link_session_id": one.ID, "transfer_status": nil}}
		if !s.publics[one.Public].Again {
			adds = append(adds, obj{"public_token": one.Public, "accounts": accounts, "institution": bank})
		}
	} else {
		out["exit"] = obj{"error": nil, "metadata": obj{"institution": nil, "status": "requires_credentials", "link_session_id": one.ID,
			"request_id": s.requestID()}}
	}
	out["results"] = obj{"item_add_results": adds, "cra_item_add_results": []obj{}, "cra_update_results": []obj{}, "bank_income_results": []obj{},
		"payroll_income_results": []obj{}, "document_income_results": nil}
	return out
}

// printEvents tells what the person did, the newest first.
func (s *Server) printEvents(one *session) []obj {
	out := []obj{s.printEvent(one, "OPEN", one.Started)}
	switch {
	case one.Item != "":
		out = append([]obj{s.printEvent(one, "HANDOFF", one.Finished)}, out...)
	case !one.Finished.IsZero():
		out = append([]obj{s.printEvent(one, "EXIT", one.Finished)}, out...)
	}
	return out
}

func (s *Server) printEvent(one *session, name string, at time.Time) obj {
	r := draw(chance.Seed(s.cfg.Seed, one.ID), len(name))
	return obj{"event_id": r.uuid(), "event_name": name, "timestamp": at.UTC().Format(time.RFC3339), "event_metadata": obj{"request_id": r.pick(15)}}
}

// printLinked gives the accounts as Link tells of them.
func (it *Item) printLinked(ids []string) []obj {
	out := []obj{}
	for _, a := range it.accounts {
		if slices.Contains(ids, a.id) {
			out = append(out, obj{"id": a.id, "name": a.spec.Name, "mask": orNull(a.spec.Mask), "type": a.spec.Type, "subtype": orNull(a.spec.Subtype),
				"class_type": nil, "verification_status": nil})
		}
	}
	return out
}

// describe says in words what the person is asked for.
func (l *link) describe() string {
	all := slices.Concat(l.Want.Products, l.Want.IfSupported, l.Want.Optional, l.Want.Consented)
	for i, p := range all {
		all[i] = strings.ReplaceAll(p, "_", " ")
	}
	return fmt.Sprintf("%s asks for: accounts and balances, %s.", l.Name, strings.Join(all, ", "))
}
