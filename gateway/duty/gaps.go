package duty

import (
	"slices"
	"time"

	"stillwater"
)

// DefaultZone is the time zone of a post whose area has no home yet.
const DefaultZone = "Asia/Shanghai"

// A Gap is a time when nobody of a post is on duty.
type Gap struct {
	Post     string          `json:"post"`
	Role     stillwater.Role `json:"role"`
	TimeZone string          `json:"timezone"`
	From     time.Time       `json:"from"`
	To       time.Time       `json:"to"`
}

// Gaps is every gap, from a moment until another, of the posts that serve homes in an area (an empty one is everywhere), in the order of the
// configuration. Where the homes of a post stand in several time zones each has gaps of its own.
func (r *Roster) Gaps(homes []stillwater.Household, area stillwater.Place, from, to time.Time) []Gap {
	var gaps []Gap
	for _, p := range r.posts {
		if !meets(&p.Area, &area) {
			continue
		}
		for _, zone := range zones(homes, p) {
			for _, hole := range r.holes(p, location(zone), span{from.Unix(), to.Unix()}) {
				gaps = append(gaps, Gap{p.Name, p.Role, zone, time.Unix(hole.from, 0).UTC(), time.Unix(hole.to, 0).UTC()})
			}
		}
	}
	return gaps
}

// meets says whether two areas can have homes in common.
func meets(a, b *stillwater.Place) bool {
	fits := func(a, b string) bool { return a == "" || b == "" || a == b }
	return fits(a.Street, b.Street) && fits(a.Community, b.Community) && fits(a.Grid, b.Grid) && fits(a.Building, b.Building)
}

// zones is the time zones of the homes that a post serves, in order.
func zones(homes []stillwater.Household, p *post) []string {
	var names []string
	for i := range homes {
		if p.covers(&homes[i].Place) && !slices.Contains(names, homes[i].TimeZone) {
			names = append(names, homes[i].TimeZone)
		}
	}
	if len(names) == 0 {
		return []string{DefaultZone}
	}
	slices.Sort(names)
	return names
}

// location is a zone by its name, as a household reads it.
func location(zone string) *time.Location { return stillwater.Household{TimeZone: zone}.Location() }

// A span is a time in seconds since 1970; its end does not belong to it.
type span struct{ from, to int64 }

// A Presence is somebody on duty at a post.
type Presence struct {
	Who stillwater.ContactID `json:"who"`
	For stillwater.ContactID `json:"for,omitempty"` // who is away; empty: nobody
}

// present is who is on duty at a post, each once, in the order they are told.
func (r *Roster) present(p *post, s sight) []Presence {
	var list []Presence
	add := func(who Presence) {
		if _, known := r.contacts[who.Who]; known && !slices.ContainsFunc(list, func(other Presence) bool { return other.Who == who.Who }) {
			list = append(list, who)
		}
	}
	for i := range p.turns {
		if !r.shift(p, i, s) {
			continue
		}
		for _, id := range p.turns[i].who {
			r.instead(id, id, s, 0, add)
		}
	}
	if p.Desk != "" && r.open(p, s) {
		r.instead(p.Desk, p.Desk, s, 0, add)
	}
	return list
}

// instead adds a person who should be there, or those who stand in.
func (r *Roster) instead(id, of stillwater.ContactID, s sight, depth int, add func(Presence)) {
	p := r.people[id]
	if !p.isAway(s) {
		who := Presence{Who: id}
		if id != of {
			who.For = of
		}
		add(who)
		return
	}
	for _, a := range p.away {
		if a.By != "" && depth < maxChain && a.lasts(s) {
			r.instead(a.By, of, s, depth+1, add)
		}
	}
}

// holes is when nobody is present at a post.
func (r *Roster) holes(p *post, zone *time.Location, in span) []span {
	return pieces(r.changes(p, zone, in), in, func(at int64) bool {
		return len(r.present(p, see(time.Unix(at, 0), zone))) == 0
	})
}

// pieces is the parts of a time in which something holds that changes at known moments only.
func pieces(changes []int64, in span, holds func(at int64) bool) []span {
	var list []span
	for i, at := range changes {
		end := in.to
		if i+1 < len(changes) {
			end = changes[i+1]
		}
		switch last := len(list) - 1; {
		case at >= end || !holds(at):
		case last >= 0 && list[last].to == at:
			list[last].to = end
		default:
			list = append(list, span{at, end})
		}
	}
	return list
}

// changes is the moments in a time, its begin first, at which who is on duty at a post can change.
func (r *Roster) changes(p *post, zone *time.Location, in span) []int64 {
	moments := []int64{in.from}
	first, last := DateOf(time.Unix(in.from, 0).In(zone))-2, DateOf(time.Unix(in.to, 0).In(zone))
	for i := range p.turns {
		t := &p.turns[i]
		for d := max(first, t.from); d <= last && (t.to.IsZero() || d <= t.to); d++ {
			if !t.days.has(d, r.calendar.Days) {
				continue
			}
			for _, h := range t.hours {
				from, to := stay(d, h)
				end := instant(to, zone)
				moments = append(moments, instant(from, zone), end, end+t.handover)
			}
		}
	}
	return inOrder(r.absences(moments, p.staff(), zone, 0), in)
}

// absences adds when people, and those who stand in for them, leave and come back.
func (r *Roster) absences(moments []int64, who []stillwater.ContactID, zone *time.Location, depth int) []int64 {
	for _, id := range who {
		p := r.people[id]
		if p == nil {
			continue
		}
		if p.left != 0 {
			moments = append(moments, p.left)
		}
		for _, a := range p.away {
			moments = append(moments, instant(a.From.begin(), zone))
			if !a.To.IsZero() {
				moments = append(moments, instant(a.To.end(), zone))
			}
			if a.By != "" && depth < maxChain {
				moments = r.absences(moments, []stillwater.ContactID{a.By}, zone, depth+1)
			}
		}
	}
	return moments
}

// inOrder is the moments that lie in a time, each once.
func inOrder(moments []int64, in span) []int64 {
	moments = slices.DeleteFunc(moments, func(at int64) bool { return at < in.from || at >= in.to })
	slices.Sort(moments)
	return slices.Compact(moments)
}
