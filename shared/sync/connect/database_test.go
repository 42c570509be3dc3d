package connect_test

import (
	"testing"

	"github.com/countinghouse/countinghouse/shared/store"
	"github.com/countinghouse/countinghouse/shared/store/storetest"
)

func database(t *testing.T) *store.Store { return storetest.New(t).Store }
