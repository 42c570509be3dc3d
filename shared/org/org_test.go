package org_test

import (
	"strings"
	"testing"

	"github.com/countinghouse/countinghouse/shared/fault"
	"github.com/countinghouse/countinghouse/shared/org"
)

func TestParseSlug(t *testing.T) {
	t.Parallel()
	longest := strings.Repeat("a", org.MaxSlug)
	for _, s := range []string{"onpoint", "a", "power-gen", "power_gen", "a1-b2_c3", "x9", longest} {
		if got, err := org.ParseSlug(s); err != nil || string(got) != s {
			t.Errorf("ParseSlug(%q) = %q, %v", s, got, err)
		}
	}
	for _, s := range []string{
		"", "OnPoint", "on point", "1st", "-a", "_a", "a-", "a_", "a--b", "a_-b", "a.b", "a/b", "zoë", "a\n", "a\x00", `a"; DROP ROLE x`, longest + "a",
	} {
		_, err := org.ParseSlug(s)
		if !fault.Is(err, fault.Invalid) || !strings.Contains(err.Error(), "such as onpoint") {
			t.Errorf("ParseSlug(%q): %v, want a fault.Invalid that says what a slug looks like", s, err)
		}
	}
}

func TestStates(t *testing.T) {
	t.Parallel()
	for state, want := range map[org.State]bool{
		org.Connecting: false, org.Active: true, org.NeedsReauth: false, org.Paused: true, org.Leaving: false, org.Disconnected: false, "": false,
	} {
		if state.Syncs() != want {
			t.Errorf("%q syncs: %v", state, !want)
		}
	}
}
