package pipeline

import (
	"context"
	"maps"
	"math"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"stillwater"
	"stillwater/rules"
)

// TestOutcomes holds every outcome of a reading to its counter, and what is journaled.
func TestOutcomes(t *testing.T) {
	at := func(r stillwater.Reading, ago time.Duration) stillwater.Reading {
		r.At = r.Received.Add(-ago)
		return r
	}
	source := func(r stillwater.Reading, s string) stillwater.Reading { r.Source = s; return r }
	quantity := func(r stillwater.Reading, q stillwater.Quantity) stillwater.Reading { r.Quantity = q; return r }
	cases := []struct {
		name   string
		before []float64 // counter values, a quarter of an hour apart, that lead up to it
		give   func() stillwater.Reading
		want   []string
		kept   bool
	}{
		{"unknown device", nil, func() stillwater.Reading { return source(meter("h", 5), "f/elsewhere/meter") }, []string{UnknownDevice}, false},
		{"before the consent", nil, func() stillwater.Reading { return at(meter("h", 5), 48*time.Hour) }, []string{NoConsent}, false},
		{"without a consent", nil, func() stillwater.Reading { return source(meter("h", 5), "f/none/meter") }, []string{NoConsent}, false},
		{"after the withdrawal", nil, func() stillwater.Reading { return source(meter("h", 5), "f/gone/meter") }, []string{NoConsent}, false},
		{"before the withdrawal, learned of after", nil, func() stillwater.Reading { return at(source(meter("h", 5), "f/gone/meter"), 20*time.Hour) }, []string{NoConsent}, false},
		{"not a number", nil, func() stillwater.Reading { return meter("h", math.NaN()) }, []string{Implausible}, false},
		{"endless", nil, func() stillwater.Reading { return meter("h", math.Inf(1)) }, []string{Implausible}, false},
		{"below zero", nil, func() stillwater.Reading { return meter("h", -1) }, []string{Implausible}, false},
		{"unknown quantity", nil, func() stillwater.Reading { return quantity(meter("h", 1), "pressure") }, []string{Implausible}, false},
		{"what a device says of itself", nil, func() stillwater.Reading { return quantity(meter("h", 1), stillwater.BatteryLow) }, []string{OfDevice}, false},
		{"the same without a consent", nil, func() stillwater.Reading { return source(quantity(meter("h", 1), stillwater.Tamper), "f/none/meter") }, []string{NoConsent}, false},
		{"a device clock ahead", []float64{10}, func() stillwater.Reading { return at(meter("h", 12), -3*time.Hour) }, []string{Ahead, string(rules.Accepted)}, true},
		{"a device clock a little ahead", []float64{10}, func() stillwater.Reading { return at(meter("h", 12), -time.Minute) }, []string{string(rules.Accepted)}, true},
		{"history", nil, func() stillwater.Reading { return at(meter("h", 12), 5*time.Hour) }, []string{Behind, string(rules.First)}, true},
		{"first", nil, func() stillwater.Reading { return meter("h", 12) }, []string{string(rules.First)}, true},
		{"accepted", []float64{10}, func() stillwater.Reading { return meter("h", 12) }, []string{string(rules.Accepted)}, true},
		{"the same again", []float64{10, 12}, func() stillwater.Reading { return at(meter("h", 12), 15*time.Minute) }, []string{string(rules.Duplicate)}, false},
		{"another value of that moment", []float64{10, 12}, func() stillwater.Reading { return at(meter("h", 13), 15*time.Minute) }, []string{string(rules.OutOfOrder)}, false},
		{"late", []float64{10, 12}, func() stillwater.Reading { return at(meter("h", 11), 20*time.Minute) }, []string{string(rules.Late)}, true},
		{"held", []float64{1000}, func() stillwater.Reading { return meter("h", 400) }, []string{string(rules.Held)}, true},
		{"foreign", []float64{1000, 400}, func() stillwater.Reading { return meter("h", 1003) }, []string{string(rules.Foreign)}, true},
		{"reset", []float64{1000, 1, 2}, func() stillwater.Reading { return meter("h", 3) }, []string{string(rules.Reset)}, true},
		{"reversed", []float64{1000, 990, 991}, func() stillwater.Reading { return meter("h", 992) }, []string{string(rules.Reversed)}, true},
		{"swapped", []float64{1000, 500, 502}, func() stillwater.Reading { return meter("h", 504) }, []string{string(rules.Swapped)}, true},
		{"rolled over", []float64{99_995}, func() stillwater.Reading { return meter("h", 3) }, []string{string(rules.RolledOver)}, true},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				none, gone := home("none"), home("gone")
				none.Consent = stillwater.Consent{}
				gone.Consent.Withdrawn = time.Now().Add(-time.Hour)
				w := newTown(t, home("h"), none, gone)
				defer w.close()
				for _, v := range c.before {
					w.emit(meter("h", v))
					time.Sleep(15 * time.Minute)
				}
				w.counted()
				before := len(w.journaled())
				r := c.give()
				w.emit(r)
				if got := slices.Sorted(maps.Keys(w.counted())); !slices.Equal(got, slices.Sorted(slices.Values(c.want))) {
					t.Errorf("counted %v, want %v", got, c.want)
				}
				kept := w.journaled()
				if (len(kept) > before) != c.kept {
					t.Errorf("journaled: %v, want %v", len(kept) > before, c.kept)
				}
				if c.kept {
					if last := kept[len(kept)-1]; last.At.After(r.Received.Add(mayBeAhead)) || last.Household != "h" || last.Device != "meter" {
						t.Errorf("journal has %+v", last)
					}
				}
			})
		})
	}
}

