package plaidsim

import "github.com/countinghouse/countinghouse/shared/provider/chance"

// random is a sequence of random numbers that also makes what Plaid's objects hold.
type random struct{ chance.Sequence }

// draw starts the sequence of number i of what seed stands for.
func draw(seed uint64, i int) random { return random{chance.Draw(seed, i)} }

// alphabet is that of Plaid's ids: letters of both cases mean different things.
const alphabet = "123456789abcdefghijkmnopqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ"

// pick gives n characters of the alphabet.
func (r *random) pick(n int) string {
	b := make([]byte, n)
	for i := range b {
		b[i] = alphabet[r.Below(len(alphabet))]
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
			b[i] = hex[r.Below(16)]
		}
	}
	return string(b)
}
