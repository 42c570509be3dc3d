package plaidsim

import "net/http"

// refusal is an error in Plaid's own words, as the API prints it.
type refusal struct {
	Status  int // HTTP
	Type    string
	Code    string
	Reason  string // error_code_reason; "": not printed
	Message string
	Display string // display_message; "": null
}

// body is the PlaidError; within an Item it stands without a request_id.
func (r *refusal) body() obj {
	out := obj{"error_type": r.Type, "error_code": r.Code, "error_message": r.Message, "display_message": nil,
		"documentation_url": "https://plaid.com/docs/?ref=error#" + docsPage(r.Type), "suggested_action": nil}
	if r.Display != "" {
		out["display_message"] = r.Display
	}
	if r.Reason != "" {
		out["error_code_reason"] = r.Reason
	}
	return out
}

// inItem is the error as an Item or a webhook carries it.
func (r *refusal) inItem() any {
	if r == nil {
		return nil
	}
	out := r.body()
	out["status"] = r.Status
	return out
}

func docsPage(errorType string) string {
	page := []byte(errorType)
	for i, c := range page {
		if c == '_' {
			page[i] = '-'
		} else {
			page[i] = c | 0x20
		}
	}
	return string(page) + "-errors"
}

const (
	invalidRequest = "INVALID_REQUEST"
	invalidInput   = "INVALID_INPUT"
	itemError      = "ITEM_ERROR"
)

func badRequest(code, message string) *refusal {
	return &refusal{Status: http.StatusBadRequest, Type: invalidRequest, Code: code, Message: message}
}

func badField(message string) *refusal { return badRequest("INVALID_FIELD", message) }

// failure gives the refusal that has an error code, in the words of Plaid's catalogue. Of a code that
// the simulator does not know it makes an ITEM_ERROR.
func failure(code string) *refusal {
	known, ok := failures[code]
	if !ok {
		known = refusal{Type: itemError, Message: "the item cannot be used now"}
	}
	known.Code = code
	if known.Status == 0 {
		known.Status = http.StatusBadRequest
	}
	if known.Type == rateLimited {
		known.Status = http.StatusTooManyRequests
	}
	return &known
}
