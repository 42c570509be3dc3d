package store_test

import (
	"regexp"
	"slices"
	"strings"
)

// contractions says what in a migration running code may not survive. It knows what does no harm, and
// complains of everything else: of what it cannot read, too.
func contractions(sql string) (complaints []string) {
	sql, _, _ = strings.Cut(sql, "-- +goose Down")
	m := migration{made: map[string]bool{}}
	for _, s := range statements(sql) {
		if !s.contract || s.escaped {
			complaints = append(complaints, m.complaints(s)...)
		}
		if c := creates.FindStringSubmatch(s.text); c != nil {
			m.made[plain(c[1])] = true
		}
	}
	return complaints
}

// migration is what is known of one while it is read.
type migration struct {
	made map[string]bool // tables that it has made itself: nobody uses them yet
}

const (
	ident = `(?:"(?:[^"]|"")+"|\w+)`
	named = `(` + ident + `(?:\.` + ident + `)?)`
)

var (
	creates = regexp.MustCompile(`(?i)^CREATE (?:UNLOGGED )?TABLE ` + named + ` ?\(`) // IF NOT EXISTS may have made none
	alters  = regexp.MustCompile(`(?i)^ALTER TABLE (?:IF EXISTS )?(?:ONLY )?` + named + ` (.+)$`)
	unique  = regexp.MustCompile(`(?i)^CREATE UNIQUE INDEX .*?\bON (?:ONLY )?` + named)
	routine = regexp.MustCompile(`(?i)^(DO|CREATE (OR REPLACE )?(FUNCTION|PROCEDURE))\b`)
	queries = regexp.MustCompile(`(?i)^(SELECT|WITH|INSERT|UPDATE|DELETE .*\bWHERE)\b`)
	// What adds, or changes no table at all. A right that everybody had is no program's: it has its own.
	harmless = regexp.MustCompile(`(?i)^(COMMENT|GRANT|SET|ANALYZE|REVOKE .* FROM PUBLIC$|ALTER TYPE ` + named + ` ADD VALUE\b|` +
		`CREATE (OR REPLACE )?((UNLOGGED |TEMPORARY |TEMP )?TABLE|INDEX|VIEW|MATERIALIZED VIEW|SCHEMA|SEQUENCE|TYPE|DOMAIN|EXTENSION|ROLE|POLICY)\b)`)
)

// hides is a policy that takes rows away from who saw them.
var hides = regexp.MustCompile(`(?i)^CREATE POLICY .*\bAS RESTRICTIVE\b`)

// plain is a name as PostgreSQL keeps it, near enough.
func plain(name string) string { return strings.ToLower(strings.ReplaceAll(name, `"`, "")) }

// complaints says what a statement asks of code that does not know of it.
func (m migration) complaints(s statement) []string {
	switch {
	case s.escaped:
		return []string{s.raw}
	case routine.MatchString(s.text):
		return m.inBody(s)
	case queries.MatchString(s.text):
		return m.byFunction(s)
	}
	return m.contracting(s.text)
}

// contracting judges one statement whose strings are empty.
func (m migration) contracting(text string) (complaints []string) {
	if u := unique.FindStringSubmatch(text); u != nil && m.made[plain(u[1])] {
		return nil
	}
	a := alters.FindStringSubmatch(text)
	switch {
	case a == nil && harmless.MatchString(text) && !hides.MatchString(text):
		return nil
	case a == nil:
		return []string{text}
	case m.made[plain(a[1])]:
		return nil
	}
	all := actions(a[2])
	for _, action := range all {
		if !mild(action, all) {
			complaints = append(complaints, "ALTER TABLE "+a[1]+" "+action)
		}
	}
	return complaints
}

var (
	// Functions of the first migrations that alter the table that they are given.
	altering = regexp.MustCompile(`(?i)\b(alter_table|protect|open_intake)\s*\(`)
	alterBy  = regexp.MustCompile(`(?i)\bsync\.alter_table\s?\(\s?'([^']+)'(?:::regclass)?, ?'((?:[^']|'')*)'\s?\)`)
	oneTable = regexp.MustCompile(`(?i)\bsync\.(?:protect|open_intake)\s?\(\s?'([^']+)'(?:::regclass)?\s?\)`)
	strs     = regexp.MustCompile(`'(?:[^']|'')*'`)
)

