package plaidsim

import "maps"

// event is something that Plaid sends a webhook about.
type event struct {
	URL    string // where it goes; "": nowhere
	Item   string // item_id; "" for LINK
	Type   string // webhook_type
	Code   string // webhook_code
	Fields obj    // beside webhook_type, webhook_code, item_id and environment
}

// tell is called, with the lock held, for everything about an Item that Plaid sends a webhook for. The
// core decides what is told (SYNC_UPDATES_AVAILABLE only once sync has been called); Webhooks delivers it.
func (s *Server) tell(it *Item, webhookType, code string, extra obj) {
	if it.removed {
		return
	}
	if it.webhook != "" {
		it.lastWebhook.at, it.lastWebhook.code = s.cfg.Now(), code
	}
	s.emit(event{URL: it.webhook, Item: it.id, Type: webhookType, Code: code, Fields: extra})
}

// tellLink tells of a Link session, to the link token's own address.
func (s *Server) tellLink(url, code string, extra obj) {
	s.emit(event{URL: url, Type: "LINK", Code: code, Fields: extra})
}

func (s *Server) emit(e event) {
	s.stats.Told[e.Type+"/"+e.Code]++
	if w := s.webhooks.Load(); w != nil {
		e.Fields = maps.Clone(e.Fields)
		w.take(e)
	}
}
