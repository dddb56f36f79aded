package world

import "time"

// habits are what makes one resident's days differ from another's. Hours are of the local day.
type habits struct {
	wake, wakeSpread float64 // hour of getting up, and how much it varies
	bed, bedSpread   float64
	nights           float64 // toilet visits in a night, on average
	toilets          float64 // hours between toilet visits by day
	thirst           float64 // factor on everything that comes out of a tap
	flush            float64 // litres
	shower           float64 // litres
	showerDays       float64 // share of days with a shower
	showerMorning    bool
	footBath         bool
	napDays          float64
	laundry          [7]bool // by weekday
	dance            [7]bool
	shops            float64 // share of weekdays with shopping
	shopAt           float64
	strolls          float64 // share of days with a walk in the afternoon
	visits           float64 // share of weekend days with a visitor
	familyDays       float64 // share of Sundays spent with the family
	parcels          float64
	airs             bool // lets air in through the open door in the morning
	cooksBig         float64
}

// habitsOf draws the habits of the resident of home i.
func habitsOf(o Options, i int) habits {
	r := o.random(i, 0, "habits")
	h := habits{
		wake: about(r, 6.2, 0.35), wakeSpread: between(r, 0.12, 0.4),
		bed: about(r, 21.6, 0.4), bedSpread: between(r, 0.15, 0.4),
		nights: between(r, 0.7, 2.4), toilets: between(r, 2.2, 3.3),
		thirst: between(r, 0.8, 1.3), flush: 6,
		shower: between(r, 30, 42), showerDays: between(r, 0.35, 0.8), showerMorning: chance(r, 0.2), footBath: chance(r, 0.4),
		napDays: between(r, 0.3, 0.95),
		shops:   between(r, 0.5, 0.9), shopAt: between(r, 7.4, 9.4),
		strolls: between(r, 0.1, 0.6), visits: between(r, 0.1, 0.5), familyDays: between(r, 0, 0.3),
		parcels: between(r, 0.05, 0.35), airs: chance(r, 0.12), cooksBig: between(r, 0.9, 1.3),
	}
	for range 1 + r.IntN(3) {
		h.laundry[r.IntN(7)] = true
	}
	if chance(r, 0.45) {
		for range 2 + r.IntN(3) {
			h.dance[r.IntN(7)] = true
		}
	}
	return h
}

// weekend says whether a day is one of the two that differ.
func weekend(d time.Weekday) bool { return d == time.Saturday || d == time.Sunday }
