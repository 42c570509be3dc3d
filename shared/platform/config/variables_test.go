package config_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/countinghouse/countinghouse/shared/platform/config"
)

type inner struct {
	Topic string        `env:"TOPIC,required" help:"of the ticks"`
	Key   config.Secret `env:"KEY"`
}

func TestVariables(t *testing.T) {
	type outer struct {
		A, B  inner  // both read the same: it is listed once
		Every string `env:"EVERY" envDefault:"3m"`
		Host  string `env:"HOST" set:"local"`
	}
	want := []config.Variable{
		{Name: "EVERY", Default: "3m"},
		{Name: "HOST", Where: "local"},
		{Name: "KEY", Secret: true},
		{Name: "TOPIC", Help: "of the ticks", Required: true},
	}
	if diff := cmp.Diff(want, config.Variables[outer]()); diff != "" {
		t.Errorf("variables (-want +got):\n%s", diff)
	}
}

// A secret that has been made and not filled is no secret.
func TestUnsetIsNotSet(t *testing.T) {
	if _, err := config.Load[inner]([]string{"TOPIC=" + config.Unset}); err == nil || err.Error() != "settings: TOPIC is not set (of the ticks)" {
		t.Errorf("a required variable that is unset: %v", err)
	}
	cfg, err := config.Load[inner]([]string{"TOPIC=ticks", "KEY=" + config.Unset})
	if err != nil || cfg.Key != "" {
		t.Errorf("an optional one: %q, %v", cfg.Key.Reveal(), err)
	}
}
