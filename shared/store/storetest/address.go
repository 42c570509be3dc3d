package storetest

import "net/url"

// withDatabase returns an address with another database in it.
func withDatabase(address, database string) string {
	u, err := url.Parse(address)
	if err != nil {
		return address
	}
	u.Path = "/" + database
	return u.String()
}

// withLogin returns an address with another login in it.
func withLogin(address, login, password string) string {
	u, err := url.Parse(address)
	if err != nil {
		return address
	}
	u.User = url.UserPassword(login, password)
	return u.String()
}
