package pull

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/text/encoding/simplifiedchinese"

	"stillwater"
	"stillwater/adapters/platform"
)

// A waterworks is an interface that gives the readings of three meters from a time on, one meter on each page.
type waterworks struct {
	mu     sync.Mutex
	asked  []string // address and body of each request
	status int      // of answers; 0: 200
	broken int      // page that is answered with 500
	until  time.Time
}

func (w *waterworks) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	w.mu.Lock()
	defer w.mu.Unlock()
	body, _ := io.ReadAll(r.Body)
	w.asked = append(w.asked, r.URL.RequestURI()+string(body))
	if w.status != 0 {
		rw.Header().Set("Location", "https://elsewhere.example/")
		rw.WriteHeader(w.status)
		return
	}
	since, err := time.Parse(time.RFC3339, r.URL.Query().Get("since"))
	var page int
	fmt.Sscan(r.URL.Query().Get("page"), &page)
	if err != nil || page == w.broken {
		rw.WriteHeader(500)
		return
	}
	list := []map[string]any{}
	for at := w.until.Add(-10 * 24 * time.Hour); !at.After(w.until) && page <= 3; at = at.Add(24 * time.Hour) {
		if !at.Before(since) {
			list = append(list, map[string]any{"no": fmt.Sprintf("883400000%d", page), "time": at.Unix(), "m3": float64(at.Unix()%1000) + float64(page)})
		}
	}
	_ = json.NewEncoder(rw).Encode(map[string]any{"data": list})
}

func (w *waterworks) requests() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	asked := w.asked
	w.asked = nil
	return asked
}

func pages(base string) Config {
	c := Config{HTTP: &HTTP{URL: base + "/readings?since={since}&page={page}"}, Reach: 7 * 24 * time.Hour, Layout: table()}
	c.Records = []string{"data.*"}
	return c
}

// TestPages asks for all of the reach at first and for the overlap later, page after page; what came before is not emitted again, and what a broken
// page kept back comes at the next fetch, from as far back as before.
func TestPages(t *testing.T) {
	w := &waterworks{until: today.Add(-time.Hour), broken: 3}
	s := httptest.NewServer(w)
	defer s.Close()
	r := newRig(t, pages(s.URL), nil)
	if lines, err := r.once(); len(lines) != 14 || err == nil || !strings.Contains(err.Error(), "answers 500") {
		t.Fatalf("%d readings, %v", len(lines), err)
	}
	w.mu.Lock()
	w.broken = 0
	w.mu.Unlock()
	w.requests()
	if lines, err := r.once(); len(lines) != 7 || err != nil || !strings.HasPrefix(lines[0], "city/8834000003") {
		t.Fatalf("%q, %v", lines, err)
	}
	if asked := w.requests(); len(asked) != 4 || !strings.Contains(asked[0], "since=2026-11-15T02%3A00%3A00Z&page=1") {
		t.Errorf("asked %q", asked)
	}
	r.want("nothing new")
	if asked := w.requests(); !strings.Contains(asked[0], "since=2026-11-20T01%3A00%3A00Z&page=1") {
		t.Errorf("asked %q", asked)
	}
	w.mu.Lock()
	w.until = w.until.Add(24 * time.Hour)
	w.mu.Unlock()
	r.clock.set(today.Add(24 * time.Hour))
	if lines, err := r.once(); len(lines) != 3 || err != nil {
		t.Errorf("one day more: %q, %v", lines, err)
	}
}

// TestSamePage: an interface that does not know pages, and gives the same for each, is asked no more than twice.
func TestSamePage(t *testing.T) {
	asked := 0
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		asked++
		fmt.Fprint(w, `{"data":[{"no":"1","time":"2026-11-22 01:00:00","m3":1}]}`)
	}))
	defer s.Close()
	newRig(t, pages(s.URL), nil).want("one", "city/1 1000 21T17:00")
	if asked != 2 {
		t.Errorf("asked %d times", asked)
	}
}

// TestRestart: a new puller asks for all of the reach again.
func TestRestart(t *testing.T) {
	w := &waterworks{until: today.Add(-time.Hour)}
	s := httptest.NewServer(w)
	defer s.Close()
	for range 2 {
		if lines, err := newRig(t, pages(s.URL), nil).once(); len(lines) != 21 || err != nil {
			t.Errorf("%d readings, %v", len(lines), err)
		}
	}
}

