package app_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/gohcl"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"go.yaml.in/yaml/v3"

	"github.com/countinghouse/countinghouse/shared/app"
	"github.com/countinghouse/countinghouse/shared/platform/config"
)

// programs are what main.go may hand to app.Serve and app.RunJob, by the name that it has in package app.
var programs = map[string]func() []config.Variable{
	"Backfill":          app.Backfill.Settings,
	"Connect":           app.Connect.Settings,
	"Daily":             app.Daily.Settings,
	"Dispatch":          app.Dispatch.Settings,
	"Erase":             app.Erase.Settings,
	"Export":            app.Export.Settings,
	"Link":              app.Link.Settings,
	"Migrate":           app.Migrate.Settings,
	"PlaidWebhook":      app.PlaidWebhook.Settings,
	"QuickBooksWebhook": app.QuickBooksWebhook.Settings,
	"Reconcile":         app.Reconcile.Settings,
	"SyncOrg":           app.SyncOrg.Settings,
	"Watch":             app.Watch.Settings,
}

// byHand are the programs that are not deployed, and why.
var byHand = map[string]string{
	"jobs/link": "what it prints is a secret, and Cloud Run would log it",
}

// logins are the ways to sign in to the database: each program has one of them.
var logins = [][]string{{"DB_IAM_USER"}, {"DB_USER", "DB_PASSWORD"}}

// TestDeployed keeps the code, terraform/ and cloudbuild.yaml together: every function and job is in all
// three, every variable that it reads is set for it, a secret one from Secret Manager, and none that it
// does not read.
func TestDeployed(t *testing.T) {
	t.Parallel()
	for _, complaint := range readDeployment(t).complaints() {
		t.Error(complaint)
	}
}

// TestDeployedComplains plants faults.
func TestDeployedComplains(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		want  string
		plant func(d *deployment)
	}{
		{"functions/syncorg: terraform/house.tf has no entry for this folder", func(d *deployment) { delete(d.house["functions"], "syncorg") }},
		{"functions/api: terraform/house.tf names it, but there is no such folder", func(d *deployment) { d.house["functions"]["api"] = nil }},
		{"jobs/backfill: cloudbuild.yaml does not name it in _JOBS", func(d *deployment) { d.build["jobs"] = d.build["jobs"][:1] }},
		{"jobs/nightly: cloudbuild.yaml names it in _JOBS, but there is no such folder", func(d *deployment) { d.build["jobs"] = append(d.build["jobs"], "nightly") }},
		{"jobs/link: it is not to be deployed (what it prints is a secret, and Cloud Run would log it), but terraform/house.tf has it", func(d *deployment) { d.house["jobs"]["link"] = []string{"link"} }},
		{"jobs/link: byHand names it, but there is no such folder", func(d *deployment) { delete(d.code, "jobs/link") }},
		{"functions/watch: it reads WATCH_BEHIND, which none of its groups has: terraform/house.tf, reads", func(d *deployment) { d.read("functions", "watch", "watch", "log") }},
		{"functions/watch: it is given DISPATCH_RATE, which its code does not read: terraform/house.tf, reads", func(d *deployment) { d.read("functions", "watch", "watch", "dispatch") }},
		{"functions/watch: there is no group nightly in terraform/house.tf", func(d *deployment) { d.read("functions", "watch", "watch", "nightly") }},
		{"WATCH_BEHIND has no value in terraform/settings.tf", func(d *deployment) { delete(d.values["values"], "WATCH_BEHIND") }},
		{"OLD_NAME has a value in terraform/settings.tf, but no group has it", func(d *deployment) { d.values["values"]["OLD_NAME"] = true }},
		{"PLAID_SECRET has two values in terraform/settings.tf", func(d *deployment) { d.values["values"]["PLAID_SECRET"] = true }},
		{"functions/connect: PLAID_SECRET is a secret: its value belongs among secret_values in terraform/settings.tf", func(d *deployment) { d.move("PLAID_SECRET", "secret_values", "values") }},
		{"functions/syncorg: SYNC_TOPIC is no secret: its value does not belong among secret_values in terraform/settings.tf", func(d *deployment) { d.move("SYNC_TOPIC", "values", "secret_values") }},
		{"jobs/migrate: it signs in to the database by 0 ways, want one of [[DB_IAM_USER] [DB_USER DB_PASSWORD]]", func(d *deployment) { d.read("jobs", "migrate", "owner", "log") }},
		{"jobs/migrate: it signs in to the database by 2 ways, want one of [[DB_IAM_USER] [DB_USER DB_PASSWORD]]", func(d *deployment) { d.read("jobs", "migrate", "members", "login") }},
		{"the group forgotten of terraform/house.tf is read by no program", func(d *deployment) { d.groups["forgotten"] = nil }},
		{"functions/syncorg/main.go hands app.Unheard over: add it to programs in deployed_test.go", func(d *deployment) { d.code["functions/syncorg"] = "Unheard" }},
	} {
		t.Run(tt.want, func(t *testing.T) {
			d := readDeployment(t)
			tt.plant(d)
			if got := d.complaints(); !slices.Contains(got, tt.want) {
				t.Errorf("it complains of this only:\n%s", strings.Join(got, "\n"))
			}
		})
	}
}

