package rules

import (
	"testing"
	"time"

	"stillwater"
)

// TestCutPausesStillness: what is announced of one of a home's groups pauses its stillness, beforehand or afterwards, until it is over; and that
// the water of another group is back says nothing of it. Water that is drawn all the same is a sign of life.
func TestCutPausesStillness(t *testing.T) {
	const rule = "silence-plain"
	for name, c := range map[string]struct {
		news  map[int]stillwater.Announced // by the hour at which they come, with From and To as hours after midnight
		drawn int                          // another draw in this hour
		want  int                          // the hour of the alert
	}{
		"no cut":                {want: 9},
		"told beforehand":       {news: map[int]stillwater.Announced{1: cutOf("zone/N", 4, 8)}, want: 13},
		"told while it goes on": {news: map[int]stillwater.Announced{6: cutOf("zone/N", 4, 8)}, want: 13},
		"told afterwards":       {news: map[int]stillwater.Announced{8: cutOf("zone/N", 4, 7)}, want: 12},
		"told twice":            {news: map[int]stillwater.Announced{6: cutOf("zone/N", 4, 8), 7: cutOf("zone/N", 4, 8)}, want: 13},
		"of both groups":        {news: map[int]stillwater.Announced{5: cutOf("zone/N", 4, 8), 6: cutOf("building/7", 6, 10)}, want: 15},
		"called off":            {news: map[int]stillwater.Announced{1: cutOf("zone/N", 4, 20), 6: {Group: "zone/N", Over: true}}, want: 11},
		"called off in advance": {news: map[int]stillwater.Announced{1: cutOf("zone/N", 4, 20), 3: {Group: "zone/N", Over: true}}, want: 9},
		"another is called off": {news: map[int]stillwater.Announced{1: cutOf("zone/N", 4, 8), 6: {Group: "building/7", Over: true}}, want: 13},
		"of others":             {news: map[int]stillwater.Announced{1: cutOf("zone/S", 4, 8)}, want: 9},
		"for too long":          {news: map[int]stillwater.Announced{1: cutOf("zone/N", 4, 4+73)}, want: 9},
		"water all the same":    {news: map[int]stillwater.Announced{1: cutOf("zone/N", 4, 8)}, drawn: 6, want: 14}, // the last two hours of it
	} {
		t.Run(name, func(t *testing.T) {
			e := New([]Rule{{Name: rule, Severity: stillwater.Alert, After: 6 * time.Hour}})
			e.Put(Home{ID: "h", Location: shanghai, Groups: []string{"building/7", "zone/N"}, Devices: []stillwater.Device{{ID: "m", Kind: stillwater.Meter, Every: time.Hour}}})
			e.Put(Home{ID: "other", Location: shanghai, Groups: []string{"zone/S"}})
			litres := 100.0
			for hour := range 24 {
				at := monday.Add(time.Duration(hour) * time.Hour)
				if hour <= 3 || hour == c.drawn {
					litres += 5
				}
				found, _ := e.Step(&stillwater.Entry{Reading: &stillwater.Reading{Household: "h", Device: "m", Quantity: stillwater.WaterTotal, Value: litres, At: at, Received: at}})
				for _, f := range found {
					if f.Rule == rule && f.Ended.IsZero() && hour != c.want {
						t.Errorf("alert at %d, want %d", hour, c.want)
					} else if f.Rule == rule {
						return
					}
				}
				if a, ok := c.news[hour]; ok {
					e.Step(&stillwater.Entry{Announced: &a, At: at})
				}
			}
			t.Error("no alert")
		})
	}
}

// cutOf is a cut from one hour of the Monday to another.
func cutOf(group string, from, to int) stillwater.Announced {
	return stillwater.Announced{Group: group, From: monday.Add(time.Duration(from) * time.Hour), To: monday.Add(time.Duration(to) * time.Hour)}
}
