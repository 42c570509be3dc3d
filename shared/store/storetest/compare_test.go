package storetest_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/countinghouse/countinghouse/shared/catalog"
	"github.com/countinghouse/countinghouse/shared/store/storetest"
	"github.com/countinghouse/countinghouse/shared/sync/engine"
)

var parcels = catalog.Table{
	Provider: "testpost", Stream: "Parcel", Name: "parcels", One: "parcel", ID: "Id", Version: "At",
	Columns: []catalog.Column{
		{Path: "Id"}, {Path: "At", Type: catalog.Timestamp}, {Path: "Weight", Type: catalog.Numeric}, {Path: "Sent", Type: catalog.Date},
		{Path: "Paid", Type: catalog.Boolean}, {Path: "Stops", Type: catalog.Integer}, {Path: "More", Type: catalog.JSON}, {Path: "To"},
	},
	Children: []catalog.Child{{Path: "Thing", Name: "parcel_things", Again: "Inside.Thing", Columns: []catalog.Column{{Path: "Name"}, {Path: "Price", Type: catalog.Numeric}}}},
}

func parcel(id int, to string) json.RawMessage {
	return fmt.Appendf(nil, `{"Id":"%d","At":"2026-02-03T04:05:06.789+09:00","Weight":-1.50e1,"Sent":"1969-07-20","Paid":%v,"Stops":3,"To":%q,"More":{"b":1e2,"a":[null,"x\u00e9"]},
		"Thing":[{"Name":"a","Price":0.00,"Inside":{"Thing":[{"Name":"b"}]}},{"Price":12.3450}]}`, id, id%2 == 0, to)
}

func TestCompare(t *testing.T) {
	t.Parallel()
	s := storetest.New(t, parcels)
	id := s.Connect(t, "onpoint", "testpost", "1")
	l := s.Lease(t, id)
	var live []json.RawMessage
	for i := range 1200 {
		live = append(live, parcel(i, "home"))
	}
	apply := func(raws ...json.RawMessage) {
		t.Helper()
		var records []engine.Record
		for _, raw := range raws {
			object, version, err := parcels.Identify(raw)
			if err != nil {
				t.Fatal(err)
			}
			records = append(records, engine.Record{Stream: "Parcel", ID: object, Version: version, Raw: raw})
		}
		if n, err := s.Apply(t.Context(), l, 0, engine.Batch{Records: records}, engine.Usage{}); err != nil || n.Dead > 0 {
			t.Fatal(n, err)
		}
	}
	compare := func() storetest.Diff {
		t.Helper()
		d, err := storetest.Compare(t.Context(), s.Pool, id, &parcels, slices.Values(live))
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	apply(live...)
	if d := compare(); !d.Empty() {
		t.Errorf("the same: %s", d)
	}
	for _, sql := range []string{
		`DELETE FROM testpost.parcels WHERE id = '5'`, `DELETE FROM testpost.parcel_things WHERE parcel_id = '5'`,
		`UPDATE testpost.parcels SET deleted_at = now() WHERE id = '6'`, `UPDATE testpost.parcel_things SET deleted_at = now() WHERE parcel_id = '6'`,
		`UPDATE testpost.parcels SET raw = raw || '{"To":"away"}' WHERE id = '7'`,
		`UPDATE testpost.parcels SET weight = -15 WHERE id = '8'`,
		`UPDATE testpost.parcels SET more = '{"b": 100}' WHERE id = '9'`,
		`DELETE FROM testpost.parcel_things WHERE parcel_id = '10' AND position = 3`,
		`UPDATE testpost.parcel_things SET parent_position = NULL WHERE parcel_id = '11' AND position = 2`,
	} {
		if _, err := s.Pool.Exec(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
	}
	apply(parcel(5000, "nowhere"))
	want := storetest.Diff{
		Missing: []string{"5", "6"}, Stale: []string{"7"}, Surplus: []string{"5000"},
		WrongColumns: []string{"10 parcel_things 3 is not in the database", "11 parcel_things 2 parent_position", "8 parcels 0 weight", "9 parcels 0 more"},
	}
	got := compare()
	slices.Sort(got.WrongColumns)
	slices.Sort(got.Missing)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestEachTestHasItsOwnDatabase(t *testing.T) {
	t.Parallel()
	a, b := storetest.New(t), storetest.New(t)
	a.Connect(t, "onpoint", "testpost", "1")
	if _, err := b.Organisation(t.Context(), "onpoint"); err == nil {
		t.Error("two stores share a database")
	}
}
