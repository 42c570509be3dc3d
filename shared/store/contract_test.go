package store_test

import (
	"io/fs"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/countinghouse/countinghouse/shared/store"
)

// lastBefore is the last migration that was written when nothing was deployed yet.
const lastBefore = "00076_bank_views.sql"

// TestMigrationsLetOldCodeRun: a migration runs before the code that needs it, while older code works, and
// that code works on until its traffic has moved. So a migration adds. One that takes away, renames or asks
// more of what is written comes a release later, when no running code needs what goes, and says why above it:
//
//	-- contract: no code reads it since the release before
//	ALTER TABLE sync.streams DROP COLUMN load_total;
func TestMigrationsLetOldCodeRun(t *testing.T) {
	t.Parallel()
	names, err := fs.Glob(store.Migrations(), "*.sql")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		if name <= lastBefore {
			continue
		}
		text, err := fs.ReadFile(store.Migrations(), name)
		if err != nil {
			t.Fatal(err)
		}
		for _, complaint := range contractions(string(text)) {
			t.Errorf("%s: %s", name, complaint)
		}
	}
}

func TestContractions(t *testing.T) {
	t.Parallel()
	const head = "-- Something.\n\n-- +goose Up\n"
	for _, tt := range []struct {
		name, sql string
		wrong     int
	}{
		{"a new table", `CREATE TABLE sync.a (id bigint PRIMARY KEY, name text NOT NULL, UNIQUE (name)); CREATE UNIQUE INDEX x ON sync.a (name);`, 0},
		{"and what is done to it", `CREATE UNLOGGED TABLE sync.a (id bigint); ALTER TABLE sync.a ADD COLUMN b text NOT NULL, ALTER COLUMN id SET NOT NULL;`, 0},
		{"a column that may be empty", `ALTER TABLE sync.runs ADD COLUMN trace text, ADD mood text CHECK (mood IN ('a', 'b'));`, 0},
		{"a column with a default", "ALTER TABLE sync.runs\n\tADD COLUMN trace text NOT NULL DEFAULT '',\n\tADD COLUMN n bigint GENERATED ALWAYS AS IDENTITY NOT NULL;", 0},
		{"a comma in a type", `ALTER TABLE sync.runs ADD COLUMN cost numeric(10, 2), ADD COLUMN note text;`, 0},
		{"a wider check", `ALTER TABLE sync.notices DROP CONSTRAINT c, ADD CONSTRAINT c CHECK (outcome IN ('a', 'b'));`, 0},
		{"an index", `CREATE INDEX runs_x ON sync.runs (id);`, 0},
		{"rights, words, rows", `REVOKE ALL ON sync.runs FROM PUBLIC; COMMENT ON COLUMN sync.runs.id IS 'DROP TABLE sync.runs; RENAME'; UPDATE sync.runs SET reason = 'drop column';`, 0},
		{"a function", "CREATE OR REPLACE FUNCTION sync.f() RETURNS void LANGUAGE plpgsql AS $$ BEGIN DROP TABLE x; END $$;", 0},
		{"in the Down part", "CREATE TABLE sync.a (id bigint);\n-- +goose Down\nDROP TABLE sync.a;", 0},
		{"a value of a type", `ALTER TYPE sync.mood ADD VALUE 'x';`, 0},
		{"what comes with its default", `ALTER TABLE sync.runs ALTER COLUMN error SET DEFAULT '', ALTER COLUMN error SET NOT NULL;`, 0},

		{"a table goes", `DROP TABLE IF EXISTS sync.runs;`, 1},
		{"a column goes", `ALTER TABLE sync.runs ADD COLUMN a text, DROP COLUMN b;`, 1},
		{"a column goes, in short", `ALTER TABLE ONLY sync.runs DROP b;`, 1},
		{"two columns go", `alter table sync.runs drop column a, drop column if exists b;`, 2},
		{"a view goes", `DROP VIEW appsheet.invoices;`, 1},
		{"an index goes", `DROP INDEX sync.runs_open;`, 1},
		{"a column gets another name", `ALTER TABLE sync.runs RENAME COLUMN a TO b;`, 1},
		{"a table gets another name", `ALTER TABLE sync.runs RENAME TO sprints;`, 1},
		{"a function gets another name", `ALTER FUNCTION sync.protect(regclass) RENAME TO shield;`, 1},
		{"a table moves", `ALTER TABLE sync.runs SET SCHEMA public;`, 1},
		{"another type", `ALTER TABLE sync.runs ALTER COLUMN calls TYPE integer;`, 1},
		{"another type, at length", `ALTER TABLE sync.runs ALTER calls SET DATA TYPE integer;`, 1},
		{"a value of a type gets another name", `ALTER TYPE sync.mood RENAME VALUE 'x' TO 'y';`, 1},
		{"what was optional", `ALTER TABLE sync.runs ALTER COLUMN error SET NOT NULL;`, 1},
		{"a default goes", `ALTER TABLE sync.runs ALTER COLUMN calls DROP DEFAULT;`, 1},
		{"a column that must be written", `ALTER TABLE sync.runs ADD COLUMN trace text NOT NULL, ADD COLUMN note text DEFAULT '';`, 1},
		{"a new check", `ALTER TABLE sync.runs ADD CONSTRAINT c CHECK (calls > 0);`, 1},
		{"a new key", `ALTER TABLE sync.runs ADD UNIQUE (started_at);`, 1},
		{"a unique index", `CREATE UNIQUE INDEX CONCURRENTLY x ON sync.runs (started_at);`, 1},
		{"rows go", `TRUNCATE sync.runs;`, 1},
		{"of a provider's table", `SELECT sync.alter_table('quickbooks.bills', 'ADD COLUMN note text, DROP COLUMN memo');`, 1},
		{"of a provider's table, with a string", `SELECT sync.alter_table('quickbooks.bills'::regclass, 'ADD COLUMN note text NOT NULL DEFAULT ''a''');`, 0},
		{"in a block", "-- +goose StatementBegin\nDO $$\nBEGIN\n\tIF true THEN\n\t\tALTER TABLE sync.runs DROP COLUMN a;\n\tEND IF;\n\tEXECUTE 'DROP TABLE sync.runs';\nEND\n$$;\n-- +goose StatementEnd", 2},

		{"with a reason", "-- contract: nothing reads it since the release before\nALTER TABLE sync.runs DROP COLUMN a;", 0},
		{"with a reason among other words", "-- It was slow.\n-- contract: nothing reads it\n-- since May.\nALTER TABLE sync.runs DROP COLUMN a, DROP COLUMN b;", 0},
		{"with an empty reason", "-- contract:\nALTER TABLE sync.runs DROP COLUMN a;", 1},
		{"with a reason for another statement", "-- contract: nothing reads it\nALTER TABLE sync.runs DROP COLUMN a;\nALTER TABLE sync.runs DROP COLUMN b;", 1},
	} {
		if got := contractions(head + tt.sql); len(got) != tt.wrong {
			t.Errorf("%s: %d complaints, want %d: %q", tt.name, len(got), tt.wrong, got)
		}
	}
}

