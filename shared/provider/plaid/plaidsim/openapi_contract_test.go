package plaidsim_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
)

// contract is Plaid's own description of its API, and what was held against it.
type contract struct {
	doc *openapi3.T

	mu       sync.Mutex
	used     map[int]int            // exemptions, by their place in the list
	answered map[string]map[int]int // answers that were checked, by path and status
	asked    map[string]int         // requests of our client that were checked
	webhooks map[string]int         // bodies that were checked, by schema
	said     map[string]bool        // complaints, each of which is made once
	rows     map[string]int         // elements of arrays that were checked, by path and place
}

// description loads the file once: it has three megabytes.
var description = sync.OnceValues(func() (*openapi3.T, error) {
	text, err := os.ReadFile(filepath.Join(os.Getenv("COUNTINGHOUSE_FIXTURES"), "plaid", "2020-09-14.yml"))
	if err != nil {
		return nil, err
	}
	return openapi3.NewLoader().LoadFromData(text)
})

// newContract skips the test where the description is not to be had.
func newContract(t *testing.T) *contract {
	t.Helper()
	if os.Getenv("COUNTINGHOUSE_FIXTURES") == "" {
		if os.Getenv("CI") != "" {
			t.Fatal("COUNTINGHOUSE_FIXTURES is not set: in CI Plaid's description of its API is required")
		}
		t.Skip("COUNTINGHOUSE_FIXTURES is not set: it names a folder with plaid/2020-09-14.yml, Plaid's description of its API")
	}
	doc, err := description()
	if err != nil {
		t.Fatal(err)
	}
	return &contract{doc: doc, used: map[int]int{}, answered: map[string]map[int]int{}, asked: map[string]int{}, webhooks: map[string]int{},
		said: map[string]bool{}, rows: map[string]int{}}
}

// request checks what our client sends. The description lists credentials as fields of the body too;
// ours are in headers only.
func (c *contract) request(t *testing.T, r *http.Request, body []byte) {
	t.Helper()
	operation := c.operation(t, r.URL.Path)
	if operation == nil {
		return
	}
	c.mu.Lock()
	c.asked[r.URL.Path]++
	c.mu.Unlock()
	for header, want := range map[string]string{"Plaid-Client-Id": appID, "Plaid-Secret": appSecret, "Plaid-Version": "2020-09-14", "Content-Type": "application/json"} {
		if got := r.Header.Get(header); got != want {
			t.Errorf("%s: header %s is %q, want %q", r.URL.Path, header, got, want)
		}
	}
	schema, value := operation.RequestBody.Value.Content["application/json"].Schema, decoded(t, body)
	c.complain(t, r.URL.Path+" request", schema.Value.VisitJSON(value, openapi3.VisitAsRequest(), openapi3.MultiErrors(), openapi3.EnableFormatValidation()))
	for _, field := range undescribed(schema.Value, value, "") {
		t.Errorf("%s: the request has %s, which Plaid does not know", r.URL.Path, field)
	}
	for _, field := range []string{"client_id", "secret"} {
		if object, _ := value.(map[string]any); object[field] != nil {
			t.Errorf("%s: credentials belong into headers, %s is in the body", r.URL.Path, field)
		}
	}
}

// answer checks what the simulator answers.
func (c *contract) answer(t *testing.T, path string, status int, header http.Header, body []byte) {
	t.Helper()
	operation := c.operation(t, path)
	if operation == nil {
		return
	}
	c.mu.Lock()
	if c.answered[path] == nil {
		c.answered[path] = map[int]int{}
	}
	c.answered[path][status]++
	c.mu.Unlock()
	kind, _, err := mime.ParseMediaType(header.Get("Content-Type"))
	if err != nil || header.Get("Plaid-Version") != "2020-09-14" {
		t.Errorf("%s: headers %v", path, header)
	}
	response := operation.Responses.Status(status)
	if response == nil {
		response = operation.Responses.Default()
	}
	if response == nil && status >= 400 { // a few paths describe no errors of their own: it is always this one
		c.complain(t, path+" error", c.visit(c.doc.Components.Schemas["PlaidError"].Value, c.error(t, body)))
		return
	}
	media := response.Value.Content.Get(kind)
	if media == nil {
		t.Errorf("%s: %d with %s, which is not described", path, status, kind)
		return
	}
	switch {
	case kind != "application/json":
	case status >= 400:
		c.complain(t, path+" error", c.visit(media.Schema.Value, c.error(t, body)))
	default:
		value := decoded(t, body)
		c.count(path, value)
		c.complain(t, path, c.visit(media.Schema.Value, value))
	}
}

// error reads an error's body. The description allows null there, an answer does not.
func (c *contract) error(t *testing.T, body []byte) any {
	t.Helper()
	object, ok := decoded(t, body).(map[string]any)
	if !ok || object["request_id"] == nil || object["status"] != nil {
		t.Errorf("an error's body is an object with a request_id and without a status: %s", body)
	}
	return object
}

