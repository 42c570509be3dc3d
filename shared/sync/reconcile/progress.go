package reconcile

import (
	"maps"
	"slices"
	"time"
)

// Share is how much of a load has been read, in percent: 99 at most, for it has not ended.
func (s Stream) Share() int {
	if s.Total <= 0 {
		return 0
	}
	return min(s.Done*100/s.Total, 99)
}

// Left is how long a load will take from now on, at the pace that it has had so far; zero: not known.
func (s Stream) Left() time.Duration {
	if s.Done <= 0 || s.Total <= s.Done {
		return 0
	}
	each := s.For / time.Duration(s.Done)
	return (each * time.Duration(s.Total-s.Done)).Round(time.Second)
}

// loading returns the names of the streams that are being read.
func (s Standing) loading() []string {
	return slices.DeleteFunc(slices.Sorted(maps.Keys(s.Streams)), func(name string) bool { return !s.Streams[name].Loading })
}
