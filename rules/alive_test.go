package rules

import (
	"testing"
	"time"

	"stillwater"
)

// TestAliveIsNoCount is law 1: a meter that says that it is there, and shows no count, leaves its home blind. A meter that tells of flows vouches
// by being there, and so does a sensor.
func TestAliveIsNoCount(t *testing.T) {
	for name, c := range map[string]struct {
		kind    stillwater.DeviceKind
		first   stillwater.Quantity
		vouches bool
	}{
		"a counter":                        {stillwater.Meter, stillwater.WaterTotal, false},
		"a meter that never counted":       {stillwater.Meter, stillwater.Alive, false},
		"a meter that tells of flows":      {stillwater.Meter, stillwater.WaterFlow, true},
		"a sensor where there is no other": {stillwater.ActivitySensor, stillwater.Activity, true},
	} {
		t.Run(name, func(t *testing.T) {
			e := newTestEngine()
			e.Put(Home{ID: "h", Location: shanghai, Devices: []stillwater.Device{{ID: "d", Kind: c.kind, Every: time.Hour}}})
			still := map[string]bool{}
			step := func(entry stillwater.Entry) {
				found, _ := e.Step(&entry)
				for _, f := range found {
					still[f.Rule] = still[f.Rule] || f.Kind == stillwater.Welfare
				}
			}
			reading := func(at time.Time, q stillwater.Quantity, value float64) {
				step(stillwater.Entry{Tick: at})
				step(stillwater.Entry{Reading: &stillwater.Reading{Household: "h", Device: "d", Quantity: q, Value: value, At: at, Received: at}})
			}
			reading(monday, c.first, 5)
			reading(monday.Add(time.Hour), c.first, 7)
			for hour := 2; hour <= 40; hour++ {
				reading(monday.Add(time.Duration(hour)*time.Hour), stillwater.Alive, 1)
			}
			if got := still["silence-24h"]; got != c.vouches {
				t.Errorf("a silence was raised: %v, want %v", got, c.vouches)
			}
			if to := e.Standing("h", monday.Add(40*time.Hour)).DataTo; to.After(monday.Add(time.Hour)) != c.vouches {
				t.Errorf("there is data to %v", to)
			}
		})
	}
}
