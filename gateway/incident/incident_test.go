package incident

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"stillwater"
)

// TestDiagram compares the moves in the package comment with those the code allows.
func TestDiagram(t *testing.T) {
	text, err := os.ReadFile("doc.go")
	if err != nil {
		t.Fatal(err)
	}
	var drawn, allowed []string
	for _, m := range regexp.MustCompile(`(?m)^//\t(\S+) +(\S+) → (\S+)$`).FindAllStringSubmatch(string(text), -1) {
		drawn = append(drawn, strings.Join(m[1:], " "))
	}
	for from, moves := range next {
		for m, to := range moves {
			allowed = append(allowed, fmt.Sprintf("%s %s %s", from, m, to))
		}
	}
	slices.Sort(drawn)
	slices.Sort(allowed)
	if !slices.Equal(drawn, allowed) {
		t.Errorf("the package comment draws\n%s\nthe code allows\n%s", strings.Join(drawn, "\n"), strings.Join(allowed, "\n"))
	}
}

// TestCodes: codes are short, are unique together with those of all messages, and look nothing like their neighbours.
func TestCodes(t *testing.T) {
	seen := map[string]int64{}
	for n := range int64(30000) {
		code := NewCode(n)
		for i := range 40 {
			full := messageCode(code, i+1)
			if was, ok := seen[full]; ok {
				t.Fatalf("%s is a message of %d and of %d", full, was, n)
			}
			seen[full] = n
		}
		if len(code) < 3 || len(code) > 4 || strings.ContainsAny(code, "01OIL") || code[0] < 'A' {
			t.Fatalf("number %d has the code %q", n, code)
		}
	}
	for _, n := range []int64{0, 19219, 19220, 78801, 78802, 1002322, 1002323, 1 << 40, -5} {
		if NewCode(n) == "" {
			t.Errorf("number %d has no code", n)
		}
	}
}

// TestContactsChange: whoever is no contact any more is not told, and nothing panics; nor does it when the ladder shrinks,
// the clock jumps, or an incident comes back from the store.
func TestContactsChange(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		h := newHistory(t)
		everyone := h.c.Household.Contacts
		for range rapid.IntRange(1, 40).Draw(t, "events") {
			h.oracle = oracle{t: t}
			h.now = h.now.Add(time.Duration(rapid.IntRange(-300, 300).Draw(t, "minutes")) * time.Minute)
			h.c.Household.Contacts = rapid.SliceOfDistinct(rapid.SampledFrom(append(everyone, stillwater.Contact{ID: "new", Role: stillwater.Worker, Phone: "+8613"})),
				func(c stillwater.Contact) stillwater.ContactID { return c.ID }).Draw(t, "contacts")
			if rapid.Bool().Draw(t, "defaults") {
				h.c.Config = Defaults()
			}
			text, err := json.Marshal(h.c.Incident)
			if err != nil {
				t.Fatal(err)
			}
			h.c.Incident = stillwater.Incident{}
			if err := json.Unmarshal(text, &h.c.Incident); err != nil {
				t.Fatal(err)
			}
			f := stillwater.Finding{Household: "h", Kind: stillwater.Water, Rule: "a", Severity: stillwater.Alert, Began: h.now}
			if h.c.Incident.ID == "" || !Current(h.c.Incident) {
				h.c.Incident = New(1, f, h.now)
			}
			in := rapid.SampledFrom([]Input{
				{}, {Finding: &f},
				{Act: &stillwater.Act{Deed: stillwater.Acknowledge, Who: "gone"}}, {Act: &stillwater.Act{Deed: stillwater.CallHelp}},
				{Act: &stillwater.Act{Deed: stillwater.Close, Outcome: stillwater.Drill, Known: stillwater.Assumed}},
			}).Draw(t, "input")
			in.Now = h.now
			r, _ := Step(h.c, in)
			h.c.Incident = r.Incident
			for _, m := range r.Messages {
				if !slices.ContainsFunc(h.c.Household.Contacts, func(c stillwater.Contact) bool { return c.ID == m.Contact }) {
					t.Fatalf("%s is told and is no contact", m.Contact)
				}
			}
		}
	})
}

// TestClockSetBack: a clock that was a year ahead and is put right does not make anybody wait for a year.
func TestClockSetBack(t *testing.T) {
	s := newScenario()
	s.now = midnight.AddDate(1, 0, 0)
	if err := s.happen("silence", []string{"begins", "alert"}); err != nil {
		t.Fatal(err)
	}
	s.now = midnight
	s.step(Input{})
	if wait := s.inc.Next.Sub(s.now); wait > Defaults().TellWithin {
		t.Errorf("the next rung waits %v", wait)
	}
}

// TestRepeatsForAMonth: an incident nobody acts on stays small, and goes on telling.
func TestRepeatsForAMonth(t *testing.T) {
	s := newScenario()
	s.now = midnight
	if err := s.happen("silence", []string{"begins", "alert"}); err != nil {
		t.Fatal(err)
	}
	for s.now.Before(midnight.AddDate(0, 1, 0)) {
		s.now = s.inc.Next
		s.step(Input{})
	}
	if n := strings.Count(s.out.String(), "SMS again  → worker"); n < 30*24*4 {
		t.Errorf("the worker was told %d times", n)
	}
	if len(s.inc.Told) > maxTold || len(s.inc.Log) > maxLog {
		t.Errorf("%d told, %d log lines", len(s.inc.Told), len(s.inc.Log))
	}
	if s.inc.Log[0].What != "opened" || s.inc.Told[0].Purpose != stillwater.Tell {
		t.Errorf("the beginning is lost: %v %v", s.inc.Log[0], s.inc.Told[0])
	}
}

