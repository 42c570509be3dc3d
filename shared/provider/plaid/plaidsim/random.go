package plaidsim

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

// draw starts the sequence of number i of what seed stands for.
func draw(seed uint64, i int) random {
	r := random(seed + uint64(i)*0xd1342543de82ef95)
	r.next()
	return r
}

// seedOf makes the seed of one kind of thing.
func seedOf(seed uint64, text string) uint64 {
	h := fnv.New64a()
	h.Write([]byte(text))
	return h.Sum64() ^ seed*0x9e3779b97f4a7c15
}

// alphabet is that of Plaid's ids: letters of both cases mean different things.
const alphabet = "123456789abcdefghijkmnopqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ"

// pick gives n characters of the alphabet.
func (r *random) pick(n int) string {
	b := make([]byte, n)
	for i := range b {
		b[i] = alphabet[r.below(len(alphabet))]
	}
	return string(b)
}

// id makes the id of number i of what seed stands for.
func id(seed uint64, i int) string {
	r := draw(seed, i)
	return r.pick(37)
}

// uuid makes a version 4 UUID.
func (r *random) uuid() string {
	const hex = "0123456789abcdef"
	b := []byte("xxxxxxxx-xxxx-4xxx-8xxx-xxxxxxxxxxxx")
	for i, c := range b {
		if c == 'x' {
			b[i] = hex[r.below(16)]
		}
	}
	return string(b)
}
