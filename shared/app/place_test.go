package app

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	"cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"
	"cloud.google.com/go/pubsub/v2/pstest"

	"github.com/countinghouse/countinghouse/shared/org"
	"github.com/countinghouse/countinghouse/shared/platform/config"
	"github.com/countinghouse/countinghouse/shared/platform/vault/vaulttest"
	"github.com/countinghouse/countinghouse/shared/store/storetest"
)

// place is what a program finds around it: a database, Pub/Sub, Secret Manager.
type place struct {
	*testing.T
	store   *storetest.Store
	secrets *vaulttest.Server
	pubsub  *pstest.Server
	logs    *logs
	vars    []string
}

func newPlace(t *testing.T, vars ...string) *place {
	t.Helper()
	t.Parallel()
	p := &place{T: t, store: storetest.New(t, Tables()...), pubsub: pstest.NewServerWithAddress("127.0.0.1:0"), logs: &logs{}}
	t.Cleanup(func() { p.pubsub.Close() }) //nolint:errcheck // the test is over
	if _, err := p.pubsub.GServer.CreateTopic(t.Context(), &pubsubpb.Topic{Name: "projects/demo/topics/ticks"}); err != nil {
		t.Fatal(err)
	}
	var err error
	if p.secrets, err = vaulttest.New(vaulttest.Options{}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.secrets.Close)
	p.vars = append([]string{
		"DATABASE_URL=" + p.store.ProgramURL, "GOOGLE_CLOUD_PROJECT=demo", "PUBSUB_EMULATOR_HOST=" + p.pubsub.Addr,
		"SECRET_MANAGER_EMULATOR_HOST=" + p.secrets.Addr(), "SYNC_TOPIC=ticks",
		"PUBLIC_URL=http://localhost:8080", "CONNECT_SIGNING_KEY=" + markerSigningKey,
		"ORGANISATIONS=onpoint=OnPoint,powergen=PowerGen",
		"QUICKBOOKS_CLIENT_ID=client", "QUICKBOOKS_CLIENT_SECRET=" + markerClientSecret, "SYNC_RETRY_DELAY=1ms",
	}, vars...)
	return p
}

// asOwner is what the jobs find that sign in as the owner of the database.
func (p *place) asOwner() []string {
	return append(slices.Clone(p.vars), "DATABASE_URL="+p.store.URL)
}

// log writes all there is, without the logger's own net for secrets.
func (p *place) log() *slog.Logger {
	return slog.New(slog.NewJSONHandler(p.logs, &slog.HandlerOptions{Level: slog.LevelDebug}))
}

// ticks returns the attributes of what was published.
func (p *place) ticks() (all []org.Tick) {
	p.Helper()
	for _, m := range p.pubsub.Messages() {
		t, err := org.ParseTick(m.Attributes)
		if err != nil {
			p.Error(err)
		}
		all = append(all, t)
	}
	return all
}

// syncOrg builds the function, closed when the test ends.
func (p *place) syncOrg() *syncOrg {
	p.Helper()
	cfg, err := config.Load[jointConfig](p.vars)
	if err != nil {
		p.Fatal(err)
	}
	j, err := newJoint(p.Context(), p.log(), "test", cfg)
	if err != nil {
		p.Fatal(err)
	}
	p.Cleanup(func() { j.ends.close(p.Context()) }) //nolint:errcheck // the test is over
	return &syncOrg{joint: j, run: j.engine.Run}
}

// push sends a message with these attributes, as Pub/Sub does.
func push(h http.HandlerFunc, attributes map[string]string) *httptest.ResponseRecorder {
	body, err := json.Marshal(map[string]any{"subscription": "s", "message": map[string]any{"messageId": "1", "attributes": attributes}})
	if err != nil {
		panic(err)
	}
	return post(h, string(body))
}

func post(h http.HandlerFunc, body string) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	h(w, httptest.NewRequest(http.MethodPost, "/", strings.NewReader(body)))
	return w
}

// logs can be written to and read at once.
type logs struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logs) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *logs) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// count asks the database for a number.
func (p *place) count(sql string, args ...any) (n int) {
	p.Helper()
	if err := p.store.Pool.QueryRow(p.Context(), sql, args...).Scan(&n); err != nil {
		p.Fatal(err)
	}
	return n
}
