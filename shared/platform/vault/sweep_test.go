package vault_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/countinghouse/countinghouse/shared/fault"
	"github.com/countinghouse/countinghouse/shared/org"
	"github.com/countinghouse/countinghouse/shared/platform/vault"
)

// shelves are secrets in memory: the numbers of their usable versions.
type shelves struct {
	secrets map[string][]int64
	broken  map[string]bool
	calls   int
	turns   int
}

func (s *shelves) turn(ctx context.Context) error {
	s.turns++
	return ctx.Err()
}

func (s *shelves) called(secret string) error {
	s.calls++
	if s.broken[secret] {
		return fault.New(fault.Forbidden, "not this one")
	}
	return nil
}

func (s *shelves) Names(_ context.Context, prefix string) (names []string, err error) {
	for name := range s.secrets {
		if strings.HasPrefix(name, prefix) {
			names = append(names, name)
		}
	}
	return names, s.called("")
}

func (s *shelves) Above(_ context.Context, secret string, version int64) (above []int64, err error) {
	for _, v := range slices.Backward(s.secrets[secret]) {
		if v > version {
			above = append(above, v)
		}
	}
	return above, s.called(secret)
}

func (s *shelves) DestroyBelow(ctx context.Context, secret string, version int64, turn func(context.Context) error) (n int, err error) {
	if err := s.called(secret); err != nil {
		return 0, err
	}
	for len(s.secrets[secret]) > 0 && s.secrets[secret][0] < version {
		if err := turn(ctx); err != nil {
			return n, err
		}
		s.calls++
		n++
		s.secrets[secret] = s.secrets[secret][1:]
	}
	return n, nil
}

func kept(id, version int64) vault.Kept {
	return vault.Kept{Connection: org.Connection{ID: org.ConnectionID(id), Org: "onpoint", Provider: "quickbooks"}, Version: version}
}

func ended(id, version int64) vault.Kept {
	k := kept(id, version)
	k.State = org.Disconnected
	return k
}

func TestSweep(t *testing.T) {
	t.Parallel()
	s := &shelves{secrets: map[string][]int64{
		"connection-onpoint-quickbooks-1":  {3, 5, 7, 8, 9}, // 8 is the pointer: 9 is adopted by the next sync
		"connection-onpoint-quickbooks-2":  {4},
		"connection-onpoint-quickbooks-3":  {1},
		"connection-onpoint-quickbooks-4":  {2, 3}, // disconnected, and its pointer is gone
		"connection-onpoint-quickbooks-8":  {6},    // disconnected, and its token could not be destroyed
		"connection-onpoint-quickbooks-9":  nil,    // disconnected, and all is well
		"connection-onpoint-quickbooks-10": {1},    // disconnected, and parked
		"connection-onpoint-quickbooks-5":  {1},    // no connection has it
		"connection-onpoint-quickbooks-6":  nil,    // nor this one, which is empty
		"plaid-secret":                     {1, 2},
	}}
	parked := kept(2, 4)
	parked.Parked = true
	left := []vault.Kept{ended(4, 0), ended(8, 6), ended(10, 0)}
	left[2].Parked = true
	connections := func(context.Context) ([]vault.Kept, error) {
		if s.calls == 0 {
			t.Error("connections are looked up first: one that is made meanwhile would be missed")
		}
		return append([]vault.Kept{kept(1, 8), parked, kept(3, 1), kept(7, 3), ended(9, 0)}, left...), nil
	}
	got, err := vault.Sweep(t.Context(), s, connections, s.turn)
	if err != nil {
		t.Fatal(err)
	}
	want := vault.Swept{Looked: 7, Destroyed: 3, Parked: []vault.Kept{parked}, Leftovers: left, Orphans: []string{"connection-onpoint-quickbooks-5"}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("swept (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]int64{8, 9}, s.secrets["connection-onpoint-quickbooks-1"]); diff != "" {
		t.Errorf("versions (-want +got):\n%s", diff)
	}
	if s.turns != s.calls {
		t.Errorf("%d turns for %d calls", s.turns, s.calls)
	}
	if got, err = vault.Sweep(t.Context(), s, connections, s.turn); err != nil || got.Destroyed != 0 {
		t.Errorf("a second time %+v, %v", got, err)
	}
}

// TestSweepFails: a secret that cannot be swept is named and left, many in a row end the sweep.
func TestSweepFails(t *testing.T) {
	t.Parallel()
	s := &shelves{secrets: map[string][]int64{}, broken: map[string]bool{}}
	var all []vault.Kept
	for i := range int64(40) {
		all = append(all, kept(i, 2))
		s.secrets[fmt.Sprint("connection-onpoint-quickbooks-", i)] = []int64{1, 2}
	}
	connections := func(context.Context) ([]vault.Kept, error) { return all, nil }
	s.broken["connection-onpoint-quickbooks-17"] = true
	got, err := vault.Sweep(t.Context(), s, connections, s.turn)
	if got.Destroyed != 39 || !fault.Is(err, fault.Forbidden) || err.Error() != "connection-onpoint-quickbooks-17: not this one" {
		t.Errorf("%+v, %v", got, err)
	}
	for name := range s.secrets {
		s.broken[name] = true
	}
	if got, err = vault.Sweep(t.Context(), s, connections, s.turn); got.Looked != 3 || err == nil || !strings.HasSuffix(err.Error(), "\n37 secrets were not looked at") {
		t.Errorf("%+v, %v", got, err)
	}
	ctx, stop := context.WithCancel(t.Context())
	stop()
	if got, err = vault.Sweep(ctx, s, connections, s.turn); got.Looked != 0 || !errors.Is(err, context.Canceled) {
		t.Errorf("stopped: %+v, %v", got, err)
	}
}

// TestDestroyBelow: the real client destroys what is below, whatever its state, and nothing else.
func TestDestroyBelow(t *testing.T) {
	t.Parallel()
	s, server := openManager(t)
	for _, name := range []string{"connection-a", "connection-b", "my-connection-c", "other"} {
		for range 30 { // more than a page
			if _, err := s.Add(t.Context(), name, []byte("payload")); err != nil {
				t.Fatal(err)
			}
		}
	}
	names, err := s.Names(t.Context(), vault.SecretPrefix)
	slices.Sort(names)
	if diff := cmp.Diff([]string{"connection-a", "connection-b"}, names); err != nil || diff != "" {
		t.Errorf("names %v (-want +got):\n%s", err, diff)
	}
	if err := s.DestroyUpTo(t.Context(), "connection-a", 4); err != nil {
		t.Fatal(err)
	}
	turns := 0
	turn := func(context.Context) error { turns++; return nil }
	if n, err := s.DestroyBelow(t.Context(), "connection-a", 30, turn); n != 25 || turns != 25 || err != nil {
		t.Errorf("destroyed %d in %d turns, %v", n, turns, err)
	}
	asked := server.Calls()["ListSecretVersions"]
	if above, err := s.Above(t.Context(), "connection-a", 0); err != nil || !slices.Equal(above, []int64{30}) {
		t.Errorf("%v is left, %v", above, err)
	}
	if n := server.Calls()["ListSecretVersions"] - asked; n != 1 {
		t.Errorf("%d calls to find one version beside 29 destroyed ones", n)
	}
	for name, version := range map[string]int64{"connection-a": 30, "connection-b": 1, "nothing": 7} {
		if n, err := s.DestroyBelow(t.Context(), name, version, turn); n != 0 || err != nil {
			t.Errorf("%s below %d: destroyed %d, %v", name, version, n, err)
		}
	}
}
