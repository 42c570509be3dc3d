package plaidsim

import (
	"maps"
	"slices"
)

// Endpoints gives the paths that a server has.
func Endpoints(s *Server) []string { return slices.Sorted(maps.Keys(s.routes)) }

// ErrorCodes gives those that a server has words for.
func ErrorCodes() []string { return slices.Sorted(maps.Keys(failures)) }
