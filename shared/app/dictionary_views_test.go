package app

import (
	"fmt"
	"io/fs"
	"regexp"
	"strings"

	"github.com/countinghouse/countinghouse/shared/store"
)

var (
	viewComment   = regexp.MustCompile(`(?m)^COMMENT ON VIEW (reporting\.\w+) IS '((?:[^']|'')*)';`)
	columnComment = regexp.MustCompile(`(?m)^COMMENT ON COLUMN (reporting\.\w+)\.(\w+) IS '((?:[^']|'')*)';`)
)

// reportingViews describes the views that no catalog declares, by what the migrations say of them.
func reportingViews() string {
	var b strings.Builder
	b.WriteString("Views that put together what several tables hold, each thing once. They are the same in both schemas.\n")
	all := migrations()
	for _, view := range viewComment.FindAllStringSubmatch(all, -1) {
		_, name, _ := strings.Cut(view[1], ".")
		fmt.Fprintf(&b, "\n### %s\n\n%s Also as view `appsheet.%s`. Key: `row_key`.\n\n| column | meaning |\n|---|---|\n", view[1], unquoted(view[2]), name)
		for _, c := range columnComment.FindAllStringSubmatch(all, -1) {
			if c[1] == view[1] {
				fmt.Fprintf(&b, "| `%s` | %s |\n", c[2], strings.ReplaceAll(unquoted(c[3]), "|", `\|`))
			}
		}
	}
	return b.String()
}

// migrations returns all of them, in their order.
func migrations() string {
	var b strings.Builder
	files, err := fs.Glob(store.Migrations(), "*.sql")
	for _, name := range files {
		raw, readErr := fs.ReadFile(store.Migrations(), name)
		if readErr != nil {
			err = readErr
		}
		b.Write(raw)
	}
	if err != nil {
		panic(err) // they are part of the program
	}
	return b.String()
}

// unquoted returns what a string constant of SQL says.
func unquoted(s string) string { return strings.ReplaceAll(s, "''", "'") }
