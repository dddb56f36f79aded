package incident

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"stillwater"
	"stillwater/rules"
)

// finding is one of a kind that begins at nine.
func finding(kind stillwater.Kind, rule string, s stillwater.Severity) stillwater.Finding {
	return stillwater.Finding{Household: "h1", Kind: kind, Rule: rule, Severity: s, Began: nine}
}

var nine = midnight.Add(9 * time.Hour)

// opened is a case of a finding, told to the daughter, whose text was delivered.
func opened(t *testing.T, number int64, fs ...stillwater.Finding) Case {
	t.Helper()
	c := Case{Incident: New(number, fs[0], nine), Household: newScenario().home, Config: Defaults()}
	for i := range fs {
		c = stepped(t, c, Input{Now: nine, Finding: &fs[i]})
	}
	for _, told := range c.Incident.Told {
		c = stepped(t, c, Input{Now: nine, Receipt: &stillwater.Receipt{Message: told.Message, State: stillwater.Delivered}})
	}
	return c
}

func stepped(t *testing.T, c Case, in Input) Case {
	t.Helper()
	r, err := Step(c, in)
	if err != nil {
		t.Fatal(err)
	}
	c.Incident = r.Incident
	return c
}

func reason(err error) Reason {
	var r *Refusal
	if errors.As(err, &r) {
		return r.Reason
	}
	return ""
}

func told(ms []stillwater.Message) string {
	var all []string
	for _, m := range ms {
		all = append(all, string(m.Purpose)+" "+string(m.Contact))
	}
	return strings.Join(all, ", ")
}

// TestMerge: the water and the silence are one matter. Those told of the water hear once, by the other's code; what is found later of the water
// belongs to the one that goes on.
func TestMerge(t *testing.T) {
	water, welfare := opened(t, 1, finding(stillwater.Water, "surge", stillwater.Alert)), opened(t, 2, finding(stillwater.Welfare, "silence", stillwater.Question))
	act := &stillwater.Act{Incident: water.Incident.ID, Deed: stillwater.Merge, Into: welfare.Incident.ID, Who: "desk"}
	closed, joined, err := Merge(water, welfare, Input{Now: nine.Add(time.Minute), Act: act})
	if err != nil {
		t.Fatal(err)
	}
	if len(closed.Messages) > 0 || closed.Incident.IsOpen() || closed.Incident.Into != welfare.Incident.ID || Current(closed.Incident) || closed.Rearm {
		t.Errorf("closed: %s, %+v", told(closed.Messages), closed.Incident)
	}
	if got := told(joined.Messages); got != "tell daughter" {
		t.Errorf("told: %s", got)
	}
	into := joined.Incident
	if into.Severity != stillwater.Alert || len(into.Findings) != 2 || !Belongs(into, finding(stillwater.Water, "leak", stillwater.Urgent)) {
		t.Errorf("joined: %+v", into)
	}
	welfare.Incident = into
	end := finding(stillwater.Water, "surge", "")
	end.Ended = nine.Add(time.Hour)
	if c := stepped(t, welfare, Input{Now: end.Ended, Finding: &end}); c.Incident.Findings[1].Ended.IsZero() {
		t.Error("the end of the water's finding is lost")
	}
	if _, err := Step(Case{Incident: closed.Incident, Config: Defaults()}, Input{Now: nine.Add(time.Hour), Act: &stillwater.Act{Deed: stillwater.Reopen}}); reason(err) != GoesOnThere {
		t.Errorf("reopened: %v", err)
	}
}

