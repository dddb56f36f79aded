package main

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"stillwater"
	"stillwater/adapters/sqlite"
	"stillwater/gateway/clock"
)

// A waterworks pushes once a day what the meters of its homes counted each hour of the day before.
type waterworks struct {
	t     *testing.T
	at    string
	clock *clock.Clock
	homes []int
	zone  *time.Location
}

// config writes the configuration of its homes, and the secret that the two share.
func (w *waterworks) config(folder, console string) string {
	w.t.Helper()
	if err := os.WriteFile(filepath.Join(folder, "secret"), []byte("a shared secret\n"), 0o600); err != nil {
		w.t.Fatal(err)
	}
	path := filepath.Join(folder, "stillwater.yaml")
	fillIn(w.t, "feed.yaml", path, map[string]any{"Folder": folder, "Console": console, "Push": w.at, "Homes": w.homes})
	return path
}

// day is the push of one day: everybody uses water from seven in the morning to ten in the evening.
func (w *waterworks) day(date time.Time) []byte {
	type meter struct {
		Number string    `json:"number"`
		Day    string    `json:"day"`
		Totals []float64 `json:"hourly_total_m3"`
	}
	var meters []meter
	for _, n := range w.homes {
		m := meter{Number: fmt.Sprintf("88340000%d", n), Day: date.Format(time.DateOnly)}
		days := int(date.Sub(time.Date(2026, 1, 1, 0, 0, 0, 0, w.zone)).Hours()/24 + 0.5)
		for hour := range 24 {
			used := 0.150 * float64(days)
			if hour > 7 {
				used += 0.010 * float64(min(hour-7, 15))
			}
			m.Totals = append(m.Totals, 100+float64(n)+used)
		}
		meters = append(meters, m)
	}
	body, err := json.Marshal(map[string]any{"meters": meters})
	if err != nil {
		w.t.Fatal(err)
	}
	return body
}

// send pushes a body, signed, and gives the status of the answer.
func (w *waterworks) send(body []byte) (int, error) {
	w.t.Helper()
	stamp := fmt.Sprint(time.Now().Unix())
	mac := hmac.New(sha256.New, []byte("a shared secret"))
	mac.Write([]byte(stamp + "\n"))
	mac.Write(body)
	req, err := http.NewRequest("POST", "http://"+w.at+"/push/city-water", bytes.NewReader(body))
	if err != nil {
		w.t.Fatal(err)
	}
	req.Header.Set("X-Stillwater-Timestamp", stamp)
	req.Header.Set("X-Stillwater-Signature", hex.EncodeToString(mac.Sum(nil)))
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, err
	}
	resp.Body.Close()
	return resp.StatusCode, nil
}

// push is send to one that is there.
func (w *waterworks) push(body []byte) int {
	w.t.Helper()
	code, err := w.send(body)
	if err != nil {
		w.t.Fatal(err)
	}
	return code
}

// nightly sleeps until two in the morning after the day, and pushes it.
func (w *waterworks) nightly(ctx context.Context, date time.Time) {
	w.t.Helper()
	if w.clock.SleepUntil(ctx, date.Add(26*time.Hour)) != nil {
		return
	}
	if code := w.push(w.day(date)); code != http.StatusOK {
		w.t.Fatalf("the push of %s: %d", date.Format(time.DateOnly), code)
	}
}

// told collects the texts that went to phones.
type told struct {
	mu    sync.Mutex // guards texts
	texts []stillwater.Message
}

func (l *told) add(m stillwater.Message) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.texts = append(l.texts, m)
}

func (l *told) all() []stillwater.Message {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.texts)
}

