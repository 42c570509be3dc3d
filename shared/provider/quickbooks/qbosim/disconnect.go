package qbosim

import (
	"context"
	"net/http"
	"net/url"
	"time"
)

// disconnectWithin is the patience with an app that is told of a disconnect.
const disconnectWithin = 10 * time.Second

// Disconnect is the user removing the app: the API answers 401 and a refresh invalid_grant. With a
// DisconnectURL the app is told by GET {DisconnectURL}?realmId=…, after that; its answer is of no matter.
func (c *Company) Disconnect() {
	c.server.grants.revokeRealm(c.spec.Realm)
	if c.server.cfg.DisconnectURL == "" {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), disconnectWithin)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, withParameter(c.server.cfg.DisconnectURL, "realmId", c.spec.Realm), http.NoBody)
	if err != nil {
		return
	}
	client := c.server.cfg.Client
	if client == nil {
		client = http.DefaultClient
	}
	if res, err := client.Do(r); err == nil {
		res.Body.Close()
	}
}

func withParameter(address, key, value string) string {
	u, err := url.Parse(address)
	if err != nil {
		return address
	}
	q := u.Query()
	q.Set(key, value)
	u.RawQuery = q.Encode()
	return u.String()
}
