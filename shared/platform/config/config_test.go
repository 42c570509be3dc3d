package config_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/countinghouse/countinghouse/shared/fault"
	"github.com/countinghouse/countinghouse/shared/platform/config"
)

type settings struct {
	Topic   string        `env:"SYNC_TOPIC,required" help:"topic of the ticks"`
	Every   time.Duration `env:"SYNC_INTERVAL" envDefault:"3m"`
	Retries int           `env:"SYNC_MAX_RETRIES" envDefault:"3"`
	Key     config.Secret `env:"CONNECT_SIGNING_KEY,required"`
	Store   store
	Plaid   provider `envPrefix:"PLAID_"`
	Queue   queue
}

func (s settings) Validate() error {
	var errs []error
	if s.Every <= 0 {
		errs = append(errs, errors.New("SYNC_INTERVAL: want a duration above zero"))
	}
	if len(s.Key) < 3 {
		errs = append(errs, errors.New("CONNECT_SIGNING_KEY: want 3 characters or more"))
	}
	return errors.Join(errs...)
}

// queue has a variable of settings, and one that is validated.
type queue struct {
	Topic string `env:"SYNC_TOPIC,required"`
	Host  string `env:"PUBSUB_EMULATOR_HOST"`
}

func (q queue) Validate() error {
	if q.Host != "" && !strings.Contains(q.Host, ":") {
		return errors.New("PUBSUB_EMULATOR_HOST: want host:port")
	}
	return nil
}

type store struct {
	URL      config.Secret `env:"DATABASE_URL"`
	Instance string        `env:"INSTANCE_CONNECTION_NAME"`
}

func (s store) Validate() error {
	if s.URL == "" && s.Instance == "" {
		return fault.New(fault.Invalid, "DATABASE_URL is not set, nor is INSTANCE_CONNECTION_NAME")
	}
	return nil
}

type provider struct {
	ID      string        `env:"CLIENT_ID,required"`
	Timeout time.Duration `env:"TIMEOUT" envDefault:"1m"`
	Sandbox bool          `env:"SANDBOX"`
	Level   slog.Level    `env:"LEVEL" help:"DEBUG or INFO"`
}

func TestLoad(t *testing.T) {
	got, err := config.Load[settings]([]string{"SYNC_TOPIC=ticks", "SYNC_INTERVAL=", "CONNECT_SIGNING_KEY=k=1", "DATABASE_URL=postgres://",
		"PLAID_CLIENT_ID=p", "PLAID_TIMEOUT=5s", "PLAID_SANDBOX=true"})
	if err != nil {
		t.Fatal(err)
	}
	want := settings{Topic: "ticks", Every: 3 * time.Minute, Retries: 3, Key: "k=1", Store: store{URL: "postgres://"},
		Plaid: provider{ID: "p", Timeout: 5 * time.Second, Sandbox: true}, Queue: queue{Topic: "ticks"}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("settings (-want +got):\n%s", diff)
	}
}

func TestEverythingWrongIsNamedAtOnce(t *testing.T) {
	_, err := config.Load[settings]([]string{"SYNC_TOPIC=", "SYNC_INTERVAL=hunter2", "SYNC_MAX_RETRIES=hunter2", "PLAID_TIMEOUT=hunter2", "PLAID_SANDBOX=hunter2", "PLAID_LEVEL=hunter2", "PUBSUB_EMULATOR_HOST=hunter2"})
	if !fault.Is(err, fault.Invalid) {
		t.Fatalf("kind %v of %v", fault.Of(err), err)
	}
	want := `settings:
  SYNC_TOPIC is not set (topic of the ticks)
  SYNC_INTERVAL: want a duration such as 90s, 3m or 1h
  SYNC_MAX_RETRIES: want a whole number
  CONNECT_SIGNING_KEY is not set
  PLAID_CLIENT_ID is not set
  PLAID_TIMEOUT: want a duration such as 90s, 3m or 1h
  PLAID_SANDBOX: want true or false
  PLAID_LEVEL: want DEBUG or INFO
  DATABASE_URL is not set, nor is INSTANCE_CONNECTION_NAME
  PUBSUB_EMULATOR_HOST: want host:port`
	if diff := cmp.Diff(want, err.Error()); diff != "" {
		t.Errorf("error (-want +got):\n%s", diff)
	}
}

func TestStructsAreValidated(t *testing.T) {
	_, err := config.Load[settings]([]string{"SYNC_TOPIC=t", "CONNECT_SIGNING_KEY=k", "PLAID_CLIENT_ID=p"})
	want := "settings:\n  DATABASE_URL is not set, nor is INSTANCE_CONNECTION_NAME\n  CONNECT_SIGNING_KEY: want 3 characters or more"
	if err == nil || err.Error() != want {
		t.Errorf("got %v", err)
	}
	_, err = config.Load[settings]([]string{"SYNC_TOPIC=t", "CONNECT_SIGNING_KEY=k=1", "PLAID_CLIENT_ID=p"})
	if err == nil || err.Error() != "settings: DATABASE_URL is not set, nor is INSTANCE_CONNECTION_NAME" {
		t.Errorf("got %v", err)
	}
}

func TestSecretIsNeverPrinted(t *testing.T) {
	const value = "hunter2"
	type holder struct {
		Key  config.Secret
		List []config.Secret
	}
	h := holder{value, []config.Secret{value}}
	var out bytes.Buffer
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d", "%10.3s"} {
		fmt.Fprintf(&out, verb+"\n", h)
		fmt.Fprintf(&out, verb+"\n", h.Key)
		fmt.Fprintf(&out, verb+"\n", &h)
	}
	if err := json.NewEncoder(&out).Encode(h); err != nil {
		t.Fatal(err)
	}
	slog.New(slog.NewTextHandler(&out, nil)).Info("x", "key", h.Key, "all", h)
	slog.New(slog.NewJSONHandler(&out, nil)).Info("x", "key", h.Key, "all", h)
	for _, leak := range []string{value, fmt.Sprintf("%x", value), fmt.Sprintf("%X", value)} {
		if strings.Contains(out.String(), leak) {
			t.Errorf("%q shows in:\n%s", leak, out.String())
		}
	}
	if !strings.Contains(out.String(), "[secret]") {
		t.Errorf("nothing stands for the secret:\n%s", out.String())
	}
	if h.Key.Reveal() != value {
		t.Errorf("Reveal returns %q", h.Key.Reveal())
	}
}
