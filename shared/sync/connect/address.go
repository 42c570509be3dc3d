package connect

import (
	"net/url"

	"github.com/countinghouse/countinghouse/shared/fault"
	"github.com/countinghouse/countinghouse/shared/org"
)

// ParsePublic reads the address that browsers and providers come back to. What travels there opens
// books, so it is encrypted, save to this machine itself. Errors: fault.Invalid, naming PUBLIC_URL.
func ParsePublic(public string) (*url.URL, error) {
	u, err := url.Parse(public)
	if err == nil && u.Host != "" && (u.Scheme == "https" || u.Scheme == "http" && loopback(u.Hostname())) {
		return u.JoinPath("/"), nil // with a path, so that what is joined to it has one
	}
	return nil, fault.New(fault.Invalid, "PUBLIC_URL: want an address such as https://books.example.com; http only with localhost, 127.0.0.1 or [::1]")
}

func loopback(host string) bool { return host == "localhost" || host == "127.0.0.1" || host == "::1" }

// CallbackURL returns the address that a provider sends browsers back to; it is registered there
// letter for letter.
func CallbackURL(public string, p org.Provider) (string, error) {
	u, err := ParsePublic(public)
	if err != nil {
		return "", err
	}
	return address(u, p, "callback").String(), nil
}

// address returns the public address of a page of a provider: "" is where a link starts.
func address(public *url.URL, p org.Provider, page string) *url.URL {
	return public.JoinPath("connect", string(p), page)
}
