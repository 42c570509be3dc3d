package broker_test

import (
	"bytes"
	"context"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"cloud.google.com/go/pubsub/v2"
	"cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/countinghouse/countinghouse/shared/org"
	"github.com/countinghouse/countinghouse/shared/platform/vault"
	"github.com/countinghouse/countinghouse/shared/platform/vault/vaulttest"
	"github.com/countinghouse/countinghouse/shared/provider/quickbooks"
	"github.com/countinghouse/countinghouse/shared/provider/quickbooks/qbosim"
	"github.com/countinghouse/countinghouse/shared/store/storetest"
)

// TestPushRoad: Google's own emulator of Pub/Sub pushes ticks to the real program functions/syncorg, by a
// subscription as terraform/queue.tf makes it. Wants COUNTINGHOUSE_PUBSUB_EMULATOR: the host:port of a running emulator,
// or the path of its jar; .ci/pubsub finds that.
func TestPushRoad(t *testing.T) {
	where := os.Getenv("COUNTINGHOUSE_PUBSUB_EMULATOR")
	if where == "" {
		t.Skip("COUNTINGHOUSE_PUBSUB_EMULATOR is not set: .ci/pubsub sets it")
	}
	r := newRoad(t, emulator(t, where))
	dead := r.alwaysFailing(t) // goes on beside the others
	for _, part := range []struct {
		what string
		test func(*testing.T)
	}{
		{"a tick is delivered, and rows are stored", r.delivered},
		{"a message that is no tick is acknowledged and recorded", r.malformed},
		{"the same tick twice at once is one run", r.duplicated},
		{"a tick that a provider's outage fails comes again, and is done", r.outage},
		{"one that always fails is a dead letter after five attempts", dead},
		{"what was acknowledged has not come again", r.quiet},
	} {
		at := time.Now()
		if !t.Run(part.what, part.test) {
			t.Logf("the program says:\n%s", r.said)
			return
		}
		t.Logf("%-70s %6.1f s", part.what, time.Since(at).Seconds())
	}
}

// figures of a subscription.
type figures struct {
	ack, retention, least, most, attempts int // in seconds, save the last
}

// planned reads what terraform/queue.tf says of the subscription of syncorg.
func planned(t *testing.T) (f figures) {
	t.Helper()
	text, err := os.ReadFile("../../terraform/queue.tf")
	if err != nil {
		t.Fatal(err)
	}
	_, block, ok := strings.Cut(string(text), `resource "google_pubsub_subscription" "syncorg" {`)
	block, _, _ = strings.Cut(block, "\n}\n")
	for key, to := range map[string]*int{
		"ack_deadline_seconds": &f.ack, "message_retention_duration": &f.retention, "minimum_backoff": &f.least, "maximum_backoff": &f.most,
		"max_delivery_attempts": &f.attempts,
	} {
		m := regexp.MustCompile(key + `\s*=\s*"?(\d+)s?"?`).FindStringSubmatch(block)
		if m == nil {
			t.Fatalf("terraform/queue.tf, found %t, says nothing of %s", ok, key)
		}
		if *to, err = strconv.Atoi(m[1]); err != nil {
			t.Fatal(err)
		}
	}
	return f
}

// emulator returns the address of one: the one that is running at host:port, else of the jar, started here.
func emulator(t *testing.T, where string) string {
	t.Helper()
	if _, err := os.Stat(where); err != nil {
		return where
	}
	at := freePort(t)
	host, port, _ := net.SplitHostPort(at) // it is one
	var said bytes.Buffer
	cmd := exec.Command("java", "-Xmx256m", "-jar", where, "--host="+host, "--port="+port)
	cmd.Dir, cmd.Stdout, cmd.Stderr = t.TempDir(), &said, &said
	begin(t, cmd)
	until(t, "the emulator to answer", func() bool {
		res, err := http.Get("http://" + at + "/")
		if err == nil {
			res.Body.Close()
		}
		return err == nil && res.StatusCode == http.StatusOK
	})
	return at
}

