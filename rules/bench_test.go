package rules

import (
	"testing"
	"time"

	"stillwater"
)

// BenchmarkStep is a reading of an hourly meter through all rules, presets included.
func BenchmarkStep(b *testing.B) {
	e := New(append(Defaults(), OnTrial(Defaults())...))
	ids := make([]stillwater.HouseholdID, 1000)
	for i := range ids {
		ids[i] = stillwater.HouseholdID("h" + time.Duration(i).String())
	}
	litres := make([]float64, len(ids))
	at := monday.UTC()
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		h := i % len(ids)
		if h == 0 {
			at = at.Add(time.Hour)
		}
		if (i*7)%24 < 8 {
			litres[h] += float64(i % 30)
		}
		r := stillwater.Reading{Household: ids[h], Device: "meter", Quantity: stillwater.WaterTotal, Value: litres[h], At: at, Received: at}
		if next := e.Next(); !next.IsZero() && !next.After(at) {
			e.Step(&stillwater.Entry{Tick: at})
		}
		e.Step(&stillwater.Entry{Reading: &r})
	}
}
