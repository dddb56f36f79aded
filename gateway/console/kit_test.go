package console

import (
	"context"
	"errors"
	"fmt"
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
	"stillwater/gateway/words"
)

// town is everything the console asks for, in memory.
type town struct {
	mu        sync.Mutex
	now       time.Time
	speed     float64
	homes     map[stillwater.HouseholdID]stillwater.Household
	standings []stillwater.Standing
	incidents map[stillwater.IncidentID]stillwater.Incident
	messages  []stillwater.Message
	texts     []Text
	acts      []stillwater.Act
	absences  []stillwater.Absence
	cuts      []stillwater.Announced
	staged    []string
	ill       []Condition
	broken    error
}

var errRefused = errors.New("refused")

var shanghai = time.FixedZone("CST", 8*3600)

// at is a moment of the test days.
func at(day, hour, minute int) time.Time {
	return time.Date(2025, 11, day, hour, minute, 0, 0, shanghai)
}

func (w *town) Now() time.Time          { w.mu.Lock(); defer w.mu.Unlock(); return w.now }
func (w *town) Speed() float64          { w.mu.Lock(); defer w.mu.Unlock(); return w.speed }
func (w *town) SetSpeed(s float64)      { w.mu.Lock(); defer w.mu.Unlock(); w.speed = s }
func (w *town) Conditions() []Condition { w.mu.Lock(); defer w.mu.Unlock(); return slices.Clone(w.ill) }

func (w *town) Standings() []stillwater.Standing { return w.standings }

func (w *town) Household(id stillwater.HouseholdID) (stillwater.Household, bool) {
	h, ok := w.homes[id]
	return h, ok
}

func (w *town) OpenIncidents(context.Context) ([]stillwater.Incident, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	var open []stillwater.Incident
	for _, id := range slices.Sorted(maps.Keys(w.incidents)) {
		if w.incidents[id].IsOpen() {
			open = append(open, w.incidents[id])
		}
	}
	return open, w.broken
}

func (w *town) Incident(_ context.Context, id stillwater.IncidentID) (stillwater.Incident, bool, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	inc, ok := w.incidents[id]
	return inc, ok, w.broken
}

func (w *town) RecentIncidents(_ context.Context, h stillwater.HouseholdID, limit int) ([]stillwater.Incident, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	var list []stillwater.Incident
	for _, inc := range w.incidents {
		if inc.Household == h && len(list) < limit {
			list = append(list, inc)
		}
	}
	return list, w.broken
}

func (w *town) IncidentMessages(_ context.Context, id stillwater.IncidentID) ([]stillwater.Message, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	var list []stillwater.Message
	for _, m := range w.messages {
		if m.Incident == id {
			list = append(list, m)
		}
	}
	return list, w.broken
}

func (w *town) Readings(_ context.Context, h stillwater.HouseholdID, since time.Time) ([]stillwater.Reading, error) {
	var list []stillwater.Reading
	total, end := 84000.0, at(4, 16, 0)
	if h == "h3" {
		end = at(4, 3, 10)
	}
	for t := since; !t.After(end); t = t.Add(15 * time.Minute) {
		if hour := t.In(shanghai).Hour(); h != "h1" || t.Before(at(3, 13, 50)) {
			if hour >= 6 && hour < 22 && t.Unix()/900%3 == 0 {
				total += float64(t.Unix()/900*7919%23) + 2
			}
		}
		list = append(list, stillwater.Reading{Household: h, Device: "88001234", Quantity: stillwater.WaterTotal, Value: total, At: t})
	}
	for i, minute := range []int{540, 541, 610, 611, 1010, 1012, 1980, 1981} {
		list = append(list, stillwater.Reading{Household: h, Device: "5531", Quantity: stillwater.Door, Value: float64(i % 2), At: at(2, 20, 0).Add(time.Duration(minute) * time.Minute)})
	}
	return list, w.broken
}

