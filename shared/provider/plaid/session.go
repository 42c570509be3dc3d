package plaid

import (
	"cmp"
	"context"
	"encoding/json"
	"slices"
)

// LinkSession is what came of a link token.
type LinkSession struct {
	Finished  bool // the people have left
	Succeeded bool // and a bank was connected, or mended
	// ExitCode is Plaid's error_code when they left because of a failure; ExitMessage tells people about it. Both are
	// empty for those who just left.
	ExitCode, ExitMessage string
	Items                 []LinkedItem // that were connected
}

// LinkedItem is one bank that was connected. Its access token is to be had by [Client.Exchange], except in update mode.
type LinkedItem struct {
	Public                         Secret
	InstitutionID, InstitutionName string
	Accounts                       []LinkedAccount
}

// LinkedAccount is one account of it that people chose to share.
type LinkedAccount struct {
	ID, Name, Mask, Type, Subtype string // Mask and Subtype may be empty
}

// LinkSession returns what came of token: of its newest session that succeeded, else of its newest. One token may open
// Link twice, and what was connected in the first window counts though the second is still open. A token that nobody has used yet
// gives the zero LinkSession.
//
//	POST /link/token/get → {"link_sessions":[{"started_at":"…","finished_at":"…","results":{"item_add_results":[…]},"exit":{…},…}],…}
//
// Limits: sessions can be read for six hours after they ended, public tokens live for 30 minutes.
// Errors: fault.Invalid for an unknown token; else see [Client]. Source: Plaid, /link/token/get; Hosted Link.
func (c *Client) LinkSession(ctx context.Context, token Secret) (LinkSession, error) {
	var s LinkSession
	err := c.post(ctx, "/link/token/get", fields{"link_token": string(token)}, func(body []byte) error {
		var answer struct {
			Token    loose     `json:"link_token"`
			Sessions []session `json:"link_sessions"`
		}
		if err := json.Unmarshal(body, &answer); err != nil || answer.Token == "" {
			return malformed()
		}
		s = LinkSession{}
		if len(answer.Sessions) > 0 {
			s = slices.MaxFunc(answer.Sessions, session.compare).told()
		}
		return nil
	})
	return s, err
}

// session is one opening of Link.
type session struct {
	Started  loose `json:"started_at"`
	Finished loose `json:"finished_at"`
	Results  struct {
		Added []added `json:"item_add_results"`
	} `json:"results"`
	OnSuccess *struct { // what there was before results
		Public   loose `json:"public_token"`
		Metadata added `json:"metadata"`
	} `json:"on_success"`
	Exit   exit `json:"exit"`
	OnExit exit `json:"on_exit"` // what there was before exit
	Events []struct {
		Name loose `json:"event_name"`
	} `json:"events"`
}

type exit struct {
	Error json.RawMessage `json:"error"`
}

type added struct {
	Public      loose `json:"public_token"`
	Institution struct {
		ID   loose `json:"institution_id"`
		Name loose `json:"name"`
	} `json:"institution"`
	Accounts []struct {
		ID      loose `json:"id"`
		Name    loose `json:"name"`
		Mask    loose `json:"mask"`
		Type    loose `json:"type"`
		Subtype loose `json:"subtype"`
	} `json:"accounts"`
}

// compare orders sessions: one that succeeded is above one that did not, then the newer one.
func (s session) compare(other session) int {
	if a, b := s.succeeded(), other.succeeded(); a != b {
		if a {
			return 1
		}
		return -1
	}
	return s.Started.time().Compare(other.Started.time())
}

// succeeded looks at all that tells of success: which of them update mode gives is not documented.
func (s session) succeeded() bool {
	handed := false
	for _, e := range s.Events {
		handed = handed || e.Name == "HANDOFF"
	}
	return handed || s.OnSuccess != nil || len(s.Results.Added) > 0
}

func (s session) told() LinkSession {
	out := LinkSession{Succeeded: s.succeeded(), Finished: s.Finished != ""}
	for _, a := range s.items() {
		out.Items = append(out.Items, a.item())
	}
	if out.Succeeded {
		out.Finished = true
		return out
	}
	for _, e := range []exit{s.Exit, s.OnExit} {
		if r := embedded(e.Error); r != nil && out.ExitCode == "" {
			out.ExitCode, out.ExitMessage, out.Finished = cmp.Or(r.code, "UNKNOWN"), r.fault.Msg, true
		}
	}
	return out
}

func (s session) items() []added {
	if len(s.Results.Added) == 0 && s.OnSuccess != nil {
		a := s.OnSuccess.Metadata
		a.Public = s.OnSuccess.Public
		return []added{a}
	}
	return s.Results.Added
}

func (a added) item() LinkedItem {
	item := LinkedItem{Public: Secret(a.Public), InstitutionID: string(a.Institution.ID), InstitutionName: string(a.Institution.Name)}
	for _, account := range a.Accounts {
		item.Accounts = append(item.Accounts, LinkedAccount{
			ID: string(account.ID), Name: string(account.Name), Mask: string(account.Mask),
			Type: string(account.Type), Subtype: string(account.Subtype),
		})
	}
	return item
}