// TestCursor follows the cursor of the answers, with words in the body, and ends where there is none.
func TestCursor(t *testing.T) {
	var asked []string
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		asked = append(asked, r.Method+" "+string(body))
		next := map[string]string{`"c":""`: "b", `"c":"b"`: "c"}[string(body[strings.Index(string(body), `"c":`):len(body)-1])]
		fmt.Fprintf(w, `{"page":{"next":%q},"data":[{"no":"1","time":"2026-11-22 0%d:00:00","m3":1}]}`, next, len(asked))
	}))
	defer s.Close()
	c := Config{HTTP: &HTTP{URL: s.URL, Body: `{"from":"{since}","c":"{cursor}"}`, Cursor: "page.next", Since: "yyyy-MM-dd HH:mm:ss"}, Reach: 24 * time.Hour, Layout: table()}
	c.Records = []string{"data.*"}
	newRig(t, c, nil).want("three pages", "city/1 1000 21T17:00", "city/1 1000 21T18:00", "city/1 1000 21T19:00")
	if want := `POST {"from":"2026-11-21 10:00:00","c":""}`; len(asked) != 3 || asked[0] != want {
		t.Errorf("asked %q, want %q first", asked, want)
	}
}

// TestAuthority shows the token as it is told to, and never in an error or the log.
func TestAuthority(t *testing.T) {
	var got *http.Request
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { got = r.Clone(r.Context()); fmt.Fprint(w, "[]") }))
	defer s.Close()
	for name, c := range map[string]struct {
		h    HTTP
		show func(*http.Request) string
	}{
		"bearer": {HTTP{Token: secret("tok-1")}, func(r *http.Request) string { return r.Header.Get("Authorization") }},
		"header": {HTTP{Token: secret("tok-1"), Header: "X-Api-Key"}, func(r *http.Request) string { return "Bearer " + r.Header.Get("X-Api-Key") }},
		"query":  {HTTP{Token: secret("tok-1"), Query: "appKey"}, func(r *http.Request) string { return "Bearer " + r.URL.Query().Get("appKey") }},
		"basic":  {HTTP{Username: "u", Password: secret("tok-1")}, func(r *http.Request) string { _, p, _ := r.BasicAuth(); return "Bearer " + p }},
	} {
		c.h.URL = s.URL + "/x?a=1"
		r := newRig(t, Config{HTTP: &c.h}, nil)
		r.want(name)
		if shown := c.show(got); shown != "Bearer tok-1" || got.URL.Query().Get("a") != "1" {
			t.Errorf("%s: %q in %s", name, shown, got.URL)
		}
		c.h.URL = "http://127.0.0.1:1/x?a=1"
		r = newRig(t, Config{HTTP: &c.h}, nil)
		if _, err := r.once(); err == nil || strings.Contains(err.Error()+r.log.String(), "tok-1") || !strings.Contains(err.Error(), "refused") {
			t.Errorf("%s: %v\n%s", name, err, r.log)
		}
	}
}

// TestAnswers refuses what is no answer: a redirection is not followed, since the token would go along.
func TestAnswers(t *testing.T) {
	for status, want := range map[int]string{302: "redirection", 401: "not taken", 403: "not taken", 404: "answers 404", 500: "answers 500", 204: "answers 204"} {
		s := httptest.NewServer(&waterworks{status: status})
		_, err := newRig(t, pages(s.URL), nil).once()
		s.Close()
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%d: %v", status, err)
		}
	}
	for _, body := range []string{"<html>", "", `{"data":[`} {
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, body) }))
		r := newRig(t, pages(s.URL), nil)
		_, err := r.once()
		s.Close()
		if !errors.Is(err, platform.ErrNotJSON) || r.refusals()["not JSON"] != 1 {
			t.Errorf("%q: %v, %v", body, err, r.refusals())
		}
	}
}

// TestTableOverHTTP reads a table in GB 18030.
func TestTableOverHTTP(t *testing.T) {
	text, err := simplifiedchinese.GB18030.NewEncoder().String(rows("8834000001", 8, 9))
	if err != nil {
		t.Fatal(err)
	}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, text) }))
	defer s.Close()
	newRig(t, Config{HTTP: &HTTP{URL: s.URL}, CSV: &platform.Sheet{}}, nil).want("both", "city/8834000001 8500 21T00:00", "city/8834000001 9500 21T01:00")
}