func (w *town) Act(_ context.Context, a stillwater.Act) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	inc := w.incidents[a.Incident]
	if !inc.IsOpen() {
		return errRefused
	}
	w.acts = append(w.acts, a)
	what := map[stillwater.Deed]string{stillwater.Acknowledge: "acknowledged", stillwater.ArriveThere: "on-site", stillwater.Close: "closed", stillwater.CallHelp: "help"}[a.Deed]
	inc.Log = append(slices.Clone(inc.Log), stillwater.Event{At: w.now, What: what, Who: a.Who, Note: a.Note})
	inc.Holder = a.Who
	switch a.Deed {
	case stillwater.Acknowledge:
		inc.State, inc.Promise = stillwater.Acknowledged, w.now.Add(30*time.Minute)
	case stillwater.ArriveThere:
		inc.State, inc.Promise = stillwater.OnSite, w.now.Add(time.Hour)
	case stillwater.Close:
		inc.State, inc.Outcome, inc.Known, inc.Closed = stillwater.ClosedState, a.Outcome, a.Known, w.now
		inc.Log[len(inc.Log)-1].Note = string(a.Outcome) + ", " + string(a.Known) + ": " + a.Note
	}
	w.incidents[a.Incident] = inc
	return nil
}

func (w *town) Away(_ context.Context, a stillwater.Absence) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.absences = append(w.absences, a)
	return nil
}

func (w *town) WaterOf(p stillwater.Place) []string {
	if p.Building == "" {
		return nil
	}
	return []string{"building/" + p.Building, "zone/" + p.Zone}
}

func (w *town) Announce(_ context.Context, a stillwater.Announced) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.cuts = append(w.cuts, a)
	return nil
}

func (w *town) Turn(inc stillwater.Incident, h stillwater.Household) ([]stillwater.Contact, time.Time) {
	return h.Contacts[1:], inc.Next
}

func (w *town) Texts(int) []Text { w.mu.Lock(); defer w.mu.Unlock(); return slices.Clone(w.texts) }

func (w *town) Write(_ context.Context, from stillwater.Phone, body string) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.texts = append(w.texts, Text{Phone: from, From: true, Body: body, At: w.now})
	return nil
}

func (w *town) Scenarios() []Scenario {
	return []Scenario{
		{"fall", map[string]string{"zh-CN": "跌倒，不再有动静", "en": "A fall, then stillness"}},
		{"tap", map[string]string{"zh-CN": "水龙头没关", "en": "A tap left on"}},
		{"offline", map[string]string{"zh-CN": "水表断线", "en": "The meter goes silent"}},
	}
}

func (w *town) Stage(_ context.Context, name string, h stillwater.HouseholdID) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.staged = append(w.staged, name+" at "+string(h))
	return nil
}

func (w *town) Devices(context.Context) (Gear, error) {
	var list []health.Device
	for _, s := range w.standings {
		for _, d := range w.homes[s.Household].Devices {
			of := health.Device{DeviceState: stillwater.DeviceState{Household: s.Household, Device: d.ID, Heard: s.DataTo, Every: d.Every}, Kind: d.Kind, Source: "cupboard-1/" + string(s.Household)}
			switch s.Household {
			case "h3":
				of.Silent, of.Troubles = true, []health.Trouble{{Code: health.Silent, Since: s.DataTo}}
			case "h5":
				of.Heard, of.Troubles = time.Time{}, []health.Trouble{{Code: health.Never}}
				of.Source = "lobby/" + string(s.Household)
			case "h7":
				of.Battery, of.BatteryAt, of.Signal, of.SignalAt = 7, s.DataTo, -118, s.DataTo
				of.Troubles = []health.Trouble{{Code: health.ClockAhead, Since: s.DataTo, Times: 12, Off: 8 * time.Hour}, {Code: health.BatteryLow, Since: s.DataTo, Value: 7}}
			}
			list = append(list, of)
		}
	}
	return Gear{
		Devices: list, Conditions: []health.Condition{{Part: "feed cupboard-1", Error: "no route to host", Since: at(4, 3, 12)}},
		Strangers: map[string]int{"lobby": 3},
		Buses: []health.Line{
			{Bus: "cupboard-1", Asked: 12000, Answered: 11000, Took: 42 * time.Millisecond, Last: at(4, 3, 10), Silent: true, Why: "dial tcp 10.0.0.5:502: no route to host"},
			{Bus: "cupboard-2", Asked: 12000, Answered: 11998, Took: 38 * time.Millisecond, Last: at(4, 16, 4)},
		},
	}, w.broken
}

