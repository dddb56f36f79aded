package duty

import (
	"slices"
	"time"

	"stillwater"
	"stillwater/rules"
)

// A post is a Post made ready.
type post struct {
	Post
	turns []turn
}

// A turn is a shift made ready.
type turn struct {
	who      []stillwater.ContactID
	days     daySet
	hours    []stillwater.Hours
	from, to Date // to zero: no end
	handover int64
}

// wholeDay is the hours of a shift that names none.
var wholeDay = []stillwater.Hours{{From: 0, To: 24 * time.Hour}}

func ready(s Shift) turn {
	t := turn{who: s.Who, days: daysOf(s.Days), hours: s.Hours, from: s.From, to: s.To, handover: int64(s.Handover / time.Second)}
	if len(t.hours) == 0 {
		t.hours = wholeDay
	}
	return t
}

// begins says whether a stay begins on the date.
func (t *turn) begins(d Date, days rules.Calendar) bool {
	return d >= t.from && (t.to.IsZero() || d <= t.to) && t.days.has(d, days)
}

// stay is from when to when hours that begin on a date last.
func stay(d Date, h stillwater.Hours) (from, to wall) {
	if h.To <= h.From {
		return wall{d, h.From}, wall{d + 1, h.To}
	}
	return wall{d, h.From}, wall{d, h.To}
}

// any says whether one of the stays that began lately, and is not long over, fulfils a condition; both ends are in seconds since 1970.
func (t *turn) any(s sight, days rules.Calendar, fulfils func(begin, end int64) bool) bool {
	back := Date(1) // the night shift of yesterday
	if t.handover > 0 {
		back = 2 // and its hand-over
	}
	for d := s.date - back; d <= s.date; d++ {
		if !t.begins(d, days) {
			continue
		}
		for _, h := range t.hours {
			from, to := stay(d, h)
			if begin, end := s.instant(from), s.instant(to); begin < end && fulfils(begin, end) {
				return true
			}
		}
	}
	return false
}

// covers says whether a home belongs to the post's area.
func (p *post) covers(home *stillwater.Place) bool { return within(&p.Area, home) }

// within says whether a place lies in an area; the parts an area leaves out mean all below.
func within(area, place *stillwater.Place) bool {
	fits := func(part, of string) bool { return part == "" || part == of }
	return fits(area.Street, place.Street) && fits(area.Community, place.Community) && fits(area.Grid, place.Grid) && fits(area.Building, place.Building)
}

// staff is everybody of the post, in the order they are told: the shifts' people as they first stand there, then the desk.
func (p *post) staff() []stillwater.ContactID {
	var ids []stillwater.ContactID
	for i := range p.turns {
		for _, id := range p.turns[i].who {
			if !slices.Contains(ids, id) {
				ids = append(ids, id)
			}
		}
	}
	if p.Desk != "" && !slices.Contains(ids, p.Desk) {
		ids = append(ids, p.Desk)
	}
	return ids
}