// TestUnknownDevices are emitted like all others, and again until a household has them.
func TestUnknownDevices(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, rows("8834000001", 8)) }))
	defer s.Close()
	known := false
	r := newRig(t, Config{HTTP: &HTTP{URL: s.URL}, CSV: &platform.Sheet{}}, func(o *Options) { o.Known = func(string) bool { return known } })
	line := "city/8834000001 8500 21T00:00"
	r.want("unknown", line)
	r.want("still unknown", line)
	if strings.Contains(r.log.String(), "8834") {
		t.Errorf("the log holds the number:\n%s", r.log)
	}
	known = true
	r.want("known now", line)
	r.want("known before")
}

// TestHealth: it is told once that nothing can be fetched, after the second time, and once that it can be again; and the same of a feed that has
// nothing new for two of its times.
func TestHealth(t *testing.T) {
	w := &waterworks{until: today.Add(-time.Hour), status: 500}
	s := httptest.NewServer(w)
	defer s.Close()
	c := pages(s.URL)
	c.Every, c.Expect = 20*time.Millisecond, 24*time.Hour
	r := newRig(t, c, nil)
	stop := r.run()
	defer stop()
	until(t, "three failures", func() bool { w.mu.Lock(); defer w.mu.Unlock(); return len(w.asked) >= 3 })
	until(t, "it is told", func() bool { return len(r.tellings()) == 1 })
	w.mu.Lock()
	w.status = 0
	w.mu.Unlock()
	until(t, "it is well", func() bool { return len(r.tellings()) == 2 })
	r.clock.set(today.Add(48 * time.Hour))
	until(t, "it is late", func() bool { return len(r.tellings()) == 3 })
	w.mu.Lock()
	w.until = today.Add(47 * time.Hour)
	w.mu.Unlock()
	until(t, "it is well again", func() bool { return len(r.tellings()) == 4 })
	stop()
	told := r.tellings()
	for i, want := range []string{"answers 500", "<nil>", "nothing has come for 48h", "<nil>"} {
		if !strings.Contains(told[i], want) {
			t.Errorf("told %q, want %q", told[i], want)
		}
	}
	if len(told) != 4 {
		t.Errorf("told %q", told)
	}
}

// TestOneFailure: a fetch that fails once is not told of.
func TestOneFailure(t *testing.T) {
	r := newRig(t, Config{HTTP: &HTTP{URL: "http://127.0.0.1:1/"}}, nil)
	r.puller.tell(errors.New("away"), 1)
	if told := r.tellings(); len(told) > 0 {
		t.Errorf("after one failure: %q", told)
	}
	r.puller.tell(errors.New("away"), 2)
	r.puller.tell(errors.New("away"), 3)
	if told := r.tellings(); len(told) != 1 {
		t.Errorf("after three: %q", told)
	}
}

// TestClockAhead: the clock of one meter that is ahead does not move the window past the readings of the others.
func TestClockAhead(t *testing.T) {
	w := &waterworks{until: today.Add(20 * time.Hour)}
	s := httptest.NewServer(w)
	defer s.Close()
	r := newRig(t, pages(s.URL), nil)
	if lines, err := r.once(); len(lines) != 21+3 || err != nil {
		t.Fatalf("%d readings, %v", len(lines), err)
	}
	if since := r.puller.origin.(*asker).since(today); !since.Equal(today.Add(-48 * time.Hour)) {
		t.Errorf("asks from %v on", since)
	}
}

// TestCommitFirst: what is not committed is emitted again, and the next readings wait for it.
func TestCommitFirst(t *testing.T) {
	w := &waterworks{until: today.Add(-time.Hour)}
	s := httptest.NewServer(w)
	defer s.Close()
	before := runtime.NumGoroutine()
	r := newRig(t, pages(s.URL), nil)
	r.hold = true
	stop := r.run()
	until(t, "a page is fetched", func() bool { w.mu.Lock(); defer w.mu.Unlock(); return len(w.asked) == 1 })
	stop()
	if n := len(w.requests()); n != 1 {
		t.Errorf("%d pages were fetched before the first was committed", n)
	}
	until(t, "the goroutines end", func() bool { return runtime.NumGoroutine() <= before })
	r.hold = false
	if lines, err := r.once(); len(lines) != 21 || err != nil {
		t.Errorf("afterwards %d readings, %v", len(lines), err)
	}
}

