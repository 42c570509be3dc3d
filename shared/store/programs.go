package store

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/countinghouse/countinghouse/shared/fault"
)

// programs is the group of the logins that functions and jobs use: they read and write rows and own
// nothing. What it may do is said in one place, the function sync.admit_programs.
const programs = "countinghouse_program"

// intake is the name of the table that programs copy a relation's rows into: COPY refuses tables whose
// policies bind the one who copies. See sync.open_intake.
func intake(schema, name string) string { return pgx.Identifier{"intake_" + schema, name}.Sanitize() }

// admit gives the programs their rights on whatever tables there are.
func admit(ctx context.Context, pool *pgxpool.Pool) error {
	err := retryShared(ctx, func() error {
		_, err := pool.Exec(ctx, `SELECT sync.admit_programs()`)
		return err
	})
	return failure("let the programs in", err)
}

const (
	unknownLogins = `SELECT coalesce(array_agg(l.name ORDER BY l.place), '{}') FROM unnest($1::text[]) WITH ORDINALITY AS l (name, place)
WHERE NOT EXISTS (SELECT FROM pg_catalog.pg_roles AS r WHERE r.rolname = l.name)`

	// Whoever has made the group is a member of it since PostgreSQL 16, so that it can add others.
	programMembers = `SELECT DISTINCT m.rolname::text FROM pg_catalog.pg_auth_members AS a JOIN pg_catalog.pg_roles AS m ON m.oid = a.member
WHERE a.roleid = $1::regrole AND NOT a.admin_option AND m.rolname <> current_user ORDER BY 1`
)

// SetPrograms makes the logins, and no others, members of the programs' group. It returns who has
// become one and who is none any more. Doing it again changes nothing.
//
// fault.Invalid: names of logins that are not there, all of them, before anything is changed;
// fault.Forbidden: this login may not add or remove members, or did not add the one to be removed.
func (s *Store) SetPrograms(ctx context.Context, logins []string) (added, removed []string, err error) {
	doing := "let logins into " + programs
	var unknown []string
	if err := s.pool.QueryRow(ctx, unknownLogins, logins).Scan(&unknown); err != nil {
		return nil, nil, failure(doing, err)
	}
	if len(unknown) > 0 {
		return nil, nil, missingLogins(unknown)
	}
	have, err := s.members(ctx)
	if err != nil {
		return nil, nil, failure(doing, err)
	}
	for _, login := range logins {
		if !slices.Contains(have, login) && !slices.Contains(added, login) {
			added = append(added, login)
		}
	}
	for _, member := range have {
		if !slices.Contains(logins, member) {
			removed = append(removed, member)
		}
	}
	if err := s.change(ctx, added, removed); err != nil {
		return nil, nil, err
	}
	return added, removed, s.gone(ctx, removed)
}

func missingLogins(names []string) error {
	hint := "Terraform makes them, or gcloud sql users create NAME --instance INSTANCE --type cloud_iam_service_account"
	if slices.ContainsFunc(names, func(n string) bool { return strings.HasSuffix(n, ".gserviceaccount.com") }) {
		hint = "the name of an account's login is its address without .gserviceaccount.com"
	}
	return fault.New(fault.Invalid, fmt.Sprintf("the database has no login %s: %s", strings.Join(names, ", "), hint))
}

func (s *Store) members(ctx context.Context) ([]string, error) {
	rows, err := s.pool.Query(ctx, programMembers, programs)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[string])
}

// change adds and removes members, each by itself: PostgreSQL has no statement for both.
func (s *Store) change(ctx context.Context, added, removed []string) error {
	var todo []string
	for _, login := range added {
		todo = append(todo, "GRANT "+programs+" TO "+quote(login))
	}
	for _, login := range removed {
		todo = append(todo, "REVOKE "+programs+" FROM "+quote(login))
	}
	for _, sql := range todo {
		err := retryShared(ctx, func() error {
			_, err := s.pool.Exec(ctx, sql)
			return err
		})
		if err := unmanaged(programs, err); err != nil {
			return failure("let logins into "+programs, err)
		}
	}
	return nil
}

// gone makes sure of it: PostgreSQL only warns where somebody else has made the login a member.
func (s *Store) gone(ctx context.Context, removed []string) error {
	have, err := s.members(ctx)
	if err != nil {
		return failure("let logins into "+programs, err)
	}
	for _, login := range removed {
		if slices.Contains(have, login) {
			return fault.New(fault.Forbidden, fmt.Sprintf("the login %s is still a member of %s, for it was let in by another one: that one has to REVOKE %[2]s FROM %s",
				login, programs, quote(login)))
		}
	}
	return nil
}

// unmanaged words the refusal to change who belongs to a group: since PostgreSQL 16 only its maker may.
func unmanaged(group string, err error) error {
	var pg *pgconn.PgError
	if !errors.As(err, &pg) || pg.Code != "42501" {
		return err
	}
	return fault.New(fault.Forbidden, "this login may not say who belongs to "+group+": sign in as the one that made it, or have that one GRANT "+group+" TO this one WITH ADMIN OPTION")
}
