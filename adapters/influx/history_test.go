package influx

import (
	"fmt"
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

	influxhttp "github.com/influxdata/influxdb-client-go/v2/api/http"

	"stillwater"
)

func TestBatches(t *testing.T) {
	r := newRecorder(t)
	h, _ := running(t, at(t, r.URL, Config{Batch: 10, Every: time.Hour}))
	h.Committed(batch(0, 30))
	until(t, "three batches without waiting for the interval", func() bool { return len(r.got()) == 30 })
	r.mu.Lock()
	if r.requests != 3 {
		t.Errorf("%d requests, want 3", r.requests)
	}
	r.mu.Unlock()
	quick, _ := running(t, at(t, r.URL, Config{Every: 20 * time.Millisecond}))
	quick.write(99, 100)
	until(t, "one point after the interval", func() bool { return len(r.got()) == 31 })
	until(t, "no lag with nothing to send", func() bool { return quick.Lag() == 0 && quick.Counts().Waiting == 0 })
}

// The database goes away in each of its ways and comes back: every point is there once, in order, and health was told twice.
func TestOutage(t *testing.T) {
	for status, body := range map[int]string{500: "", 503: `{"code":"unavailable","message":"busy"}`, 429: "", 401: `{"code":"unauthorized"}`,
		404: `{"code":"not found","message":"bucket"}`, 400: `{"code":"invalid","message":"please provide an org"}`} {
		t.Run(fmt.Sprint(status), func(t *testing.T) {
			t.Parallel()
			outage(t, status, body)
		})
	}
}

func outage(t *testing.T, status int, body string) {
	r := newRecorder(t)
	r.set(func(int, []string) (int, string) { return status, body })
	var health ear
	h, stop := running(t, at(t, r.URL, Config{Batch: 50, Every: 10 * time.Millisecond, Late: 100 * time.Millisecond}), health.hear)
	h.write(0, 35)
	until(t, "it is told, and that it lags", func() bool { return len(health.of(database)) > 0 && len(health.of(lag)) > 0 })
	if c := h.Counts(); c.Written+c.Rejected+c.Dropped != 0 || h.Lag() < 100*time.Millisecond {
		t.Errorf("%d: counts %+v and lag %v while it is away", status, c, h.Lag())
	}
	r.set(nil)
	until(t, "everything sent, and no lag", func() bool { return h.Counts().Written == 35 && len(health.of(lag)) == 2 })
	stop()
	lines := r.got()
	if len(lines) != 35 || !strings.Contains(lines[0], "value=0.5 ") || !strings.Contains(lines[34], "value=34.5 ") {
		t.Errorf("%d: %d lines", status, len(lines))
	}
	if told := health.of(database); len(told) != 2 || told[1] != "<nil>" {
		t.Errorf("%d: health was told %q", status, told)
	}
}

// TestRetryAfter: what the database asks for is kept to, in seconds and as a date.
func TestRetryAfter(t *testing.T) {
	header := func(value string) error {
		return &influxhttp.Error{StatusCode: 503, Header: http.Header{"Retry-After": {value}}}
	}
	now := noon.Truncate(time.Second)
	if got := retryAfter(header(now.Add(90*time.Second).Format(http.TimeFormat)), now); got != 90*time.Second {
		t.Errorf("a date: %v", got)
	}
	if got := retryAfter(&influxhttp.Error{StatusCode: 429, RetryAfter: 7}, now); got != 7*time.Second {
		t.Errorf("seconds: %v", got)
	}
	if got := retryAfter(&influxhttp.Error{StatusCode: 429, RetryAfter: 1e6}, now); got != longestAsked {
		t.Errorf("days: %v", got)
	}
	r := newRecorder(t)
	r.retry = "2"
	r.set(func(n int, _ []string) (int, string) { return 503 * (n & 1), "" }) // the first is refused
	h, _ := running(t, at(t, r.URL, Config{Every: 10 * time.Millisecond}))
	h.write(0, 1)
	began := time.Now()
	until(t, "sent", func() bool { return h.Counts().Written == 1 })
	if took := time.Since(began); took < 2*time.Second {
		t.Errorf("it came again after %v", took)
	}
}