// deployment is what code, Terraform and Cloud Build say of each other's. Its kinds are functions and jobs.
type deployment struct {
	code   map[string]string              // by folder, such as functions/syncorg: what its main.go hands over
	house  map[string]map[string][]string // by kind and name: the groups that it reads
	groups map[string][]string            // variables
	values map[string]map[string]bool     // by values, own_values, secret_values: variables that have one there
	build  map[string][]string            // by kind: names
}

// read has a program read another group in place of one.
func (d *deployment) read(kind, name, group, other string) {
	reads := d.house[kind][name]
	reads[slices.Index(reads, group)] = other
}

func (d *deployment) move(variable, from, to string) {
	delete(d.values[from], variable)
	d.values[to][variable] = true
}

// complaints says what does not fit.
func (d *deployment) complaints() (all []string) {
	for _, kind := range []string{"functions", "jobs"} {
		all = append(all, d.missing(kind)...)
		for _, name := range slices.Sorted(maps.Keys(d.house[kind])) {
			folder := kind + "/" + name
			if _, ok := d.code[folder]; ok && byHand[folder] == "" {
				for _, c := range d.variables(folder, d.house[kind][name]) {
					all = append(all, folder+c)
				}
			}
		}
	}
	return append(all, d.loose()...)
}

// missing compares the folders of a kind with Terraform and Cloud Build.
func (d *deployment) missing(kind string) (all []string) {
	for _, name := range d.names(kind) {
		_, there := d.code[kind+"/"+name]
		_, housed := d.house[kind][name]
		if c := place(there, housed, slices.Contains(d.build[kind], name), byHand[kind+"/"+name], "_"+strings.ToUpper(kind)); c != "" {
			all = append(all, kind+"/"+name+": "+c)
		}
	}
	return all
}

