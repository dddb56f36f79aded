package pipeline

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"stillwater"
	"stillwater/gateway/incident"
)

// TestDeedsOnClosed: an incident that was closed and forgotten here is opened again by hand, after a restart too; not while another of its kind
// is under way, and a visit that was promised is noted.
func TestDeedsOnClosed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		id := homesOf(0, 1)[0]
		w := newTown(t, home(id))
		defer w.close()
		litres := w.lives(id, 100, 2*time.Hour)
		w.still(id, litres, 24*time.Hour-15*time.Minute)
		i := w.incident(id, stillwater.Welfare)
		act := func(deed stillwater.Deed, change func(*stillwater.Act)) error {
			a := stillwater.Act{Incident: i.ID, Deed: deed, Who: "desk", Outcome: stillwater.Helped, Known: stillwater.Seen}
			if change != nil {
				change(&a)
			}
			return w.pipeline.Act(t.Context(), id, a)
		}
		visit := func(a *stillwater.Act) { a.Until = time.Now().Add(5 * time.Hour) }
		if err := act(stillwater.Close, visit); err != nil {
			t.Fatal(err)
		}
		w.deliver(stillwater.Delivered)
		w.crash()
		time.Sleep(4 * time.Hour)
		w.start()
		time.Sleep(2 * time.Hour)
		if m := w.messages()[len(w.messages())-1]; m.Purpose != stillwater.Visit || m.Contact != "worker" {
			t.Errorf("the visit: %s to %s", m.Purpose, m.Contact)
		}
		w.deliver(stillwater.Delivered)
		time.Sleep(3 * time.Hour)
		if err := act(stillwater.FollowedUp, nil); err != nil || !w.incident(id, stillwater.Welfare).FollowUp.IsZero() {
			t.Errorf("the visit was made: %v", err)
		}
		if err := act(stillwater.Reopen, nil); err != nil || !w.incident(id, stillwater.Welfare).IsOpen() {
			t.Errorf("opened again: %v", err)
		}
		var refused *incident.Refusal
		if err := act(stillwater.Merge, func(a *stillwater.Act) { a.Into = "none" }); !errors.As(err, &refused) || refused.Reason != incident.NotOneMatter {
			t.Errorf("merged into nothing: %v", err)
		}
	})
}

// TestOnDuty: who is told is asked of the roster, with the home; what changes between two rungs counts.
func TestOnDuty(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		id := homesOf(0, 1)[0]
		w := newTown(t, home(id))
		defer w.close()
		w.pipeline.OnDuty = func(h stillwater.Household, c stillwater.Contact, _ time.Time) bool {
			return h.ID == id && c.Role != stillwater.Family
		}
		litres := w.lives(id, 100, 2*time.Hour)
		w.still(id, litres, 24*time.Hour-15*time.Minute)
		for _, m := range w.messages() {
			if m.Contact != "worker" || m.Channel != stillwater.SMS || m.To == "" {
				t.Errorf("%s by %q to %s", m.Purpose, m.Channel, m.Contact)
			}
		}
		if len(w.messages()) == 0 {
			t.Error("nobody was told")
		}
	})
}

// TestSplitAndMerged: what is split off gets the end of its own finding, the first incident that of the others; put together again they are
// one, and each finding still finds it.
func TestSplitAndMerged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		id := homesOf(0, 1)[0]
		w := newTown(t, home(id))
		defer w.close()
		litres := w.lives(id, 100, 2*time.Hour)
		w.still(id, litres, 24*time.Hour-15*time.Minute)
		i := w.incident(id, stillwater.Welfare)
		if len(i.Findings) != 2 {
			t.Fatalf("findings: %+v", i.Findings)
		}
		key := i.Findings[1].Key()
		if err := w.pipeline.Act(t.Context(), id, stillwater.Act{Incident: i.ID, Deed: stillwater.Split, Finding: key, Who: "desk"}); err != nil {
			t.Fatal(err)
		}
		both := w.incidents(id)
		if len(both) != 2 {
			t.Fatalf("%d incidents", len(both))
		}
		first, own := both[0], both[1]
		if own.ID == i.ID {
			first, own = own, first
		}
		if first.ID != i.ID || own.SplitOff != i.ID || len(own.Findings) != 1 || own.Findings[0].Key() != key {
			t.Errorf("split: %+v", own)
		}
		merge := stillwater.Act{Incident: own.ID, Deed: stillwater.Merge, Into: first.ID, Who: "desk"}
		if err := w.pipeline.Act(t.Context(), id, merge); err != nil {
			t.Fatal(err)
		}
		w.lives(id, litres, time.Hour)
		for _, j := range w.incidents(id) {
			for _, f := range j.Findings {
				if j.ID == i.ID && f.Ended.IsZero() {
					t.Errorf("the end of %s did not find its incident", f.Rule)
				}
			}
		}
	})
}