// TestOnlyTheBadAreRefused: whatever a database does with the good points of a request with bad ones in it, they land; the bad do not come
// again, and nobody is told that it is away.
func TestOnlyTheBadAreRefused(t *testing.T) {
	bad := func(l string) bool {
		return strings.Contains(l, "value=3.5 ") || strings.Contains(l, "value=13.5 ") || strings.Contains(l, "value=14.5 ")
	}
	for name, answer := range map[string]struct {
		status int
		body   string
		keeps  bool // the good points of such a request
	}{
		"1.8":        {400, `{"error":"partial write: field type conflict: input field dropped=1"}`, true},
		"one shard":  {400, `{"error":"partial write: field type conflict: input field dropped=1"}`, false},
		"2":          {422, `{"code":"unprocessable entity","message":"failure writing points to database: partial write: field type conflict dropped=%d"}`, false},
		"parse":      {400, `{"code":"invalid","message":"unable to parse 'x': missing fields"}`, false},
		"not said":   {400, `{"code":"invalid","message":"no"}`, false},
		"no message": {400, ``, false},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRecorder(t)
			r.set(func(_ int, lines []string) (int, string) {
				if !slices.ContainsFunc(lines, bad) {
					return 0, ""
				}
				if answer.keeps {
					r.lines = append(r.lines, slices.DeleteFunc(slices.Clone(lines), bad)...)
				}
				bads := slices.DeleteFunc(slices.Clone(lines), func(l string) bool { return !bad(l) })
				return answer.status, strings.ReplaceAll(answer.body, "%d", fmt.Sprint(len(bads)))
			})
			var health ear
			h, stop := running(t, at(t, r.URL, Config{Batch: 20, Every: 10 * time.Millisecond}), health.hear)
			h.Committed(batch(0, 20))
			until(t, "all settled", func() bool { c := h.Counts(); return c.Written == 17 && c.Rejected == 3 })
			stop()
			got := r.got()
			slices.Sort(got)
			if got = slices.Compact(got); len(got) != 17 || slices.ContainsFunc(got, bad) {
				t.Errorf("%d lines: %q", len(got), got)
			}
			if told := health.of(database); len(told) != 0 {
				t.Errorf("health was told %q", told)
			}
		})
	}
}

// TestAllRefusedAtOnce: a batch older than the database keeps costs one request, not two for each point.
func TestAllRefusedAtOnce(t *testing.T) {
	r := newRecorder(t)
	r.set(func(_ int, lines []string) (int, string) {
		return 400, fmt.Sprintf(`{"error":"partial write: points beyond retention policy dropped=%d"}`, len(lines))
	})
	h, stop := running(t, at(t, r.URL, Config{Batch: 500, Every: time.Hour}))
	h.Committed(batch(0, 1000))
	until(t, "all refused", func() bool { return h.Counts().Rejected == 1000 })
	stop()
	if r.requests != 2 {
		t.Errorf("%d requests", r.requests)
	}
}

func TestTooLargeIsHalved(t *testing.T) {
	r := newRecorder(t)
	r.set(func(_ int, lines []string) (int, string) {
		if len(lines) > 3 {
			return 413, ""
		}
		return 0, ""
	})
	h, _ := running(t, at(t, r.URL, Config{Batch: 10, Every: 10 * time.Millisecond}))
	h.write(0, 10)
	until(t, "ten points in small requests", func() bool { return h.Counts().Written == 10 })
}

// TestNothingIsLostByKilling leaves a History as a kill would, at any moment, again and again, while the database is there or not: in the end
// each point was taken, and those of the database that were taken once only are most.
func TestNothingIsLostByKilling(t *testing.T) {
	r := newRecorder(t)
	cfg := at(t, r.URL, Config{Batch: 7, Every: 10 * time.Millisecond, Sync: 20 * time.Millisecond})
	var store ledger
	with := func(o *Options) { o.Missed = store.missed }
	n := 0
	for round := range 12 {
		if round%3 == 1 {
			r.set(func(int, []string) (int, string) { return 503, "" })
		} else {
			r.set(nil)
		}
		kill := abandoned(t, cfg, with, func(h *History) {
			for range 40 {
				b := store.commit(batch(n, n+1))
				if n++; n%9 == 0 && round < 11 {
					return // it is committed, and we are killed before history hears of it
				}
				h.Committed(b)
				if n == 1 { // what was before the first was before there was history
					until(t, "the first", func() bool { return len(r.got()) > 0 })
				}
				<-time.After(time.Duration(n%3) * time.Millisecond)
			}
		})
		kill()
	}
	r.set(nil)
	h, stop := running(t, cfg, with)
	until(t, "nothing waits", func() bool {
		got := r.got()
		slices.Sort(got)
		return len(slices.Compact(got)) == n && h.Counts().Waiting == 0
	})
	stop()
}

