package plaid

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"

	"github.com/countinghouse/countinghouse/shared/platform/httpclient"
)

// Statements returns the accounts that have statements, each with all of them: the elements of accounts, Plaid's own bytes.
//
//	POST /statements/list → {"accounts":[{"account_id":"…","statements":[{"statement_id":"…","month":5,"year":2023,…}],…}],…}
//
// Shape: in no promised order. Limits: 100 calls a minute for the app.
// Errors: [Unsupported] where the Item has no such product; else see [Client]. Source: Plaid, /statements/list.
func (i *Item) Statements(ctx context.Context) ([]json.RawMessage, error) {
	var accounts []json.RawMessage
	err := i.post(ctx, pathStatements, nil, func(body []byte) error {
		return read(body, shape{"accounts": list(&accounts)}, "accounts")
	})
	return accounts, err
}

// Download tells what was downloaded.
type Download struct {
	SHA256 string // of the file, in lower-case hex
	Size   int64  // in bytes
}

// ContentHash is the header that holds the SHA-256 of a statement.
const ContentHash = "Plaid-Content-Hash"

// MaxStatement is the largest statement that is read, in bytes.
const MaxStatement = 64 << 20

// Statement writes one statement, a PDF, to to as it comes in. When it fails, what was written is to be thrown away; once
// something was written no other attempt is made.
//
//	POST /statements/download {"statement_id":"…"} → application/pdf, with the header Plaid-Content-Hash
//
// Limits: 50 calls a minute for the app; MaxStatement bytes. Errors: fault.Unavailable when the file is not what its hash
// says; what to returns, as it is; else see [Client]. Source: Plaid, /statements/download.
func (i *Item) Statement(ctx context.Context, id string, to io.Writer) (Download, error) {
	var d Download
	r := i.request(pathDownload, fields{"statement_id": id})
	r.answer = func(header http.Header, body io.Reader) error {
		var err error
		d, err = download(header, body, to)
		return err
	}
	if err := i.client.call(ctx, r); err != nil {
		return Download{}, err
	}
	return d, nil
}

func download(header http.Header, body io.Reader, to io.Writer) (Download, error) {
	sum, out := sha256.New(), &sink{Writer: to}
	n, err := io.Copy(io.MultiWriter(out, sum), io.LimitReader(body, MaxStatement+1))
	want, bad := hex.DecodeString(header.Get(ContentHash))
	f := (*refused)(nil)
	switch {
	case out.err != nil:
		return Download{}, httpclient.Final(out.err)
	case err != nil:
		f = unreadable("the statement breaks off")
	case n > MaxStatement:
		f = unreadable(fmt.Sprintf("the statement is larger than %d MiB", MaxStatement>>20))
	case bad != nil || subtle.ConstantTimeCompare(sum.Sum(nil), want) != 1:
		f = unreadable("the statement is not what Plaid's hash of it says")
	default:
		return Download{SHA256: hex.EncodeToString(sum.Sum(nil)), Size: n}, nil
	}
	f.final = n > 0
	return Download{}, f
}

// sink remembers how writing failed: that is the caller's matter, not Plaid's.
type sink struct {
	io.Writer
	err error
}

func (s *sink) Write(p []byte) (int, error) {
	n, err := s.Writer.Write(p)
	if err == nil && n < len(p) {
		err = io.ErrShortWrite
	}
	if err != nil {
		s.err = err
	}
	return n, err
}

const (
	pathStatements = "/statements/list"
	pathDownload   = "/statements/download"
)
