package httpclient

import (
	"net/http"
	"net/http/httptest"
	"testing"
)

func TestNewFollowsNoRedirect(t *testing.T) {
	visited := false
	elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { visited = true }))
	defer elsewhere.Close()
	here := httptest.NewServer(http.RedirectHandler(elsewhere.URL, http.StatusFound))
	defer here.Close()

	res, err := New(Options{}).Get(here.URL)
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	if res.StatusCode != http.StatusFound || visited {
		t.Errorf("status %d, followed %v", res.StatusCode, visited)
	}
}

func TestNewAsksForPlainAnswers(t *testing.T) {
	for _, plain := range []bool{false, true} {
		var encoding string
		server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { encoding = r.Header.Get("Accept-Encoding") }))
		res, err := New(Options{DisableCompression: plain}).Get(server.URL)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		server.Close()
		if (encoding == "") != plain {
			t.Errorf("DisableCompression %v sent Accept-Encoding %q", plain, encoding)
		}
	}
}
