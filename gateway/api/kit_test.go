package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"stillwater"
	"stillwater/gateway/health"
	"stillwater/gateway/incident"
	"stillwater/gateway/words"
)

var start = time.Date(2026, 3, 4, 8, 0, 0, 0, time.UTC)

// town is everything that the interface asks, in memory.
type town struct {
	mu        sync.Mutex
	now       time.Time
	homes     map[stillwater.HouseholdID]stillwater.Household
	standings []stillwater.Standing
	incidents map[stillwater.IncidentID]stillwater.Incident
	messages  []stillwater.Message
	acts      []stillwater.Act
	absences  []stillwater.Absence
	requests  map[string][]byte
	broken    error
	acting    func(stillwater.Act) error // before a deed; may be nil
	log       strings.Builder
}

func newTown() *town {
	w := &town{now: start, homes: map[stillwater.HouseholdID]stillwater.Household{}, incidents: map[stillwater.IncidentID]stillwater.Incident{}, requests: map[string][]byte{}}
	for n, grid := range []string{"north", "north", "south"} {
		id := stillwater.HouseholdID(fmt.Sprintf("h%d", n+1))
		w.homes[id] = stillwater.Household{
			ID: id, Name: "王秀英", Residents: 1, TimeZone: "Asia/Shanghai", Consent: stillwater.Consent{Given: start.AddDate(-1, 0, 0)},
			Place:   stillwater.Place{Street: "Dongpo", Community: "Lake", Grid: grid, Building: "7"},
			Devices: []stillwater.Device{{ID: "88001234", Kind: stillwater.Meter, Source: "cupboard-1/3", Every: 15 * time.Minute}},
			Contacts: []stillwater.Contact{
				{ID: "daughter", Name: "李梅", Role: stillwater.Family, Phone: "+8613800138000", Language: "zh-CN", Remote: true},
				{ID: "worker", Name: "陈刚", Role: stillwater.Worker, Phone: "+8613900139000", Language: "zh-CN"},
			},
		}
		w.standings = append(w.standings, stillwater.Standing{
			Household: id, State: stillwater.Fine, DataTo: start.Add(-10 * time.Minute), Still: 40 * time.Minute, Usual: 8 * time.Hour,
			Life: stillwater.Life{Water: start.Add(-50 * time.Minute)}, Alert: start.Add(9 * time.Hour), AlertRule: "silence", Residents: 1,
		})
	}
	w.standings[1].State = stillwater.Still
	w.standings[1].Absence = &stillwater.Absence{Household: "h2", From: start, Until: start.Add(48 * time.Hour), At: start}
	w.standings[2].Doubt, w.standings[2].Reduced = stillwater.DoorStuck, true
	for n, home := range []stillwater.HouseholdID{"h1", "h2", "h3", "h1"} {
		w.open(stillwater.IncidentID(fmt.Sprintf("A%d", n+1)), home, start.Add(time.Duration(n)*time.Hour-6*time.Hour))
	}
	w.standings[0].Findings = w.incidents["A1"].Findings
	w.messages = []stillwater.Message{{
		ID: "A1-1", Incident: "A1", Household: "h1", Contact: "daughter", Rung: 1, Purpose: stillwater.Tell, Severity: stillwater.Alert, To: "+8613800138000",
		Text: "王*家：……", State: stillwater.Delivered, Attempts: 1, Provider: "aliyun", Created: start.Add(-5 * time.Hour), Changed: start.Add(-5 * time.Hour),
	}}
	return w
}

func (w *town) open(id stillwater.IncidentID, home stillwater.HouseholdID, at time.Time) {
	w.incidents[id] = stillwater.Incident{
		ID: id, Code: string(id), Household: home, Kind: stillwater.Welfare, Severity: stillwater.Alert, State: stillwater.Opened, Opened: at, Next: at.Add(time.Hour),
		Findings: []stillwater.Finding{{Household: home, Rule: "silence", Kind: stillwater.Welfare, Severity: stillwater.Alert, Began: at, Facts: stillwater.Facts{Since: at.Add(-20 * time.Hour), Span: 20 * time.Hour, DataTo: at}}},
		Log:      []stillwater.Event{{At: at, What: "opened", Note: "silence alert"}},
	}
}

func (w *town) Now() time.Time { w.mu.Lock(); defer w.mu.Unlock(); return w.now }

func (w *town) Standings(context.Context) ([]stillwater.Standing, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.standings), w.broken
}

func (w *town) Household(id stillwater.HouseholdID) (stillwater.Household, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	h, ok := w.homes[id]
	return h, ok
}

func (w *town) IncidentPage(_ context.Context, q Query) ([]stillwater.Incident, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	var list []stillwater.Incident
	for _, i := range w.incidents {
		before := q.Before.IsZero() || i.Opened.Before(q.Before) || i.Opened.Equal(q.Before) && i.ID < q.BeforeID
		if before && !i.Opened.Before(q.Since) && (q.Household == "" || i.Household == q.Household) &&
			(len(q.States) == 0 || slices.Contains(q.States, i.State)) && (len(q.Severities) == 0 || slices.Contains(q.Severities, i.Severity)) {
			list = append(list, i)
		}
	}
	slices.SortFunc(list, func(a, b stillwater.Incident) int {
		if n := b.Opened.Compare(a.Opened); n != 0 {
			return n
		}
		return strings.Compare(string(b.ID), string(a.ID))
	})
	return list[:min(q.Limit, len(list))], w.broken
}

func (w *town) Incident(_ context.Context, id stillwater.IncidentID) (stillwater.Incident, bool, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	i, ok := w.incidents[id]
	return i, ok, w.broken
}

