package web

import (
	"context"
	"net/http"
	"time"
)

const (
	readyLimit = 5 * time.Second // of one look
	readyFor   = time.Second     // how long what it found counts
)

// ready answers GET /readyz. Why it is not ready stands in the log: the answer is public.
func (s *Server) ready(w http.ResponseWriter, r *http.Request) {
	if own, ok := s.o.Handler.(interface{ Ready(context.Context) error }); ok && s.look(r.Context(), own.Ready) != nil {
		say(w, http.StatusServiceUnavailable, "not ready")
		return
	}
	say(w, http.StatusOK, "ready")
}

// looked is what was found when the handler was asked last.
type looked struct {
	err error
	at  time.Time
}

// look asks the handler whether it is ready, unless that has just been done: strangers ask as often as
// they like, and each look costs the handler's own work a connection to the database. Who asks meanwhile
// waits for the same answer. It is told once that the handler is not ready, until it has been.
func (s *Server) look(ctx context.Context, ready func(context.Context) error) error {
	s.looking.Lock()
	defer s.looking.Unlock()
	last := s.looked
	if !last.at.IsZero() && time.Since(last.at) < readyFor {
		return last.err
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), readyLimit) // the answer is for others, too
	defer cancel()
	err := ready(ctx)
	if err != nil && last.err == nil {
		s.log.WarnContext(ctx, "function not ready", "event", "not_ready", "function", s.o.Name, "err", err)
	}
	s.looked = looked{err, time.Now()}
	return err
}