// TestPositionFollowsTheAnswer: a point is out of the spool only when the database has said that it has it.
func TestPositionFollowsTheAnswer(t *testing.T) {
	r := newRecorder(t)
	cfg := at(t, r.URL, Config{Batch: 10, Every: 10 * time.Millisecond, Timeout: time.Minute})
	asked, answer := make(chan struct{}, 100), make(chan struct{})
	r.before = func() { asked <- struct{}{}; <-answer }
	h, stop := running(t, cfg)
	h.Committed(batch(0, 10))
	<-asked // it has the request, and has not answered
	stop()  // which gives up after two seconds
	close(answer)
	if c := h.Counts(); c.Waiting != 10 || c.Written != 0 {
		t.Errorf("%+v before an answer", c)
	}
	h, _ = running(t, cfg)
	until(t, "the same points again", func() bool { return h.Counts().Written == 10 })
}

// TestWithdrawal: what waits of a household that takes its consent back is not sent, and the rest is.
func TestWithdrawal(t *testing.T) {
	r := newRecorder(t)
	r.set(func(int, []string) (int, string) { return 503, "" })
	cfg := at(t, r.URL, Config{Every: 10 * time.Millisecond})
	h, stop := running(t, cfg)
	b := batch(0, 10)
	for n := range b.Entries[:4] {
		b.Entries[n].Reading.Household = "h 2"
	}
	h.Committed(b)
	until(t, "they wait", func() bool { return h.Counts().Waiting == 10 })
	stop()
	r.set(nil)
	h, stop = running(t, cfg, func(o *Options) {
		o.Withdrew = func(id stillwater.HouseholdID) bool { return id == "h 2" }
	})
	until(t, "nothing waits", func() bool { return h.Counts().Waiting == 0 && h.Counts().Written == 6 })
	stop()
	if c := h.Counts(); c.Withheld != 4 || len(r.got()) != 6 || slices.ContainsFunc(r.got(), func(l string) bool { return strings.Contains(l, "h\\ 2") }) {
		t.Errorf("%+v, %q", c, r.got())
	}
}

// TestSpoolLimit: what is configured holds, the oldest go, and it is told while it lasts.
func TestSpoolLimit(t *testing.T) {
	r := newRecorder(t)
	r.set(func(int, []string) (int, string) { return 503, "" })
	var health ear
	cfg := at(t, r.URL, Config{Queue: 160, Batch: 100, Every: 10 * time.Millisecond})
	h, _ := running(t, cfg, health.hear)
	for n := range 50 {
		h.Committed(batch(10*n, 10*n+10))
	}
	until(t, "dropped, and told", func() bool { return h.Counts().Dropped >= 500-160 && len(health.of(limits)) == 1 })
	r.set(nil)
	until(t, "the others sent, and told", func() bool { return h.Counts().Waiting == 0 && len(health.of(limits)) == 2 })
	c := h.Counts()
	if lines := r.got(); c.Dropped+c.Written != 500 || int64(len(lines)) != c.Written || !strings.Contains(lines[len(lines)-1], "value=499.5 ") {
		t.Errorf("%+v, %d lines", c, len(lines))
	}
}

// TestHandIsBounded: while the disk takes nothing, memory stays bounded and nobody waits; what did not fit comes from the journal, or is
// counted where there is none.
func TestHandIsBounded(t *testing.T) {
	r := newRecorder(t)
	for name, journal := range map[string]bool{"journal": true, "none": false} {
		t.Run(name, func(t *testing.T) {
			cfg := at(t, r.URL, Config{Every: 10 * time.Millisecond, Rate: 1_000_000})
			good := cfg.Spool
			cfg.Spool = filepath.Join(good, "file") // not to be made: there is a file of that name
			if err := os.WriteFile(cfg.Spool, nil, 0o600); err != nil {
				t.Fatal(err)
			}
			var store ledger
			var health ear
			h, _ := running(t, cfg, health.hear, func(o *Options) {
				if journal {
					o.Missed = store.missed
				}
			})
			until(t, "the disk is told", func() bool { return len(health.of(disk)) > 0 })
			const n = mostInHand + 5000
			for i := range n / 100 {
				h.Committed(store.commit(batch(100*i, 100*i+100)))
			}
			if h.inHand > mostInHand {
				t.Errorf("%d lines in hand", h.inHand)
			}
			if err := os.Remove(cfg.Spool); err != nil {
				t.Fatal(err)
			}
			until(t, "all settled", func() bool { c := h.Counts(); return c.Waiting == 0 && c.Written+c.Dropped >= n })
			if c := h.Counts(); journal != (c.Dropped == 0) || c.Written+c.Dropped != n && !journal {
				t.Errorf("%+v", c)
			}
			if told := health.of(disk); told[len(told)-1] != "<nil>" {
				t.Errorf("health was told %q", told)
			}
		})
	}
}

