package sqlite

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"stillwater"
)

// A request is stored once by its name, for a week at least.
func TestRequests(t *testing.T) {
	db := openNew(t)
	at := time.Date(2026, 3, 4, 8, 0, 0, 0, time.UTC)
	note := func(name, body string, at time.Time) string {
		t.Helper()
		stored, err := db.NoteRequest(t.Context(), name, at, []byte(body))
		if err != nil {
			t.Fatal(err)
		}
		return string(stored)
	}
	if got := note("city/1", "a", at) + note("city/1", "b", at) + note("north/1", "c", at); got != "aac" {
		t.Errorf("stored %q", got)
	}
	if err := db.SettleRequest(t.Context(), "city/1", []byte("done")); err != nil {
		t.Fatal(err)
	}
	if got := note("city/1", "b", at.Add(7*24*time.Hour)); got != "done" {
		t.Errorf("after a week %q", got)
	}
	if got := note("city/1", "b", at.Add(9*24*time.Hour)); got != "b" {
		t.Errorf("after nine days %q", got)
	}
}

// Pages of any length give all incidents selected, in one order, also those opened at one moment.
func TestIncidentPages(t *testing.T) {
	db := openNew(t)
	at := time.Date(2026, 3, 4, 8, 0, 0, 0, time.UTC)
	b := &stillwater.Batch{}
	for n := range 12 {
		i := sampleIncident()
		i.ID, i.Opened = stillwater.IncidentID(fmt.Sprintf("A%02d", n)), at.Add(time.Duration(n/4)*time.Hour)
		i.Household = []stillwater.HouseholdID{"h1", "h2"}[n%2]
		i.Severity = []stillwater.Severity{stillwater.Alert, stillwater.Urgent, stillwater.Question}[n%3]
		i.State = []stillwater.IncidentState{stillwater.Opened, stillwater.ClosedState}[n/6]
		b.Incidents = append(b.Incidents, i)
	}
	commitTo(t, db, b)
	walk := func(q PageQuery) (ids []string) {
		for {
			found, err := db.IncidentPage(t.Context(), q)
			if err != nil {
				t.Fatal(err)
			}
			for _, i := range found {
				ids = append(ids, string(i.ID))
				q.Before, q.BeforeID = i.Opened, i.ID
			}
			if len(found) < q.Limit {
				return ids
			}
		}
	}
	for _, c := range []struct {
		q    PageQuery
		want string
	}{
		{PageQuery{}, "A11 A10 A09 A08 A07 A06 A05 A04 A03 A02 A01 A00"},
		{PageQuery{Household: "h2", States: []stillwater.IncidentState{stillwater.Opened}}, "A05 A03 A01"},
		{PageQuery{Severities: []stillwater.Severity{stillwater.Urgent, stillwater.Question}, Since: at.Add(time.Hour)}, "A11 A10 A08 A07 A05 A04"},
	} {
		for _, limit := range []int{1, 2, 3, 5, 100} {
			c.q.Limit = limit
			if got := strings.Join(walk(c.q), " "); got != c.want {
				t.Errorf("%+v: %s", c.q, got)
			}
		}
	}
}

// Events wait in their order, thread by thread, until they are dropped, and none comes twice.
func TestEventQueue(t *testing.T) {
	db := openNew(t)
	at := time.Date(2026, 3, 4, 8, 0, 0, 0, time.UTC)
	add := func(at time.Time, events ...string) {
		t.Helper()
		err := db.AddEvents(t.Context(), func(add func(receiver, id, thread, kind string, at time.Time, body []byte) error) error {
			for _, e := range events {
				if err := add("city", e, e[:1], "kind", at, []byte("{}")); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	waiting := func() (ids []string) {
		t.Helper()
		if err := db.WaitingEvents(t.Context(), "city", 10, func(id, _, _ string, _ time.Time, _ []byte) { ids = append(ids, id) }); err != nil {
			t.Fatal(err)
		}
		return ids
	}
	add(at, "b1", "a1", "b2", "a2")
	add(at, "b1", "a1", "b2", "a2", "c1")
	for _, want := range [][]string{{"b1", "a1", "c1"}, {"a1", "b2", "c1"}, {"b2", "a2", "c1"}, {"a2", "c1"}, {"c1"}, nil} {
		got := waiting()
		if !slices.Equal(got, want) {
			t.Fatalf("%v wait, want %v", got, want)
		}
		if len(got) > 0 {
			if err := db.DropEvent(t.Context(), "city", got[0]); err != nil {
				t.Fatal(err)
			}
		}
	}
	if add(at, "b1", "c1"); len(waiting()) > 0 {
		t.Error("what was dropped waits again")
	}
	broken := errors.New("broken")
	err := db.AddEvents(t.Context(), func(add func(receiver, id, thread, kind string, at time.Time, body []byte) error) error {
		return errors.Join(add("city", "d1", "d", "kind", at, []byte("{}")), broken)
	})
	if !errors.Is(err, broken) || len(waiting()) > 0 {
		t.Errorf("%v, and %v wait", err, waiting())
	}
	since, err := db.Follow(t.Context(), "city", at)
	again, err2 := db.Follow(t.Context(), "city", at.Add(time.Hour))
	if err != nil || err2 != nil || !since.Equal(at) || !again.Equal(at) {
		t.Errorf("followed since %v, then %v: %v %v", since, again, err, err2)
	}
}

// What a start looks back for is there: what is open, and what was opened or closed since.
func TestChangedSince(t *testing.T) {
	db := openNew(t)
	at := time.Date(2026, 3, 4, 8, 0, 0, 0, time.UTC)
	b := &stillwater.Batch{}
	for id, change := range map[string]func(*stillwater.Incident){
		"old-open":   func(i *stillwater.Incident) { i.Opened = at.Add(-90 * 24 * time.Hour) },
		"new-closed": func(i *stillwater.Incident) { i.Opened, i.State = at, stillwater.ClosedState },
		"late-closed": func(i *stillwater.Incident) {
			i.Opened, i.State, i.Closed = at.Add(-90*24*time.Hour), stillwater.ClosedState, at.Add(time.Millisecond)
		},
		"long-over": func(i *stillwater.Incident) {
			i.Opened, i.State, i.Closed = at.Add(-90*24*time.Hour), stillwater.ClosedState, at.Add(-time.Hour)
		},
	} {
		i := sampleIncident()
		i.ID, i.State, i.Closed = stillwater.IncidentID(id), stillwater.Opened, time.Time{}
		change(&i)
		b.Incidents = append(b.Incidents, i)
	}
	b.Findings = []stillwater.Finding{
		{Household: "h1", Rule: "device-blind", Began: at.Add(-90 * 24 * time.Hour)},
		{Household: "h2", Rule: "device-blind", Began: at.Add(-9 * time.Hour), Ended: at.Add(-time.Hour)},
		{Household: "h3", Rule: "silence", Began: at},
	}
	commitTo(t, db, b)
	changed, err := db.ChangedSince(t.Context(), at)
	if err != nil {
		t.Fatal(err)
	}
	var ids []string
	for _, i := range changed.Incidents {
		ids = append(ids, string(i.ID))
	}
	slices.Sort(ids)
	if got := strings.Join(ids, " "); got != "late-closed new-closed old-open" {
		t.Errorf("incidents %s", got)
	}
	if len(changed.Findings) != 1 || changed.Findings[0].Household != "h1" {
		t.Errorf("findings %+v", changed.Findings)
	}
}