// TestMergeWaits: who has quiet hours hears of a merge in the morning; the ladder of the one that goes on does not wait for that message.
func TestMergeWaits(t *testing.T) {
	water, welfare := opened(t, 1, finding(stillwater.Water, "surge", stillwater.Alert)), opened(t, 2, finding(stillwater.Welfare, "silence", stillwater.Alert))
	next := welfare.Incident.Next
	welfare.Household.Contacts = slices.Clone(welfare.Household.Contacts)
	welfare.Household.Contacts[0].Quiet = []stillwater.Hours{{From: 9 * time.Hour, To: 9*time.Hour + 5*time.Minute}}
	act := &stillwater.Act{Deed: stillwater.Merge, Into: welfare.Incident.ID}
	_, joined, err := Merge(water, welfare, Input{Now: nine.Add(time.Minute), Act: act})
	if err != nil || len(joined.Messages) > 0 || len(joined.Incident.Waiting) != 1 {
		t.Fatalf("%v, %s, %+v", err, told(joined.Messages), joined.Incident.Waiting)
	}
	welfare.Incident = joined.Incident
	r, err := Step(welfare, Input{Now: joined.Incident.Next})
	if err != nil || told(r.Messages) != "tell daughter" || !r.Incident.Next.Equal(next) {
		t.Errorf("%v, %s, next %v, want %v", err, told(r.Messages), r.Incident.Next, next)
	}
}

func TestMergeRefused(t *testing.T) {
	water, welfare := opened(t, 1, finding(stillwater.Water, "surge", stillwater.Alert)), opened(t, 2, finding(stillwater.Welfare, "silence", stillwater.Alert))
	other := welfare
	other.Incident.Household = "h2"
	act := &stillwater.Act{Deed: stillwater.Merge}
	for _, into := range []Case{water, other} {
		if r, _, err := Merge(water, into, Input{Now: nine, Act: act}); reason(err) != NotOneMatter || r.Changed {
			t.Errorf("merged: %v", err)
		}
	}
	if _, err := Step(water, Input{Now: nine, Act: act}); reason(err) != UnknownDeed {
		t.Errorf("a merge in one incident: %v", err)
	}
}

// TestSplit: one of two findings is another matter. It gets a ladder of its own, from the foot, and keeps to itself; those told hear once.
func TestSplit(t *testing.T) {
	c := opened(t, 1, finding(stillwater.Welfare, "silence", stillwater.Alert), finding(stillwater.Welfare, "night-exit", stillwater.Alert))
	c = stepped(t, c, Input{Now: c.Incident.Next}) // the daughter is called and the worker is told
	key := finding(stillwater.Welfare, "night-exit", "").Key()
	rest, own, err := SplitOff(c, 9, Input{Now: nine.Add(16 * time.Minute), Act: &stillwater.Act{Deed: stillwater.Split, Finding: key, Who: "desk"}})
	if err != nil {
		t.Fatal(err)
	}
	if len(rest.Messages) > 0 || len(rest.Incident.Findings) != 1 || !rest.Incident.IsOpen() {
		t.Errorf("the first: %s, %+v", told(rest.Messages), rest.Incident)
	}
	if got := told(own.Messages); got != "tell daughter, tell worker" || own.Incident.Rung != 1 || own.Incident.SplitOff != c.Incident.ID {
		t.Errorf("its own: %s, %+v", got, own.Incident)
	}
	another := finding(stillwater.Welfare, "no-exit", stillwater.Alert)
	if Belongs(own.Incident, another) || !Belongs(rest.Incident, another) || !Belongs(own.Incident, finding(stillwater.Welfare, "night-exit", "")) {
		t.Error("a later finding goes to the wrong one")
	}
	c.Incident = rest.Incident
	_, _, err = SplitOff(c, 9, Input{Now: nine, Act: &stillwater.Act{Deed: stillwater.Split, Finding: finding(stillwater.Welfare, "silence", "").Key()}})
	if reason(err) != NothingToSplit {
		t.Errorf("the only one: %v", err)
	}
}