// TestDoneAfterInFlight: a text that was on its way when the incident was closed is followed by how it ended.
func TestDoneAfterInFlight(t *testing.T) {
	s := newScenario()
	s.now = midnight
	for _, event := range []string{"silence begins alert", "worker closes helped seen", "daughter accepted", "daughter delivered"} {
		fields := strings.Fields(event)
		if err := s.happen(fields[0], fields[1:]); err != nil {
			t.Fatal(err)
		}
	}
	if n := strings.Count(s.out.String(), "SMS done   → daughter"); n != 1 {
		t.Errorf("%d texts say how it ended:\n%s", n, s.out.String())
	}
}

func TestNoticesAndTrialsTellNobody(t *testing.T) {
	for _, f := range []stillwater.Finding{{Severity: stillwater.Notice}, {Severity: stillwater.Urgent, Trial: true}} {
		if Opens(f) {
			t.Errorf("%+v opens an incident", f)
		}
		f.Household = "h1"
		r, err := Step(Case{Incident: New(1, f, midnight), Household: newScenario().home, Config: Defaults()}, Input{Now: midnight, Finding: &f})
		if err != nil || r.Changed || len(r.Messages) > 0 {
			t.Errorf("%+v: %+v, %v", f, r, err)
		}
	}
}

// TestWrongAddress: what does not belong to an incident is refused and changes nothing.
func TestWrongAddress(t *testing.T) {
	f := stillwater.Finding{Household: "h1", Kind: stillwater.Water, Severity: stillwater.Alert}
	c := Case{Incident: New(1, f, midnight), Household: newScenario().home, Config: Defaults()}
	other := f
	other.Household = "h2"
	if r, err := Step(c, Input{Now: midnight, Finding: &other}); err == nil || r.Changed {
		t.Error("the finding of another home was taken")
	}
	if _, err := Step(c, Input{Now: midnight, Act: &stillwater.Act{Incident: "other", Deed: stillwater.Close}}); err == nil {
		t.Error("the act on another incident was taken")
	}
	var refusal *Refusal
	if _, err := Step(Case{}, Input{Act: &stillwater.Act{Deed: stillwater.Close}}); !errors.As(err, &refusal) || refusal.Reason != NoIncident {
		t.Errorf("an act on nothing: %v", err)
	}
	c.Incident.State = stillwater.ClosedState
	if _, err := Step(c, Input{Now: midnight, Finding: &f}); !errors.Is(err, ErrNotCurrent) {
		t.Errorf("a finding for a closed incident: %v", err)
	}
}

func TestConfig(t *testing.T) {
	good := Defaults()
	good.Validate(func(field any, problem string) { t.Errorf("the defaults: %s", problem) })
	bad := Defaults()
	bad.Question = append(bad.Question, bad.Question[0])
	bad.Alert = nil
	bad.Urgent = []Rung{{To: []stillwater.Role{"neighbour", stillwater.Family, stillwater.Family}}, {Wait: time.Minute}}
	bad.Promise = -1
	want := map[any]string{
		&bad.Question:        "a question is asked once and not climbed, but it has 2 rungs; leave one",
		&bad.Alert:           "this ladder has no rung, so nobody would be told; write like - {to: [family], wait: 15m}",
		&bad.Urgent[0].To[0]: `"neighbour" is not somebody who can be told; write family or worker`,
		&bad.Urgent[0].To[2]: `"family" stands twice in this rung; leave one`,
		&bad.Urgent[0].Wait:  "0s is not between 1m and 24h; write like 15m",
		&bad.Urgent[1].To:    "this rung tells nobody; write to: [family], [worker] or [family, worker]",
		&bad.Promise:         "-1ns is not between 1m and 24h; write like 45m",
	}
	bad.Validate(func(field any, problem string) {
		if want[field] != problem {
			t.Errorf("unexpected: %s", problem)
		}
		delete(want, field)
	})
	for _, problem := range want {
		t.Errorf("not reported: %s", problem)
	}
}

// TestTurn: what the console says of whose turn is next is what then happens.
func TestTurn(t *testing.T) {
	s := newScenario()
	for _, line := range []struct {
		event, who, at string
	}{
		{"09:00 silence begins alert", "worker", "09:05"},
		{"09:01 daughter delivered", "worker", "09:16"},
		{"09:16 worker delivered", "daughter worker", "09:31"},
		{"09:20 daughter on-my-way", "daughter worker", "10:05"},
		{"09:30 silence ends", "", ""},
		{"10:06 nothing more happens", "daughter worker", "22:05"},
		{"10:07 desk closes helped assumed", "", ""},
	} {
		if err := s.play(line.event); err != nil {
			t.Fatal(err)
		}
		contacts, at := Turn(Case{Incident: s.inc, Household: s.home, Config: Defaults()})
		var who []string
		for _, c := range contacts {
			who = append(who, string(c.ID))
		}
		if got := strings.Join(who, " "); got != line.who || !at.IsZero() && at.Format("15:04") != line.at {
			t.Errorf("after %q it is the turn of %q at %v, want %q at %s", line.event, got, at, line.who, line.at)
		}
	}
}