// contractions says what in a migration running code may not survive.
func contractions(sql string) (complaints []string) {
	sql, _, _ = strings.Cut(sql, "-- +goose Down")
	made := map[string]bool{}
	for _, s := range statements(sql) {
		if m := creates.FindStringSubmatch(s.text); m != nil {
			made[strings.ToLower(m[1])] = true
		}
		if s.contract {
			continue
		}
		texts := []string{s.text}
		if m := byFunction.FindStringSubmatch(s.raw); m != nil {
			texts = []string{"ALTER TABLE " + m[1] + " " + strings.ReplaceAll(m[2], "''", "'")}
		}
		if blocks.MatchString(s.text) {
			texts = nil
			for part := range strings.SplitSeq(s.text, ";") {
				if at := inBlock.FindStringIndex(part); at != nil {
					texts = append(texts, part[at[0]:])
				}
			}
		}
		for _, text := range texts {
			complaints = append(complaints, contracting(text, made)...)
		}
	}
	return complaints
}

var (
	creates = regexp.MustCompile(`(?i)^CREATE (?:UNLOGGED )?TABLE (?:IF NOT EXISTS )?([\w.]+)`)
	// As ALTER TABLE is said of a provider's table: see sync.alter_table.
	byFunction = regexp.MustCompile(`(?i)^SELECT sync\.alter_table\('([\w.]+)'(?:::regclass)?, '((?:[^']|'')*)'\)`)

	blocks   = regexp.MustCompile(`(?i)^DO\b`)
	inBlock  = regexp.MustCompile(`(?i)\b(ALTER|DROP|TRUNCATE|CREATE UNIQUE INDEX)\b`)
	whole    = regexp.MustCompile(`(?i)^(DROP (TABLE|(MATERIALIZED )?VIEW|INDEX|SCHEMA|FUNCTION|PROCEDURE|TYPE|DOMAIN|SEQUENCE|ROLE|OWNED|EXTENSION)\b|TRUNCATE\b)`)
	others   = regexp.MustCompile(`(?i)^ALTER \w+ .*\b(RENAME|SET SCHEMA)\b`)
	types    = regexp.MustCompile(`(?i)^ALTER (TYPE|DOMAIN) \S+ (ADD VALUE\b)?`)
	unique   = regexp.MustCompile(`(?i)^CREATE UNIQUE INDEX .*?\bON (?:ONLY )?([\w.]+)`)
	alters   = regexp.MustCompile(`(?i)^ALTER TABLE (?:IF EXISTS )?(?:ONLY )?([\w.]+) (.*)`)
	loosens  = regexp.MustCompile(`(?i)^DROP CONSTRAINT (?:IF EXISTS )?(\w+)`)
	column   = regexp.MustCompile(`(?i)^ALTER (?:COLUMN )?(\w+) (.*)`)
	tighter  = regexp.MustCompile(`(?i)^((SET DATA )?TYPE\b|DROP DEFAULT\b|DROP IDENTITY\b)`)
	demand   = regexp.MustCompile(`(?i)^ADD (?:CONSTRAINT (\w+) )?(CHECK|UNIQUE|PRIMARY|FOREIGN|EXCLUDE)\b`)
	required = regexp.MustCompile(`(?i)^ADD .*\bNOT NULL\b`)
	filled   = regexp.MustCompile(`(?i)\b(DEFAULT|GENERATED)\b`)
)