// road is what a tick goes along.
type road struct {
	pubsub   *pubsub.Client
	emulator string
	store    *storetest.Store
	company  *qbosim.Company
	conn     org.ConnectionID
	environ  []string
	url      string        // of the program
	said     *bytes.Buffer // by the program
	gate     atomic.Value  // func(http.ResponseWriter) bool: whether a call to QuickBooks gets through
}

const realm = "9130357766900909"

func newRoad(t *testing.T, at string) *road {
	t.Helper()
	t.Setenv("PUBSUB_EMULATOR_HOST", at)
	client, err := pubsub.NewClient(t.Context(), "here")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { client.Close() }) //nolint:errcheck // the test is over
	r := &road{pubsub: client, emulator: at, store: storetest.New(t, quickbooks.Catalog()...)}
	r.through(func(http.ResponseWriter) bool { return true })
	sim := qbosim.New(qbosim.Config{ClientID: "id", ClientSecret: "secret", NoLimits: true})
	r.company = sim.AddCompany(qbosim.CompanySpec{Realm: realm, Name: "Pushed", Seed: 5, Invoices: 100})
	intuit := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		if r.gate.Load().(func(http.ResponseWriter) bool)(w) {
			sim.ServeHTTP(w, q)
		}
	}))
	t.Cleanup(intuit.Close)
	secrets, err := vaulttest.New(vaulttest.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(secrets.Close)
	r.environ = append(os.Environ(), "DATABASE_URL="+r.store.ProgramURL, "GOOGLE_CLOUD_PROJECT=here", "SYNC_TOPIC=ticks",
		"SECRET_MANAGER_EMULATOR_HOST="+secrets.Addr(), "QUICKBOOKS_CLIENT_ID=id", "QUICKBOOKS_CLIENT_SECRET=secret", "QUICKBOOKS_API_URL="+intuit.URL,
		"QUICKBOOKS_TOKEN_URL="+intuit.URL+"/oauth2/v1/tokens/bearer", "SYNC_MAX_RETRIES=0", "LOG_FORMAT=text")
	r.connect(t, sim, secrets.Addr())
	r.url, r.said = r.serve(t, program(t))
	r.topic(t, "ticks", planned(t), r.url)
	return r
}

// through says which calls to QuickBooks get through.
func (r *road) through(gate func(http.ResponseWriter) bool) { r.gate.Store(gate) }

// connect attaches the company, as a person's consent would.
func (r *road) connect(t *testing.T, sim *qbosim.Server, secretManager string) {
	t.Helper()
	secrets, err := vault.OpenSecretManager(t.Context(), vault.Config{Project: "here", Emulator: secretManager})
	if err != nil {
		t.Fatal(err)
	}
	defer secrets.Close()
	r.conn = r.store.Connect(t, "onpoint", quickbooks.Provider, realm)
	issued, lease := sim.IssueTokens(realm), r.store.Lease(t, r.conn)
	v := &vault.Vault{Ledger: r.store.Ledger(), Secrets: secrets, Patience: time.Second, Log: slog.New(slog.DiscardHandler), Now: time.Now}
	err = v.Save(t.Context(), org.Connection{ID: r.conn, Org: "onpoint", Provider: quickbooks.Provider, Account: realm}, lease,
		vault.Token{Access: issued.Access, Refresh: issued.Refresh, AccessExpires: time.Now().Add(time.Hour)})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.store.Abandon(t.Context(), lease); err != nil {
		t.Fatal(err)
	}
}

// program builds functions/syncorg.
func program(t *testing.T) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "syncorg")
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", file, "../../functions/syncorg").CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	return file
}