// newTown has sixteen homes in every state, an urgent and a silent one among them.
func newTown(t testing.TB) *town {
	t.Helper()
	w := &town{now: at(4, 16, 5), speed: 60, homes: map[stillwater.HouseholdID]stillwater.Household{}, incidents: map[stillwater.IncidentID]stillwater.Incident{}}
	names := []string{"王秀英", "李桂兰", "张淑珍", "欧阳慧", "刘玉梅", "陈国强", "Mary Smith", "赵凤英", "黄美华", "周德胜", "吴桂香", "徐文清", "孙玉兰", "<b>Eve</b> \"Q\" & Co", "马金花", "朱永福"}
	states := []stillwater.HomeState{stillwater.ToBeChecked, stillwater.ToBeChecked, stillwater.Blind, stillwater.Still, stillwater.PerhapsOut, stillwater.Paused, stillwater.Fine}
	for i, name := range names {
		id := stillwater.HouseholdID(fmt.Sprintf("h%d", i+1))
		w.homes[id] = stillwater.Household{
			ID: id, Name: name, TimeZone: "Asia/Shanghai", Place: stillwater.Place{Grid: fmt.Sprintf("%d网格", i%3+1), Building: fmt.Sprintf("%d号楼", i+3)},
			Devices: []stillwater.Device{{ID: "88001234", Kind: stillwater.Meter, Every: 15 * time.Minute}, {ID: "5531", Kind: stillwater.DoorContact}},
			Contacts: []stillwater.Contact{
				{ID: stillwater.ContactID("son-" + string(id)), Name: name[:3] + "建国", Role: stillwater.Family, Phone: stillwater.Phone(fmt.Sprintf("+86138001380%02d", i)), Language: "zh-CN", Remote: i%2 == 0},
				{ID: "li", Name: "李敏", Role: stillwater.Worker, Phone: "+8613900139000", Language: "zh-CN"},
			},
		}
		s := stillwater.Standing{Household: id, State: states[min(i, len(states)-1)], DataTo: at(4, 16, 0), Usual: 9 * time.Hour, Life: stillwater.Life{Water: at(4, 15-i%9, 7*i%60), Door: at(4, 9, 12)}}
		s.Still = w.now.Sub(s.Life.Last())
		s.Question, s.Alert, s.AlertRule = s.Life.Last().Add(12*time.Hour), s.Life.Last().Add(24*time.Hour), "silence-24h"
		w.standings = append(w.standings, s)
	}
	w.standings[2].DataTo = at(4, 3, 10)
	w.addIncidents(t)
	return w
}