// byFunction judges a query: calls that alter tables, each of which must say literally which and how.
func (m migration) byFunction(s statement) (complaints []string) {
	read := 0
	for _, c := range alterBy.FindAllStringSubmatch(s.raw, -1) {
		read++
		change := strs.ReplaceAllString(strings.ReplaceAll(c[2], "''", "'"), "''")
		complaints = append(complaints, m.contracting("ALTER TABLE "+c[1]+" "+change)...)
	}
	for _, c := range oneTable.FindAllStringSubmatch(s.raw, -1) {
		if m.made[plain(c[1])] {
			read++
		}
	}
	if len(altering.FindAllString(s.text, -1)) > read || emptying(s.text) {
		complaints = append(complaints, s.raw)
	}
	return complaints
}

var (
	deletes = regexp.MustCompile(`(?i)\bDELETE FROM\b`)
	which   = regexp.MustCompile(`(?i)\bWHERE\b`)
)

// emptying reports whether a query deletes all rows of a table, be it in one of its parts.
func emptying(text string) bool {
	for _, at := range deletes.FindAllStringIndex(text, -1) {
		if !which.MatchString(alone(text[at[1]:])) {
			return true
		}
	}
	return false
}

// alone is what of a text stands neither in parentheses nor behind the one that closes those around it.
func alone(text string) string {
	var b strings.Builder
	depth := 0
	for _, c := range text {
		switch {
		case c == '(':
			depth++
		case c == ')':
			depth--
		case depth == 0:
			b.WriteRune(c)
		}
		if depth < 0 {
			break
		}
	}
	return b.String()
}

var (
	asked  = regexp.MustCompile(`(?i)\b(GRANT|REVOKE) EXECUTE\b`)
	stern  = regexp.MustCompile(`(?i)\b(ALTER|DROP|TRUNCATE|REVOKE|EXECUTE|CREATE POLICY|CREATE UNIQUE INDEX|CREATE (OR REPLACE )?(CONSTRAINT )?(TRIGGER|RULE))\b`)
	execs  = regexp.MustCompile(`(?i)\bEXECUTE (?:format\s?\(\s?)?('(?:[^']|'')*') ?(,.*|\)|INTO .*|USING .*)?$`)
	bodies = regexp.MustCompile(`\$\w*\$`)
)

// inBody judges what a block or a function does: statement by statement, and what it EXECUTEs.
func (m migration) inBody(s statement) (complaints []string) {
	at := bodies.FindStringIndex(s.raw)
	if at == nil {
		return []string{s.raw} // a body in another shape
	}
	end := strings.LastIndex(s.raw, s.raw[at[0]:at[1]])
	if end < at[1] {
		return []string{s.raw}
	}
	for _, part := range statements(s.raw[at[1]:end]) {
		complaints = append(complaints, m.part(part)...)
	}
	return complaints
}

// part judges a statement of a body, which may stand behind words such as IF … THEN.
func (m migration) part(s statement) []string {
	found := stern.FindStringIndex(asked.ReplaceAllString(s.text, "$1 ........"))
	executed := execs.FindStringSubmatch(s.raw)
	switch {
	case s.escaped:
		return []string{s.raw}
	case found == nil:
		return m.byFunction(s)
	case executed != nil && strings.EqualFold(s.text[found[0]:found[1]], "EXECUTE"):
		literal := executed[1][1 : len(executed[1])-1]
		return m.executed(strings.ReplaceAll(literal, "''", "'"))
	case strings.EqualFold(s.text[found[0]:found[1]], "EXECUTE"):
		return []string{s.raw}
	}
	return m.contracting(s.text[found[0]:])
}

// executed judges the text of an EXECUTE.
func (m migration) executed(sql string) (complaints []string) {
	for _, s := range statements(sql) {
		complaints = append(complaints, m.complaints(s)...)
	}
	return complaints
}

var (
	adds      = regexp.MustCompile(`(?i)^ADD (?:COLUMN )?(?:IF NOT EXISTS )?` + ident + ` (.+)$`)
	demands   = regexp.MustCompile(`(?i)^ADD (?:CONSTRAINT ` + ident + ` .+|(?:CHECK|UNIQUE|PRIMARY|FOREIGN|EXCLUDE|GENERATED|NOT)\b.*)$`)
	sole      = regexp.MustCompile(`(?i)\b(PRIMARY KEY|UNIQUE)\b`)
	required  = regexp.MustCompile(`(?i)\bNOT NULL\b`)
	filled    = regexp.MustCompile(`(?i)\b(DEFAULT|GENERATED)\b`)
	points    = regexp.MustCompile(`(?i)\bREFERENCES\b`)
	column    = regexp.MustCompile(`(?i)^ALTER (?:COLUMN )?(` + ident + `) (.+)$`)
	defaults  = regexp.MustCompile(`(?i)^SET DEFAULT .+$`)
	notNull   = regexp.MustCompile(`(?i)^SET NOT NULL$`)
	columnWay = regexp.MustCompile(`(?i)^(SET DEFAULT .+|DROP NOT NULL|SET (STATISTICS|STORAGE|COMPRESSION) \S+|SET \([^()]*\)|RESET \([^()]*\))$`)
	tableWay  = regexp.MustCompile(`(?i)^(VALIDATE CONSTRAINT ` + ident + `|SET \([^()]*\)|RESET \([^()]*\)|SET STATISTICS \d+)$`)
)