// serve starts the program.
func (r *road) serve(t *testing.T, file string, vars ...string) (url string, said *bytes.Buffer) {
	t.Helper()
	at := freePort(t)
	_, port, _ := net.SplitHostPort(at) // it is one
	said = new(bytes.Buffer)
	cmd := exec.Command(file)
	cmd.Env = append(append(append([]string{}, r.environ...), "PORT="+port), vars...)
	cmd.Stdout, cmd.Stderr = said, said
	begin(t, cmd)
	until(t, "the function to answer", func() bool {
		res, err := http.Get("http://" + at + "/healthz")
		if err == nil {
			res.Body.Close()
		}
		return err == nil
	})
	return "http://" + at + "/", said
}

// topic makes a topic, its dead letters, and subscriptions to both, the first of which pushes to address.
func (r *road) topic(t *testing.T, name string, f figures, address string) {
	t.Helper()
	in := func(kind, name string) string { return "projects/here/" + kind + "/" + name }
	for _, topic := range []string{name, name + "-dead"} {
		if _, err := r.pubsub.TopicAdminClient.CreateTopic(t.Context(), &pubsubpb.Topic{Name: in("topics", topic)}); err != nil {
			t.Fatal(err)
		}
	}
	seconds := func(n int) *durationpb.Duration { return durationpb.New(time.Duration(n) * time.Second) }
	for _, sub := range []*pubsubpb.Subscription{
		{Name: in("subscriptions", name+"-dead"), Topic: in("topics", name+"-dead"), AckDeadlineSeconds: 10},
		{
			Name: in("subscriptions", name), Topic: in("topics", name), AckDeadlineSeconds: int32(f.ack), MessageRetentionDuration: seconds(f.retention),
			RetryPolicy:      &pubsubpb.RetryPolicy{MinimumBackoff: seconds(f.least), MaximumBackoff: seconds(f.most)},
			DeadLetterPolicy: &pubsubpb.DeadLetterPolicy{DeadLetterTopic: in("topics", name+"-dead"), MaxDeliveryAttempts: int32(f.attempts)},
			PushConfig:       &pubsubpb.PushConfig{PushEndpoint: address},
		},
	} {
		if _, err := r.pubsub.SubscriptionAdminClient.CreateSubscription(t.Context(), sub); err != nil {
			t.Fatal(err)
		}
	}
}

