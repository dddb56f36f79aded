package api

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"stillwater"
	"stillwater/gateway/incident"
)

// group opens an incident of many homes.
func (w *town) group(id stillwater.IncidentID, members ...stillwater.HouseholdID) {
	w.open(id, "", start.Add(-30*time.Minute))
	i := w.incidents[id]
	i.Group, i.Kind = "building/7", stillwater.Water
	i.Findings[0].Group, i.Findings[0].Household, i.Findings[0].Rule = i.Group, "", "common-cause-water"
	i.Findings[0].Facts.Members = members
	w.incidents[id] = i
}

// TestNobodyWithoutAKey lets nobody in who has none, a wrong one, or one by another scheme.
func TestNobodyWithoutAKey(t *testing.T) {
	town := newTown()
	a := town.api(t)
	for _, r := range a.routes() {
		if r.scope == "" {
			continue
		}
		path := Base + strings.NewReplacer("{home}", "h1", "{incident}", "A1").Replace(r.path)
		for _, header := range []string{"", "Bearer ", "Bearer x", "Bearer " + secretOf("city") + "x", "Basic " + secretOf("city"), secretOf("city"), "Bearer " + secretOf("city")[1:]} {
			w := ask(town.api(t), "", r.method, path, "", "Authorization", header)
			p := read[Problem](t, w, http.StatusUnauthorized)
			if w.Header().Get("WWW-Authenticate") == "" || p.Detail == "" || w.Header().Get("Content-Type") != "application/problem+json" {
				t.Errorf("%s %s with %q: %v %+v", r.method, path, header, w.Header(), p)
			}
		}
	}
	if len(town.acts)+len(town.absences) > 0 {
		t.Error("somebody without a key changed something")
	}
}

// TestScopes lets a key do what it may, and nothing else.
func TestScopes(t *testing.T) {
	for _, r := range newTown().api(t).routes() {
		if r.scope == "" {
			continue
		}
		for _, s := range Scopes {
			town := newTown()
			a := town.api(t)
			a.keys[0].scopes = []Scope{s}
			path := Base + strings.NewReplacer("{home}", "h1", "{incident}", "A1").Replace(r.path)
			w := ask(a, "city", r.method, path, "")
			if forbidden := w.Code == http.StatusForbidden; forbidden == (s == r.scope) {
				t.Errorf("%s %s with %s: %d", r.method, r.path, s, w.Code)
			}
		}
	}
}

// TestAreaHidesEverythingElse asks with the key of the north for everything, and looks for any trace of the south.
func TestAreaHidesEverythingElse(t *testing.T) {
	town := newTown()
	town.group("G1", "h1", "h3")
	town.group("G2", "h3")
	a := town.api(t)
	for _, path := range []string{"/homes", "/incidents", "/devices", "/incidents/A1", "/incidents/G1", "/homes/h1", "/incidents?household=h1"} {
		w := ask(a, "north", "GET", Base+path, "")
		if w.Code != http.StatusOK {
			t.Errorf("%s: %d %s", path, w.Code, w.Body)
		}
		for _, trace := range []string{`"h3"`, "south", "A3", "G2"} {
			if strings.Contains(w.Body.String(), trace) {
				t.Errorf("%s shows %s: %s", path, trace, w.Body)
			}
		}
	}
	for _, path := range []string{"/homes/h3", "/incidents/A3", "/incidents/G2", "/incidents?household=h3"} {
		hidden, none := ask(a, "north", "GET", Base+path, ""), ask(a, "north", "GET", Base+strings.NewReplacer("h3", "h9", "A3", "A9", "G2", "G9").Replace(path), "")
		if hidden.Code != http.StatusNotFound || hidden.Body.String() != none.Body.String() {
			t.Errorf("%s: %d %s, and of what does not exist %s", path, hidden.Code, hidden.Body, none.Body)
		}
	}
	for id, status := range map[string]int{"A3": http.StatusNotFound, "G1": http.StatusForbidden, "G2": http.StatusNotFound} {
		if w := ask(a, "north", "POST", Base+"/incidents/"+id+"/acts", `{"deed":"acknowledge"}`, "Idempotency-Key", "12345678"); w.Code != status {
			t.Errorf("deed on %s: %d %s", id, w.Code, w.Body)
		}
	}
	ask(a, "north", "PUT", Base+"/homes/h3/absence", `{"from":"2026-03-05T08:00:00Z","until":"2026-03-08T08:00:00Z"}`)
	ask(a, "north", "DELETE", Base+"/homes/h3/absence", "")
	if len(town.acts)+len(town.absences) > 0 {
		t.Error("a key changed something outside its area", town.acts, town.absences)
	}
	if w := ask(a, "north", "POST", Base+"/incidents/A1/acts", `{"deed":"merge","into":"A3"}`, "Idempotency-Key", "12345679"); w.Code != http.StatusNotFound {
		t.Errorf("merge into another area: %d", w.Code)
	}
}

