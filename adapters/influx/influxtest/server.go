// Package influxtest runs a real InfluxDB 1.8 on loopback, for tests and load runs that stop it, kill it and ask it what it holds. It is no
// part of the gateway.
package influxtest

import (
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// ErrNone says that there is no program to run.
var ErrNone = errors.New("left out: needs influxd (make test installs it)")

// Server is an InfluxDB whose data outlives its process.
type Server struct {
	Address string // http://127.0.0.1:port
	program string
	config  string
	cmd     *exec.Cmd
}

// New makes a server with its data in folder, and does not start it. The program is that of STILLWATER_INFLUXD, or in the PATH.
func New(folder string) (*Server, error) {
	program := os.Getenv("STILLWATER_INFLUXD")
	if _, err := os.Stat(program); err != nil {
		if program, err = exec.LookPath("influxd"); err != nil {
			return nil, ErrNone
		}
	}
	api, err := free()
	if err != nil {
		return nil, err
	}
	rpc, err := free()
	if err != nil {
		return nil, err
	}
	s := &Server{Address: "http://" + api, program: program, config: filepath.Join(folder, "influxdb.conf")}
	text := fmt.Sprintf(`reporting-disabled = true
bind-address = %q
[meta]
  dir = %q
[data]
  dir = %q
  wal-dir = %q
  query-log-enabled = false
[monitor]
  store-enabled = false
[http]
  bind-address = %q
  flux-enabled = true
  log-enabled = false
[logging]
  level = "error"
`, rpc, filepath.Join(folder, "meta"), filepath.Join(folder, "data"), filepath.Join(folder, "wal"), api)
	return s, os.WriteFile(s.config, []byte(text), 0o600)
}

// free is an address that nobody listens on now.
func free() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer l.Close()
	return l.Addr().String(), nil
}

// Start starts it and waits until it answers.
func (s *Server) Start(ctx context.Context) error {
	s.cmd = exec.Command(s.program, "-config", s.config)
	if err := s.cmd.Start(); err != nil {
		return err
	}
	return s.until(ctx, func() bool {
		resp, err := http.Get(s.Address + "/ping")
		if err != nil {
			return false
		}
		resp.Body.Close()
		return resp.StatusCode == http.StatusNoContent
	})
}

// until waits for something of the server to become true.
func (s *Server) until(ctx context.Context, ok func() bool) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	for !ok() {
		select {
		case <-ctx.Done():
			return fmt.Errorf("influxd at %s does not answer: %w", s.Address, ctx.Err())
		case <-time.After(20 * time.Millisecond):
		}
	}
	return nil
}

// Kill ends it as a power cut of its machine would, but for what the kernel keeps.
func (s *Server) Kill() { s.end(os.Kill) }

// Stop ends it in good order.
func (s *Server) Stop() { s.end(syscall.SIGTERM) }

func (s *Server) end(with os.Signal) {
	if s.cmd == nil {
		return
	}
	_ = s.cmd.Process.Signal(with) // it may have ended
	_ = s.cmd.Wait()
	s.cmd = nil
}

// Create makes a database and waits until writes find it, which is a moment later than the answer says.
func (s *Server) Create(ctx context.Context, database string) error {
	resp, err := http.PostForm(s.Address+"/query", url.Values{"q": {"CREATE DATABASE " + database}})
	if err != nil {
		return err
	}
	resp.Body.Close()
	return s.until(ctx, func() bool { return s.Post(database, "probe x=1") == http.StatusNoContent })
}

// Post writes a line by the v1 API and gives the status; 0 if there is no answer.
func (s *Server) Post(database, line string) int {
	resp, err := http.Post(s.Address+"/write?db="+database, "text/plain", strings.NewReader(line))
	if err != nil {
		return 0
	}
	resp.Body.Close()
	return resp.StatusCode
}

// Rows asks by InfluxQL and gives fn each row of the answer by the names of its columns; times are nanoseconds since 1970.
func (s *Server) Rows(ctx context.Context, database, query string, fn func(row map[string]string)) error {
	at := s.Address + "/query?" + url.Values{"db": {database}, "q": {query}, "epoch": {"ns"}, "chunked": {"true"}}.Encode()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, at, nil)
	if err != nil {
		return err
	}
	req.Header.Set("Accept", "application/csv")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		body, _ := io.ReadAll(resp.Body)
		return fmt.Errorf("%s: %s %s", query, resp.Status, body)
	}
	return rows(csv.NewReader(resp.Body), fn)
}

// rows reads an answer; its head comes again with each chunk.
func rows(r *csv.Reader, fn func(map[string]string)) error {
	r.FieldsPerRecord = -1
	var head []string
	for {
		line, err := r.Read()
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		case line[0] == "name":
			head = line
			continue
		}
		row := map[string]string{}
		for i, value := range line {
			if i < len(head) {
				row[head[i]] = value
			}
		}
		fn(row)
	}
}
