package app

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/countinghouse/countinghouse/shared/fault"
	"github.com/countinghouse/countinghouse/shared/org"
	"github.com/countinghouse/countinghouse/shared/platform/config"
	"github.com/countinghouse/countinghouse/shared/sync/connect"
)

// SyncConfig is how syncs behave.
type SyncConfig struct {
	MaxRetries    int           `env:"SYNC_MAX_RETRIES" envDefault:"3" help:"further attempts of a call that a provider could not answer"`
	RetryDelay    time.Duration `env:"SYNC_RETRY_DELAY" envDefault:"1s" help:"wait before the first of them, doubled for each next one"`
	RefreshBuffer time.Duration `env:"TOKEN_REFRESH_BUFFER" envDefault:"5m" help:"how long before its end an access token is renewed"`
	Limit         time.Duration `env:"SYNC_LIMIT" envDefault:"8m" help:"how long one run may take; below the function's own limit"`
	Lease         time.Duration `env:"SYNC_LEASE" envDefault:"60s" help:"how long a connection stays with a process that has died"`
	Collect       time.Duration `env:"WEBHOOK_COLLECT" envDefault:"3s" help:"how long webhooks of one company are gathered, so that one call reads what they name"`
}

// Validate implements config.Validator.
func (c SyncConfig) Validate() error {
	var errs []error
	want := func(ok bool, words string) {
		if !ok {
			errs = append(errs, errors.New(words))
		}
	}
	want(c.MaxRetries >= 0, "SYNC_MAX_RETRIES: want 0 or more")
	want(c.RetryDelay > 0, "SYNC_RETRY_DELAY: want a duration above zero")
	// An access token lasts an hour: a buffer near that would renew it at every call.
	want(c.RefreshBuffer >= 0 && c.RefreshBuffer <= 30*time.Minute, "TOKEN_REFRESH_BUFFER: want 0s to 30m")
	want(c.Limit > 0, "SYNC_LIMIT: want a duration above zero")
	want(c.Lease >= 3*time.Second, "SYNC_LEASE: want 3s or more")
	want(c.Collect >= 0 && c.Collect <= time.Minute, "WEBHOOK_COLLECT: want 0s to 1m")
	return errors.Join(errs...)
}

// LinkConfig is what connect links are made of.
type LinkConfig struct {
	Key    config.Secret `env:"CONNECT_SIGNING_KEY,required" help:"signs connect links: 32 random characters or more, such as openssl rand -hex 32 prints"`
	Public string        `env:"PUBLIC_URL,required" help:"the address that browsers and providers come back to, such as https://books.example.com"`
}

// Validate implements config.Validator.
func (c LinkConfig) Validate() error {
	_, err := connect.ParsePublic(c.Public)
	key := c.Key.Reveal()
	if strings.TrimSpace(key) != key { // one program would get it with, another without: no link would be good
		err = errors.Join(err, errors.New("CONNECT_SIGNING_KEY: white space stands around it, perhaps a line break at its end"))
	}
	return errors.Join(err, connect.CheckKey([]byte(key)))
}

// Organisations is the setting ORGANISATIONS: onpoint=OnPoint,powergen=PowerGen.
type Organisations []org.Organisation

// UnmarshalText implements encoding.TextUnmarshaler.
func (o *Organisations) UnmarshalText(text []byte) error {
	for entry := range entries(string(text)) {
		name, title, ok := strings.Cut(entry, "=")
		slug, err := org.ParseSlug(strings.TrimSpace(name))
		title = strings.TrimSpace(title)
		if err != nil || !ok || title == "" {
			return fault.New(fault.Invalid, fmt.Sprintf("slug=Name pairs such as onpoint=OnPoint,powergen=PowerGen: %q is not one", entry))
		}
		*o = append(*o, org.Organisation{Slug: slug, Name: title})
	}
	return nil
}

// CustomColumn makes a custom field of an organisation's objects a column of a view in appsheet.
type CustomColumn struct {
	Org    org.Slug
	View   string
	Field  string // as people named it at the provider
	Column string
}

// CustomColumns is the setting CUSTOM_FIELD_COLUMNS: entries "organisation/view/field=column",
// separated by commas, such as
//
//	onpoint/invoices/Generator Model=generatormodel,onpoint/invoices/Engine Model=enginemodel
//
// A field's name may hold anything but a comma.
type CustomColumns []CustomColumn

// UnmarshalText implements encoding.TextUnmarshaler.
func (c *CustomColumns) UnmarshalText(text []byte) error {
	column := regexp.MustCompile(`^[a-z][a-z0-9_]{0,62}$`)
	for entry := range entries(string(text)) {
		i := strings.LastIndexByte(entry, '=')
		parts := strings.SplitN(entry[:max(i, 0)], "/", 3)
		if i < 0 || len(parts) != 3 || parts[1] == "" || strings.TrimSpace(parts[2]) == "" || !column.MatchString(strings.TrimSpace(entry[i+1:])) {
			return fault.New(fault.Invalid, fmt.Sprintf("entries such as onpoint/invoices/Generator Model=generatormodel, separated by commas: %q is not one", entry))
		}
		slug, err := org.ParseSlug(parts[0])
		if err != nil {
			return err
		}
		*c = append(*c, CustomColumn{slug, parts[1], strings.TrimSpace(parts[2]), strings.TrimSpace(entry[i+1:])})
	}
	return nil
}

// entries yields what stands between commas, without blanks around it and without empty ones.
func entries(text string) func(yield func(string) bool) {
	return func(yield func(string) bool) {
		for entry := range strings.SplitSeq(text, ",") {
			if entry = strings.TrimSpace(entry); entry != "" && !yield(entry) {
				return
			}
		}
	}
}
