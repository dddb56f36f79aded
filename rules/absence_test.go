package rules

import (
	"math/rand/v2"
	"testing"
	"time"

	"stillwater"
)

// randomAbsence is what people might say of a home: away from now or later, or since yesterday, for hours or days; or that she is back.
func randomAbsence(rng *rand.Rand, id stillwater.HouseholdID, at time.Time) stillwater.Entry {
	a := &stillwater.Absence{Household: id, At: at, Who: "son"}
	if rng.IntN(4) > 0 {
		a.From = at.Add(time.Duration(rng.IntN(60)-20) * time.Hour)
		a.Until = a.From.Add(time.Duration(1+rng.IntN(90)) * time.Hour)
	}
	return stillwater.Entry{Away: a}
}

// TestDueBeforeHeardAfter: what falls due just before an absence, and is heard of only in it, is not raised, and Protection does not say so.
func TestDueBeforeHeardAfter(t *testing.T) {
	p := newTenant(t, 1, shanghai, false, []Rule{{Name: "silence-3h", Severity: stillwater.Alert, After: 3*time.Hour + 30*time.Minute}})
	at := func(hour float64) time.Time { return p.at.Add(inDay(hour)) }
	p.step(stillwater.Entry{Away: &stillwater.Absence{Household: "h", From: at(10.7), Until: at(30), At: at(1)}})
	p.read("meter", stillwater.WaterTotal, 1000, at(6))
	p.read("meter", stillwater.WaterTotal, 1010, at(7)) // due at half past ten, heard of at eleven
	said, _ := p.engine.Protection("h", at(8))
	for hour := 8.0; hour < 40; hour++ {
		p.read("meter", stillwater.WaterTotal, 1010, at(hour))
	}
	if !said.Equal(at(34)) || len(p.found) != 1 || !p.found[0].Began.Equal(said) {
		t.Errorf("said %v, want %v; found %v", said, at(34), p.found)
	}
}
