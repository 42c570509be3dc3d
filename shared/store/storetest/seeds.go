package storetest

import "os"

// Seeds returns how many random histories a test runs: all of them when COUNTINGHOUSE_ALL_SEEDS is set,
// as .ci/run does in a step of its own, else a fifth, so that the whole of the tests stays short.
func Seeds(all int) int {
	if os.Getenv("COUNTINGHOUSE_ALL_SEEDS") != "" {
		return all
	}
	return (all + 4) / 5
}