// webhook checks the body of a webhook.
func (c *contract) webhook(t *testing.T, schema string, body []byte) {
	t.Helper()
	ref := c.doc.Components.Schemas[schema]
	if ref == nil {
		t.Errorf("there is no schema %s", schema)
		return
	}
	c.mu.Lock()
	c.webhooks[schema]++
	c.mu.Unlock()
	value := decoded(t, body)
	c.complain(t, schema, c.visit(ref.Value, value))
	for _, field := range undescribed(ref.Value, value, "") {
		t.Errorf("%s has %s, which Plaid does not describe", schema, field)
	}
}

func (c *contract) visit(schema *openapi3.Schema, value any) error {
	return schema.VisitJSON(value, openapi3.VisitAsResponse(), openapi3.MultiErrors(), openapi3.EnableFormatValidation())
}

func (c *contract) operation(t *testing.T, path string) *openapi3.Operation {
	t.Helper()
	item := c.doc.Paths.Find(path)
	if item == nil || item.Post == nil {
		t.Errorf("%s is not a path of Plaid's", path)
		return nil
	}
	return item.Post
}

// complain reports what is wrong and not exempted. A place is the path or schema and the way to the
// value, with * for places in arrays.
func (c *contract) complain(t *testing.T, where string, err error) {
	t.Helper()
	for _, wrong := range leaves(err) {
		place := where + " " + strings.Join(starred(wrong.JSONPointer()), "/")
		at := slices.IndexFunc(exemptions, func(e exemption) bool { return e.covers(place, wrong) })
		c.mu.Lock()
		said := c.said[place+wrong.Reason]
		c.said[place+wrong.Reason] = true
		if at >= 0 {
			c.used[at]++
		}
		c.mu.Unlock()
		if at < 0 && !said {
			t.Errorf("%s: %s (%s): %.200s", place, wrong.Reason, wrong.SchemaField, fmt.Sprint(wrong.Value))
		}
	}
}

// exemption is a place where the simulator does what the description forbids.
type exemption struct {
	place string // a pattern of filepath.Match, over words with their slashes as dots
	field string // of the schema: what is not kept
	value any    // the one value that is allowed in spite of it; nil: null
	why   string
}

func (e exemption) covers(place string, wrong *openapi3.SchemaError) bool {
	dots := func(s string) string { return strings.ReplaceAll(s, "/", ".") }
	fits, err := filepath.Match(dots(e.place), dots(place))
	return err == nil && fits && wrong.SchemaField == e.field && wrong.Value == e.value
}

// count notes how many elements the arrays of an answer had: an empty list proves nothing of its elements.
func (c *contract) count(path string, value any) {
	c.mu.Lock()
	defer c.mu.Unlock()
	var walk func(place string, value any)
	walk = func(place string, value any) {
		switch v := value.(type) {
		case map[string]any:
			for key, below := range v {
				walk(place+" "+key, below)
			}
		case []any:
			c.rows[place] += len(v)
			for _, below := range v {
				walk(place, below)
			}
		}
	}
	walk(path, value)
}

// leaves takes the errors out of their wrappings.
func leaves(err error) (all []*openapi3.SchemaError) {
	if err == nil {
		return nil
	}
	if several, ok := err.(openapi3.MultiError); ok { //nolint:errorlint // one that is wrapped is another matter
		for _, one := range several {
			all = append(all, leaves(one)...)
		}
		return all
	}
	var wrong *openapi3.SchemaError
	if !errors.As(err, &wrong) {
		return []*openapi3.SchemaError{{Reason: err.Error()}}
	}
	if below := errors.Unwrap(errors.Unwrap(wrong.Origin)); below != nil && wrong.SchemaField == "allOf" {
		return leaves(below)
	}
	return []*openapi3.SchemaError{wrong}
}

// undescribed gives the fields of a value that a schema does not list, although it is one that lists any.
func undescribed(schema *openapi3.Schema, value any, place string) (found []string) {
	switch v := value.(type) {
	case map[string]any:
		known := properties(schema)
		for key, below := range v {
			if ref := known[key]; ref != nil {
				found = append(found, undescribed(ref.Value, below, place+"/"+key)...)
			} else if len(known) > 0 {
				found = append(found, place+"/"+key)
			}
		}
	case []any:
		if schema.Items != nil {
			for _, below := range v {
				found = append(found, undescribed(schema.Items.Value, below, place+"/*")...)
			}
		}
	}
	return found
}

// properties gathers those of a schema and of all that it is made of.
func properties(schema *openapi3.Schema) openapi3.Schemas {
	all := openapi3.Schemas{}
	for name, ref := range schema.Properties {
		all[name] = ref
	}
	for _, refs := range []openapi3.SchemaRefs{schema.AllOf, schema.AnyOf, schema.OneOf} {
		for _, ref := range refs {
			for name, below := range properties(ref.Value) {
				all[name] = below
			}
		}
	}
	return all
}

func starred(pointer []string) []string {
	for i, word := range pointer {
		if strings.Trim(word, "0123456789") == "" {
			pointer[i] = "*"
		}
	}
	return pointer
}

func decoded(t *testing.T, body []byte) (value any) {
	t.Helper()
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	if err := d.Decode(&value); err != nil {
		t.Error(fmt.Errorf("%w: %.200s", err, body))
	}
	return value
}