// TestPhoto: where the configuration asks for a picture, closing needs the name of one that is stored.
func TestPhoto(t *testing.T) {
	c := opened(t, 1, finding(stillwater.Welfare, "silence", stillwater.Alert))
	c.Config.Photo = []string{"leak", "water"}
	for _, try := range []struct {
		outcome stillwater.Outcome
		photo   string
		want    Reason
	}{{stillwater.Helped, "", ""}, {stillwater.LeakFound, "", NeedsPhoto}, {stillwater.LeakFound, "../door.jpg", NeedsPhoto}, {stillwater.LeakFound, "UQ7-1.jpg", ""}} {
		act := &stillwater.Act{Deed: stillwater.Close, Outcome: try.outcome, Known: stillwater.Seen, Photo: try.photo}
		r, err := Step(c, Input{Now: nine, Act: act})
		if reason(err) != try.want || err == nil && r.Incident.Photo != try.photo {
			t.Errorf("%+v: %v", try, err)
		}
	}
}

// TestKindsHaveTheirLadders: water alerts go to the worker; where a kind has no ladder of its own, the common one holds.
func TestKindsHaveTheirLadders(t *testing.T) {
	cfg := Defaults()
	cfg.For = []Ladder{{Kind: stillwater.Water, Alert: []Rung{{To: []stillwater.Role{stillwater.Worker}, Wait: time.Hour}}}}
	for _, try := range []struct {
		kind stillwater.Kind
		s    stillwater.Severity
		want string
	}{{stillwater.Water, stillwater.Alert, "tell worker"}, {stillwater.Welfare, stillwater.Alert, "tell daughter"}, {stillwater.Water, stillwater.Question, "ask daughter"}} {
		f := finding(try.kind, "surge", try.s)
		r, err := Step(Case{Incident: New(1, f, nine), Household: newScenario().home, Config: cfg}, Input{Now: nine, Finding: &f})
		if err != nil || told(r.Messages) != try.want {
			t.Errorf("%s %s: %s, %v", try.kind, try.s, told(r.Messages), err)
		}
	}
}

// TestRungHolds: by days of the week and of the calendar, and by hours over midnight, on the clock of the home.
func TestRungHolds(t *testing.T) {
	shanghai := stillwater.Household{TimeZone: "Asia/Shanghai"}.Location()
	festival := func(_ int, month time.Month, day int) rules.DayKind {
		if month == time.February && day == 17 {
			return rules.Festival
		}
		return rules.Calendar(nil).Kind(2026, month, day)
	}
	night := []stillwater.Hours{{From: 22 * time.Hour, To: 6 * time.Hour}}
	for _, try := range []struct {
		rung Rung
		at   string
		want bool
	}{
		{Rung{}, "2026-02-17 03:00", true},
		{Rung{Hours: night}, "2026-02-17 05:59", true},
		{Rung{Hours: night}, "2026-02-17 06:00", false},
		{Rung{Days: []Day{"tue"}}, "2026-02-17 12:00", true},
		{Rung{Days: []Day{"mon", "wed"}}, "2026-02-17 12:00", false},
		{Rung{Days: []Day{"workday"}}, "2026-02-17 12:00", false},
		{Rung{Days: []Day{"restday"}}, "2026-02-17 12:00", true},
		{Rung{Days: []Day{"festival"}}, "2026-02-17 12:00", true},
		{Rung{Days: []Day{"festival"}}, "2026-02-21 12:00", false},
		{Rung{Days: []Day{"restday"}, Hours: night}, "2026-02-21 12:00", false},
	} {
		at, err := time.ParseInLocation("2006-01-02 15:04", try.at, shanghai)
		if err != nil {
			t.Fatal(err)
		}
		if try.rung.holds(at, festival) != try.want {
			t.Errorf("%+v at %s: %v", try.rung, try.at, !try.want)
		}
	}
}