// TestFeedAway: the meters of forty homes upload once a day by one feed. When it does not come any more, that is one condition of the feed and one
// finding of all its homes, and not a text of forty silent devices; once a day of each is missing that is one incident of all; and when it
// returns with the history, nobody is taken for still.
func TestFeedAway(t *testing.T) {
	t.Parallel()
	shanghai, err := time.LoadLocation("Asia/Shanghai")
	if err != nil {
		t.Fatal(err)
	}
	begin := time.Date(2026, 11, 2, 0, 0, 0, 0, shanghai)
	w := &waterworks{t: t, at: freeAddress(t), clock: clock.NewFast(begin, 60_000), zone: shanghai}
	for n := range 40 {
		w.homes = append(w.homes, 10+n)
	}
	folder, console := t.TempDir(), freeAddress(t)
	path := w.config(folder, console)
	c, doc, problems := loadConfig(path)
	if problems = append(problems, doc.ResolveSecrets()...); len(problems) > 0 {
		t.Fatal(problems)
	}
	var phones told
	g, err := wire(t.Context(), c, setting{clock: w.clock, log: slog.New(slog.DiscardHandler), texts: phones.add})
	if err != nil {
		t.Fatal(err)
	}
	defer g.close()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- g.run(ctx) }()
	defer func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}()
	b := newBrowser(t, console)
	until(t, patient, "the console answers", b.answers)

	day := begin
	for range 4 {
		w.nightly(ctx, day)
		day = day.AddDate(0, 0, 1)
	}
	if texts, conditions := phones.all(), g.health.Conditions(); len(texts) > 0 || len(conditions) > 0 {
		t.Fatalf("while all is well: texts %v, conditions %v", texts, conditions)
	}
	away := w.clock.Now()
	after := func(h time.Duration) { _ = w.clock.SleepUntil(ctx, away.Add(h*time.Hour)) }
	after(47)
	w.clock.SetSpeed(3000)
	until(t, patient, "the feed is late", func() bool { return len(g.health.Conditions()) > 0 })
	if conditions := g.health.Conditions(); len(conditions) != 1 || conditions[0].Part != "feed city-water" || !strings.Contains(conditions[0].Error, "expected every 24h") {
		t.Errorf("conditions %v", conditions)
	}
	t.Logf("the feed is late after %v", w.clock.Now().Sub(away).Round(time.Hour))
	after(57)
	w.clock.SetSpeed(600)
	after(60)
	w.clock.SetSpeed(60)
	if n, silent := b.metric(`stillwater_findings_total{rule="common-cause-blind",severity="notice"}`), b.metric(`stillwater_findings_total{rule="device-silent",severity="notice"}`); n != 1 || silent != 0 {
		t.Errorf("found %d times of the feed, and %d silent devices", n, silent)
	}
	oneOfAll := func(when string) { // at first: four hours later law 5 has each home's own, and a slow machine may get there
		t.Helper()
		all := b.incidents("")
		of := slices.IndexFunc(all, func(i stillwater.Incident) bool { return i.Group == "feed/city-water" })
		if of < 0 || all[of].Findings[0].Rule != "common-cause-blind-day" {
			t.Fatalf("%s: no incident of all among %d", when, len(all))
		}
		for _, i := range all {
			if i.Group == "" && i.Opened.Before(all[of].Opened.Add(4*time.Hour)) {
				t.Errorf("%s: %s has an incident of its own at %v, that of all is of %v", when, i.Household, i.Opened, all[of].Opened)
			}
		}
	}
	oneOfAll("when two days are missing")

	for range 2 { // it returns with the history
		if code := w.push(w.day(day)); code != http.StatusOK {
			t.Fatalf("the push of %s, late: %d", day.Format(time.DateOnly), code)
		}
		day = day.AddDate(0, 0, 1)
	}
	until(t, patient, "the feed is well", func() bool { return len(g.health.Conditions()) == 0 })
	w.clock.SetSpeed(60_000)
	w.nightly(ctx, day)
	after(90)
	for id, state := range b.homes() {
		if state != stillwater.Fine && state != stillwater.ToBeChecked { // with an incident that nobody has closed
			t.Errorf("home %s is %s", id, state)
		}
	}
	oneOfAll("when the days came late")
	if n := b.readings("accepted") + b.readings("first"); n != 40*24*7 {
		t.Errorf("%d readings were taken, want those of seven days", n)
	}
}

// TestPushKilled kills the gateway while it is pushed to: what was answered with success is in the journal, and what was not can come again.
func TestPushKilled(t *testing.T) {
	t.Parallel()
	folder, console := t.TempDir(), freeAddress(t)
	w := &waterworks{t: t, at: freeAddress(t), zone: time.UTC}
	for n := range 40 {
		w.homes = append(w.homes, 10+n)
	}
	path := w.config(folder, console)
	begin := time.Now().UTC().Add(-10 * 24 * time.Hour).Truncate(time.Second)
	answered := map[string]bool{}
	for round := range 4 {
		p, b := startProcess(t, nil, "run", "--config", path), newBrowser(t, console)
		until(t, patient, "the console answers", b.answers)
		killed := make(chan struct{})
		n := 0
		for {
			n++
			at := begin.Add(time.Duration(round*10_000+n) * time.Second)
			home := w.homes[n%len(w.homes)]
			body := fmt.Sprintf(`{"meters":[{"number":"88340000%d","time":%q,"total_m3":%d.5}]}`, home, at.Format(time.RFC3339), 100+round*10_000+n)
			if n == 60+round*17 {
				go func() { p.cmd.Process.Kill(); close(killed) }() // somewhere in the next push, or between two
			}
			code, err := w.send([]byte(body))
			if err != nil && n < 60+round*17 {
				continue // a slow machine: it was not killed yet
			}
			if err != nil {
				break
			}
			if code == http.StatusOK {
				answered[fmt.Sprintf("h%d %s", home, at.Format(time.RFC3339))] = true
			}
		}
		<-killed
		<-p.ended
	}
	db, err := sqlite.Open(t.Context(), sqlite.Config{Path: filepath.Join(folder, "stillwater.db")}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	kept := map[string]bool{}
	for _, n := range w.homes {
		home := stillwater.HouseholdID(fmt.Sprintf("h%d", n))
		for _, r := range of(t, db, home) {
			kept[fmt.Sprintf("%s %s", home, r.At.UTC().Format(time.RFC3339))] = true
		}
	}
	lost := 0
	for k := range answered {
		if !kept[k] {
			lost++
		}
	}
	if lost > 0 || len(answered) < 200 {
		t.Errorf("%d of %d pushes that were answered with success are not in the journal", lost, len(answered))
	}
	t.Logf("%d were answered with success, %d are in the journal", len(answered), len(kept))
}
