package pipeline

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"stillwater"
	"stillwater/adapters/sqlite"
)

// TestCancelledInTheCouriersHands: somebody takes an incident on while a provider is being tried. That the message did not leave is then the end of
// it: the courier finds it cancelled, and does not start with the next provider.
func TestCancelledInTheCouriersHands(t *testing.T) {
	for _, became := range []stillwater.DeliveryState{stillwater.Pending, stillwater.Failed} {
		t.Run(string(became), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				id := homesOf(1, 1)[0]
				w := newTown(t, home(id))
				defer w.close()
				litres := w.lives(id, 100, 2*time.Hour)
				w.still(id, litres, 24*time.Hour-15*time.Minute)
				tell := w.messages()[1]
				tell.State, tell.Attempts = stillwater.Sending, 1
				if err := w.disk.MarkSending(t.Context(), tell); err != nil {
					t.Fatal(err)
				}
				act := stillwater.Act{Incident: w.incident(id, stillwater.Welfare).ID, Deed: stillwater.Close, Who: "desk", Outcome: stillwater.Helped, Known: stillwater.Seen}
				if err := w.pipeline.Act(t.Context(), id, act); err != nil {
					t.Fatal(err)
				}
				r := stillwater.Receipt{Message: tell.ID, State: became, Attempts: 1, Provider: "a", Error: "connection refused"}
				if err := w.pipeline.Receipt(t.Context(), r); err != nil {
					t.Fatal(err)
				}
				tell.Attempts = 2
				if err := w.disk.MarkSending(t.Context(), tell); !errors.Is(err, sqlite.ErrNotWaiting) {
					t.Errorf("it is tried by the next provider: %v", err)
				}
			})
		})
	}
}
