package pipeline

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"stillwater"
	"stillwater/gateway/drill"
)

func drillText(m stillwater.Message) string { return "drill " + m.Code }

// drills are the messages of drills, by contact.
func (w *town) drills() map[stillwater.ContactID][]stillwater.Message {
	all := map[stillwater.ContactID][]stillwater.Message{}
	for _, m := range w.messages() {
		if m.Purpose == stillwater.Train {
			all[m.Contact] = append(all[m.Contact], m)
		}
	}
	return all
}

// hold holds a drill and says whether it is there then.
func (w *town) hold(month drill.Month) {
	w.t.Helper()
	if held, err := w.pipeline.Drill(w.t.Context(), month); err != nil || !held {
		w.t.Fatalf("drill of %s: %v, %v", month, held, err)
	}
}

// TestDrill: from the virtual meter on, who belongs to ten homes is told once, answers once, and after a day it is closed as a drill; the next month
// has its own; a restart anywhere changes nothing; nothing of it is found, counted, or a standing.
func TestDrill(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var homes []stillwater.Household
		for _, id := range homesOf(0, 10) {
			homes = append(homes, home(id))
		}
		w := newTown(t, homes...)
		defer w.close()
		month, findings := drill.Month("2000-01"), len(w.findings())
		w.hold(month)
		w.hold(month) // again: it is there
		w.crash()
		w.start()
		w.hold(month)
		if n := len(w.findings()) - findings; n != 0 || len(w.counted()) != 0 {
			t.Errorf("%d findings of a drill, and it was counted", n)
		}
		w.deliver(stillwater.Delivered)
		w.reply("r", "+8613900000001", "1")
		w.reply("s", "+8613900000001", "2") // closes nothing
		if i := w.incident(DrillHome, stillwater.Water); !i.IsOpen() || i.Severity.Above(stillwater.Notice) {
			t.Errorf("%+v", i)
		}
		all := w.drills()
		if len(all) != 2 {
			t.Fatalf("told %v", all)
		}
		for c, ms := range all {
			if answered := c == "daughter"; len(ms) != 1 || ms[0].ID != month.Message(c) || ms[0].State != stillwater.Delivered || ms[0].Answered.IsZero() == answered {
				t.Errorf("%s: %+v", c, ms)
			}
		}
		standings, err := w.pipeline.Standings(t.Context())
		if err != nil || len(standings) != 10 {
			t.Errorf("%d homes, %v", len(standings), err)
		}
	})
}

// TestDrillMonths: two drills of two months, each of which ends after a day with its outcome.
func TestDrillMonths(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newTown(t, home("h"))
		defer w.close()
		for n, month := range []drill.Month{"2000-01", "2000-02"} {
			w.hold(month)
			time.Sleep(23 * time.Hour)
			synctest.Wait()
			if i := w.incidents(DrillHome)[n]; !i.IsOpen() {
				t.Errorf("closed early: %+v", i)
			}
			w.crash()
			w.start()
			time.Sleep(62 * time.Minute)
			synctest.Wait()
			i := w.incidents(DrillHome)[n]
			if i.IsOpen() || i.Outcome != stillwater.Drill || len(i.Told) != 0 || i.ID != month.Incident() {
				t.Errorf("%+v", i)
			}
			w.reply(fmt.Sprint("late", n), "+8613900000001", "1") // too late: nothing goes on
			if m := w.drills()["daughter"]; len(m) != n+1 || !m[n].Answered.IsZero() {
				t.Errorf("%+v", m)
			}
			// The next month's comes as soon: what is between does not count, and a month of minutes takes its time.
		}
	})
}

// TestDrillBesideIncident: a one without a code is about the real incident, one with the drill's code is about the drill, and the ladder goes on.
func TestDrillBesideIncident(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newTown(t, home("h"))
		defer w.close()
		litres := w.lives("h", 100, 2*time.Hour)
		w.still("h", litres, 25*time.Hour)
		w.hold("2000-01")
		w.deliver(stillwater.Delivered)
		code := w.drills()["daughter"][0].Code
		w.reply("coded", "+8613900000001", "1 "+code)
		if i := w.incident("h", stillwater.Welfare); i.State != stillwater.Opened {
			t.Errorf("the drill's answer took the incident on: %+v", i)
		}
		if w.drills()["daughter"][0].Answered.IsZero() {
			t.Error("the drill's answer is not noted")
		}
		w.reply("plain", "+8613900000001", "1")
		if i := w.incident("h", stillwater.Welfare); i.State != stillwater.Acknowledged || i.Holder != "daughter" {
			t.Errorf("the answer did not take the incident on: %+v", i)
		}
	})
}

// TestDrillReach: who cannot be told is noted with why, and nobody is disturbed in quiet hours.
func TestDrillReach(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := home("h")
		h.Contacts[0].OptedOut = begun
		h.Contacts[1].Quiet = []stillwater.Hours{{From: 0, To: 23 * time.Hour}}
		h.Contacts = append(h.Contacts, stillwater.Contact{ID: "self", Role: stillwater.Resident, Phone: "+8613700000001"})
		w := newTown(t, h)
		defer w.close()
		w.hold("2000-01")
		all := w.drills()
		if len(all) != 2 || all["daughter"][0].State != stillwater.Failed || all["worker"][0].State != stillwater.Cancelled {
			t.Errorf("%+v", all)
		}
	})
}

// TestDrillNotFound: where no rule finds what a drill pretends, nobody is told, and it is not held.
func TestDrillNotFound(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newTown(t, home("h"))
		defer w.close()
		w.crash()
		w.rules = w.rules[:1]
		w.start()
		if held, err := w.pipeline.Drill(t.Context(), "2000-01"); held || err != nil || len(w.drills()) != 0 {
			t.Errorf("%v, %v, %v", held, err, w.drills())
		}
	})
}