// TestRate: what has piled up goes out no faster than configured.
func TestRate(t *testing.T) {
	r := newRecorder(t)
	h, _ := running(t, at(t, r.URL, Config{Batch: 20, Every: 10 * time.Millisecond, Rate: 400}))
	began := time.Now()
	h.Committed(batch(0, 200))
	until(t, "all sent", func() bool { return h.Counts().Written == 200 })
	if took := time.Since(began); took < 400*time.Millisecond {
		t.Errorf("200 points at 400 a second took %v", took)
	}
}

// A database that hangs does not hold the stop for longer than the flush may take, and what is left is there at the next start.
func TestStopWithHangingDatabase(t *testing.T) {
	release := make(chan struct{})
	hanging := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-release }))
	defer hanging.Close()
	defer close(release)
	cfg := at(t, hanging.URL, Config{Batch: 10, Every: 10 * time.Millisecond, Timeout: time.Minute})
	h, stop := running(t, cfg)
	h.write(0, 25)
	until(t, "a request under way", func() bool { return h.Lag() > 0 })
	began := time.Now()
	stop()
	if took := time.Since(began); took > lastFlush+2*time.Second {
		t.Errorf("the stop took %v", took)
	}
	if c := h.Counts(); c.Waiting != 25 || c.Dropped != 0 {
		t.Errorf("counts %+v", c)
	}
	r := newRecorder(t)
	cfg.URL = r.URL
	h, _ = running(t, cfg)
	until(t, "sent after the next start", func() bool { return h.Counts().Written == 25 && len(r.got()) == 25 })
}

func TestManyWriters(t *testing.T) {
	r := newRecorder(t)
	h, _ := running(t, at(t, r.URL, Config{Batch: 64, Every: 10 * time.Millisecond}))
	var wg sync.WaitGroup
	for w := range 4 {
		wg.Go(func() { h.write(1000*w, 1000*w+500) })
	}
	wg.Wait()
	until(t, "all points", func() bool { return h.Counts().Written == 2000 })
}

func TestConfig(t *testing.T) {
	good := func() Config { return Config{URL: "http://127.0.0.1:8086", Bucket: "gw/autogen", Spool: "x"} }
	for name, c := range map[string]struct {
		change func(*Config)
		field  func(*Config) any
	}{
		"good":       {func(*Config) {}, nil},
		"as before":  {func(c *Config) { c.Queue, c.Batch, c.Every, c.Timeout = 100_000, 1000, 5*time.Second, 10*time.Second }, nil},
		"no address": {func(c *Config) { c.URL = "" }, func(c *Config) any { return &c.URL }},
		"address":    {func(c *Config) { c.URL = "influx:8086" }, func(c *Config) any { return &c.URL }},
		"password":   {func(c *Config) { c.URL = "http://a:b@x:8086" }, func(c *Config) any { return &c.URL }},
		"bucket":     {func(c *Config) { c.Bucket = "" }, func(c *Config) any { return &c.Bucket }},
		"queue":      {func(c *Config) { c.Queue = -1 }, func(c *Config) any { return &c.Queue }},
		"batch":      {func(c *Config) { c.Batch = 1e6 }, func(c *Config) any { return &c.Batch }},
		"every":      {func(c *Config) { c.Every = -1 }, func(c *Config) any { return &c.Every }},
		"spool_mb":   {func(c *Config) { c.SpoolMB = -1 }, func(c *Config) any { return &c.SpoolMB }},
		"keep_mb":    {func(c *Config) { c.KeepMB = -1 }, func(c *Config) any { return &c.KeepMB }},
		"rate":       {func(c *Config) { c.Rate = -5 }, func(c *Config) any { return &c.Rate }},
		"late":       {func(c *Config) { c.Late = -5 }, func(c *Config) any { return &c.Late }},
		"sync":       {func(c *Config) { c.Sync = 5 }, func(c *Config) any { return &c.Sync }},
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
	cfg = good()
	cfg.Spool = ""
	if _, err := New(Options{Config: cfg, Log: slog.New(slog.DiscardHandler)}); err == nil {
		t.Error("made without a folder")
	}
}
