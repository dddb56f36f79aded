package pipeline

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"stillwater"
)

// TestWithdrawal is law 6: from the moment a withdrawal is on file nothing is recorded, judged or told, and a restart changes nothing
// about that.
func TestWithdrawal(t *testing.T) {
	for name, restarts := range map[string]bool{"live": false, "restarted": true} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				id, other := homesOf(0, 2)[0], homesOf(0, 2)[1]
				w := newTown(t, home(id), home(other))
				defer w.close()
				litres := w.lives(id, 100, 2*time.Hour)
				w.still(id, litres, 24*time.Hour-15*time.Minute)
				i := w.incident(id, stillwater.Welfare)
				if i.Severity != stillwater.Alert || len(w.messages()) < 2 {
					t.Fatalf("%+v", i)
				}
				gone := home(id)
				gone.Consent.Withdrawn = time.Now()
				w.registry.Set([]stillwater.Household{gone, home(other)})
				time.Sleep(time.Second)
				w.emit(meter(id, litres+1)) // refused before any reload
				if restarts {
					w.stop()
					w.start()
				} else if err := w.pipeline.Reload(t.Context()); err != nil {
					t.Fatal(err)
				}
				texts, entries, findings := len(w.messagesOf(id)), len(w.journaled()), len(w.findings())
				time.Sleep(40 * time.Hour)
				w.emit(meter(id, litres+10), door(id, 1))
				waited := meter(id, litres+11) // it was let in before the withdrawal, and waited behind a full queue
				waited.Household, waited.Device = id, "meter"
				done := make(chan struct{})
				if err := w.pipeline.shard(id).put(t.Context(), input{readings: []stillwater.Reading{waited}, done: func() { close(done) }}); err != nil {
					t.Fatal(err)
				}
				<-done
				if n := len(w.messagesOf(id)); n != texts {
					t.Errorf("%d texts after the withdrawal", n-texts)
				}
				if n := len(w.journaled()); n != entries {
					t.Errorf("%d readings recorded after the withdrawal", n-entries)
				}
				for _, f := range w.findings()[findings:] {
					if f.Household == id {
						t.Errorf("judged after the withdrawal: %+v", f)
					}
				}
				for _, m := range w.messagesOf(id) {
					if m.State == stillwater.Pending {
						t.Errorf("a text still waits: %+v", m)
					}
				}
				if i := w.incidents(id)[0]; i.IsOpen() {
					t.Errorf("an incident that nobody can close is %s", i.State)
				}
				if err := w.pipeline.Act(t.Context(), id, stillwater.Act{Incident: i.ID, Deed: stillwater.Acknowledge, Who: "desk"}); !errors.Is(err, ErrNoIncident) {
					t.Errorf("an act on it: %v", err)
				}
				w.reply("r1", daughter, "1")
				if n := w.counted()[NoConsent]; n < 4 {
					t.Errorf("%d readings counted as without consent", n)
				}
			})
		})
	}
}

// TestMendedRegister takes a household out of the register by mistake and puts it back: its incident goes on.
func TestMendedRegister(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		id := homesOf(1, 1)[0]
		w := newTown(t, home(id))
		defer w.close()
		litres := w.lives(id, 100, 2*time.Hour)
		w.still(id, litres, 24*time.Hour-15*time.Minute)
		w.deliver(stillwater.Delivered)
		w.reload()
		time.Sleep(time.Hour)
		told := len(w.messages())
		if i := w.incidents(id)[0]; !i.IsOpen() {
			t.Fatalf("a mistake in the register closed the incident: %+v", i)
		}
		w.reload(home(id))
		time.Sleep(2 * time.Minute)
		if len(w.messages()) <= told {
			t.Error("nobody is told any more of an incident that is open")
		}
	})
}
