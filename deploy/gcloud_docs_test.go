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
	n, complaints := toldWrong(all, page)
	if n < 40 {
		t.Errorf("%d commands only", n)
	}
	for _, c := range complaints {
		t.Error(c)
	}
	for _, wrong := range []string{"gcloud secrets remove NAME", "gcloud secrets remove NAME --project=P", "gcloud secrets delete NAME --colour=blue"} {
		if _, complaints := toldWrong(all, []byte(wrong)); len(complaints) == 0 {
			t.Errorf("%s: nothing is said of it", wrong)
		}
	}
}

// toldWrong counts the commands of a page, and says which gcloud does not take.
func toldWrong(all tree, page []byte) (n int, complaints []string) {
	prose := []string{"and"}                                // words about gcloud itself
	listing := []string{"--sort-by", "--limit", "--filter"} // of every list
	calls := shown.FindAllSubmatch(page, -1)
	for _, call := range calls {
		words, flags := command(strings.Fields(string(call[1])))
		if slices.Contains(prose, words[0]) {
			continue
		}
		c, _ := all.find(words)
		if len(c.Commands) > 0 {
			complaints = append(complaints, "no such command: gcloud "+string(call[1]))
		}
		for f := range flags {
			f = strings.TrimRight(f, ".,:)")
			other := strings.Replace(f, "--no-", "--", 1)
			if c.Flags[f] == nil && c.Flags[other] == nil && all.Flags[f] == nil && (!slices.Contains(words, "list") || !slices.Contains(listing, f)) {
				complaints = append(complaints, "no flag "+f+": gcloud "+string(call[1]))
			}
		}
	}
	return len(calls), complaints
}
