package org

import (
	"fmt"
	"strconv"

	"github.com/countinghouse/countinghouse/shared/fault"
)

// Reason says why a sync was asked for.
type Reason string

// The reasons of ticks.
const (
	Schedule Reason = "schedule"
	Webhook  Reason = "webhook"
	Manual   Reason = "manual"
	Backfill Reason = "backfill" // a load that stopped at a page border goes on
)

// Reconcile is the reason of a run that compares what is stored with the provider. Only its job
// starts one: no tick carries it, and ParseTick refuses it.
const Reconcile Reason = "reconcile"

// Tick asks for a sync of an organisation, or of one of its connections. It travels in the
// attributes of a message, because every form in which Pub/Sub delivers one keeps those.
type Tick struct {
	Org        Slug
	Connection ConnectionID // zero: all connections of the organisation
	Reason     Reason
}

// Attributes returns t as message attributes; ParseTick reads them.
func (t Tick) Attributes() map[string]string {
	a := map[string]string{"org": string(t.Org), "reason": string(t.Reason)}
	if t.Connection != 0 {
		a["connection"] = t.Connection.String()
	}
	return a
}

// ParseTick reads a tick from the attributes of a message. A missing reason means Schedule. Its
// error is fault.Invalid: such a message can never succeed.
func ParseTick(attributes map[string]string) (Tick, error) {
	name, ok := attributes["org"]
	if !ok {
		return Tick{}, fault.New(fault.Invalid, `the message has no attribute "org"`)
	}
	slug, err := ParseSlug(name)
	if err != nil {
		return Tick{}, err
	}
	t := Tick{Org: slug, Reason: Reason(attributes["reason"])}
	if c := attributes["connection"]; c != "" {
		id, err := strconv.ParseInt(c, 10, 64)
		if err != nil || id <= 0 {
			return Tick{}, fault.New(fault.Invalid, fmt.Sprintf("connection %q is not a connection's number", c))
		}
		t.Connection = ConnectionID(id)
	}
	switch t.Reason {
	case "":
		t.Reason = Schedule
	case Schedule, Webhook, Manual, Backfill:
	default:
		return Tick{}, fault.New(fault.Invalid, fmt.Sprintf("reason %q is none of schedule, webhook, manual, backfill", t.Reason))
	}
	return t, nil
}
