package qbosim

import "hash/fnv"

// random is a splitmix64 sequence: tiny, fast, and the same everywhere.
type random uint64

func (r *random) next() uint64 {
	*r += 0x9e3779b97f4a7c15
	z := uint64(*r)
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

// below gives 0…n-1.
func (r *random) below(n int) int { return int(r.next() >> 33 % uint64(n)) }

// oneIn is true in one of n cases.
func (r *random) oneIn(n int) bool { return r.below(n) == 0 }

// draw starts the sequence of object number i of the kind that seed stands for.
func draw(seed uint64, i int) random {
	r := random(seed + uint64(i)*0xd1342543de82ef95)
	r.next()
	return r
}

// seedOf makes the seed of one kind of object.
func seedOf(seed uint64, text string) uint64 {
	h := fnv.New64a()
	h.Write([]byte(text))
	return h.Sum64() ^ seed*0x9e3779b97f4a7c15
}