// TestConsentWithdrawn hides a home as soon as its consent is withdrawn.
func TestConsentWithdrawn(t *testing.T) {
	town := newTown()
	h := town.homes["h1"]
	h.Consent.Withdrawn = start
	town.homes["h1"] = h
	a := town.api(t)
	for _, path := range []string{"/homes", "/incidents", "/devices"} {
		if w := ask(a, "city", "GET", Base+path, ""); strings.Contains(w.Body.String(), `"h1"`) {
			t.Errorf("%s shows it: %s", path, w.Body)
		}
	}
}

// TestNothingPersonal looks for names, notes, texts and numbers in every answer and in the log.
func TestNothingPersonal(t *testing.T) {
	town := newTown()
	a := town.api(t)
	ask(a, "city", "POST", Base+"/incidents/A1/acts", `{"deed":"acknowledge","contact":"daughter","note":"母亲在我家"}`, "Idempotency-Key", "12345678")
	everything := func(key string) (all string) {
		for _, path := range []string{"/homes", "/homes/h1", "/incidents", "/incidents/A1", "/devices", "/health"} {
			all += ask(a, key, "GET", Base+path, "").Body.String()
		}
		return all
	}
	for _, secret := range []string{"王", "秀英", "李梅", "陈刚", "13800138000", "母亲", "……"} {
		if strings.Contains(everything("city"), secret) {
			t.Errorf("a key without personal:read reads %q", secret)
		}
		if strings.Contains(town.logged(), secret) {
			t.Errorf("the log has %q", secret)
		}
	}
	if strings.Contains(everything("city"), `"name":`) || strings.Contains(everything("city"), `"note":`) {
		t.Error("a key without personal:read is given names or notes")
	}
	all := everything("names")
	if !strings.Contains(all, "王") && !strings.Contains(all, "Wang") && !strings.Contains(all, "h1") || strings.Contains(all, "王秀英") || strings.Contains(all, "13800138000") {
		t.Errorf("with personal:read: %s", all)
	}
	if !strings.Contains(all, "母亲在我家") {
		t.Error("a note is not shown to who may read it")
	}
	if log := town.logged(); !strings.Contains(log, "key=city") || !strings.Contains(log, "incident=A1") || strings.Contains(log, secretOf("city")) {
		t.Errorf("the log does not say who looked at what, or too much: %s", log)
	}
}

// TestPaging walks each list by pages of one and gets what one page gives, in its order.
func TestPaging(t *testing.T) {
	town := newTown()
	a := town.api(t)
	type doc struct {
		Items []struct{ ID, Household string }
		Next  string
	}
	for _, path := range []string{"/homes", "/incidents", "/devices", "/incidents?state=open", "/incidents?since=2026-03-04T03:00:00Z"} {
		for _, key := range []string{"city", "north"} {
			whole := read[doc](t, ask(a, key, "GET", Base+path, ""), http.StatusOK)
			var walked doc
			for next, pages := "", 0; pages == 0 || next != ""; pages++ {
				u := Base + path + map[bool]string{true: "&", false: "?"}[strings.Contains(path, "?")] + "limit=1&cursor=" + next
				p := read[doc](t, ask(a, key, "GET", u, ""), http.StatusOK)
				walked.Items, next = append(walked.Items, p.Items...), p.Next
				if len(p.Items) > 1 {
					t.Errorf("%s: a page of %d", path, len(p.Items))
				}
				if pages > 10 {
					t.Fatalf("%s does not end", path)
				}
			}
			if fmt.Sprint(walked.Items) != fmt.Sprint(whole.Items) || len(whole.Items) < 2 {
				t.Errorf("%s for %s: %v by pages, %v at once", path, key, walked.Items, whole.Items)
			}
		}
	}
	foreign := read[doc](t, ask(a, "city", "GET", Base+"/homes?limit=1", ""), http.StatusOK).Next
	for _, cursor := range []string{"x", foreign, base64.RawURLEncoding.EncodeToString([]byte("{}"))} {
		if w := ask(a, "city", "GET", Base+"/incidents?cursor="+cursor, ""); w.Code != http.StatusBadRequest {
			t.Errorf("cursor %q: %d", cursor, w.Code)
		}
	}
}

