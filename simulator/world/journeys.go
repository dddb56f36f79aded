package world

// weekJourneys are the journeys that begin in one week of a home, as they would be if nothing happened.
type weekJourneys struct {
	week int
	out  []effect
}

// journeys are the journeys of a home that may touch the days from..to; the caller holds mu. A week has one at most, and it ends
// in it, so that looking at any day tells the same.
func (h *home) journeys(from, to int) []effect {
	if h.people[0].journeys == 0 {
		return nil
	}
	var all []effect
	for week := weekOf(from); week <= weekOf(to); week++ {
		all = append(all, h.journeysIn(week)...)
	}
	return all
}

func weekOf(day int) int { return (day + 7_000_000) / 7 }

// journeysIn is the journey of a week.
func (h *home) journeysIn(week int) []effect {
	if kept := &h.journeyOf[week%len(h.journeyOf)]; kept.week == week {
		return kept.out
	}
	kept := weekJourneys{week: week}
	r := h.opts.random(h.index, week, "journey")
	if chance(r, h.people[0].journeys) {
		first := week*7 - 7_000_000
		leaves := r.IntN(6)
		nights := 1 + min(times(r, 0.9, 5), 5-leaves)
		away := span{newCalendarDay(first+leaves, h.loc).at(between(r, 8, 17)), newCalendarDay(first+leaves+nights, h.loc).at(between(r, 10, 20.5))}
		for _, o := range h.plan(first + leaves).outings { // she sets out from home
			if o.covers(away.from) {
				away.from = o.to + 45*60*1000
			}
		}
		if away.from >= h.start && !h.busy(away.from) {
			kept.out = []effect{newEffect(GoesOut, away, 0)}
		}
	}
	h.journeyOf[week%len(h.journeyOf)] = kept
	return kept.out
}

// busy says whether something that was staged keeps her from leaving at a moment.
func (h *home) busy(t int64) bool {
	for _, e := range h.effects {
		if e.keepsHer() && e.when.covers(t) {
			return true
		}
	}
	return false
}

// happening is what was staged in a home and her journeys that may touch a window; the caller holds mu.
func (h *home) happening(window span) []effect {
	journeys := h.journeys(dayNumber(window.from, h.loc)-1, dayNumber(window.to, h.loc)+1)
	if len(journeys) == 0 {
		return h.effects
	}
	return append(journeys, h.effects...)
}
