package store

import (
	"context"

	"github.com/countinghouse/countinghouse/shared/fault"
)

const (
	maxBody       = 10_000 // characters that are kept of a message's body
	maxAttributes = 100    // that Pub/Sub lets a message have
)

// Reject keeps a message that can never succeed, so that it can be acknowledged and looked at.
// kind is what it was taken for, such as "tick". What cannot be text is left out of it.
func (s *Store) Reject(ctx context.Context, kind, reason string, attributes map[string]string, body string) error {
	if kind == "" {
		return fault.New(fault.Internal, "a rejected message needs a kind")
	}
	kept := make(map[string]string, min(len(attributes), maxAttributes))
	for name, value := range attributes {
		if len(kept) < maxAttributes {
			kept[shortened(clean(name), maxText)] = shortened(clean(value), maxText)
		}
	}
	_, err := s.pool.Exec(ctx, `INSERT INTO sync.rejected_messages (kind, reason, attributes, body) VALUES ($1, $2, $3, $4)`,
		kind, shortened(reason, maxText), kept, shortened(clean(body), maxBody))
	return failure("keep a rejected message", err)
}