// TestBackoff waits longer after each failure, and never longer than it would wait anyway.
func TestBackoff(t *testing.T) {
	r := newRig(t, Config{HTTP: &HTTP{URL: "http://127.0.0.1:1/"}, Every: 10 * time.Minute}, nil)
	for fails, most := range map[int]time.Duration{1: 5 * time.Second, 2: 10 * time.Second, 5: 80 * time.Second, 50: 10 * time.Minute} {
		if d := r.puller.pause(fails, false); d > most || d < most/2 {
			t.Errorf("after %d failures %v", fails, d)
		}
	}
	if r.puller.pause(0, false) != 10*time.Minute || r.puller.pause(0, true) != time.Minute {
		t.Error("without failures")
	}
}

// TestConfig says what is wrong with a configuration and how to mend it.
func TestConfig(t *testing.T) {
	fine := func() Config {
		return Config{Name: "city", Layout: table(), SFTP: &SFTP{Address: "h:22", Username: "u", Password: secret("p"), HostKey: "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ1mdGXbd1cpzvJXSkQ0Q0dlCGE0vWTOv8eBUm1sZ5ql", Folder: Folder{Path: "/x"}}}
	}
	for name, c := range map[string]struct {
		change func(*Config)
		want   string
	}{
		"fine":           {func(*Config) {}, ""},
		"no name":        {func(c *Config) { c.Name = "a b" }, "not a name"},
		"two ways":       {func(c *Config) { c.Folder = &Folder{Path: "/x"} }, "one of http"},
		"no way":         {func(c *Config) { c.SFTP = nil }, "one of http"},
		"no host key":    {func(c *Config) { c.SFTP.HostKey = "" }, "ssh-keyscan"},
		"no password":    {func(c *Config) { c.SFTP.Password = stillwater.Secret{} }, "one of the two"},
		"no user":        {func(c *Config) { c.SFTP.Username = "" }, "no user"},
		"no port":        {func(c *Config) { c.SFTP.Address = "h" }, "host and port"},
		"no folder":      {func(c *Config) { c.SFTP.Path = "" }, "no folder"},
		"a pattern":      {func(c *Config) { c.SFTP.Pattern = "[" }, "no pattern"},
		"too often":      {func(c *Config) { c.Every = time.Second }, "too short"},
		"no values":      {func(c *Config) { c.Values = nil }, "no values"},
		"token in clear": {func(c *Config) { c.SFTP = nil; c.HTTP = &HTTP{URL: "http://h/", Token: secret("t")} }, "https://"},
		"user in url":    {func(c *Config) { c.SFTP = nil; c.HTTP = &HTTP{URL: "https://u:p@h/"} }, "show in logs"},
		"no url":         {func(c *Config) { c.SFTP = nil; c.HTTP = &HTTP{URL: "h"} }, "not an address"},
		"a cursor":       {func(c *Config) { c.SFTP = nil; c.HTTP = &HTTP{URL: "https://h/?c={cursor}"} }, "go together"},
		"a format":       {func(c *Config) { c.SFTP = nil; c.HTTP = &HTTP{URL: "https://h/", Since: "HH"} }, "year, month and day"},
	} {
		config := fine()
		c.change(&config)
		var said []string
		report := func(_ any, problem string) { said = append(said, problem) }
		config.Validate(report)
		if config.SFTP != nil {
			config.SFTP.Validate(report)
			config.SFTP.Folder.Validate(report)
		}
		if config.HTTP != nil {
			config.HTTP.Validate(report)
		}
		if c.want == "" && len(said) > 0 || c.want != "" && (len(said) != 1 || !strings.Contains(said[0], c.want)) {
			t.Errorf("%s: %q", name, said)
		}
	}
	if _, err := New(Options{Config: Config{Name: "x", Folder: &Folder{Path: "."}, Layout: platform.Layout{Values: []platform.Value{{Name: "a", Quantity: "nonsense"}}}}}); err == nil || !slices.ContainsFunc(strings.Split(err.Error(), "\n"), func(s string) bool { return strings.Contains(s, "is not a quantity") }) {
		t.Error(err)
	}
}
