package connect

import (
	"context"
	"fmt"
	"net/http"

	"github.com/countinghouse/countinghouse/shared/fault"
	"github.com/countinghouse/countinghouse/shared/org"
)

// maxForm is more than a link's length.
const maxForm = 16 << 10

const notDisconnected = "Not disconnected"

// confirm asks before a connection is ended: opening a link alone ends nothing.
func (s *server) confirm(v visit) {
	text := v.r.URL.Query().Get("link")
	_, o, ok := s.admit(v, text, Disconnect)
	if !ok {
		return
	}
	w := v.provider.Words()
	s.show(v.w, page{
		Status: http.StatusOK, Title: fmt.Sprintf("Disconnect %s from %s?", v.provider.Title(), name(o)),
		Text: fmt.Sprintf("Countinghouse will no longer read these %s. What has been copied so far is kept. To go on later, connect the same %s again.",
			w.Kept, w.Account),
		Action: address(s.public, v.name, "disconnect").String(), Link: text, Button: "Disconnect " + v.provider.Title(),
	})
}

// disconnect ends a connection: at the provider first, then here.
func (s *server) disconnect(v visit) {
	v.r.Body = http.MaxBytesReader(v.w, v.r.Body, maxForm)
	if err := v.r.ParseForm(); err != nil {
		s.show(v.w, page{Status: http.StatusBadRequest, Title: "This did not work", Text: "The form did not arrive as a whole. Open your link again."})
		return
	}
	link, o, ok := s.admit(v, v.r.PostForm.Get("link"), Disconnect)
	if !ok {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(v.r.Context()), grantLimit)
	defer cancel()
	s.finish(v, s.end(ctx, v, link, o))
}

func (s *server) end(ctx context.Context, v visit, link Link, o org.Organisation) page {
	w, known := v.provider.Words(), ""
	c, l, err := s.held(v.r.Context(), func() (org.Connection, org.Lease, bool, error) {
		return s.Store.Hold(ctx, o.Slug, v.name, s.Holder, leaseLife, func(have []Existing) (org.ConnectionID, error) {
			id, err := only(link, have)
			known = nameOf(id, have)
			return id, err
		})
	})
	if err != nil {
		return s.failed(v, o.Slug, "hold", notDisconnected, err)
	}
	if c.State != org.Disconnected {
		if err := v.provider.Revoke(ctx, c, l); err != nil {
			s.giveUp(ctx, c, l, "")
			p := s.failed(v, o.Slug, "revoke", notDisconnected, err)
			if fault.Retry(err) {
				p.Status, p.Title = http.StatusServiceUnavailable, notDisconnected
				p.Text = sentence(words(err)) + " Nothing was changed here; try again in some minutes."
			}
			return p
		}
	}
	if err := s.Store.Disconnect(ctx, l, digest(link.Nonce), link.Expires, "disconnected on request"); err != nil {
		s.giveUp(ctx, c, l, "")
		s.note(v, o.Slug, "disconnect", err)
		return page{
			Status: http.StatusServiceUnavailable, Title: "Not disconnected altogether",
			Text: v.provider.Title() + " no longer lets us read these " + w.Kept + ", but that could not be written down here. Open your link again in some minutes, and disconnect once more.",
		}
	}
	s.Log.InfoContext(ctx, "disconnected", "event", "disconnected", "org", string(c.Org), "provider", string(c.Provider), "connection", int64(c.ID))
	return page{
		Status: http.StatusOK, Title: v.provider.Title() + " is disconnected",
		Text: fmt.Sprintf("%s is no longer read for %s. What was copied is kept. You can close this window.", capital(w.called(c.Account, known)), name(o)),
	}
}

func name(o org.Organisation) string {
	if o.Name == "" {
		return string(o.Slug)
	}
	return o.Name
}
