package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/countinghouse/countinghouse/shared/app"
)

// A backup is what PostgreSQL's own programs make: the server's logins, without their passwords, which on a
// managed server nobody sees, and the database.
const (
	rolesFile    = "roles.sql"
	databaseFile = "database.dump"
)

// backup writes the backup, while everything is at work.
func (d *disaster) backup(ctx context.Context) error {
	server := d.server.URL("postgres")
	if err := d.client(ctx, "pg_dumpall", nil, "--roles-only", "--no-role-passwords", "--dbname="+server, "--file="+filepath.Join(d.folder, rolesFile)); err != nil {
		return err
	}
	if err := d.client(ctx, "pg_dump", nil, "--format=custom", "--dbname="+d.server.URL(database), "--file="+filepath.Join(d.folder, databaseFile)); err != nil {
		return err
	}
	info, err := os.Stat(filepath.Join(d.folder, databaseFile))
	if err != nil {
		return err
	}
	d.BackupMiB = float64(info.Size()*10>>20) / 10
	return nil
}

// restoreRoles makes the logins, without which the database's rights cannot be restored.
func (d *disaster) restoreRoles(ctx context.Context) error {
	sql, err := os.ReadFile(filepath.Join(d.folder, rolesFile))
	if err != nil {
		return err
	}
	// The new server has its first login already.
	sql = bytes.Replace(sql, []byte("CREATE ROLE postgres;"), nil, 1)
	return d.client(ctx, "psql", bytes.NewReader(sql), "--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1", "--dbname="+d.server.URL("postgres"))
}

func (d *disaster) restoreDatabase(ctx context.Context) error {
	return d.client(ctx, "pg_restore", nil, "--exit-on-error", "--dbname="+d.server.URL(database), filepath.Join(d.folder, databaseFile))
}

// clients looks for what the backup is made with, before anything is begun.
func (d *disaster) clients() error {
	for _, name := range []string{"pg_dumpall", "pg_dump", "psql", "pg_restore"} {
		if _, err := d.server.Client(name); err != nil {
			return err
		}
	}
	return nil
}

// client runs one of PostgreSQL's client programs; what it says is part of its error.
func (d *disaster) client(ctx context.Context, name string, in io.Reader, args ...string) error {
	path, err := d.server.Client(name)
	if err != nil {
		return err
	}
	var said bytes.Buffer
	cmd := exec.CommandContext(ctx, path, args...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = in, io.Discard, &said
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("%s: %w: %s", name, err, strings.TrimSpace(said.String()))
	}
	return nil
}

// restore brings the house up again on the backup.
func (d *disaster) restore(ctx context.Context) error {
	d.restored = time.Now()
	return d.house(ctx, []step{
		{"logins of the backup", d.restoreRoles},
		{"the database of the backup", d.restoreDatabase},
		{"jobs/migrate -restored", d.migrateRestored},
		{"the address", d.listen},
	}, []step{{"how far it is behind", d.measure}})
}

// measure counts the differences that the next ticks have to mend. Without any the drill would prove nothing.
func (d *disaster) measure(ctx context.Context) error {
	var v verdict
	if err := d.booksEqual(ctx, &v); err != nil {
		return err
	}
	d.Behind = len(v.Differences)
	if d.Behind == 0 {
		return errors.New("the backup equals the providers: it has nothing to be brought up to date")
	}
	for _, difference := range v.Differences {
		d.say("  %s", difference)
	}
	return nil
}

// migrateRestored runs the job.
func (d *disaster) migrateRestored(ctx context.Context) error {
	args := []string{"-restored"}
	if d.secretsLost {
		args = append(args, "-secrets-lost")
	}
	var out bytes.Buffer
	if err := app.Migrate.Run(ctx, args, d.ownerEnvironment(), &out, io.Discard); err != nil {
		return err
	}
	for line := range strings.Lines(out.String()) {
		if strings.Contains(line, "connections") {
			d.say("  %s", strings.TrimSpace(line))
		}
	}
	return nil
}
