package pipeline

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"stillwater"
)

// TestAbsence enters an absence while an alert goes on: it ends, those told hear of it, and nothing is told of the stillness until the end;
// also when the gateway is killed in between. Then stillness counts anew.
func TestAbsence(t *testing.T) {
	for name, end := range map[string]func(*town){"running": func(*town) {}, "killed": func(w *town) { w.crash(); w.start() }} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				id := homesOf(0, 1)[0]
				w := newTown(t, home(id))
				defer w.close()
				litres := w.lives(id, 100, 2*time.Hour)
				w.still(id, litres, 25*time.Hour)
				if i := w.incident(id, stillwater.Welfare); i.Severity != stillwater.Alert {
					t.Fatalf("%+v", i)
				}
				now := time.Now()
				a := stillwater.Absence{Household: id, From: now.Add(-30 * time.Hour), Until: now.Add(72 * time.Hour), Who: "daughter"}
				if err := w.pipeline.Away(t.Context(), a); err != nil {
					t.Fatal(err)
				}
				end(w)
				if i := w.incident(id, stillwater.Welfare); slices.ContainsFunc(i.Findings, func(f stillwater.Finding) bool { return f.Ended.IsZero() || !f.Facts.Absent }) {
					t.Errorf("the alert goes on: %+v", i.Findings)
				}
				s := w.standing(id)
				if s.Absence == nil || s.Absence.Who != "daughter" || !s.Absence.Until.Equal(a.Until.UTC().Truncate(stillwater.Instant)) {
					t.Errorf("standing %+v", s)
				}
				if s.Alert.Before(a.Until.Add(12 * time.Hour)) {
					t.Errorf("an alert at %v, until %v", s.Alert, a.Until)
				}
				found := len(w.findings())
				w.still(id, litres, 71*time.Hour)
				end(w)
				for _, f := range w.findings()[found:] {
					if f.Kind == stillwater.Welfare {
						t.Errorf("found in the absence: %+v", f)
					}
				}
				w.still(id, litres, 26*time.Hour)
				if !slices.ContainsFunc(w.findings()[found:], func(f stillwater.Finding) bool { return f.Rule == "silence-24h" && f.Ended.IsZero() }) {
					t.Error("nobody is back after the end, and nothing is found")
				}
				compareWithJournal(t, w)
			})
		})
	}
}

// TestAbsenceIsRefused: what cannot be meant, and of whom nothing may be kept.
func TestAbsenceIsRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		id := homesOf(0, 1)[0]
		w := newTown(t, home(id))
		defer w.close()
		now := time.Now()
		before := len(w.entries())
		for name, a := range map[string]stillwater.Absence{
			"backward": {Household: id, From: now, Until: now.Add(-time.Hour)}, "too long": {Household: id, From: now, Until: now.AddDate(0, 4, 0)},
			"half": {Household: id, Until: now.Add(time.Hour)}, "nobody": {From: now, Until: now.Add(time.Hour)},
			"unknown": {Household: "nowhere", From: now, Until: now.Add(time.Hour)},
		} {
			err := w.pipeline.Away(context.Background(), a)
			if err == nil || name == "unknown" && !errors.Is(err, ErrUnknownHome) {
				t.Errorf("%s: %v", name, err)
			}
		}
		if n := len(w.entries()); n != before {
			t.Errorf("%d entries were journaled", n-before)
		}
	})
}

// TestReplyUntil: "3" with a day closes the incident and pauses the home until the evening of that day; without one it only closes.
func TestReplyUntil(t *testing.T) {
	for text, want := range map[string]time.Duration{"3": 0, "3 外出": 0, "3 外出5天": 5 * 24 * time.Hour, "3 away for 3 days": 3 * 24 * time.Hour} {
		synctest.Test(t, func(t *testing.T) {
			id := homesOf(0, 1)[0]
			w := alarmed(t, id)
			defer w.close()
			w.reply("r1", daughter, text)
			if i := w.incident(id, stillwater.DoorKind); i.State != stillwater.ClosedState || i.Outcome != stillwater.AwayFrom {
				t.Fatalf("%q: %+v", text, i)
			}
			a := w.standing(id).Absence
			switch {
			case want == 0 && a != nil:
				t.Errorf("%q: %+v", text, a)
			case want > 0 && (a == nil || a.Until.Sub(a.From) < want-24*time.Hour || a.Until.Sub(a.From) > want+24*time.Hour || a.Who == ""):
				t.Errorf("%q: %+v", text, a)
			}
		})
	}
}
