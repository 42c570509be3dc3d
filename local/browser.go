package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"slices"
	"strings"

	"golang.org/x/net/html"
)

// browser is a person at the provider's pages: it follows redirects, keeps cookies, and fills in
// the one form of a page.
type browser struct{ client *http.Client }

func newBrowser() (*browser, error) {
	jar, err := cookiejar.New(nil)
	return &browser{&http.Client{Jar: jar}}, err
}

// page is a page that came back.
type page struct {
	address *url.URL
	root    *html.Node
}

func (b *browser) get(ctx context.Context, address string) (page, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return page{}, err
	}
	return b.do(req)
}

func (b *browser) do(req *http.Request) (page, error) {
	res, err := b.client.Do(req)
	var at *url.Error
	if errors.As(err, &at) {
		err = fmt.Errorf("ask %s: %w", req.URL.Host, at.Err) // the address itself may hold a link or a code
	}
	if err != nil {
		return page{}, err
	}
	defer res.Body.Close()
	root, err := html.Parse(io.LimitReader(res.Body, 1<<20))
	if err != nil {
		return page{}, err
	}
	p := page{res.Request.URL, root}
	if res.StatusCode != http.StatusOK {
		return p, fmt.Errorf("%s answered %s: %s", p.address.Host, res.Status, p.words())
	}
	return p, nil
}

// press fills in the page's form with values and presses the button that is labelled so.
func (b *browser) press(ctx context.Context, p page, button string, values url.Values) (page, error) {
	form := p.find(func(n *html.Node) bool { return n.Data == "form" })
	if form == nil {
		return page{}, fmt.Errorf("%s shows no form, but: %s", p.address.Host, p.words())
	}
	sent := url.Values{}
	for n := range form.Descendants() {
		name, value := attr(n, "name"), attr(n, "value")
		switch {
		case n.Type != html.ElementNode || name == "":
		case n.Data == "input" && attr(n, "type") == "hidden":
			sent.Set(name, value)
		case n.Data == "input" && has(n, "checked"): // a box as the page ticks it
			sent.Add(name, value)
		case n.Data == "button" && strings.Contains((page{root: n}).words(), button):
			sent.Set(name, value)
		}
	}
	for name, v := range values {
		sent[name] = v
	}
	action, err := p.address.Parse(attr(form, "action"))
	if err != nil {
		return page{}, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, action.String(), strings.NewReader(sent.Encode()))
	if err != nil {
		return page{}, err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return b.do(req)
}

func (p page) find(want func(*html.Node) bool) *html.Node {
	for n := range p.root.Descendants() {
		if n.Type == html.ElementNode && want(n) {
			return n
		}
	}
	return nil
}

// words returns the text that a person sees.
func (p page) words() string {
	from := p.root
	if body := p.find(func(n *html.Node) bool { return n.Data == "body" }); body != nil {
		from = body
	}
	var words []string
	for n := range from.Descendants() {
		if n.Type == html.TextNode && n.Parent.Data != "style" {
			words = append(words, strings.Fields(n.Data)...)
		}
	}
	return strings.Join(words, " ")
}

func attr(n *html.Node, key string) string {
	for _, a := range n.Attr {
		if a.Key == key {
			return a.Val
		}
	}
	return ""
}

func has(n *html.Node, key string) bool {
	return slices.ContainsFunc(n.Attr, func(a html.Attribute) bool { return a.Key == key })
}