func (r *road) publish(t *testing.T, topic string, attributes map[string]string) {
	t.Helper()
	to := r.pubsub.Publisher(topic)
	defer to.Stop()
	if _, err := to.Publish(t.Context(), &pubsub.Message{Attributes: attributes}).Get(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// tick asks for a sync, for a reason that makes it due.
func (r *road) tick(t *testing.T) {
	t.Helper()
	r.publish(t, "ticks", org.Tick{Org: "onpoint", Connection: r.conn, Reason: org.Manual}.Attributes())
}

func (r *road) count(t *testing.T, sql string) (n int) {
	t.Helper()
	if err := r.store.Pool.QueryRow(context.WithoutCancel(t.Context()), sql).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

const (
	done   = `SELECT count(*) FROM sync.runs WHERE outcome = 'done'`
	failed = `SELECT count(*) FROM sync.runs WHERE outcome = 'failed'`
	begun  = `SELECT count(*) FROM sync.runs`
)

func (r *road) delivered(t *testing.T) {
	r.tick(t)
	until(t, "the first load", func() bool { return r.count(t, done) == 1 })
	if got, want := r.count(t, `SELECT count(*) FROM quickbooks.invoices WHERE deleted_at IS NULL`), r.company.Count("Invoice"); got != want {
		t.Errorf("%d invoices, want %d", got, want)
	}
}

func (r *road) malformed(t *testing.T) {
	r.publish(t, "ticks", map[string]string{"colour": "blue"})
	until(t, "the record", func() bool { return r.count(t, rejected) == 1 })
}

const rejected = `SELECT count(*) FROM sync.rejected_messages WHERE attributes ->> 'colour' = 'blue'`

// duplicated publishes a tick of the schedule twice. The first is held at QuickBooks until the second is there.
func (r *road) duplicated(t *testing.T) {
	if _, err := r.store.Pool.Exec(t.Context(), `UPDATE sync.connections SET next_sync_at = now()`); err != nil {
		t.Fatal(err)
	}
	before, free := r.count(t, begun), make(chan struct{})
	open := sync.OnceFunc(func() { close(free) })
	t.Cleanup(open)
	r.through(func(http.ResponseWriter) bool { <-free; return true })
	for range 2 {
		r.publish(t, "ticks", org.Tick{Org: "onpoint", Connection: r.conn, Reason: org.Schedule}.Attributes())
	}
	until(t, "the second tick", func() bool { return r.count(t, `SELECT count(*) FROM sync.connections WHERE tick_noted`) == 1 })
	open()
	until(t, "the run", func() bool {
		return r.count(t, `SELECT count(*) FROM sync.connections WHERE lease_until IS NULL`) == 1 && r.count(t, begun) > before
	})
	if n := r.count(t, begun) - before; n != 1 {
		t.Errorf("%d runs, want one", n)
	}
}

// outage has QuickBooks answer nothing until a run has failed.
func (r *road) outage(t *testing.T) {
	ended, before := r.count(t, done), r.count(t, failed)
	r.through(func(w http.ResponseWriter) bool { w.WriteHeader(http.StatusBadGateway); return false })
	r.tick(t)
	until(t, "a failure", func() bool { return r.count(t, failed) > before })
	r.through(func(http.ResponseWriter) bool { return true })
	until(t, "the tick to come again", func() bool { return r.count(t, done) == ended+1 })
}

// alwaysFailing pushes to a program without a database. The waits between its attempts are shorter than those of
// queue.tf: there it takes two and a half minutes.
func (r *road) alwaysFailing(t *testing.T) func(*testing.T) {
	t.Helper()
	f := planned(t)
	f.least, f.most = 1, 2
	url, said := r.serve(t, program(t), "DATABASE_URL=postgres://127.0.0.1:1/none?connect_timeout=1")
	r.topic(t, "hopeless", f, url)
	want := org.Tick{Org: "onpoint", Connection: r.conn, Reason: org.Manual}.Attributes()
	r.publish(t, "hopeless", want)
	return func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		var letter *pubsub.Message
		err := r.pubsub.Subscriber("hopeless-dead").Receive(ctx, func(_ context.Context, m *pubsub.Message) {
			letter = m
			m.Ack()
			cancel()
		})
		if err != nil || letter == nil {
			t.Fatalf("no dead letter: %v; the program says:\n%s", err, said)
		}
		const about = "CloudPubSubDeadLetterSource"
		for key, value := range want {
			if letter.Attributes[key] != value {
				t.Errorf("attributes %v, want %s %s", letter.Attributes, key, value)
			}
		}
		if a := letter.Attributes; a[about+"DeliveryCount"] != strconv.Itoa(f.attempts) || a[about+"Subscription"] != "hopeless" || a[about+"TopicPublishTime"] == "" {
			t.Errorf("attributes %v, want %d deliveries of hopeless", a, f.attempts)
		}
	}
}

// quiet is reached later than an unanswered message would have come again.
func (r *road) quiet(t *testing.T) {
	if n := r.count(t, rejected); n != 1 {
		t.Errorf("the message that is no tick was delivered %d times", n)
	}
	if n := r.count(t, begun); n != r.count(t, done)+r.count(t, failed) {
		t.Errorf("%d runs have begun, not all have ended", n)
	}
}

func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// begin starts a process that ends with the test.
func begin(t *testing.T, cmd *exec.Cmd) {
	t.Helper()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Kill() //nolint:errcheck // it may have ended
		cmd.Wait()         //nolint:errcheck // it was killed
	})
}

// until looks until something is so.
func until(t *testing.T, what string, so func() bool) {
	t.Helper()
	look, enough := time.NewTicker(20*time.Millisecond), time.NewTimer(time.Minute)
	defer look.Stop()
	defer enough.Stop()
	for !so() {
		select {
		case <-look.C:
		case <-enough.C:
			t.Fatalf("waited a minute for %s", what)
		}
	}
}
