package main

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"time"

	"github.com/countinghouse/countinghouse/shared/app"
	"github.com/countinghouse/countinghouse/shared/platform/postgres"
)

// coldStart is how long somebody waits whose request makes a function start, and what an image weighs. The
// figures are those of the slowest and of the largest function.
type coldStart struct {
	Starts int     `json:"starts"`
	MS     float64 `json:"ms"`        // from exec to the first answer of GET /healthz: the median
	Worst  float64 `json:"worst_ms"`  // of all starts
	Image  float64 `json:"image_mib"` // the layer with the program, compressed as ko does; the base is 1 MiB more
}

// benchStarts are the functions that somebody waits for: a tick, a person, a provider.
var benchStarts = []struct {
	folder string
	app.Function
}{
	{"syncorg", app.SyncOrg}, {"connect", app.Connect}, {"quickbookswebhook", app.QuickBooksWebhook},
}

// coldSettings let these functions start. They connect when they are asked to, not before, so nothing but the
// database needs to be there.
func coldSettings(database string) []string {
	return []string{
		"DATABASE_URL=" + database, "GOOGLE_CLOUD_PROJECT=" + project, "SYNC_TOPIC=" + topic,
		"PUBSUB_EMULATOR_HOST=127.0.0.1:1", "SECRET_MANAGER_EMULATOR_HOST=127.0.0.1:1",
		"PUBLIC_URL=https://books.example.com", "CONNECT_SIGNING_KEY=0123456789abcdef0123456789abcdef",
		"QUICKBOOKS_CLIENT_ID=" + clientID, "QUICKBOOKS_CLIENT_SECRET=" + clientID, "QUICKBOOKS_WEBHOOK_VERIFIER_TOKEN=" + verifier,
		"LOG_FORMAT=json",
	}
}

// measureStarts builds functions as they are released and starts each of them so many times.
func measureStarts(ctx context.Context, stdout io.Writer, server *postgres.Server, starts int) (c coldStart, err error) {
	if starts < 1 {
		return c, errors.New("-starts: want 1 or more")
	}
	dir, err := os.MkdirTemp("", "countinghouse-start-")
	if err != nil {
		return c, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	fmt.Fprintf(stdout, "\n%-20s %10s %12s %12s\n", "start of", "image MiB", "median ms", "worst ms")
	c.Starts = starts
	for _, f := range benchStarts {
		program := filepath.Join(dir, f.folder)
		if err := buildReleased(ctx, f.folder, program); err != nil {
			return c, err
		}
		size, err := compressed(program)
		if err != nil {
			return c, err
		}
		times := make([]float64, starts)
		for i := range times {
			if times[i], err = startOnce(ctx, program, coldSettings(server.URL("postgres"))); err != nil {
				return c, fmt.Errorf("start %s: %w", f.folder, err)
			}
		}
		slices.Sort(times)
		median, worst := times[starts/2], times[starts-1]
		fmt.Fprintf(stdout, "%-20s %10.1f %12.1f %12.1f\n", f.folder, size, median, worst)
		c.MS, c.Worst, c.Image = max(c.MS, round(median, 1)), max(c.Worst, round(worst, 1)), max(c.Image, round(size, 1))
	}
	return c, nil
}

// buildReleased builds a function as .ko.yaml says.
func buildReleased(ctx context.Context, folder, program string) error {
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-buildvcs=false",
		"-ldflags", "-s -w -X github.com/countinghouse/countinghouse/shared/platform/version.text=bench",
		"-o", program, "github.com/countinghouse/countinghouse/functions/"+folder)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("build %s: %w\n%s", folder, err, out)
	}
	return nil
}

// compressed is the size of a file in an image's layer, in MiB.
func compressed(file string) (float64, error) {
	f, err := os.Open(file)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	var size counter
	z, err := gzip.NewWriterLevel(&size, gzip.BestSpeed)
	if err == nil {
		_, err = io.Copy(z, f)
	}
	if err == nil {
		err = z.Close()
	}
	return float64(size) / (1 << 20), err
}

// counter counts what is written.
type counter int64

func (c *counter) Write(p []byte) (int, error) {
	*c += counter(len(p))
	return len(p), nil
}

// startOnce starts a program, and ends it once it has answered. It returns the milliseconds between.
func startOnce(ctx context.Context, program string, environ []string) (ms float64, err error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	at := l.Addr().(*net.TCPAddr)
	l.Close()
	cmd := exec.CommandContext(ctx, program)
	cmd.Env = append(environ, fmt.Sprint("PORT=", at.Port))
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &said
	began := time.Now()
	if err := cmd.Start(); err != nil {
		return 0, err
	}
	gone := make(chan struct{})
	go func() {
		defer close(gone)
		cmd.Wait() //nolint:errcheck // it is killed in the end
	}()
	defer func() {
		cmd.Process.Kill()
		<-gone
	}()
	look := time.NewTicker(time.Millisecond)
	defer look.Stop()
	for !answers(ctx, fmt.Sprintf("http://%s/healthz", at)) {
		select {
		case <-gone:
			return 0, fmt.Errorf("it ended before it answered (%s): %s", cmd.ProcessState, &said)
		case <-look.C:
		}
	}
	return float64(time.Since(began).Microseconds()) / 1000, nil
}

// answers reports whether a GET is answered with 200.
func answers(ctx context.Context, url string) bool {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return false
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return false
	}
	res.Body.Close()
	return res.StatusCode == http.StatusOK
}