// mild reports whether an action of ALTER TABLE, one of all, takes nothing away and asks for nothing more.
func mild(a string, all []string) bool {
	if demands.MatchString(a) { // also in place of another, which may have asked for less
		return false
	}
	if d := adds.FindStringSubmatch(a); d != nil {
		given := filled.MatchString(d[1])
		return !sole.MatchString(d[1]) && (given || !required.MatchString(d[1])) && (!given || !points.MatchString(d[1]))
	}
	if c := column.FindStringSubmatch(a); c != nil {
		if notNull.MatchString(c[2]) {
			return slices.ContainsFunc(all, func(b string) bool {
				o := column.FindStringSubmatch(b)
				return o != nil && plain(o[1]) == plain(c[1]) && defaults.MatchString(o[2])
			})
		}
		return columnWay.MatchString(c[2])
	}
	return tableWay.MatchString(a)
}

// actions splits what follows ALTER TABLE at its commas.
func actions(text string) (all []string) {
	depth, from := 0, 0
	for i, c := range text {
		switch {
		case c == '(':
			depth++
		case c == ')':
			depth--
		case c == ',' && depth == 0:
			all, from = append(all, strings.TrimSpace(text[from:i])), i+1
		}
	}
	return append(all, strings.TrimSpace(text[from:]))
}

// statement is one statement of a migration on one line, without its comments.
type statement struct {
	text     string // without what its strings hold
	raw      string
	contract bool // a comment above it says why it may be
	escaped  bool // a string of the form E'…' is in it, whose end is not looked for: write it in another
}

var (
	// A comment, a string, a quoted name, the beginning of a dollar-quoted body, an end, or anything else.
	piece    = regexp.MustCompile(`(?s)^(?:--[^\n]*|/\*.*?\*/|'(?:[^']|'')*'|"(?:[^"]|"")*"|\$(?:[A-Za-z_]\w*)?\$|.)`)
	contract = regexp.MustCompile(`^-- contract: \S`)
	escape   = regexp.MustCompile(`(?i)(^|\W)E$`)
	spaces   = regexp.MustCompile(`\s+`)
)

// statements splits a migration. What strings hold is left out, except in bodies, which run them.
func statements(sql string) (all []statement) {
	var s statement
	var text, raw strings.Builder
	end := func() {
		s.text, s.raw = oneLine(&text), oneLine(&raw)
		if s.text != "" {
			all = append(all, s)
		}
		s = statement{}
	}
	for sql != "" {
		p := next(sql)
		sql = sql[len(p):]
		switch {
		case strings.HasPrefix(p, "--"), strings.HasPrefix(p, "/*"):
			s.contract = s.contract || contract.MatchString(p)
			text.WriteString(" ")
			raw.WriteString(" ")
		case p == ";":
			end()
		case p[0] == '\'':
			s.escaped = s.escaped || escape.MatchString(raw.String())
			text.WriteString("''")
			raw.WriteString(p)
		case len(p) > 1 && p[0] == '$':
			p = uncommented(p)
			fallthrough
		default:
			text.WriteString(p)
			raw.WriteString(p)
		}
	}
	end()
	return all
}

// next returns the first piece of SQL: of a dollar-quoted body all of it.
func next(sql string) string {
	p := piece.FindString(sql)
	if len(p) > 1 && p[0] == '$' {
		if n := strings.Index(sql[len(p):], p); n >= 0 {
			return sql[:n+2*len(p)]
		}
	}
	return p
}

// uncommented is a dollar-quoted body without its comments, which would end with it once it is on one line.
func uncommented(quoted string) string {
	mark := piece.FindString(quoted)
	body, _ := strings.CutSuffix(quoted[len(mark):], mark)
	var b strings.Builder
	for body != "" {
		p := next(body)
		body = body[len(p):]
		switch {
		case strings.HasPrefix(p, "--"), strings.HasPrefix(p, "/*"):
			p = " "
		case len(p) > 1 && p[0] == '$':
			p = uncommented(p)
		}
		b.WriteString(p)
	}
	return mark + b.String() + mark
}

// oneLine takes what was written.
func oneLine(b *strings.Builder) string {
	defer b.Reset()
	return strings.TrimSpace(spaces.ReplaceAllString(b.String(), " "))
}
