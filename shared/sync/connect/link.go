package connect

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/countinghouse/countinghouse/shared/fault"
	"github.com/countinghouse/countinghouse/shared/org"
)

// Purpose says what a link is good for.
type Purpose string

// The purposes of links.
const (
	Connect    Purpose = "connect"
	Disconnect Purpose = "disconnect"
)

// Link is a permission for whoever holds it, good for one success.
type Link struct {
	Org        org.Slug         `json:"org"`
	Provider   org.Provider     `json:"provider"`
	Connection org.ConnectionID `json:"connection,omitempty"` // zero: the organisation's own, or a new one
	Purpose    Purpose          `json:"purpose"`
	Add        bool             `json:"add,omitempty"` // may attach a further account
	Expires    time.Time        `json:"expires"`
	Nonce      string           `json:"nonce"` // empty in a new link: NewLink makes one
}

// MinKey is the least length of a signing key.
const MinKey = 32

// CheckKey returns fault.Invalid, naming CONNECT_SIGNING_KEY, for a key that is too short.
func CheckKey(key []byte) error {
	if len(key) < MinKey {
		return fault.New(fault.Invalid, fmt.Sprintf("CONNECT_SIGNING_KEY: want %d characters or more", MinKey))
	}
	return nil
}

// NewLink returns l as signed text: base64url(JSON).base64url(HMAC-SHA256).
func NewLink(key []byte, l Link) (string, error) {
	if err := CheckKey(key); err != nil {
		return "", err
	}
	if l.Nonce == "" {
		l.Nonce = random()
	}
	return signed(key, "link", l)
}

// LinkURL returns the address to hand to a person; public is the address of this service.
func LinkURL(public string, l Link, text string) (string, error) {
	u, err := ParsePublic(public)
	if err != nil {
		return "", err
	}
	page := ""
	if l.Purpose == Disconnect {
		page = "disconnect"
	}
	u = address(u, l.Provider, page)
	u.RawQuery = url.Values{"link": {text}}.Encode()
	return u.String(), nil
}

// Why a link is not accepted. They are compared with, never changed.
var (
	errForged  = errors.New("the signature does not fit")
	errExpired = errors.New("expired")
)

// readLink checks the signature, in constant time, and the expiry.
func readLink(key []byte, text string, now time.Time) (l Link, err error) {
	if err := verify(key, "link", text, &l); err != nil {
		return Link{}, err
	}
	if !now.Before(l.Expires) {
		return l, errExpired
	}
	return l, nil
}

// signed returns v as text that verify accepts for the same use. Uses keep one kind of signed text
// from being taken for another.
func signed(key []byte, use string, v any) (string, error) {
	payload, err := json.Marshal(v)
	if err != nil {
		return "", fmt.Errorf("sign %s: %w", use, err)
	}
	text := base64.RawURLEncoding.EncodeToString(payload)
	return text + "." + base64.RawURLEncoding.EncodeToString(mac(key, use, text)), nil
}

func verify(key []byte, use, text string, v any) error {
	payload, signature, ok := strings.Cut(text, ".")
	if !ok {
		return errForged
	}
	got, err := base64.RawURLEncoding.Strict().DecodeString(signature)
	if err != nil || !hmac.Equal(got, mac(key, use, payload)) {
		return errForged
	}
	raw, err := base64.RawURLEncoding.DecodeString(payload)
	if err != nil || json.Unmarshal(raw, v) != nil {
		return errForged
	}
	return nil
}

func mac(key []byte, use, text string) []byte {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(use + "\x00" + text))
	return h.Sum(nil)
}
