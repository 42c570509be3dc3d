package store

import (
	"strings"
	"testing"
)

func TestConfigNamesWhatIsWrong(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		give Config
		want string // the beginning
	}{
		{Config{DatabaseURL: "postgres://u:p@localhost/x"}, ""},
		{Config{Instance: "p:r:i", User: "u", Name: "n"}, ""},
		{Config{Instance: "p:r:i", User: "u"}, "DATABASE_URL is not set, nor"},
		{Config{DatabaseURL: "postgres://user:hunter2@host:port/x"}, "DATABASE_URL: want an address"},
		{Config{DatabaseURL: "hunter2"}, "DATABASE_URL: want an address"},
	} {
		var got string
		if err := tt.give.Validate(); err != nil {
			got = err.Error()
		}
		if !strings.HasPrefix(got, tt.want) || tt.want == "" && got != "" || strings.Contains(got, "hunter2") {
			t.Errorf("%+v: %q, want %q…", tt.give, got, tt.want)
		}
	}
}
