//go:build unix

package web

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestMain lets the test binary also be a function of its own, because the framework can be started
// but not stopped.
func TestMain(m *testing.M) {
	if port := os.Getenv("WEB_TEST_PORT"); port != "" {
		os.Exit(Run(context.Background(), Options{Name: "Echo", Port: port, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/slow" {
				fmt.Println("running")
				<-Stopping(r.Context())
			}
			io.WriteString(w, r.URL.Path)
		}), Close: func(context.Context) error {
			fmt.Println("closed")
			return nil
		}}))
	}
	os.Exit(m.Run())
}

func TestRun(t *testing.T) {
	for _, sig := range []syscall.Signal{syscall.SIGTERM, syscall.SIGINT} {
		t.Run(sig.String(), func(t *testing.T) {
			t.Parallel()
			port := freePort(t)
			cmd := exec.Command(os.Args[0])
			cmd.Env = append(os.Environ(), "WEB_TEST_PORT="+port)
			var log strings.Builder
			cmd.Stderr = &log
			out, err := cmd.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { cmd.Process.Kill() })
			url := "http://127.0.0.1:" + port
			listens(t, port)
			if code, body := fetch(url + "/a/b"); code != 200 || body != "/a/b" {
				t.Errorf("a path below: %d %q", code, body)
			}

			type answer struct {
				code int
				body string
			}
			slow := make(chan answer, 1)
			go func() {
				code, body := fetch(url + "/slow")
				slow <- answer{code, body}
			}()
			lines := bufio.NewScanner(out)
			if !lines.Scan() || lines.Text() != "running" {
				t.Fatalf("the function says %q", lines.Text())
			}
			if err := cmd.Process.Signal(sig); err != nil {
				t.Fatal(err)
			}
			if got := <-slow; got != (answer{200, "/slow"}) {
				t.Errorf("the running request got %v", got)
			}
			if !lines.Scan() || lines.Text() != "closed" {
				t.Errorf("the function says %q", lines.Text())
			}
			if err := cmd.Wait(); err != nil {
				t.Errorf("exit: %v", err)
			}
			var events []string
			for _, m := range regexp.MustCompile(`event=(\S+) function=Echo`).FindAllStringSubmatch(log.String(), -1) {
				events = append(events, m[1])
			}
			if !slices.Equal(events, []string{"started", "stopping", "stopped"}) {
				t.Errorf("it tells %q:\n%s", events, &log)
			}
		})
	}
}

func TestRunSaysWhenItCannotListen(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, port, err := net.SplitHostPort(l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), "WEB_TEST_PORT="+port)
	out, err := cmd.CombinedOutput()
	if cmd.ProcessState.ExitCode() != 1 || !strings.Contains(string(out), "cannot listen") || strings.Contains(string(out), "function listens") {
		t.Errorf("%v: %s", err, out)
	}
}

// listens waits until a connection to port is accepted.
func listens(t *testing.T, port string) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for range 1000 {
		c, err := net.Dial("tcp", "127.0.0.1:"+port)
		if err == nil {
			c.Close()
			return
		}
		<-tick.C
	}
	t.Fatal("nobody listens")
}

func fetch(url string) (int, string) {
	r, err := http.Get(url)
	if err != nil {
		return 0, err.Error()
	}
	defer r.Body.Close()
	b, err := io.ReadAll(r.Body)
	if err != nil {
		return 0, err.Error()
	}
	return r.StatusCode, string(b)
}

func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, port, err := net.SplitHostPort(l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	return port
}
