package storetest

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/countinghouse/countinghouse/shared/fault"
	"github.com/countinghouse/countinghouse/shared/platform/postgres"
)

// slots bounds how many test programs have a server at the same time.
const slots = 64

// folder returns where the server of a slot has its data: in memory where that can be, until the machine's
// next start.
func folder(slot string) string {
	if dir, ok := inMemory(); ok {
		return filepath.Join(dir, slot)
	}
	return postgres.DefaultDir(slot)
}

// serve starts a server for this program. Its folder is one of a few that are kept from program to
// program, migrated template and all: a start then takes tens of milliseconds instead of a second.
func serve(ctx context.Context) (*postgres.Server, error) {
	for slot := range slots {
		o := postgres.Options{
			Dir:      folder(fmt.Sprintf("test-%d", slot)),
			Settings: map[string]string{"max_connections": "300", "max_wal_size": "64MB"},
		}
		server, err := postgres.Start(ctx, o)
		if err != nil && !fault.Is(err, fault.Conflict) && !fault.Is(err, fault.Invalid) {
			os.RemoveAll(o.Dir) // what a crash of the machine has left: it was never flushed
			server, err = postgres.Start(ctx, o)
		}
		if fault.Is(err, fault.Conflict) {
			continue
		}
		return server, err
	}
	return nil, fault.New(fault.Conflict, "too many test programs have a PostgreSQL of their own")
}