func (w *town) IncidentMessages(_ context.Context, id stillwater.IncidentID) ([]stillwater.Message, error) {
	return slices.DeleteFunc(slices.Clone(w.messages), func(m stillwater.Message) bool { return m.Incident != id }), w.broken
}

func (w *town) Act(_ context.Context, a stillwater.Act) error {
	if w.acting != nil {
		if err := w.acting(a); err != nil {
			return err
		}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	i := w.incidents[a.Incident]
	if !i.IsOpen() {
		return &incident.Refusal{Deed: a.Deed, State: i.State, Reason: incident.AlreadyClosed}
	}
	if a.Deed == stillwater.Close && a.Outcome == "" {
		return &incident.Refusal{Deed: a.Deed, State: i.State, Reason: incident.NeedsOutcome}
	}
	w.acts = append(w.acts, a)
	i.Log = append(slices.Clone(i.Log), stillwater.Event{At: w.now, What: deeds[a.Deed], Who: a.Who, Note: a.Note})
	switch a.Deed {
	case stillwater.Acknowledge:
		i.State, i.Holder, i.Promise = stillwater.Acknowledged, a.Who, w.now.Add(time.Hour)
	case stillwater.Close:
		i.State, i.Outcome, i.Known, i.Closed = stillwater.ClosedState, a.Outcome, a.Known, w.now
	}
	w.incidents[a.Incident] = i
	return nil
}

func (w *town) Away(_ context.Context, a stillwater.Absence) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if err := a.Validate(); err != nil {
		return err
	}
	w.absences = append(w.absences, a)
	for n := range w.standings {
		if w.standings[n].Household == a.Household {
			w.standings[n].Absence = nil
			if !a.Back() {
				w.standings[n].Absence = &a
			}
		}
	}
	return w.broken
}

func (w *town) Devices(context.Context) ([]health.Device, error) {
	var list []health.Device
	for _, id := range slices.Sorted(maps.Keys(w.homes)) {
		for _, d := range w.homes[id].Devices {
			of := health.Device{DeviceState: stillwater.DeviceState{Household: id, Device: d.ID, Heard: w.now, Every: d.Every}, Kind: d.Kind, Source: d.Source}
			if id == "h3" {
				of.Silent, of.Battery, of.BatteryAt = true, 12, w.now
				of.Troubles = []health.Trouble{{Code: health.Silent, Since: w.now}}
			}
			list = append(list, of)
		}
	}
	return list, w.broken
}

func (w *town) Conditions() []health.Condition {
	return []health.Condition{{Part: "sms", Error: "no connection", Since: start}}
}

func (w *town) NoteRequest(_ context.Context, name string, _ time.Time, body []byte) ([]byte, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if _, ok := w.requests[name]; !ok {
		w.requests[name] = body
	}
	return w.requests[name], nil
}

func (w *town) SettleRequest(_ context.Context, name string, body []byte) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.requests[name] = body
	return nil
}

// secretOf is the secret of a key of the tests.
func secretOf(name string) string { return name + strings.Repeat("-0123456789", 4) }

func keyFor(name string, area stillwater.Place, scopes ...Scope) Key {
	k := Key{Name: name, Scopes: scopes, Area: area}
	k.Secret.Env = "KEY"
	k.Secret.Set(secretOf(name))
	return k
}

// keys of the tests: of the city all, of the north its homes alone, and one that may see names.
func testKeys() []Key {
	return []Key{
		keyFor("city", stillwater.Place{}, HomesRead, IncidentsRead, IncidentsAct, AbsencesWrite, DevicesRead, HealthRead),
		keyFor("north", stillwater.Place{Grid: "north"}, HomesRead, IncidentsRead, IncidentsAct, AbsencesWrite, DevicesRead),
		keyFor("names", stillwater.Place{}, HomesRead, IncidentsRead, PersonalRead),
	}
}

// catalogues are read once for all tests.
var catalogues = sync.OnceValues(words.New)

func (w *town) api(t testing.TB) *API {
	t.Helper()
	text, err := catalogues()
	if err != nil {
		t.Fatal(err)
	}
	a, err := New(Options{
		Config: Config{Keys: testKeys()}, Words: text, Clock: w, Standings: w, Households: w, Incidents: w, Acts: w, Absences: w, Devices: w, Health: w,
		Ledger: w, Now: func() time.Time { return start }, Log: slog.New(slog.NewTextHandler(&guarded{w: w}, nil)),
	})
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// guarded writes the log from several goroutines.
type guarded struct{ w *town }

func (g *guarded) Write(p []byte) (int, error) {
	g.w.mu.Lock()
	defer g.w.mu.Unlock()
	return g.w.log.Write(p)
}

func (w *town) logged() string { w.mu.Lock(); defer w.mu.Unlock(); return w.log.String() }

// ask sends a request with the key of a name; each pair of more is a header.
func ask(h http.Handler, key, method, path, body string, more ...string) *httptest.ResponseRecorder {
	var from io.Reader
	if body != "" {
		from = strings.NewReader(body)
	}
	r := httptest.NewRequest(method, path, from)
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	if key != "" {
		r.Header.Set("Authorization", "Bearer "+secretOf(key))
	}
	for n := 0; n+1 < len(more); n += 2 {
		r.Header.Set(more[n], more[n+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

// read decodes an answer.
func read[T any](t testing.TB, w *httptest.ResponseRecorder, status int) (doc T) {
	t.Helper()
	if w.Code != status {
		t.Fatalf("status %d, want %d: %s", w.Code, status, w.Body)
	}
	if err := json.Unmarshal(w.Body.Bytes(), &doc); err != nil {
		t.Fatalf("%v: %s", err, w.Body)
	}
	return doc
}

var errStore = errors.New("disk full at /var/lib, +8613800138000")
