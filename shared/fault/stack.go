package fault

import (
	"fmt"
	"strings"
)

// Stack puts a panic with value p into the words in which Error Reporting knows one: a line, an empty
// one, and the stack, which is what runtime/debug.Stack tells where it is recovered. A value that brings
// a stack, because it has come from another goroutine, keeps its own.
func Stack(p any, stack []byte) string {
	const begins = "\n\ngoroutine "
	words, own, has := strings.Cut(fmt.Sprintf("panic: %v", p), begins)
	if !has {
		own = strings.TrimPrefix(string(stack), "goroutine ")
	}
	return strings.Join(strings.Fields(words), " ") + begins + own
}
