package plaidsim

import "maps"

// Stats counts what was asked and what became of it.
type Stats struct {
	Calls   map[string]int            // by endpoint, refused ones too
	Refused map[string]int            // by error code, and by the name of a fault of Fail
	Items   map[string]map[string]int // calls by item_id and endpoint

	// Billed is what money is asked for: how many Items a product was put on, at Link or by calling its
	// endpoint for the first time; and of what is paid call by call ("balance", "transactions_refresh",
	// "investments_refresh", "statements_refresh") each call.
	Billed map[string]int

	Told map[string]int // webhooks that there was reason to send, by "TYPE/CODE"
}

func newStats() Stats {
	return Stats{Calls: map[string]int{}, Refused: map[string]int{}, Items: map[string]map[string]int{}, Billed: map[string]int{}, Told: map[string]int{}}
}

// count enters a call. The caller holds the lock.
func (st *Stats) count(q *query, refused *refusal) {
	path := q.r.URL.Path
	st.Calls[path]++
	if refused != nil {
		st.Refused[refused.Code]++
	}
	if q.item == nil {
		return
	}
	if st.Items[q.item.id] == nil {
		st.Items[q.item.id] = map[string]int{}
	}
	st.Items[q.item.id][path]++
}

// Stats gives the figures since the server was made.
func (s *Server) Stats() Stats {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := Stats{Calls: maps.Clone(s.stats.Calls), Refused: maps.Clone(s.stats.Refused), Items: map[string]map[string]int{},
		Billed: maps.Clone(s.stats.Billed), Told: maps.Clone(s.stats.Told)}
	for item, calls := range s.stats.Items {
		out.Items[item] = maps.Clone(calls)
	}
	return out
}