func (w *town) addIncidents(t testing.TB) {
	t.Helper()
	silence := stillwater.Finding{Household: "h1", Rule: "silence-24h", Kind: stillwater.Welfare, Severity: stillwater.Alert, Began: at(4, 15, 52),
		Facts: stillwater.Facts{Since: at(3, 13, 50), Span: 26 * time.Hour, Usual: 9 * time.Hour, DataTo: at(4, 15, 45), Life: stillwater.Life{Water: at(3, 13, 50), Door: at(3, 9, 12)}}}
	running := stillwater.Finding{Household: "h2", Rule: "leak-running", Kind: stillwater.Water, Severity: stillwater.Urgent, Began: at(4, 15, 30),
		Facts: stillwater.Facts{Since: at(4, 13, 20), Span: 130 * time.Minute, Litres: 312, DataTo: at(4, 15, 30)}}
	w.incidents["i1"] = stillwater.Incident{ID: "i1", Code: "K7M", Household: "h1", Kind: stillwater.Welfare, Severity: stillwater.Alert, State: stillwater.Opened, Opened: at(4, 15, 52), Next: at(4, 16, 17), Rung: 1,
		Findings: []stillwater.Finding{silence},
		Told: []stillwater.Told{
			{Message: "i1-1", Contact: "son-h1", Role: stillwater.Family, Purpose: stillwater.Tell, At: at(4, 15, 52), State: stillwater.Delivered},
			{Message: "i1-2", Contact: "li", Role: stillwater.Worker, Rung: 1, Purpose: stillwater.Tell, At: at(4, 16, 2), State: stillwater.Failed, Error: "number not in service"},
		},
		Log: []stillwater.Event{
			{At: at(4, 15, 52), What: "opened", Note: "silence-24h alert"}, {At: at(4, 15, 52), What: "told", Who: "son-h1", Note: "tell K7M2"},
			{At: at(4, 15, 53), What: "receipt", Who: "son-h1", Note: "delivered"}, {At: at(4, 16, 2), What: "told", Who: "li", Note: "tell K7M3"},
			{At: at(4, 16, 3), What: "untold", Who: "li", Note: "number not in service"},
		}}
	w.incidents["i2"] = stillwater.Incident{ID: "i2", Code: "QX4", Household: "h2", Kind: stillwater.Water, Severity: stillwater.Urgent, State: stillwater.Acknowledged, Holder: "li", Promise: at(4, 16, 30), Opened: at(4, 15, 30), Findings: []stillwater.Finding{running},
		Log: []stillwater.Event{{At: at(4, 15, 30), What: "opened", Note: "leak-running urgent"}, {At: at(4, 15, 33), What: "acknowledged", Who: "li"}}}
	closed := w.incidents["i1"]
	closed.ID, closed.State, closed.Outcome, closed.Known, closed.Closed, closed.Holder, closed.Opened = "i0", stillwater.ClosedState, stillwater.AwayFrom, stillwater.Spoken, at(1, 12, 0), "son-h1", at(1, 11, 0)
	closed.Log = []stillwater.Event{{At: at(1, 11, 0), What: "opened", Note: "silence-24h alert"}, {At: at(1, 12, 0), What: "closed", Who: "son-h1", Note: "away, spoken: 去女儿家了"}}
	w.incidents["i0"] = closed
	texts := newWords(t)
	for _, told := range w.incidents["i1"].Told {
		m := stillwater.Message{ID: told.Message, Incident: "i1", Household: "h1", Contact: told.Contact, Purpose: told.Purpose, Language: "zh-CN", Code: "K7M" + string(told.Message[3]), Created: told.At, State: told.State, Severity: stillwater.Alert, Error: told.Error}
		m.Text = texts.SMS(m, w.incidents["i1"], w.homes["h1"])
		w.messages = append(w.messages, m)
		w.texts = append(w.texts, Text{Phone: w.homes["h1"].Contacts[0].Phone, Body: m.Text, At: told.At})
	}
	w.texts = append(w.texts, Text{Phone: w.homes["h1"].Contacts[0].Phone, From: true, Body: "1 我联系", At: at(4, 16, 4)})
	u := stillwater.Message{Incident: "i2", Household: "h2", Contact: "li", Purpose: stillwater.Tell, Language: "en", Code: "QX42", Created: at(4, 15, 30), Severity: stillwater.Urgent}
	w.texts = append(w.texts, Text{Phone: "+8613900139000", Body: texts.SMS(u, w.incidents["i2"], w.homes["h2"]), At: u.Created}, Text{Phone: "+8613900139000", From: true, Body: "1", At: at(4, 15, 33)})
}

func newWords(t testing.TB) *words.Words {
	t.Helper()
	w, err := words.New()
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// options is a console with everything there is.
func options(t testing.TB, w *town) Options {
	return Options{
		Config: Config{Listen: "127.0.0.1:0"}, Words: newWords(t), Standings: w, Households: w, Incidents: w, Readings: w, Acts: w, Absences: w, Cuts: w, Clock: w,
		Turns: w, Devices: w, Phones: w, Stage: w, Health: w, Demo: true, Zone: shanghai,
		Metrics: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "up 1") }),
		Refused: func(err error) (string, bool) { return "already-closed", errors.Is(err, errRefused) },
	}
}

func newConsole(t testing.TB, w *town) *Console {
	t.Helper()
	c, err := New(options(t, w))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// get fetches a page in a language.
func get(c *Console, path, lang string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodGet, path, nil)
	r.Host = "127.0.0.1:8080"
	r.Header.Set("Accept-Language", lang)
	answer := httptest.NewRecorder()
	c.Handler().ServeHTTP(answer, r)
	return answer
}

// post sends a form as a page of the console does, or with other headers.
func post(c *Console, path, form string, headers map[string]string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodPost, path, strings.NewReader(form))
	r.Host = "127.0.0.1:8080"
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	for k, v := range headers {
		r.Header.Set(k, v)
	}
	answer := httptest.NewRecorder()
	c.Handler().ServeHTTP(answer, r)
	return answer
}

var ours = map[string]string{"Sec-Fetch-Site": "same-origin", "Origin": "http://127.0.0.1:8080"}
