// Package chance draws the simulators' random numbers: what a seed and a number make is the same on every
// machine and in every version, and object 1,000,000 needs none of those before it.
package chance

import "hash/fnv"

// Sequence is a splitmix64 sequence: tiny and fast. It is not for secrets.
type Sequence uint64

// Next returns the next 64 bits.
func (s *Sequence) Next() uint64 {
	*s += 0x9e3779b97f4a7c15
	z := uint64(*s)
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

// Below returns one of 0…n-1; n is at least 1.
func (s *Sequence) Below(n int) int { return int(s.Next() >> 33 % uint64(n)) }

// OneIn is true in one of n cases.
func (s *Sequence) OneIn(n int) bool { return s.Below(n) == 0 }

// Draw starts the sequence of number i of what the seed stands for.
func Draw(seed uint64, i int) Sequence {
	s := Sequence(seed + uint64(i)*0xd1342543de82ef95)
	s.Next()
	return s
}

// Seed makes the seed of one kind of thing, named by text, out of the seed of all.
func Seed(seed uint64, text string) uint64 {
	h := fnv.New64a()
	h.Write([]byte(text))
	return h.Sum64() ^ seed*0x9e3779b97f4a7c15
}
