package deploy_test

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// The commands of a page: up to the end of the line, of the code, or of the shell's command.
var shown = regexp.MustCompile("gcloud ([a-z][^`|;#\\n]*)")

// Every command that people are told to give is one that gcloud has, with flags that it takes: those for a
// disaster nobody tries before they are needed.
func TestGcloudKnowsWhatPeopleAreTold(t *testing.T) {
	all := commands(t)
	page, err := os.ReadFile("../docs/operations.md")
	if err != nil {
		t.Fatal(err)
	}
	calls := shown.FindAllSubmatch(page, -1)
	if len(calls) < 40 {
		t.Errorf("%d commands only", len(calls))
	}
	listing := []string{"--sort-by", "--limit", "--filter"} // of every list
	for _, call := range calls {
		words, flags := command(strings.Fields(string(call[1])))
		c, _ := all.find(words)
		if len(c.Commands) > 0 && len(flags) > 0 {
			t.Errorf("no such command: gcloud %s", call[1])
		}
		for f := range flags {
			f = strings.TrimRight(f, ".,:)")
			other := strings.Replace(f, "--no-", "--", 1)
			if c.Flags[f] == nil && c.Flags[other] == nil && all.Flags[f] == nil && (!slices.Contains(words, "list") || !slices.Contains(listing, f)) {
				t.Errorf("no flag %s: gcloud %s", f, call[1])
			}
		}
	}
}
