package pipeline

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"stillwater"
)

// of says whether a batch is about a home.
func of(b *stillwater.Batch, id stillwater.HouseholdID) bool {
	return slices.ContainsFunc(b.Entries, func(e stillwater.Entry) bool { return e.Reading != nil && e.Reading.Household == id })
}

// TestFailingCommitHolds is what a full disk must not do: lose, acknowledge, or repeat. The pipeline waits with the same batch, and
// afterwards everything is there once.
func TestFailingCommitHolds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		held := homesOf(0, 1)[0]
		w := newTown(t, home(held))
		defer w.close()
		w.emit(meter(held, 100))
		var mu sync.Mutex // guards tries
		var tries []*stillwater.Batch
		w.disk.breaks(func(b *stillwater.Batch) error {
			mu.Lock()
			defer mu.Unlock()
			if of(b, held) {
				tries = append(tries, b)
				return errDiskFull
			}
			return nil
		})
		var done atomic.Int32
		for i := range 3 {
			time.Sleep(time.Minute)
			if err := w.pipeline.Emit(t.Context(), []stillwater.Reading{meter(held, float64(101+i))}, func() { done.Add(1) }); err != nil {
				t.Fatal(err)
			}
		}
		mu.Lock()
		if done.Load() != 0 || len(tries) < 10 {
			t.Errorf("%d acknowledged after %d tries", done.Load(), len(tries))
		}
		for _, b := range tries {
			if b != tries[0] || len(b.Entries) != 1 {
				t.Errorf("a try was of another batch")
				break
			}
		}
		mu.Unlock()
		if n := len(w.journaled()); n != 1 {
			t.Errorf("%d readings in the journal, want 1", n)
		}
		w.disk.breaks(nil)
		time.Sleep(10 * time.Second)
		if done.Load() != 3 || len(w.journaled()) != 1+3 {
			t.Errorf("%d acknowledged, %d in the journal", done.Load(), len(w.journaled()))
		}
		w.mu.Lock()
		defer w.mu.Unlock()
		if !slices.Equal(w.health, []string{errDiskFull.Error(), "<nil>"}) {
			t.Errorf("health was told %q", w.health)
		}
	})
}

// TestHeldIsNotSilent is law 1 for a gateway that could not store: that it heard nothing meanwhile says nothing of the meters.
func TestHeldIsNotSilent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		id := homesOf(0, 1)[0]
		w := newTown(t, home(id))
		defer w.close()
		litres := w.lives(id, 100, 3*time.Hour)
		w.disk.breaks(func(*stillwater.Batch) error { return errDiskFull })
		sources, stop := context.WithCancel(t.Context())
		go func() { // the meter goes on reporting into the queue, and the pipeline holds it up
			for sources.Err() == nil {
				_ = w.pipeline.Emit(sources, []stillwater.Reading{meter(id, litres)}, nil)
				time.Sleep(15 * time.Minute)
			}
		}()
		time.Sleep(3 * time.Hour)
		stop()
		w.disk.breaks(nil)
		time.Sleep(25 * time.Minute)
		w.emit(meter(id, litres))
		if n := len(w.findings()); n != 0 {
			t.Errorf("after three hours in which nothing could be stored: %+v", w.findings())
		}
	})
}

// TestOrderBeforeTick lets a reading that waits in the queue count before the minute that comes after it.
func TestOrderBeforeTick(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		id := homesOf(0, 1)[0]
		w := newTown(t, home(id))
		defer w.close()
		for round := range 20 { // the choice between queue and minute is by chance
			w.emit(meter(id, float64(100+round)))
			time.Sleep(32 * time.Minute)
			// The device would be called silent at 33:45. Its reading comes at 33:30, while a slow commit is under way; then the minute 34 passes.
			time.Sleep(80 * time.Second)
			w.disk.breaks(func(*stillwater.Batch) error { time.Sleep(45 * time.Second); return nil })
			go func() {
				_ = w.pipeline.Emit(context.Background(), []stillwater.Reading{door(id, float64(round%2))}, nil)
			}()
			time.Sleep(10 * time.Second)
			if err := w.pipeline.Emit(t.Context(), []stillwater.Reading{meter(id, float64(100+round))}, nil); err != nil {
				t.Fatal(err)
			}
			time.Sleep(2 * time.Minute)
			w.disk.breaks(nil)
			time.Sleep(time.Second)
		}
		for _, f := range w.findings() {
			if f.Rule == "device-silent" {
				t.Fatalf("the meter was called silent while its reading waited: %+v", f)
			}
		}
	})
}

// TestEndsInTheMiddle cancels while a commit fails: nothing is acknowledged, nobody hangs, and what was not stored comes again.
func TestEndsInTheMiddle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		id := homesOf(0, 1)[0]
		w := newTown(t, home(id))
		w.disk.breaks(func(*stillwater.Batch) error { return errDiskFull })
		ctx, cancel := context.WithCancel(t.Context())
		if err := w.pipeline.Emit(ctx, []stillwater.Reading{meter(id, 1)}, func() { t.Error("acknowledged without a commit") }); err != nil {
			t.Fatal(err)
		}
		waiting := make(chan error, 2)
		go func() { waiting <- w.pipeline.Reload(ctx) }()
		go func() { _, err := w.pipeline.Standings(ctx); waiting <- err }()
		time.Sleep(time.Minute)
		w.crash()
		cancel()
		for range 2 {
			if err := <-waiting; err == nil {
				t.Error("an answer without a commit")
			}
		}
		w.start()
		defer w.close()
		if n := len(w.journaled()); n != 0 {
			t.Errorf("%d readings in the journal", n)
		}
		w.emit(meter(id, 1))
		if n := len(w.journaled()); n != 1 {
			t.Errorf("%d readings in the journal", n)
		}
	})
}
