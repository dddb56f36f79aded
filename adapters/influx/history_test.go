package influx

import (
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"log/slog"
	"math"
	"net/http"
	"net/http/httptest"
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
}

func newRecorder(t *testing.T) *recorder {
	r := &recorder{}
	r.Server = httptest.NewServer(r)
	t.Cleanup(r.Close)
	return r
}

func (r *recorder) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.requests++
	r.last = req
	unzipped, err := gzip.NewReader(req.Body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	body, _ := io.ReadAll(unzipped)
	lines := strings.Split(strings.TrimSpace(string(body)), "\n")
	if r.refuse != nil {
		if status, text := r.refuse(r.requests, lines); status != 0 {
			w.Header().Set("Content-Type", "application/json")
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

// running gives a History that runs, and a function that stops it and waits.
func running(t *testing.T, cfg Config, health func(error)) (*History, func()) {
	t.Helper()
	if cfg.Bucket == "" {
		cfg.Bucket = "gw/autogen"
	}
	h, err := New(Options{Config: cfg, Log: slog.New(slog.DiscardHandler), Health: health})
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

func TestLines(t *testing.T) {
	r := newRecorder(t)
	token := stillwater.Secret{Env: "INFLUX_TOKEN"}
	token.Set("secret")
	h, stop := running(t, Config{URL: r.URL, Org: "street", Token: token}, nil)
	h.Write(reading(0))
	f := stillwater.Finding{Household: "h1", Device: "m 1", Rule: "device", Kind: stillwater.Equipment, Severity: stillwater.Notice, Began: noon, Trial: true,
		Facts: stillwater.Facts{Span: 90 * time.Second, Limit: time.Minute, Litres: 12.5}}
	h.WriteFinding(f)
	f.Ended = noon.Add(time.Hour)
	h.WriteFinding(f)
	h.Write(stillwater.Reading{Household: "h1", Value: math.NaN(), At: noon})
	h.Write(stillwater.Reading{Household: "h1", Value: 1})
	stop() // before the interval is over: what is queued is written at the stop
	want := []string{
		`reading,device=m\ 1,household=h1,quantity=water.total value=0.5 1772366400123456`,
		`finding,device=m\ 1,household=h1,kind=device,rule=device,severity=notice limit_s=60,litres=12.5,open=1i,span_s=90,trial=1i 1772366400123456`,
		`finding,device=m\ 1,household=h1,kind=device,rule=device,severity=notice lasted_s=3600,limit_s=60,litres=12.5,open=0i,span_s=90,trial=1i 1772366400123456`,
	}
	if got := r.got(); !slices.Equal(got, want) {
		t.Errorf("lines\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	q := r.last.URL.Query()
	if r.last.URL.Path != "/api/v2/write" || q.Get("bucket") != "gw/autogen" || q.Get("org") != "street" || q.Get("precision") != "us" ||
		r.last.Header.Get("Authorization") != "Token secret" || r.last.Header.Get("Content-Encoding") != "gzip" {
		t.Errorf("asked %s with %v", r.last.URL, r.last.Header)
	}
	if got, want := h.Counts(), (Counts{Written: 3, Rejected: 2}); got != want {
		t.Errorf("counts %+v, want %+v", got, want)
	}
}

func TestBatches(t *testing.T) {
	r := newRecorder(t)
	h, _ := running(t, Config{URL: r.URL, Batch: 10, Every: time.Hour}, nil)
	for n := range 30 {
		h.Write(reading(n))
	}
	until(t, "three batches without waiting for the interval", func() bool { return len(r.got()) == 30 })
	r.mu.Lock()
	if r.requests != 3 {
		t.Errorf("%d requests, want 3", r.requests)
	}
	r.mu.Unlock()
	quick, _ := running(t, Config{URL: r.URL, Every: 20 * time.Millisecond}, nil)
	quick.Write(reading(99))
	until(t, "one point after the interval", func() bool { return len(r.got()) == 31 })
	if quick.Lag() > 10*time.Second {
		t.Error("a lag with nothing to write")
	}
}

// The database goes away in each of its ways and comes back: every point is there, in order, and health was told twice.
func TestOutage(t *testing.T) {
	for status, body := range map[int]string{500: "", 503: `{"code":"unavailable","message":"busy"}`, 429: "", 401: `{"code":"unauthorized"}`, 404: `{"code":"not found","message":"bucket"}`} {
		t.Run(fmt.Sprint(status), func(t *testing.T) {
			t.Parallel()
			outage(t, status, body)
		})
	}
}

func outage(t *testing.T, status int, body string) {
	r := newRecorder(t)
	r.set(func(int, []string) (int, string) { return status, body })
	var mu sync.Mutex
	var told []bool
	h, stop := running(t, Config{URL: r.URL, Batch: 10, Every: 10 * time.Millisecond}, func(err error) { mu.Lock(); told = append(told, err == nil); mu.Unlock() })
	for n := range 35 {
		h.Write(reading(n))
	}
	until(t, "a second try", func() bool { r.mu.Lock(); defer r.mu.Unlock(); return r.requests >= 2 })
	if c := h.Counts(); c.Written != 0 || c.Queued != 35 || h.Lag() < firstWait/2 {
		t.Errorf("%d: counts %+v and lag %v while it is away", status, c, h.Lag())
	}
	r.set(nil)
	until(t, "everything written", func() bool { return h.Counts().Written == 35 })
	stop()
	lines := r.got()
	if len(lines) != 35 || !strings.Contains(lines[0], "value=0.5 ") || !strings.Contains(lines[34], "value=34.5 ") {
		t.Errorf("%d: %d lines", status, len(lines))
	}
	if mu.Lock(); !slices.Equal(told, []bool{false, true}) {
		t.Errorf("%d: health was told %v", status, told)
	}
	mu.Unlock()
}

func TestRefusedPointsDoNotHoldTheOthers(t *testing.T) {
	r := newRecorder(t)
	r.set(func(n int, _ []string) (int, string) {
		if n == 1 {
			return 400, `{"code":"invalid","message":"partial write: field type conflict"}`
		}
		return 0, ""
	})
	h, _ := running(t, Config{URL: r.URL, Batch: 5, Every: 10 * time.Millisecond}, nil)
	for n := range 10 {
		h.Write(reading(n))
	}
	until(t, "the second batch", func() bool { return h.Counts() == Counts{Written: 5, Rejected: 5} })
}

func TestTooLargeIsHalved(t *testing.T) {
	r := newRecorder(t)
	r.set(func(_ int, lines []string) (int, string) {
		if len(lines) > 3 {
			return 413, ""
		}
		return 0, ""
	})
	h, _ := running(t, Config{URL: r.URL, Batch: 10, Every: 10 * time.Millisecond}, nil)
	for n := range 10 {
		h.Write(reading(n))
	}
	until(t, "ten points in small requests", func() bool { return h.Counts() == Counts{Written: 10} })
}

// A full queue drops its oldest and never blocks, whether anything runs or not.
func TestFullQueueDropsTheOldest(t *testing.T) {
	r := newRecorder(t)
	h, err := New(Options{Config: Config{URL: r.URL, Bucket: "b", Queue: 100}, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	for n := range 250 {
		h.Write(reading(n))
	}
	if got, want := h.Counts(), (Counts{Queued: 100, Dropped: 150}); got != want {
		t.Errorf("counts %+v, want %+v", got, want)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := h.Run(ctx); err != nil { // only the last flush
		t.Fatal(err)
	}
	if lines := r.got(); len(lines) != 100 || !strings.Contains(lines[0], "value=150.5 ") || !strings.Contains(lines[99], "value=249.5 ") {
		t.Errorf("%d lines, want the last 100", len(lines))
	}
}

// A database that hangs does not hold the stop for longer than the flush may take, and what is left is counted.
func TestStopWithHangingDatabase(t *testing.T) {
	release := make(chan struct{})
	hanging := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-release }))
	defer hanging.Close()
	defer close(release)
	h, stop := running(t, Config{URL: hanging.URL, Batch: 10, Every: 10 * time.Millisecond, Timeout: time.Minute}, nil)
	for n := range 25 {
		h.Write(reading(n))
	}
	until(t, "a request under way", func() bool { return h.inHand.Load() > 0 })
	began := time.Now()
	stop()
	if took := time.Since(began); took > lastFlush+2*time.Second {
		t.Errorf("the stop took %v", took)
	}
	if got, want := h.Counts(), (Counts{Dropped: 25}); got != want {
		t.Errorf("counts %+v, want %+v", got, want)
	}
}

// Points that were waiting for another try when the stop came are written if the database is back by then.
func TestStopWhilePausing(t *testing.T) {
	r := newRecorder(t)
	r.set(func(int, []string) (int, string) { return 503, "" })
	h, stop := running(t, Config{URL: r.URL, Batch: 10, Every: 10 * time.Millisecond}, nil)
	for n := range 25 {
		h.Write(reading(n))
	}
	until(t, "a second try, and the pause of a second after it", func() bool { r.mu.Lock(); defer r.mu.Unlock(); return r.requests >= 2 })
	r.set(nil)
	stop()
	if got, want := h.Counts(), (Counts{Written: 25}); got != want || len(r.got()) != 25 {
		t.Errorf("counts %+v and %d lines, want %+v", got, len(r.got()), want)
	}
}

func TestManyWriters(t *testing.T) {
	r := newRecorder(t)
	h, _ := running(t, Config{URL: r.URL, Batch: 64, Every: 10 * time.Millisecond}, nil)
	var wg sync.WaitGroup
	for w := range 4 {
		wg.Go(func() {
			for n := range 500 {
				h.Write(reading(w*500 + n))
				h.Lag()
			}
		})
	}
	wg.Wait()
	until(t, "all points", func() bool { return h.Counts() == Counts{Written: 2000} })
}

func TestConfig(t *testing.T) {
	good := func() Config { return Config{URL: "http://127.0.0.1:8086", Bucket: "gw/autogen"} }
	for name, c := range map[string]struct {
		change func(*Config)
		field  func(*Config) any
	}{
		"good":       {func(*Config) {}, nil},
		"no address": {func(c *Config) { c.URL = "" }, func(c *Config) any { return &c.URL }},
		"address":    {func(c *Config) { c.URL = "influx:8086" }, func(c *Config) any { return &c.URL }},
		"password":   {func(c *Config) { c.URL = "http://a:b@x:8086" }, func(c *Config) any { return &c.URL }},
		"bucket":     {func(c *Config) { c.Bucket = "" }, func(c *Config) any { return &c.Bucket }},
		"queue":      {func(c *Config) { c.Queue = -1 }, func(c *Config) any { return &c.Queue }},
		"batch":      {func(c *Config) { c.Batch = 1e6 }, func(c *Config) any { return &c.Batch }},
		"every":      {func(c *Config) { c.Every = -1 }, func(c *Config) any { return &c.Every }},
	} {
		cfg := good()
		c.change(&cfg)
		var fields []any
		cfg.Validate(func(field any, _ string) { fields = append(fields, field) })
		if c.field == nil && len(fields) > 0 || c.field != nil && (len(fields) != 1 || fields[0] != c.field(&cfg)) {
			t.Errorf("%s: %d problems", name, len(fields))
		}
	}
	cfg := good()
	cfg.Token = stillwater.Secret{Env: "NOT_SET"}
	if _, err := New(Options{Config: cfg, Log: slog.New(slog.DiscardHandler)}); err == nil {
		t.Error("made without its token")
	}
}
