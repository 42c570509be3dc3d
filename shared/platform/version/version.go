// Package version says which version of Countinghouse a program is.
package version

import "runtime/debug"

// text is set by the build of an image (-ldflags "-X …/version.text=…"): a commit, or a tag.
var text string

// String returns the version that the program was built as, else the commit of the working copy that it
// was built in, or "unknown".
func String() string {
	if text != "" {
		return text
	}
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, s := range info.Settings {
			if s.Key == "vcs.revision" {
				return s.Value
			}
		}
	}
	return "unknown"
}
