package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/countinghouse/countinghouse/shared/app"
	"github.com/countinghouse/countinghouse/shared/platform/web"
)

// serveFunctions runs all functions on one port until standard input ends.
func serveFunctions(ctx context.Context, port int, environ []string, stdout io.Writer) (err error) {
	listener, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
	if err != nil {
		return err
	}
	log := slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelError + 1}))
	mux := http.NewServeMux()
	for path, f := range map[string]app.Function{"syncorg": app.SyncOrg, "quickbookswebhook": app.QuickBooksWebhook, "dispatch": app.Dispatch} {
		handler, end, err := f.Build(ctx, environ, log)
		if err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		s := web.New(ctx, web.Options{Name: path, Handler: handler, Close: end, Log: log})
		defer func() { err = errors.Join(err, s.Shutdown()) }()
		mux.Handle("/functions/"+path+"/", http.StripPrefix("/functions/"+path, s))
	}
	server := &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second}
	go server.Serve(listener) //nolint:errcheck // ends with the process
	defer server.Close()
	if err := json.NewEncoder(stdout).Encode(functions{URL: "http://" + listener.Addr().String()}); err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, os.Stdin)
	return err
}
