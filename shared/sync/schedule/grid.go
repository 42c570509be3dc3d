package schedule

import (
	"math/bits"
	"time"

	"github.com/countinghouse/countinghouse/shared/org"
)

// golden is 2⁶⁴ divided by the golden ratio: its multiples, as fractions of a turn, lie as evenly as
// points can lie whose number is not known beforehand.
const golden = 0x9E3779B97F4A7C15

// After returns the first instant after now at which a connection that is swept every so often is due.
//
// Its instants are a grid of its own that begins at a fixed fraction of every, by its number. So
// connections are spread evenly over every and stay so: a late sweep, an outage or a change of pace
// moves none of them together.
func After(id org.ConnectionID, every time.Duration, now time.Time) time.Time {
	if every <= 0 {
		every = Base
	}
	phase, _ := bits.Mul64(uint64(id)*golden, uint64(every))
	gone := (now.UnixNano() - int64(phase)) % int64(every)
	if gone < 0 {
		gone += int64(every)
	}
	return now.Add(every - time.Duration(gone)).UTC()
}
