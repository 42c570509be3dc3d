package org_test

import (
	"math"
	"strings"
	"testing"

	"github.com/countinghouse/countinghouse/shared/fault"
	"github.com/countinghouse/countinghouse/shared/org"
)

func TestTickTravels(t *testing.T) {
	t.Parallel()
	for _, reason := range []org.Reason{org.Schedule, org.Webhook, org.Manual, org.Backfill} {
		for _, id := range []org.ConnectionID{0, 1, math.MaxInt64} {
			tick := org.Tick{Org: "onpoint", Connection: id, Reason: reason}
			if got, err := org.ParseTick(tick.Attributes()); err != nil || got != tick {
				t.Errorf("%+v arrives as %+v, %v", tick, got, err)
			}
		}
	}
}

func TestParseTick(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		give map[string]string
		want org.Tick
		says string // of a refusal
	}{
		{"the least", map[string]string{"org": "onpoint"}, org.Tick{Org: "onpoint", Reason: org.Schedule}, ""},
		{"more than we know", map[string]string{"org": "onpoint", "connection": "", "reason": "", "traceparent": "00-1"}, org.Tick{Org: "onpoint", Reason: org.Schedule}, ""},
		{"nothing", nil, org.Tick{}, `no attribute "org"`},
		{"no organisation", map[string]string{"reason": "manual"}, org.Tick{}, `no attribute "org"`},
		{"an empty organisation", map[string]string{"org": ""}, org.Tick{}, `organisation ""`},
		{"an organisation that is no slug", map[string]string{"org": "On Point"}, org.Tick{}, `organisation "On Point": want a slug`},
		{"an unknown reason", map[string]string{"org": "onpoint", "reason": "boredom"}, org.Tick{}, `reason "boredom" is none of schedule, webhook, manual, backfill`},
		{"a reason that no tick carries", map[string]string{"org": "onpoint", "reason": string(org.Reconcile)}, org.Tick{}, `reason "reconcile" is none of`},
		{"a connection that is no number", map[string]string{"org": "onpoint", "connection": "x"}, org.Tick{}, `connection "x" is not a connection's number`},
		{"connection 0", map[string]string{"org": "onpoint", "connection": "0"}, org.Tick{}, `connection "0" is not`},
		{"a negative connection", map[string]string{"org": "onpoint", "connection": "-1"}, org.Tick{}, `connection "-1" is not`},
		{"a connection out of range", map[string]string{"org": "onpoint", "connection": "9223372036854775808"}, org.Tick{}, "is not a connection's number"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := org.ParseTick(tt.give)
			if got != tt.want || (err != nil) != (tt.says != "") {
				t.Fatalf("%+v, %v", got, err)
			}
			if err != nil && (!fault.Is(err, fault.Invalid) || !strings.Contains(err.Error(), tt.says)) {
				t.Errorf("refused with %v, want a fault.Invalid that says %q", err, tt.says)
			}
		})
	}
}
