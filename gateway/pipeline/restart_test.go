package pipeline

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"stillwater"
)

// asJSON makes things comparable and readable.
func asJSON(t testing.TB, v any) string {
	t.Helper()
	data, err := json.MarshalIndent(v, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// difference is the lines that differ.
func difference(before, after string) string {
	a, b := strings.Split(before, "\n"), strings.Split(after, "\n")
	var out strings.Builder
	for i := range min(len(a), len(b)) {
		if a[i] != b[i] {
			fmt.Fprintf(&out, "line %d: %s became %s\n", i, a[i], b[i])
		}
		if out.Len() > 2000 {
			break
		}
	}
	return fmt.Sprintf("%s(%d lines became %d)", out.String(), len(a), len(b))
}

// TestRestartTellsNobodyAgain stops and starts with an alert under way, in good order and not: everything is as it was, and nobody is told
// anything for it.
func TestRestartTellsNobodyAgain(t *testing.T) {
	for name, end := range map[string]func(*town){"stopped": (*town).stop, "crashed": (*town).crash} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				still, lives, silent := homesOf(0, 1)[0], homesOf(1, 1)[0], homesOf(1, 2)[1]
				w := newTown(t, home(still), home(lives), home(silent))
				defer w.close()
				w.emit(door(still, 1), meter(silent, 50)) // the meter of one is never heard again
				litres := w.lives(still, 100, 2*time.Hour)
				more := 100.0
				for end := time.Now().Add(24 * time.Hour); time.Now().Before(end); {
					time.Sleep(15 * time.Minute)
					more += 5
					w.emit(meter(still, litres), meter(lives, more))
				}
				w.deliver(stillwater.Delivered)
				w.emit(door(silent, 1)) // so that its home is judged
				look := func() string {
					all := []any{w.messages()}
					for _, id := range []stillwater.HouseholdID{still, lives, silent} {
						all = append(all, w.standing(id), w.incidents(id))
					}
					return asJSON(t, all)
				}
				before, findings := look(), len(w.findings())
				if len(w.messages()) < 3 || findings < 5 {
					t.Fatalf("too little happened: %s", before)
				}
				for range 3 {
					end(w)
					w.start()
					if err := w.pipeline.Reload(t.Context()); err != nil {
						t.Fatal(err)
					}
				}
				if after := look(); before != after {
					t.Errorf("%s", difference(before, after))
				}
				time.Sleep(time.Minute)
				w.emit(meter(still, litres), meter(lives, more), door(silent, 0))
				for _, f := range w.findings()[findings:] {
					if f.Kind == stillwater.Equipment {
						t.Errorf("the restart ended or began something: %+v", f)
					}
				}
			})
		})
	}
}

// TestLadderClimbsOverARestart is law 2: a rung that fell due while the gateway was away is told when it is back, once.
func TestLadderClimbsOverARestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		id := homesOf(3, 1)[0]
		w := newTown(t, home(id))
		defer w.close()
		litres := w.lives(id, 100, 2*time.Hour)
		w.still(id, litres, 24*time.Hour-15*time.Minute)
		w.deliver(stillwater.Delivered)
		before := len(w.messages())
		if before != 2 {
			t.Fatalf("texts before: %s", asJSON(t, w.messages()))
		}
		w.crash()
		time.Sleep(40 * time.Minute)
		w.start()
		var told []stillwater.ContactID
		for _, m := range w.messages()[before:] {
			told = append(told, m.Contact)
		}
		if slices.Sort(told); !slices.Equal(told, []stillwater.ContactID{"daughter", "worker"}) {
			t.Errorf("told after the restart: %v, want the next rung once: the daughter by a call, and the worker", told)
		}
	})
}

// TestTeachSendsNothing lets homes learn from history, with a silence in it that would be an alert.
func TestTeachSendsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		id := homesOf(0, 1)[0]
		w := newTown(t, home(id))
		defer w.close()
		w.stop()
		w.pipeline = New(w.pipeline.Options)
		if err := w.pipeline.Load(t.Context()); err != nil {
			t.Fatal(err)
		}
		start := time.Now().Add(-20 * 24 * time.Hour)
		history := func(yield func(stillwater.Reading) bool) {
			litres := 1000.0
			for i := range 20 * 24 {
				at := start.Add(time.Duration(i) * time.Hour)
				if hour := i % 24; hour > 6 && hour < 22 && i/24 != 12 && i/24 != 13 {
					litres += 9
				}
				if !yield(stillwater.Reading{Household: id, Device: "meter", Quantity: stillwater.WaterTotal, Value: litres, At: at, Received: at}) {
					return
				}
			}
		}
		if err := w.pipeline.Teach(t.Context(), history); err != nil {
			t.Fatal(err)
		}
		usual := 9 * time.Hour
		w.run()
		if s := w.standing(id); s.Usual < usual-time.Hour || s.Usual > usual+time.Hour {
			t.Errorf("usual %v after 20 days", s.Usual)
		}
		if len(w.messages())+len(w.incidents(id))+len(w.findings()) != 0 {
			t.Errorf("history told %v, opened %v, found %v", w.messages(), w.incidents(id), w.findings())
		}
		w.crash()
		w.start()
		if s := w.standing(id); s.Usual < usual-time.Hour {
			t.Errorf("a restart forgot what was learned: usual %v", s.Usual)
		}
	})
}

// TestNewDeviceOverARestart fits a device while the gateway is stopped: the home's memory, which knows nothing of it, must not hide it.
func TestNewDeviceOverARestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		id := homesOf(0, 1)[0]
		h := home(id)
		h.Devices = h.Devices[:1]
		w := newTown(t, h)
		defer w.close()
		w.lives(id, 100, 2*time.Hour)
		w.stop()
		h = home(id)
		h.Devices[1].Every = 15 * time.Minute // sorts before the meter, and is waited for
		w.registry.Set([]stillwater.Household{h})
		w.start()
		time.Sleep(40 * time.Minute)
		silent := map[stillwater.DeviceID]bool{}
		for _, f := range w.findings() {
			silent[f.Device] = silent[f.Device] || f.Rule == "device-silent"
		}
		if !silent["door"] || !silent["meter"] {
			t.Errorf("called silent: %v, want both", silent)
		}
	})
}