// TestQuietUntil: quiet hours end by the clock on the wall, also in the nights when that is put forward or back.
func TestQuietUntil(t *testing.T) {
	hours := func(text string) (list []stillwater.Hours) {
		for _, one := range strings.Fields(text) {
			var h stillwater.Hours
			if err := h.UnmarshalText([]byte(one)); err != nil {
				t.Fatal(err)
			}
			list = append(list, h)
		}
		return list
	}
	for _, try := range []struct{ quiet, zone, at, want string }{
		{"22:00-06:30", "Asia/Shanghai", "2026-03-02T15:00:00Z", "2026-03-02T22:30:00Z"},
		{"22:00-06:30 06:30-07:00", "Asia/Shanghai", "2026-03-02T15:00:30Z", "2026-03-02T23:00:00Z"},
		{"22:00-06:30", "America/New_York", "2026-03-08T04:00:00Z", "2026-03-08T10:30:00Z"}, // forward: 06:30 is at 10:30 UTC
		{"22:00-02:30", "America/New_York", "2026-03-08T04:00:00Z", "2026-03-08T07:00:00Z"}, // an end that does not come that night
		{"22:00-01:30", "America/New_York", "2026-11-01T03:00:00Z", "2026-11-01T05:30:00Z"}, // back: the first 01:30
		{"00:00-24:00", "America/New_York", "2026-11-01T03:00:00Z", ""},
		{"22:00-06:30", "UTC", "2026-03-02T12:00:00Z", "2026-03-02T12:00:00Z"},
	} {
		at, err := time.Parse(time.RFC3339, try.at)
		if err != nil {
			t.Fatal(err)
		}
		got := quietUntil(hours(try.quiet), at.In(stillwater.Household{TimeZone: try.zone}.Location()))
		text := ""
		if !got.IsZero() {
			text = got.UTC().Format(time.RFC3339)
		}
		if text != try.want {
			t.Errorf("%s in %s from %s: %s, want %s", try.quiet, try.zone, try.at, text, try.want)
		}
	}
}

// TestHandling: how long people took is computed from what is written, and not yet is not zero.
func TestHandling(t *testing.T) {
	s := newScenario()
	for _, line := range []string{
		"09:00 silence begins alert", "09:02 daughter delivered", "09:10 daughter on-my-way", "09:40 daughter arrives", "10:00 daughter closes helped seen",
	} {
		if line == "09:10 daughter on-my-way" {
			if h := HandlingOf(s.inc); h != (Handling{0, 2 * time.Minute, NotYet, NotYet, NotYet}) {
				t.Errorf("before: %+v", h)
			}
		}
		if err := s.play(line); err != nil {
			t.Fatal(err)
		}
	}
	if h := HandlingOf(s.inc); h != (Handling{0, 2 * time.Minute, 10 * time.Minute, 40 * time.Minute, time.Hour}) {
		t.Errorf("after: %+v", h)
	}
}

// TestTogetherIsOfStaff: of a group's incident the staff of its homes are told, each in each of their posts, and neither families nor residents.
func TestTogetherIsOfStaff(t *testing.T) {
	homes := map[stillwater.HouseholdID]stillwater.Household{"h1": {ID: "h1", Contacts: []stillwater.Contact{
		{ID: "mother", Role: stillwater.Resident}, {ID: "daughter", Role: stillwater.Family}, {ID: "zhang", Role: stillwater.Neighbour},
		{ID: "chen", Role: stillwater.Worker, Post: "grid-1"}, {ID: "chen", Role: stillwater.GridHead, Post: "heads"}, {ID: "duty", Role: stillwater.Community},
	}}, "h2": {ID: "h2", Contacts: []stillwater.Contact{{ID: "chen", Role: stillwater.Worker, Post: "grid-1"}}}}
	all, ok := Together([]stillwater.Finding{{Facts: stillwater.Facts{Members: []stillwater.HouseholdID{"h1", "h2", "h3"}}}},
		func(id stillwater.HouseholdID) (stillwater.Household, bool) { h, ok := homes[id]; return h, ok })
	var who []string
	for _, c := range all.Contacts {
		who = append(who, string(c.ID)+" "+string(c.Role))
	}
	if got := strings.Join(who, ", "); !ok || got != "chen grid-head, chen worker, duty community" {
		t.Errorf("%v: %s", ok, got)
	}
}
