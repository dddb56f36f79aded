package world

import (
	"math/rand/v2"
	"time"
)

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

	// What follows is zero unless a Resident says it.
	irregular float64 // hours by which whole days come earlier or later
	sleepsIn  float64 // hours later at weekends and on holidays
	sparse    float64 // share of the small draws that do not happen
	lazy      float64 // share of days spent in bed or nearly so
	outAllDay float64 // share of days out from the morning to the evening
	journeys  float64 // a week, of one to five nights
	holidays  []int   // day numbers
	outings   []Outing
	visitors  []Visit
	chores    []Chore
	byItself  []Automatic
}

// habitsOf draws the habits of the resident of home i, and lets what is known of her take the place of what was drawn.
func habitsOf(o Options, i int, known Resident) habits {
	h := drawHabits(o.random(i, 0, "habits"))
	if known.Anyone {
		h.widen(o.random(i, 0, "anyone"))
	}
	h.shape(known)
	return h
}

// drawHabits draws the habits of a person of settled ways.
func drawHabits(r *rand.Rand) habits {
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

// widen draws anew what differs most between people, from a range as wide as real homes show: see README, "How real".
func (h *habits) widen(r *rand.Rand) {
	h.wake, h.wakeSpread = between(r, 4.6, 8.6), between(r, 0.15, 0.8)
	h.bed, h.bedSpread = between(r, 20, 23.2), between(r, 0.2, 0.8)
	h.nights, h.toilets, h.napDays = between(r, 0.2, 2.6), between(r, 2.2, 4.5), between(r, 0, 0.95)
	h.thirst, h.showerDays = between(r, 0.5, 1.5), between(r, 0.1, 0.9)
	h.shops, h.shopAt, h.strolls = between(r, 0.2, 0.95), between(r, 7, 10.5), between(r, 0.05, 0.7)
	h.irregular, h.sleepsIn = between(r, 0, 1.1), between(r, 0, 1.2)
	h.sparse = between(r, 0, 0.65)
	h.lazy = rarely(r, 0.06)
	h.outAllDay = rarely(r, 0.3)
	h.journeys = rarely(r, 0.14)
}

// rarely is a share from zero to most, small for the greater part of people.
func rarely(r *rand.Rand, most float64) float64 { u := r.Float64(); return most * u * u }

// shape lets what is known of a resident take the place of what was drawn.
func (h *habits) shape(known Resident) {
	if known.GetsUp != "" {
		h.wake = known.GetsUp.hour()
	}
	if known.GoesToBed != "" {
		h.bed = known.GoesToBed.hour()
	}
	if known.GiveOrTake > 0 {
		h.wakeSpread = known.GiveOrTake.Duration().Hours() / 2 // people mean two spreads by it
		h.bedSpread = h.wakeSpread
	}
	if known.Irregular > 0 {
		h.irregular = known.Irregular.Duration().Hours() / 2
	}
	if known.SleepsIn > 0 {
		h.sleepsIn = known.SleepsIn.Duration().Hours()
	}
	if known.NightToilet != nil {
		h.nights = *known.NightToilet
	}
	h.napDays, h.shops = known.Naps.share(h.napDays), known.Shops.share(h.shops)
	h.outAllDay, h.lazy = known.OutAllDay.share(h.outAllDay), known.Lazy.share(h.lazy)
	h.journeys = max(h.journeys, known.NightsAway)
	switch known.Uses {
	case Little:
		h.thirst, h.sparse = 0.5, max(h.sparse, 0.5)
	case Lots:
		h.thirst, h.sparse = 1.5, 0
	}
	if len(known.GoesOut) > 0 {
		h.dance = [7]bool{} // her own habits are known
	}
	h.outings, h.visitors, h.chores, h.byItself = known.GoesOut, known.Comes, known.Chores, known.ByItself
	for _, d := range known.Holidays {
		h.holidays = append(h.holidays, d.number())
	}
}
