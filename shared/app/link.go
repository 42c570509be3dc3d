package app

import (
	"context"
	"flag"
	"fmt"
	"time"

	"github.com/countinghouse/countinghouse/shared/fault"
	"github.com/countinghouse/countinghouse/shared/org"
	"github.com/countinghouse/countinghouse/shared/provider/plaid"
	"github.com/countinghouse/countinghouse/shared/provider/quickbooks"
	"github.com/countinghouse/countinghouse/shared/sync/connect"
)

// longest is how long a link may be valid.
const longest = 30 * 24 * time.Hour

// Link is the job that prints a connect link, alone, and says besides what to do with it.
var Link = jobOf(link)

func link(_ context.Context, c call, load func() (LinkConfig, error)) error {
	flags := flag.NewFlagSet("link", flag.ContinueOnError)
	flags.SetOutput(c.words)
	slug := flags.String("org", "", "the organisation's slug, such as onpoint")
	provider := flags.String("provider", "", "quickbooks or plaid")
	connection := flags.Int64("connection", 0, "number of the connection to connect again or to disconnect; 0: of quickbooks the organisation's own, or its first; of plaid a further bank")
	add := flags.Bool("add", false, "attach a further company to an organisation that has one; a further bank needs -add only where it looks like one that is connected already")
	end := flags.Bool("disconnect", false, "a link that disconnects")
	valid := flags.Duration("valid", 24*time.Hour, "how long the link is valid, at most 720h")
	if err := flags.Parse(c.args); err != nil {
		return err
	}
	cfg, err := load()
	if err != nil {
		return err
	}
	l := connect.Link{Purpose: connect.Connect, Provider: org.Provider(*provider), Connection: org.ConnectionID(*connection), Add: *add,
		Expires: time.Now().Add(*valid).UTC().Truncate(time.Second)}
	if l.Org, err = org.ParseSlug(*slug); err != nil {
		return fmt.Errorf("-org: %w", err)
	}
	if *end {
		l.Purpose = connect.Disconnect
	}
	switch {
	case l.Provider != quickbooks.Provider && l.Provider != plaid.Provider:
		return fault.New(fault.Invalid, fmt.Sprintf("-provider %q: want quickbooks or plaid", *provider))
	case *valid <= 0 || *valid > longest:
		return fault.New(fault.Invalid, fmt.Sprintf("-valid %s: want more than zero and at most %s", *valid, longest))
	case *connection < 0:
		return fault.New(fault.Invalid, "-connection: want a connection's number")
	case flags.NArg() > 0:
		return fault.New(fault.Invalid, fmt.Sprintf("%q is not an option", flags.Arg(0)))
	case *add && (*end || *connection != 0):
		return fault.New(fault.Invalid, "-add goes with neither -disconnect nor -connection")
	}
	text, err := connect.NewLink([]byte(cfg.Key.Reveal()), l)
	if err != nil {
		return err
	}
	address, err := connect.LinkURL(cfg.Public, l, text)
	if err != nil {
		return err
	}
	if _, err := fmt.Fprintln(c.out, address); err != nil {
		return fmt.Errorf("print link: %w", err)
	}
	_, err = fmt.Fprintf(c.words, "Whoever opens this link before %s can %s for %s, once. Give it to nobody else.\n",
		l.Expires.Format("2006-01-02 15:04 MST"), permits(l), l.Org)
	return err
}

// permits says what a link is good for.
func permits(l connect.Link) string {
	switch {
	case l.Connection != 0 && l.Purpose == connect.Connect:
		return fmt.Sprintf("sign in again to connection %s of %s", l.Connection, l.Provider)
	case l.Connection != 0:
		return fmt.Sprintf("%s connection %s of %s", l.Purpose, l.Connection, l.Provider)
	case l.Provider == plaid.Provider && l.Purpose == connect.Connect:
		return "connect a bank by " + string(l.Provider)
	}
	return fmt.Sprintf("%s %s", l.Purpose, l.Provider)
}
