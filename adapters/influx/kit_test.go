package influx

import (
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"stillwater"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 123456000, time.UTC)

// recorder takes lines as InfluxDB does, and can be told to refuse.
type recorder struct {
	*httptest.Server
	mu       sync.Mutex // guards everything below
	lines    []string
	requests int
	last     *http.Request
	refuse   func(request int, lines []string) (status int, body string) // status 0: take them
	retry    string                                                      // what a refusal asks for; empty: nothing
	before   func()                                                      // called with each request, before anything else; may be nil
}

func newRecorder(t *testing.T) *recorder {
	r := &recorder{}
	r.Server = httptest.NewServer(r)
	t.Cleanup(r.Close)
	return r
}

func (r *recorder) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	if r.before != nil {
		r.before()
		if req.Context().Err() != nil {
			return // who asked has given up
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.requests++
	r.last = req
	unzipped, err := gzip.NewReader(req.Body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	body, err := io.ReadAll(unzipped)
	if err != nil { // who asked was killed
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	lines := strings.Split(strings.TrimSpace(string(body)), "\n")
	if r.refuse != nil {
		if status, text := r.refuse(r.requests, lines); status != 0 {
			w.Header().Set("Content-Type", "application/json")
			if old, ok := strings.CutPrefix(text, `{"error":"`); ok { // 1.8 says it there too, which is where the client looks
				w.Header().Set("X-Influxdb-Error", strings.TrimSuffix(old, `"}`))
			}
			if r.retry != "" {
				w.Header().Set("Retry-After", r.retry)
			}
			w.WriteHeader(status)
			fmt.Fprint(w, text)
			return
		}
	}
	r.lines = append(r.lines, lines...)
	w.WriteHeader(http.StatusNoContent)
}

func (r *recorder) got() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.lines)
}

func (r *recorder) set(refuse func(int, []string) (int, string)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.refuse = refuse
}

// A ledger is a store that history fetches from: batches in the order of their commits.
type ledger struct {
	mu      sync.Mutex // guards batches
	batches []*stillwater.Batch
	err     error
}

// commit stores a batch, as the store does: its entries get their numbers.
func (l *ledger) commit(b *stillwater.Batch) *stillwater.Batch {
	l.mu.Lock()
	defer l.mu.Unlock()
	var seq int64
	if n := len(l.batches); n > 0 {
		last := l.batches[n-1].Entries
		seq = last[len(last)-1].Seq
	}
	for i := range b.Entries {
		b.Entries[i].Seq = seq + int64(i) + 1
	}
	l.batches = append(l.batches, b)
	return b
}

func (l *ledger) missed(_ context.Context, seq int64, _ time.Time, fn func(*stillwater.Batch) error) error {
	l.mu.Lock()
	all, err := slices.Clone(l.batches), l.err
	l.mu.Unlock()
	for _, b := range all {
		if b.Entries[0].Seq > seq && err == nil {
			err = fn(b)
		}
	}
	return err
}

// batch is one of readings.
func batch(from, to int) *stillwater.Batch {
	b := &stillwater.Batch{}
	for n := from; n < to; n++ {
		r := reading(n)
		b.Entries = append(b.Entries, stillwater.Entry{Seq: int64(n) + 1, Reading: &r})
	}
	return b
}

// write hands readings over, one by one.
func (h *History) write(from, to int) {
	for n := from; n < to; n++ {
		h.Committed(batch(n, n+1))
	}
}

// at is a configuration for a database, with a spool of its own.
func at(t *testing.T, url string, c Config) Config {
	c.URL, c.KeepMB = url, 1
	if c.Bucket == "" {
		c.Bucket = "gw/autogen"
	}
	if c.Spool == "" {
		c.Spool = t.TempDir()
	}
	if c.Sync == 0 {
		c.Sync = 10 * time.Millisecond
	}
	return c
}

// running gives a History that runs, and a function that stops it and waits.
func running(t *testing.T, cfg Config, more ...func(*Options)) (*History, func()) {
	t.Helper()
	o := Options{Config: cfg, Log: slog.New(slog.DiscardHandler)}
	for _, change := range more {
		change(&o)
	}
	h, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- h.Run(ctx) }()
	stop := sync.OnceFunc(func() {
		cancel()
		select {
		case err := <-done:
			if err != nil {
				t.Errorf("Run: %v", err)
			}
		case <-time.After(20 * time.Second):
			t.Error("Run does not end")
		}
	})
	t.Cleanup(stop)
	return h, stop
}

// ear collects what health hears.
type ear struct {
	mu    sync.Mutex // guards lines
	lines []string
}

func (h *ear) hear(o *Options) {
	o.Health = func(part string, err error) {
		h.mu.Lock()
		defer h.mu.Unlock()
		h.lines = append(h.lines, fmt.Sprintf("%s: %v", part, err))
	}
}

func (h *ear) of(part string) (lines []string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, l := range h.lines {
		if text, ok := strings.CutPrefix(l, part+": "); ok {
			lines = append(lines, text)
		}
	}
	return lines
}

func until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); !ok(); { // a busy machine, and influxd takes seconds to start
		if time.Now().After(deadline) {
			t.Fatalf("not within a minute: %s", what)
		}
		<-time.After(5 * time.Millisecond)
	}
}

func reading(n int) stillwater.Reading {
	return stillwater.Reading{Source: "bus/1", Household: "h1", Device: "m 1", Quantity: stillwater.WaterTotal, Value: float64(n) + 0.5,
		At: noon.Add(time.Duration(n) * time.Minute), Received: noon}
}

// abandoned runs a History whose process dies after work: a copy of its folder, as it is at that moment, is all that is left.
func abandoned(t *testing.T, cfg Config, with func(*Options), work func(*History)) (kill func()) {
	dead := cfg
	dead.Spool = t.TempDir()
	copyFolder(t, cfg.Spool, dead.Spool)
	h, stop := running(t, dead, with)
	work(h)
	return func() {
		os.RemoveAll(cfg.Spool)
		copyFolder(t, dead.Spool, cfg.Spool) // while it runs
		stop()
	}
}

func copyFolder(t *testing.T, from, to string) {
	t.Helper()
	if err := os.MkdirAll(to, 0o700); err != nil {
		t.Fatal(err)
	}
	// The position first: what it knows to be done and certain is in the segments that are read after it.
	names, _ := filepath.Glob(filepath.Join(from, "*"))
	slices.Sort(names)
	slices.Reverse(names)
	for _, name := range names {
		b, err := os.ReadFile(name)
		if errors.Is(err, fs.ErrNotExist) {
			continue // done meanwhile
		}
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(to, filepath.Base(name)), b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}