// TestUnchanged answers 304 while nothing changes, and the answer once something has.
func TestUnchanged(t *testing.T) {
	town := newTown()
	a := town.api(t)
	for _, path := range []string{"/homes", "/homes/h1", "/incidents", "/incidents/A1", "/devices", "/openapi.json"} {
		tag := ask(a, "city", "GET", Base+path, "").Header().Get("ETag")
		town.now = town.now.Add(time.Second)
		w := ask(a, "city", "GET", Base+path, "", "If-None-Match", `"other", W/`+tag)
		if path != "/devices" && (w.Code != http.StatusNotModified || w.Body.Len() > 0) { // of the town a device is heard at every moment
			t.Errorf("%s: %d %s", path, w.Code, w.Body)
		}
	}
	tag := ask(a, "city", "GET", Base+"/homes", "").Header().Get("ETag")
	town.standings[0].State = stillwater.Blind
	if w := ask(a, "city", "GET", Base+"/homes", "", "If-None-Match", tag); w.Code != http.StatusOK {
		t.Errorf("changed: %d", w.Code)
	}
}

// TestProblems gives each mistake an answer that says what, and how to mend it.
func TestProblems(t *testing.T) {
	a := newTown().api(t)
	for _, c := range []struct {
		method, path, body string
		status             int
		says               string
	}{
		{"GET", "/nothing", "", 404, "openapi.json"},
		{"POST", "/homes", "{}", 405, "GET, HEAD"},
		{"GET", "/homes?stat=fine", "", 400, `did you mean "state"`},
		{"GET", "/homes?state=Fine", "", 400, `did you mean "fine"`},
		{"GET", "/incidents?since=2026-03-01", "", 400, "write like"},
		{"GET", "/incidents?limit=501", "", 400, "between 1 and 500"},
		{"POST", "/incidents/A1/acts", `{"deed":"acknowledge","x":1}`, 400, `unknown field "x"`},
		{"POST", "/incidents/A1/acts", `{"deed":"acknowledge"} {}`, 400, "more follows"},
		{"POST", "/incidents/A1/acts", `{"deed":"close","outcome":"ok"}`, 400, "outcome"},
		{"POST", "/incidents/A1/acts", `{"deed":"acknowledge","contact":"stranger"}`, 400, "contact"},
		{"POST", "/incidents/A1/acts", `{"deed":"acknowledge","note":"` + strings.Repeat("字", 501) + `"}`, 400, "500"},
		{"POST", "/incidents/A1/acts", `{"note":"` + strings.Repeat("x", maxBody) + `"}`, 413, "larger than"},
		{"PUT", "/homes/h1/absence", `{"from":"2026-03-05T08:00:00Z","until":"2026-03-04T08:00:00Z"}`, 400, "ends after it begins"},
		{"PUT", "/homes/h1/absence", `{"from":"2026-03-01T08:00:00Z","until":"2026-03-02T08:00:00Z"}`, 400, "over already"},
		{"PUT", "/homes/h1/absence", `{}`, 400, "both ends"},
	} {
		w := ask(a, "city", c.method, Base+c.path, c.body, "Idempotency-Key", "12345678")
		if p := read[Problem](t, w, c.status); !strings.Contains(p.Detail, c.says) || p.Status != c.status || p.Title == "" {
			t.Errorf("%s %s: %+v, want %q", c.method, c.path, p, c.says)
		}
	}
	if w := ask(a, "city", "POST", Base+"/incidents/A1/acts", `{}`, "Idempotency-Key", "12345678", "Content-Type", "text/plain"); w.Code != 415 {
		t.Errorf("text: %d", w.Code)
	}
	for _, r := range []incident.Reason{
		incident.NoIncident, incident.AlreadyClosed, incident.NotClosed, incident.SomebodyThere, incident.NeedsOutcome, incident.NeedsKnown,
		incident.NeedsPhoto, incident.BadTime, incident.NeedsReason, incident.HoldUrgent, incident.NobodyThere, incident.NoLadder,
		incident.TooLate, incident.GoesOnThere, incident.NothingDue, incident.NotOneMatter, incident.NothingToSplit, incident.UnknownDeed,
	} {
		if reasons[r] == "" {
			t.Errorf("%s has no words", r)
		}
	}
}

