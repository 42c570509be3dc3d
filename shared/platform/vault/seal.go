package vault

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"errors"
	"fmt"
)

// Seal closes and opens secrets that have to wait in the database. Its key comes from the app's
// client secret: without that secret a refresh token is of no use anyway, so a sealed token in a
// stolen database gives away nothing that the thief could use.
type Seal struct{ aead cipher.AEAD }

// NewSeal derives a seal from an app's client secret.
func NewSeal(clientSecret string) (Seal, error) {
	if clientSecret == "" {
		return Seal{}, errors.New("seal: the client secret is empty")
	}
	key, err := hkdf.Key(sha256.New, []byte(clientSecret), nil, "countinghouse parked token 1", 32)
	if err != nil {
		return Seal{}, fmt.Errorf("seal: %w", err)
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return Seal{}, fmt.Errorf("seal: %w", err)
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	return Seal{aead}, err
}

// Close seals payload for owner; only Open with the same owner gives it back. An owner is the name of
// a connection's secret, or of something else that has to wait in the database.
func (s Seal) Close(payload []byte, owner string) ([]byte, error) {
	if s.aead == nil {
		return nil, errors.New("seal: no key")
	}
	return s.aead.Seal(nil, nil, payload, []byte(owner)), nil
}

// Open returns what Close sealed for owner. It fails when a byte, the owner or the client secret is
// another.
func (s Seal) Open(sealed []byte, owner string) ([]byte, error) {
	if s.aead == nil {
		return nil, errors.New("seal: no key")
	}
	return s.aead.Open(nil, nil, sealed, []byte(owner))
}
