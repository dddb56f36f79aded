package console

import (
	"math"
	"testing"
	"time"

	"stillwater"
)

// reading is one of the meter.
func reading(t time.Time, total float64) stillwater.Reading {
	return stillwater.Reading{Device: "m", Quantity: stillwater.WaterTotal, Value: total, At: t}
}

// TestHistory: litres are counted once, in the half hours they may have run in; time that nothing vouches for is blind, and
// time in which a counter stood is not.
func TestHistory(t *testing.T) {
	now := at(4, 16, 10)
	d := history([]stillwater.Reading{
		reading(at(3, 10, 0), 100), reading(at(3, 10, 15), 106), reading(at(3, 10, 45), 112), // 6 before 10:15, 6 over two halves
		reading(at(3, 15, 0), 112), // it stood: seen and dry
		reading(at(3, 15, 30), 5),  // a new counter: not 107 backwards
		{Device: "m", Quantity: stillwater.WaterTotal, Value: 900, At: at(3, 15, 40), Undated: true},
		reading(at(5, 0, 0), 9999), // from the future
		{Device: "d", Quantity: stillwater.Door, Value: 0, At: at(3, 9, 0)},
		{Device: "d", Quantity: stillwater.Door, Value: 1, At: at(3, 11, 0)},
		{Device: "d", Quantity: stillwater.Door, Value: 1, At: at(3, 11, 5)}, // said again
		{Device: "d", Quantity: stillwater.Door, Value: 0, At: at(3, 11, 6)},
	}, at(3, 15, 30), now)
	litres := func(t time.Time) float64 { return d.litres[d.index(t)] }
	if !d.end.Equal(at(4, 16, 30)) || math.Abs(d.total-12) > 1e-9 || math.Abs(litres(at(3, 10, 0))-9) > 1e-9 || math.Abs(litres(at(3, 10, 30))-3) > 1e-9 {
		t.Errorf("end %s, total %v, 10:00 %v, 10:30 %v", d.end, d.total, litres(at(3, 10, 0)), litres(at(3, 10, 30)))
	}
	for moment, blind := range map[time.Time]bool{at(3, 9, 30): true, at(3, 10, 0): false, at(3, 13, 0): false, at(3, 15, 0): false, at(3, 15, 30): true, at(4, 12, 0): true} {
		if d.blind[d.index(moment)] != blind {
			t.Errorf("%s: blind %v", moment, !blind)
		}
	}
	if len(d.doors) != 2 || !d.doors[0].open || d.doors[1].open {
		t.Errorf("doors %+v", d.doors)
	}
}

func TestHistoryOfNothing(t *testing.T) {
	d := history(nil, time.Time{}, at(4, 16, 0))
	for i, blind := range d.blind {
		if !blind || d.litres[i] != 0 {
			t.Fatalf("bucket %d: blind %v, %v L", i, blind, d.litres[i])
		}
	}
	v := &view{c: newConsole(t, newTown(t)), lang: "en", now: at(4, 16, 0)}
	if c := v.draw(d, shanghai, wide); len(c.Bars) != 0 || len(c.Blind) != 1 {
		t.Errorf("got %d bars and %d blind times", len(c.Bars), len(c.Blind))
	}
}

func TestNiceCeiling(t *testing.T) {
	for x, want := range map[float64]float64{0: 4, 3: 4, 4.1: 5, 9: 10, 11: 20, 21: 40, 41: 50, 399: 400, 801: 1000} {
		if got := niceCeiling(x); got != want {
			t.Errorf("%v: got %v, want %v", x, got, want)
		}
	}
}
