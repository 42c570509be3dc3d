package connect_test

import (
	"testing"

	"github.com/countinghouse/countinghouse/shared/org"
	"github.com/countinghouse/countinghouse/shared/store"
	"github.com/countinghouse/countinghouse/shared/store/storetest"
)

// database returns a store with organisations, which only the owner makes.
func database(t *testing.T, organisations ...org.Organisation) *store.Store {
	t.Helper()
	s := storetest.New(t)
	for _, o := range organisations {
		if err := s.EnsureOrganisation(t.Context(), o); err != nil {
			t.Fatal(err)
		}
	}
	return s.Store
}
