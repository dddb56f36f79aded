package world

import (
	"slices"
	"time"
)

// vary makes the day differ as a whole: it begins and ends later or earlier, it is spent in bed. What nobody's habits say takes no
// chance from what they do say.
func (p *planner) vary() {
	h := p.habits
	p.shift = about(p.more, 0, h.irregular)
	if weekend(p.weekday) {
		p.shift += h.sleepsIn
	}
	p.lazy = chance(p.more, h.lazy)
	p.wake = max(2.5, p.wake+p.shift)
	p.bed = max(p.wake+9, p.bed+p.shift/2)
}

// planned goes out as a resident's own file says, or all day; it says whether that takes the place of the usual ways.
func (p *planner) planned() bool {
	if p.lazy {
		return true
	}
	if chance(p.more, p.habits.outAllDay) {
		from := max(p.wake+0.7, between(p.more, 7, 11))
		p.leave(from, min(p.bed-0.7, from+between(p.more, 5, 14)))
		return true
	}
	for _, o := range p.habits.outings {
		if !o.On.has(p.weekday) || !chance(p.more, o.HowOften.share(1)) {
			continue
		}
		from := about(p.more, o.At.hour(), o.GiveOrTake.Duration().Hours()/2)
		to := from + o.Stays.Duration().Hours()*between(p.more, 0.85, 1.1)
		p.goAt(from, to)
	}
	return false
}

// goAt takes her out at an hour that is her habit, also before breakfast.
func (p *planner) goAt(from, to float64) {
	for _, o := range p.out {
		if from < o[1]+0.2 && o[0]-0.2 < to {
			return
		}
	}
	p.wake = min(p.wake, from-0.5)
	p.out = append(p.out, [2]float64{from, to})
	slices.SortFunc(p.out, func(a, b [2]float64) int { return int(a[0]*3600) - int(b[0]*3600) })
	left := p.open(from, between(p.more, 4, 22))
	p.day.outings = append(p.day.outings, span{left, p.at(to)})
	p.open(to, between(p.more, 5, 25))
}

// chores are those of her own file.
func (p *planner) chores() {
	for _, c := range p.habits.chores {
		if !c.On.has(p.weekday) || p.lazy || !chance(p.more, c.HowOften.share(1)) {
			continue
		}
		from := about(p.more, c.At.hour(), c.GiveOrTake.Duration().Hours()/2)
		p.pour(from, c.Lasts, float64(c.Uses), true)
	}
}

// pour takes litres in several goes over a time.
func (p *planner) pour(from float64, lasts Span, litres float64, hers bool) {
	goes := max(1, min(12, int(litres/4)))
	for k := range goes {
		hour := from + lasts.Duration().Hours()*(float64(k)+between(p.more, 0.1, 0.9))/float64(goes)
		if !hers || p.home(hour) {
			p.draw(Tap, hour, litres/float64(goes)*between(p.more, 0.7, 1.3))
		}
	}
}

// thin takes away small draws that a thrifty person does not make, and most of a day in bed.
func (p *planner) thin() {
	share := p.habits.sparse
	if p.lazy {
		share = max(share, 0.8)
	}
	if share == 0 {
		return
	}
	p.day.draws = slices.DeleteFunc(p.day.draws, func(d draw) bool {
		keep := share
		if d.fixture == Toilet {
			keep *= 0.6 // nobody saves there as much as at the tap
		}
		return (d.fixture == Tap || d.fixture == Toilet || p.lazy) && chance(p.more, keep)
	})
}

// company is who comes and goes: the carer, a neighbour. They have a key or are let in, and come also while she is out.
func (p *planner) company() {
	for _, v := range p.habits.visitors {
		if p.second || !v.On.has(p.weekday) || !chance(p.more, v.HowOften.share(1)) {
			continue
		}
		come := about(p.more, v.At.hour(), v.GiveOrTake.Duration().Hours()/2)
		stays := v.Stays.Duration().Hours() * between(p.more, 0.8, 1.2)
		p.open(come, between(p.more, 6, 30))
		p.open(come+stays, between(p.more, 6, 40))
		if v.Uses > 0 {
			p.pour(come+0.05, Span(time.Duration((stays-0.1)*float64(time.Hour))), float64(v.Uses), false)
		}
	}
}

// automatic is what draws by itself on a day.
func automatic(all []Automatic, date calendarDay) []draw {
	var draws []draw
	for i, a := range all {
		if a.PerHour > 0 {
			draws = append(draws, trickle(a, date))
			continue
		}
		every := a.Every.Duration().Milliseconds()
		ml := int64(a.Takes * 1000)
		lasts := max(2000, ml*60/2) // two litres a minute
		next := newCalendarDay(dayNumber(date.midnight, date.loc)+1, date.loc).midnight
		for at := (date.midnight/every)*every + int64(i+1)*97_000; at < next; at += every {
			if at >= date.midnight {
				draws = append(draws, draw{fixture: ByItself, start: at, end: at + lasts, ml: ml})
			}
		}
	}
	return draws
}

// trickle is the part of a running trickle that begins on a day.
func trickle(a Automatic, date calendarDay) draw {
	from, to := 0.0, 24.0
	if a.From != "" {
		if from, to = a.From.hour(), a.To.hour(); to <= from {
			to += 24
		}
	}
	d := draw{fixture: ByItself, start: date.at(from), end: date.at(to)}
	d.ml = int64(float64(a.PerHour) * 1000 * float64(d.end-d.start) / 3_600_000)
	return d
}
