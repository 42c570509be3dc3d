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
		{Config{DatabaseURL: "postgres://u:p@localhost/x", User: "owner", IAMUser: "u"}, ""}, // the address wins
		{Config{Instance: "p:r:i", IAMUser: "u", Name: "n"}, ""},
		{Config{Instance: "p:r:i", Name: "n", User: "owner", Password: "hunter2"}, ""},
		{Config{}, "DATABASE_URL is not set, nor are all of INSTANCE_CONNECTION_NAME, DB_NAME and DB_IAM_USER (or DB_USER and DB_PASSWORD)"},
		{Config{Instance: "p:r:i", IAMUser: "u"}, "DATABASE_URL is not set, nor"},
		{Config{Name: "n", IAMUser: "u"}, "DATABASE_URL is not set, nor"},
		{Config{Instance: "p:r:i", Name: "n"}, "DATABASE_URL is not set, nor"},
		{Config{Instance: "p:r:i", Name: "n", IAMUser: "u", User: "owner", Password: "hunter2"}, "DB_IAM_USER is set, and so is DB_USER or DB_PASSWORD: want one"},
		{Config{Instance: "p:r:i", Name: "n", IAMUser: "u", Password: "hunter2"}, "DB_IAM_USER is set, and so is"},
		{Config{IAMUser: "u", User: "owner"}, "DB_IAM_USER is set, and so is"},
		{Config{Instance: "p:r:i", Name: "n", User: "owner"}, "DB_USER and DB_PASSWORD go together, and with INSTANCE_CONNECTION_NAME and DB_NAME: missing DB_PASSWORD"},
		{Config{Instance: "p:r:i", Name: "n", Password: "hunter2"}, "DB_USER and DB_PASSWORD go together, and with INSTANCE_CONNECTION_NAME and DB_NAME: missing DB_USER"},
		{Config{User: "owner", Password: "hunter2"}, "DB_USER and DB_PASSWORD go together, and with INSTANCE_CONNECTION_NAME and DB_NAME: missing INSTANCE_CONNECTION_NAME, DB_NAME"},
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
