package qbosim

import (
	"net/http"
	"strings"
)

// answerWrite handles POST /{entity}: create, update, ?operation=delete, ?operation=void,
// ?operation=update&include=void. A requestid seen before gets its first answer again.
func (k *call) answerWrite() error {
	def := entityOfPath(k.rest[0])
	if def == nil || len(k.rest) != 1 {
		return unsupported("Could not find resource for relative : " + k.r.URL.Path)
	}
	if kind := k.r.Header.Get("Content-Type"); !strings.HasPrefix(kind, "application/json") {
		return invalid("100", "General request error", "A write needs Content-Type: application/json, not "+kind)
	}
	body, err := parseObject(k.body)
	if err != nil {
		return err
	}
	k.c.mu.Lock()
	defer k.c.mu.Unlock()
	request := k.r.URL.Query().Get("requestid")
	if first, ok := k.c.answered[request]; ok && request != "" {
		k.w.json(http.StatusOK, first)
		return nil
	}
	raw, err := k.write(k.c.table(def.name), body)
	if err != nil {
		return err
	}
	answer := k.object(def.jsonKey(), raw)
	if request != "" {
		if k.c.answered == nil {
			k.c.answered = map[string][]byte{}
		}
		k.c.answered[request] = answer
	}
	return nil
}

func (k *call) write(t *table, body *object) ([]byte, error) {
	if t.def.readOnly {
		return nil, unsupported("create or update of " + t.def.name)
	}
	params := k.r.URL.Query()
	include := params.Get("include") == "void"
	switch operation := params.Get("operation"); {
	case operation == "delete":
		o, err := k.c.current(t, body)
		if err == nil {
			err = k.c.remove(t, o, false)
		}
		if err != nil {
			return nil, err
		}
		return t.def.deleted(body).append(nil), nil
	case operation == "void" && t.def.void == voidByName, operation == "update" && include && t.def.void == voidByUpdate:
		o, err := k.c.current(t, body)
		if err != nil {
			return nil, err
		}
		r, err := k.c.void(t, o)
		if err != nil {
			return nil, err
		}
		return asWritten(t.def, r.raw), nil
	case operation == "" || operation == "update" && !include:
		r, err := k.c.save(t, body)
		if err != nil {
			return nil, err
		}
		return asWritten(t.def, r.raw), nil
	}
	return nil, unsupported(params.Encode() + " of " + t.def.name)
}

// deleted is the answer to a deletion: of a wrapped object the mark stands on the wrapper.
func (e *entity) deleted(body *object) *object {
	gone := obj("domain", "QBO", "status", "Deleted")
	if e.wrapped {
		return gone.set(body.members[0].key, obj("Id", e.idOf(body)))
	}
	return gone.set("Id", e.idOf(body))
}

// asWritten prints a stored object as the answer to its write shows it.
func asWritten(def *entity, raw []byte) []byte {
	o, err := parseObject(raw)
	if err != nil {
		return raw
	}
	o.drop(def.notOnWrite...)
	return def.single(o)
}