// TestStoreAway says that the gateway cannot answer, without what the store said.
func TestStoreAway(t *testing.T) {
	town := newTown()
	town.broken = errStore
	a := town.api(t)
	for _, path := range []string{"/homes", "/homes/h1", "/incidents", "/incidents/A1", "/devices"} {
		w := ask(a, "city", "GET", Base+path, "")
		if w.Code != http.StatusServiceUnavailable || w.Header().Get("Retry-After") == "" || strings.Contains(w.Body.String(), "disk") {
			t.Errorf("%s: %d %s", path, w.Code, w.Body)
		}
	}
}

// TestRates limits each key by itself, and who has none by address.
func TestRates(t *testing.T) {
	town := newTown()
	a := town.api(t)
	now := start
	a.Now = func() time.Time { return now }
	answered := func(key string) (n int) {
		for range 200 {
			switch w := ask(a, key, "GET", Base+"/health", ""); w.Code {
			case http.StatusTooManyRequests:
				if w.Header().Get("Retry-After") == "" {
					t.Error("no Retry-After")
				}
			default:
				n++
			}
		}
		return n
	}
	if n := answered("city"); n != defaultRate/6 {
		t.Errorf("%d at once", n)
	}
	if n := answered("names"); n != defaultRate/6 {
		t.Errorf("another key: %d at once", n)
	}
	if n := answered("nobody"); n != strangerRate/6 {
		t.Errorf("nobody: %d at once", n)
	}
	now = now.Add(time.Second)
	if n := answered("city"); n != defaultRate/60 {
		t.Errorf("%d after a second", n)
	}
}

// TestAbsences enters an absence once, and takes it back once.
func TestAbsences(t *testing.T) {
	town := newTown()
	a := town.api(t)
	for range 2 {
		w := ask(a, "city", "PUT", Base+"/homes/h1/absence", `{"from":"2026-03-05T08:00:00+08:00","until":"2026-03-08T08:00:00+08:00"}`)
		if d := read[spanDoc](t, w, http.StatusOK); !d.From.Equal(start.Add(16 * time.Hour)) {
			t.Errorf("from %v", d.From)
		}
	}
	for range 2 {
		if w := ask(a, "city", "DELETE", Base+"/homes/h1/absence", ""); w.Code != http.StatusNoContent {
			t.Errorf("%d %s", w.Code, w.Body)
		}
	}
	if len(town.absences) != 2 || town.absences[0].Who != "api:city" || town.absences[0].Back() || !town.absences[1].Back() {
		t.Errorf("%+v", town.absences)
	}
}

// TestConfig finds each mistake of a configuration.
func TestConfig(t *testing.T) {
	good := func() Config {
		return Config{Keys: testKeys(), Events: []Receiver{{Name: "platform", Webhook: "city"}}}
	}
	check := func(c *Config) (problems []string) {
		note := func(_ any, p string) { problems = append(problems, p) }
		c.Validate(note)
		for n := range c.Keys {
			c.Keys[n].Validate(note)
		}
		for n := range c.Events {
			c.Events[n].Validate(note)
		}
		return problems
	}
	c := good()
	if p := check(&c); len(p) > 0 {
		t.Fatal(p)
	}
	for says, change := range map[string]func(*Config){
		"not an address":       func(c *Config) { c.Listen = "8081" },
		"from other machines":  func(c *Config) { c.Listen = "0.0.0.0:8081" },
		"go together":          func(c *Config) { c.CertFile = "x.pem" },
		"no keys and no event": func(c *Config) { c.Keys, c.Events = nil, nil },
		"name of its own":      func(c *Config) { c.Keys[1].Name = "city" },
		"no secret":            func(c *Config) { c.Keys[0].Secret = stillwater.Secret{} },
		`mean "homes:read"`:    func(c *Config) { c.Keys[0].Scopes = []Scope{"home:read", HealthRead} },
		"may do nothing":       func(c *Config) { c.Keys[0].Scopes = []Scope{PersonalRead} },
		"requests a minute":    func(c *Config) { c.Keys[0].Rate = -1 },
		"either a webhook":     func(c *Config) { c.Events[0].Broker = "lobby" },
		"kind of event":        func(c *Config) { c.Events[0].Kinds = []EventKind{"incident.open"} },
	} {
		c := good()
		change(&c)
		if p := check(&c); len(p) != 1 || !strings.Contains(p[0], says) {
			t.Errorf("want %q, got %q", says, p)
		}
	}
	o := newTown().api(t).Options
	o.Config.Keys[0].Secret.Set("short")
	if _, err := New(o); err == nil || !strings.Contains(err.Error(), "openssl") || strings.Contains(err.Error(), "short\"") {
		t.Errorf("short secret: %v", err)
	}
}
