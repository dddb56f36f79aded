package world

import (
	"time"

	"stillwater"
)

// A fitting is what devices a home has. It does not change while the world is played.
type fitting struct {
	step    int64         // litres that the counter counts in
	every   time.Duration // between the readings of the meter; zero: the world's
	uploads bool          // the meter sends the day's history once a day
	upload  float64       // hour of it
	door    DoorState
}

// moveIn lets somebody live in a home from the world's start; the caller holds mu, or nobody else has the home yet.
func (h *home) moveIn(known Resident) {
	h.resident = known
	h.people = []habits{habitsOf(h.opts, h.index, known)}
	for k := 1; k < known.People; k++ {
		h.people = append(h.people, h.partner(k))
	}
	h.household.Residents = len(h.people)
	h.days, h.sums, h.before, h.journeyOf = [keptDays]cachedDay{}, []int64{0}, nil, [2]weekJourneys{}
}

// partner draws the habits of another who lives there: near the first one's hours, with her own ways.
func (h *home) partner(k int) habits {
	first := h.people[0]
	r := h.opts.random(h.index, k, "partner")
	p := drawHabits(r)
	p.wake, p.bed = first.wake+about(r, 0.3, 0.4), first.bed+about(r, 0, 0.4)
	p.irregular, p.sleepsIn, p.sparse, p.lazy = first.irregular, first.sleepsIn, first.sparse, first.lazy
	p.outAllDay, p.holidays = first.outAllDay, first.holidays
	return p
}

// equip fits a home with devices; the caller holds mu, or nobody else has the home yet.
func (h *home) equip(known Resident) {
	m := known.Meter
	h.fitting = fitting{step: max(1, int64(m.Step)), every: m.Every.Duration(), door: known.Door}
	fresh := register(h.opts, h.index)
	h.household.Devices = fresh.Devices
	meter := &h.household.Devices[0]
	if h.fitting.every > 0 {
		meter.Every = h.fitting.every
	}
	if m.Uploads != "" { // nobody asks such a meter; it speaks when it wants to
		h.fitting.uploads, h.fitting.upload = true, m.Uploads.hour()
		meter.Source, meter.Every = MQTTFeed+"/stillwater/"+string(h.household.ID)+"/meter", 24*time.Hour
	}
	if known.Door == DoorMissing {
		h.household.Devices = h.household.Devices[:1]
	}
}

// meterEvery is how often the meter of a home is read, or counts for its history.
func (h *home) meterEvery(worlds time.Duration) time.Duration {
	if h.fitting.every > 0 {
		return h.fitting.every
	}
	return worlds
}

// shown is what the counter shows of litres.
func (h *home) shown(millilitres int64) int64 {
	return millilitres / 1000 / h.fitting.step * h.fitting.step
}

// contact is what the door contact says of a door that is open or not.
func (h *home) contact(open bool) float64 {
	if h.fitting.door == DoorInverted {
		open = !open
	}
	if open {
		return stillwater.Open
	}
	return stillwater.Closed
}