// TestOfDevice: what a device says of itself comes with its home to whoever looks after devices, and is acknowledged.
func TestOfDevice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newTown(t, home("h"))
		defer w.close()
		r := meter("h", -80)
		r.Quantity = stillwater.Signal
		w.emit(r)
		if got := w.told; len(got) != 1 || got[0].Household != "h" || got[0].Device != "meter" || got[0].Value != -80 {
			t.Errorf("told of %+v", got)
		}
		if kept := w.journaled(); len(kept) != 0 {
			t.Errorf("journal has %+v", kept)
		}
	})
}

// TestDoneOnceAfterCommit holds the promise to brokers: done is called when everything of an Emit is committed or refused, never
// before, and once.
func TestDoneOnceAfterCommit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := homesOf(0, 1)[0], homesOf(1, 1)[0]
		w := newTown(t, home(a), home(b))
		defer w.close()
		var calls, committed atomic.Int32
		w.disk.breaks(func(batch *stillwater.Batch) error {
			time.Sleep(time.Second) // a slow disk
			if calls.Load() > 0 {
				t.Error("done was called before the commit")
			}
			committed.Add(int32(len(batch.Entries)))
			return nil
		})
		nan := meter(a, math.NaN())
		err := w.pipeline.Emit(t.Context(), []stillwater.Reading{meter(a, 1), nan, meter(b, 1), {Source: "nobody"}}, func() { calls.Add(1) })
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute / 2)
		if calls.Load() != 1 || committed.Load() != 2 {
			t.Errorf("done was called %d times, %d entries were committed", calls.Load(), committed.Load())
		}
		w.disk.breaks(nil)
		calls.Store(0)
		for _, refused := range [][]stillwater.Reading{{nan}, {{Source: "nobody"}}, {meter(a, 1)}, {}} { // the third comes a second time
			refused := slices.Clone(refused)
			if err := w.pipeline.Emit(t.Context(), refused, func() { calls.Add(1) }); err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
			if n := calls.Swap(0); n != 1 {
				t.Errorf("done was called %d times for %v", n, refused)
			}
		}
		if err := w.pipeline.Emit(t.Context(), []stillwater.Reading{meter(a, 2)}, nil); err != nil { // done may be nil
			t.Fatal(err)
		}
		synctest.Wait()
	})
}

// TestBackPressure fills the queue of a shard whose commits fail: Emit waits, and afterwards everything is there.
func TestBackPressure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		id := homesOf(2, 1)[0]
		w := newTown(t, home(id))
		defer w.close()
		w.disk.breaks(func(*stillwater.Batch) error { return errDiskFull })
		const total = queueLength + batchLength + 500
		var taken, done atomic.Int32
		start := time.Now().Add(-20 * time.Hour)
		go func() {
			for i := range total {
				r := meter(id, float64(i/10))
				r.At = start.Add(time.Duration(i) * time.Second)
				if err := w.pipeline.Emit(context.Background(), []stillwater.Reading{r}, func() { done.Add(1) }); err != nil {
					t.Error(err)
				}
				taken.Add(1)
			}
		}()
		synctest.Wait()
		if n := taken.Load(); n < queueLength || n >= total {
			t.Fatalf("%d of %d readings were taken by a shard that cannot store them", n, total)
		}
		if done.Load() != 0 {
			t.Fatalf("%d were acknowledged", done.Load())
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := w.pipeline.Emit(ctx, []stillwater.Reading{meter(id, 9999)}, func() { t.Error("done of a reading that was not taken") }); err == nil {
			t.Error("a full queue took a reading")
		}
		w.disk.breaks(nil)
		time.Sleep(10 * time.Second)
		if taken.Load() != total || done.Load() != total || len(w.journaled()) != total {
			t.Errorf("%d taken, %d acknowledged, %d in the journal, want %d", taken.Load(), done.Load(), len(w.journaled()), total)
		}
	})
}