// contracting says what a statement asks of code that does not know of it. Tables that the migration has
// made itself nobody uses yet.
func contracting(text string, made map[string]bool) (complaints []string) {
	m := alters.FindStringSubmatch(text)
	switch u := unique.FindStringSubmatch(text); {
	case whole.MatchString(text), others.MatchString(text):
		return []string{text}
	case types.MatchString(text) && types.FindStringSubmatch(text)[2] == "":
		return []string{text}
	case u != nil && !made[strings.ToLower(u[1])]:
		return []string{text}
	case m == nil || made[strings.ToLower(m[1])]:
		return nil
	}
	all := actions(m[2])
	for _, a := range all {
		if strains(a, all) {
			complaints = append(complaints, "ALTER TABLE "+m[1]+" "+a)
		}
	}
	return complaints
}

// strains reports whether an action of ALTER TABLE, one of all, takes away or asks for more.
func strains(a string, all []string) bool {
	if m := demand.FindStringSubmatch(a); m != nil { // in place of another of the same name: wider, it is to be hoped
		return m[1] == "" || !slices.ContainsFunc(all, func(b string) bool {
			l := loosens.FindStringSubmatch(b)
			return l != nil && l[1] == m[1]
		})
	}
	if m := column.FindStringSubmatch(a); m != nil {
		noNull := strings.EqualFold(m[2], "SET NOT NULL") && !slices.ContainsFunc(all, func(b string) bool {
			c := column.FindStringSubmatch(b)
			return c != nil && c[1] == m[1] && strings.HasPrefix(strings.ToUpper(c[2]), "SET DEFAULT")
		})
		return noNull || tighter.MatchString(m[2])
	}
	return strings.HasPrefix(strings.ToUpper(a), "DROP ") && !loosens.MatchString(a) || required.MatchString(a) && !filled.MatchString(a)
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
}

var (
	// A comment, a string, a dollar-quoted body, an end, or anything else.
	pieces   = regexp.MustCompile(`(?s)--[^\n]*|/\*.*?\*/|'(?:[^']|'')*'|\$(\w*)\$.*?\$(\w*)\$|;|.`)
	contract = regexp.MustCompile(`^-- contract: \S`)
	spaces   = regexp.MustCompile(`\s+`)
)

// statements splits a migration. What strings hold is left out, except in blocks, which run them.
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
	for _, p := range pieces.FindAllString(sql, -1) {
		switch {
		case strings.HasPrefix(p, "--"), strings.HasPrefix(p, "/*"):
			s.contract = s.contract || contract.MatchString(p)
		case p == ";":
			end()
		case p[0] == '\'':
			text.WriteString("''")
			raw.WriteString(p)
		default:
			text.WriteString(p)
			raw.WriteString(p)
		}
	}
	end()
	return all
}

// oneLine takes what was written.
func oneLine(b *strings.Builder) string {
	defer b.Reset()
	return strings.TrimSpace(spaces.ReplaceAllString(b.String(), " "))
}