// names are those that somebody knows of a kind.
func (d *deployment) names(kind string) []string {
	names := slices.Concat(slices.Collect(maps.Keys(d.house[kind])), d.build[kind])
	for _, folder := range slices.Concat(slices.Collect(maps.Keys(d.code)), slices.Collect(maps.Keys(byHand))) {
		if name, ok := strings.CutPrefix(folder, kind+"/"); ok {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// place says what is wrong with where a program is. why is the reason that it is not to be deployed.
func place(there, housed, built bool, why, list string) string {
	switch {
	case why != "" && !there:
		return "byHand names it, but there is no such folder"
	case why != "" && housed:
		return fmt.Sprintf("it is not to be deployed (%s), but terraform/house.tf has it", why)
	case why != "" && built:
		return fmt.Sprintf("it is not to be deployed (%s), but cloudbuild.yaml names it in %s", why, list)
	case why != "":
		return ""
	case !there && housed:
		return "terraform/house.tf names it, but there is no such folder"
	case !there:
		return fmt.Sprintf("cloudbuild.yaml names it in %s, but there is no such folder", list)
	case !housed:
		return "terraform/house.tf has no entry for this folder"
	case !built:
		return "cloudbuild.yaml does not name it in " + list
	}
	return ""
}

// variables compares what a program reads with what it is given.
func (d *deployment) variables(folder string, reads []string) (all []string) {
	settings, ok := programs[d.code[folder]]
	if !ok {
		return []string{fmt.Sprintf("/main.go hands app.%s over: add it to programs in deployed_test.go", d.code[folder])}
	}
	var given []string
	for _, g := range reads {
		if _, ok := d.groups[g]; !ok {
			all = append(all, fmt.Sprintf(": there is no group %s in terraform/house.tf", g))
		}
		given = append(given, d.groups[g]...)
	}
	known := map[string]bool{}
	for _, v := range settings() {
		known[v.Name] = true
		if c := d.variable(v, slices.Contains(given, v.Name)); c != "" {
			all = append(all, ": "+c)
		}
	}
	for _, name := range given {
		if !known[name] {
			all = append(all, fmt.Sprintf(": it is given %s, which its code does not read: terraform/house.tf, reads", name))
		}
	}
	if n := ways(given); known[logins[0][0]] && n != 1 {
		all = append(all, fmt.Sprintf(": it signs in to the database by %d ways, want one of %v", n, logins))
	}
	return all
}

// variable says what is wrong with how a program gets one, or gets none.
func (d *deployment) variable(v config.Variable, given bool) string {
	secret := d.values["secret_values"][v.Name]
	switch {
	case v.Where != "" && given:
		return fmt.Sprintf("%s is not to be set here, but by %s", v.Name, v.Where)
	case v.Where == "" && !given && !slices.Contains(slices.Concat(logins...), v.Name):
		return fmt.Sprintf("it reads %s, which none of its groups has: terraform/house.tf, reads", v.Name)
	case given && v.Secret && !secret:
		return fmt.Sprintf("%s is a secret: its value belongs among secret_values in terraform/settings.tf", v.Name)
	case given && !v.Secret && secret:
		return fmt.Sprintf("%s is no secret: its value does not belong among secret_values in terraform/settings.tf", v.Name)
	}
	return ""
}

// ways counts those in which a program can sign in to the database with what it is given.
func ways(given []string) (n int) {
	for _, way := range logins {
		if !slices.ContainsFunc(way, func(v string) bool { return !slices.Contains(given, v) }) {
			n++
		}
	}
	return n
}

// loose finds groups and values that nothing uses, and variables without a value.
func (d *deployment) loose() (all []string) {
	var grouped, read, valued []string
	for _, kind := range d.house {
		for _, groups := range kind {
			read = append(read, groups...)
		}
	}
	for name, variables := range d.groups {
		if !slices.Contains(read, name) {
			all = append(all, fmt.Sprintf("the group %s of terraform/house.tf is read by no program", name))
		}
		grouped = append(grouped, variables...)
	}
	for _, set := range d.values {
		valued = append(valued, slices.Collect(maps.Keys(set))...)
	}
	slices.Sort(valued)
	for i, v := range valued {
		if !slices.Contains(grouped, v) {
			all = append(all, v+" has a value in terraform/settings.tf, but no group has it")
		}
		if i > 0 && v == valued[i-1] {
			all = append(all, v+" has two values in terraform/settings.tf")
		}
	}
	for _, v := range grouped {
		if !slices.Contains(valued, v) {
			all = append(all, v+" has no value in terraform/settings.tf")
		}
	}
	slices.Sort(all)
	return all
}

// readDeployment reads the folders, Terraform's files and Cloud Build's.
func readDeployment(t *testing.T) *deployment {
	t.Helper()
	house, settings := readLocals(t, "house.tf"), readLocals(t, "settings.tf")
	d := &deployment{code: map[string]string{}, house: map[string]map[string][]string{}, groups: map[string][]string{},
		values: map[string]map[string]bool{}, build: readBuild(t)}
	for kind, to := range map[string]string{"functions": "Serve", "jobs": "RunJob"} {
		d.house[kind] = map[string][]string{}
		for name, entry := range house.entries(t, kind) {
			reads := entriesOf(t, entry)["reads"]
			if reads == nil {
				t.Fatalf("terraform/house.tf: %s.%s does not say what it reads", kind, name)
			}
			d.house[kind][name] = texts(t, reads)
		}
		folders, err := filepath.Glob("../../" + kind + "/*/main.go")
		if err != nil || len(folders) == 0 {
			t.Fatalf("no folders in %s: %v", kind, err)
		}
		for _, file := range folders {
			d.code[kind+"/"+filepath.Base(filepath.Dir(file))] = handedOver(t, file, to)
		}
	}
	for name, variables := range house.entries(t, "groups") {
		d.groups[name] = texts(t, variables)
	}
	for _, set := range []string{"values", "own_values", "secret_values"} {
		d.values[set] = map[string]bool{}
		for name := range settings.entries(t, set) {
			d.values[set][name] = true
		}
	}
	return d
}

// locals are what stands in the locals blocks of a file, unread.
type locals map[string]hcl.Expression

func readLocals(t *testing.T, file string) locals {
	t.Helper()
	path := filepath.Join("../../terraform", file)
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	parsed, diags := hclsyntax.ParseConfig(text, path, hcl.InitialPos)
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	all := locals{}
	for _, block := range parsed.Body.(*hclsyntax.Body).Blocks {
		if block.Type == "locals" {
			for name, a := range block.Body.Attributes {
				all[name] = a.Expr
			}
		}
	}
	return all
}

// entries returns those of a map that is written down as one.
func (l locals) entries(t *testing.T, name string) map[string]hcl.Expression {
	t.Helper()
	if l[name] == nil {
		t.Fatalf("terraform: there is no local.%s", name)
	}
	return entriesOf(t, l[name])
}

func entriesOf(t *testing.T, e hcl.Expression) map[string]hcl.Expression {
	t.Helper()
	pairs, diags := hcl.ExprMap(e)
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	all := map[string]hcl.Expression{}
	for _, p := range pairs {
		var key string
		if diags := gohcl.DecodeExpression(p.Key, nil, &key); diags.HasErrors() {
			t.Fatal(diags)
		}
		all[key] = p.Value
	}
	return all
}

// texts returns a list of texts that is written down as one.
func texts(t *testing.T, e hcl.Expression) (all []string) {
	t.Helper()
	if diags := gohcl.DecodeExpression(e, nil, &all); diags.HasErrors() {
		t.Fatal(diags)
	}
	return all
}

// readBuild returns the names in cloudbuild.yaml's lists.
func readBuild(t *testing.T) map[string][]string {
	t.Helper()
	text, err := os.ReadFile("../../cloudbuild.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var build struct {
		Substitutions struct {
			Functions string `yaml:"_FUNCTIONS"`
			Jobs      string `yaml:"_JOBS"`
		}
	}
	if err := yaml.Unmarshal(text, &build); err != nil {
		t.Fatalf("cloudbuild.yaml: %v", err)
	}
	return map[string][]string{"functions": strings.Fields(build.Substitutions.Functions), "jobs": strings.Fields(build.Substitutions.Jobs)}
}

// handedOver returns what a main.go hands over: X of app.Serve("…", app.X).
func handedOver(t *testing.T, file, to string) (name string) {
	t.Helper()
	parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	ast.Inspect(parsed, func(n ast.Node) bool {
		call, ok := n.(*ast.CallExpr)
		if !ok || len(call.Args) != 2 || member(call.Fun) != to {
			return true
		}
		name = member(call.Args[1])
		return false
	})
	if name == "" {
		t.Fatalf("%s: want one call of app.%s(…, app.X)", file, to)
	}
	return name
}

// member returns X of app.X.
func member(e ast.Expr) string {
	if s, ok := e.(*ast.SelectorExpr); ok {
		if from, ok := s.X.(*ast.Ident); ok && from.Name == "app" {
			return s.Sel.Name
		}
	}
	return ""
}
