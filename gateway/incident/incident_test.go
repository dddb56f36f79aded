package incident

import (
	"errors"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

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
	for seed := range uint64(2000) {
		h := newHistory(seed + 1)
		everyone := append(h.world.home.Contacts, stillwater.Contact{ID: "new", Role: stillwater.Worker, Phone: "+8613"})
		for range 1 + h.IntN(40) {
			h.now = h.now.Add(time.Duration(h.IntN(600)-300) * time.Minute)
			h.world.home.Contacts = nil
			for _, i := range h.Perm(len(everyone))[:h.IntN(len(everyone)+1)] {
				h.world.home.Contacts = append(h.world.home.Contacts, everyone[i])
			}
			if h.chance(2) {
				h.world.config = Defaults()
			}
			f := stillwater.Finding{Household: "h", Kind: stillwater.Water, Rule: "a", Severity: stillwater.Alert, Began: h.now}
			if h.inc.ID == "" || !Current(h.inc) {
				h.inc = New(1, f, h.now)
			}
			in := []Input{
				{}, {Finding: &f},
				{Act: &stillwater.Act{Deed: stillwater.Acknowledge, Who: "gone"}}, {Act: &stillwater.Act{Deed: stillwater.CallHelp}},
				{Act: &stillwater.Act{Deed: stillwater.Close, Outcome: stillwater.Drill, Known: stillwater.Assumed}},
				{Act: &stillwater.Act{Deed: stillwater.HandOver, To: "gone"}}, {Act: &stillwater.Act{Deed: stillwater.Escalate}},
			}[h.IntN(7)]
			in.Now = h.now
			r, _ := Step(h.theCase(), in)
			h.inc = r.Incident
			for _, m := range r.Messages {
				if !slices.ContainsFunc(h.world.home.Contacts, func(c stillwater.Contact) bool { return c.ID == m.Contact }) {
					t.Fatalf("history %d: %s is told and is no contact", seed+1, m.Contact)
				}
			}
		}
	}
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
	bad.Urgent = []Rung{{To: []stillwater.Role{"postman", stillwater.Family, stillwater.Family}}, {Wait: time.Minute}}
	bad.Promise = -1
	night := stillwater.Hours{From: 22 * time.Hour, To: 6 * time.Hour}
	bad.For = []Ladder{
		{Kind: "roof", Question: good.Question},
		{Kind: stillwater.Water, Alert: []Rung{{To: []stillwater.Role{stillwater.Worker}, Wait: time.Hour, Hours: []stillwater.Hours{night}}}},
		{Kind: stillwater.Water, Urgent: []Rung{{
			To: []stillwater.Role{stillwater.Worker}, Call: []stillwater.Role{stillwater.Family},
			By: []stillwater.Channel{"pigeon", stillwater.SMS, stillwater.SMS}, Wait: time.Hour, Days: []Day{"mon", "payday"},
		}, {To: []stillwater.Role{stillwater.Worker}, Wait: time.Hour}}},
	}
	bad.ResidentCall = "shout"
	bad.Deadlines.Door = time.Second
	bad.Photo = []string{"leak", "smile"}
	want := map[any]string{
		&bad.Question:                 "a question is asked once and not climbed, but it has 2 rungs; leave one",
		&bad.Alert:                    "this ladder has no rung, so nobody would be told; write like - {to: [family], wait: 15m}",
		&bad.Urgent[0].To[0]:          `"postman" is not somebody who can be told; write resident, family, neighbour, worker, building-head, grid-head, community or street`,
		&bad.Urgent[0].To[2]:          `"family" stands twice in this rung; leave one`,
		&bad.Urgent[0].Wait:           "0s is not between 1m and 24h; write like 15m",
		&bad.Urgent[1].To:             "this rung tells nobody; write to: [family], [worker] or [family, worker]",
		&bad.For[0].Kind:              `"roof" is no kind of incident; write welfare, water, door or device`,
		&bad.For[1].Alert:             "every rung of this ladder holds on some days or hours only, so that nobody would be told at other times; leave one without days and hours",
		&bad.For[2].Kind:              `"water" has two entries; write its ladders into one`,
		&bad.For[2].Urgent[0].Call[0]: `"family" is to be called but is not told by this rung; add it to its to`,
		&bad.For[2].Urgent[0].By[0]:   `"pigeon" is no channel; write sms, voice, wecom, email or webhook`,
		&bad.For[2].Urgent[0].By[2]:   `"sms" stands twice in this rung; leave one`,
		&bad.For[2].Urgent[0].Days[1]: `"payday" is no day; write mon, tue, wed, thu, fri, sat, sun, workday, restday or festival`,
		&bad.ResidentCall:             `"shout" is no way to call her; write connect, voice or off`,
		&bad.Deadlines.Door:           "1s is not between 10m and 90d; write like 2h",
		&bad.Photo[1]:                 `"smile" is neither a kind nor an outcome; write like water or leak`,
		&bad.Promise:                  "-1ns is not between 1m and 24h; write like 45m",
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
		{"09:00 silence begins alert", "daughter worker", "09:05"},
		{"09:01 daughter delivered", "daughter worker", "09:16"},
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
