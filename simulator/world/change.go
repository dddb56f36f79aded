package world

import "slices"

// touch changes a day by what happens to the home; the caller holds mu.
func (h *home) touch(d *day, number int) {
	for _, e := range h.effects {
		switch e.event {
		case Guests:
			h.host(d, number, e)
		case Ill:
			h.stayInBed(d, number, e)
		case OneFalls:
			h.loseOne(d, number, e)
		}
	}
	window := span{newCalendarDay(number, h.loc).midnight, newCalendarDay(number+1, h.loc).midnight}
	d.draws = stopDraws(d.draws, h.happening(window))
}

// host adds what guests draw and how they come and go, while they are there.
func (h *home) host(d *day, number int, e effect) {
	date := newCalendarDay(number, h.loc)
	if date.at(0) >= e.when.to || date.at(24) <= e.when.from {
		return
	}
	for g := range e.count {
		p := &planner{r: h.opts.random(h.index, number*32+g, "guest"), habits: h.people[0], clock: date}
		p.habits.thirst = 1
		for hour := between(p.r, 6, 9); hour < 23; hour += between(p.r, 1.8, 4.5) {
			p.toilet(hour)
			p.tap(hour+between(p.r, 0.1, 1), 0.5, 3)
		}
		if chance(p.r, 0.7) {
			p.draw(Shower, between(p.r, 19, 22.5), between(p.r, 25, 50))
		}
		if g%2 == 0 { // they go out in twos
			out := between(p.r, 9.5, 15)
			p.open(out, between(p.r, 6, 30))
			p.open(out+between(p.r, 1, 6), between(p.r, 6, 40))
		}
		for i := range p.day.draws {
			p.day.draws[i].who = -1
		}
		outside := func(at int64) bool { return !e.when.covers(at) }
		d.draws = append(d.draws, slices.DeleteFunc(p.day.draws, func(w draw) bool { return outside(w.start) })...)
		d.passages = append(d.passages, slices.DeleteFunc(p.day.passages, func(w span) bool { return outside(w.from) })...)
	}
	d.sort()
}

// stayInBed leaves a third of what she draws, and nothing of her going out.
func (h *home) stayInBed(d *day, number int, e effect) {
	r := h.opts.random(h.index, number, "ill")
	d.draws = slices.DeleteFunc(d.draws, func(w draw) bool {
		skipped := chance(r, 0.65)
		return skipped && e.when.covers(w.start) && w.fixture != ByItself && w.who >= 0
	})
	d.outings = slices.DeleteFunc(d.outings, func(o span) bool {
		stays := e.when.covers(o.from)
		if stays {
			d.passages = slices.DeleteFunc(d.passages, func(p span) bool { return p.to == o.from || p.from == o.to })
		}
		return stays
	})
}

// loseOne takes away what the first of those who live there would have drawn, and her ways through the door.
func (h *home) loseOne(d *day, number int, e effect) {
	d.draws = slices.DeleteFunc(d.draws, func(w draw) bool {
		return e.when.covers(w.start) && w.fixture != ByItself && w.who == 0
	})
	for i, w := range d.draws {
		if w.who == 0 && w.fixture != ByItself {
			d.draws[i] = w.stopAt(e.when)
		}
	}
	hers := h.planOf(0, number).passages
	d.passages = slices.DeleteFunc(d.passages, func(p span) bool { return e.when.covers(p.from) && slices.Contains(hers, p) })
	d.outings = slices.DeleteFunc(d.outings, func(o span) bool { return e.when.covers(o.from) }) // she is in
}
