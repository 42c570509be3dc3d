package fault_test

import (
	"errors"
	"testing"

	"github.com/countinghouse/countinghouse/shared/fault"
)

// Error Reporting wants a line of words, an empty one, and the stack.
func TestStack(t *testing.T) {
	here := "goroutine 1 [running]:\nmain.main()"
	for _, tt := range []struct {
		name string
		give any
		want string
	}{
		{"a text", "boom", "panic: boom\n\n" + here},
		{"an error of several lines", errors.New("boom\n\nbang"), "panic: boom bang\n\n" + here},
		{"a value that brings its own stack", errors.New("boom\n\ngoroutine 7 [running]:\nx.y()"), "panic: boom\n\ngoroutine 7 [running]:\nx.y()"},
		{"nothing", nil, "panic: <nil>\n\n" + here},
	} {
		if got := fault.Stack(tt.give, []byte(here)); got != tt.want {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
	}
}
