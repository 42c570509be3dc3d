package tracing

import (
	"errors"
	"net/url"
	"strings"
)

// Config says where traces go; config.Load fills it.
type Config struct {
	Endpoint string  `env:"TRACE_ENDPOINT" help:"where traces go by OTLP over HTTP: https://telemetry.googleapis.com, or a collector such as http://127.0.0.1:4318; empty: nowhere"`
	Share    float64 `env:"TRACE_SHARE" envDefault:"0.05" help:"of the traces that are kept, 0 to 1"` //nolint:forbidigo // no money
	Project  string  `env:"GOOGLE_CLOUD_PROJECT"`
	Service  string  `env:"K_SERVICE" set:"platform"`
	Job      string  `env:"CLOUD_RUN_JOB" set:"platform"`
}

// Validate implements config.Validator.
func (c Config) Validate() error {
	var errs []error
	if c.Share < 0 || c.Share > 1 {
		errs = append(errs, errors.New("TRACE_SHARE: want 0 to 1"))
	}
	if c.Endpoint == "" {
		return errors.Join(errs...)
	}
	u, err := url.Parse(c.Endpoint)
	switch {
	case err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" || u.User != nil || u.RawQuery != "":
		errs = append(errs, errors.New("TRACE_ENDPOINT: want an address such as https://telemetry.googleapis.com or http://127.0.0.1:4318"))
	case googles(u) && u.Scheme != "https":
		errs = append(errs, errors.New("TRACE_ENDPOINT: want https: Google's address is told who we are"))
	case googles(u) && c.Project == "":
		errs = append(errs, errors.New("TRACE_ENDPOINT: want GOOGLE_CLOUD_PROJECT as well: the project that the traces belong to"))
	}
	return errors.Join(errs...)
}

// googles reports whether an address is one of Google's own, which takes traces from accounts that have
// the right to write them, and from nobody else.
func googles(u *url.URL) bool {
	return u.Hostname() == "googleapis.com" || strings.HasSuffix(u.Hostname(), ".googleapis.com")
}

// address is where the spans are posted. Like other programs' settings of this kind, TRACE_ENDPOINT is
// the address without the path that OTLP prescribes; with that path it is taken, too.
func address(endpoint string) string {
	return strings.TrimSuffix(strings.TrimRight(endpoint, "/"), path) + path
}

const path = "/v1/traces"
