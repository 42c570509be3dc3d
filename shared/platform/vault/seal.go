package vault

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"errors"
	"fmt"
)

// Seal closes and opens tokens that have to wait in the database. Its key comes from the app's
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

// close seals payload for owner; only open with the same owner gives it back.
func (s Seal) close(payload []byte, owner string) ([]byte, error) {
	if s.aead == nil {
		return nil, errors.New("seal: no key")
	}
	return s.aead.Seal(nil, nil, payload, []byte(owner)), nil
}

func (s Seal) open(sealed []byte, owner string) ([]byte, error) {
	if s.aead == nil {
		return nil, errors.New("seal: no key")
	}
	return s.aead.Open(nil, nil, sealed, []byte(owner))
}
