package duty

import (
	"fmt"
	"slices"
	"time"

	"stillwater"
	"stillwater/rules"
)

// An Extent is how far a kind of hours is covered.
type Extent string

// The extents.
const (
	Unasked Extent = ""       // the time looked at has no such hours
	Always  Extent = "always" // somebody is on duty in all of them
	Partly  Extent = "partly"
	Never   Extent = "never"
)

// Cover is how far a role is covered, by kinds of hours: day is 08:00-20:00 of days that are worked, weekend and holiday the same hours of days
// off, and night is the rest.
type Cover struct {
	Day     Extent `json:"day"`
	Night   Extent `json:"night"`
	Weekend Extent `json:"weekend"`
	Holiday Extent `json:"holiday"`
}

// A Lack is a role that a ladder names and that is not always covered, and the homes of which that is so.
type Lack struct {
	Role  stillwater.Role          `json:"role"`
	Cover Cover                    `json:"cover"`
	First time.Time                `json:"first"` // when nobody is on duty for the first time
	Zone  string                   `json:"timezone"`
	Homes []stillwater.HouseholdID `json:"homes"`
}

// A Spring is a post whose roster for the coming Spring Festival has days nobody was entered for by date.
type Spring struct {
	Post    string `json:"post"`
	First   Date   `json:"first"`
	Last    Date   `json:"last"`
	Missing []Date `json:"missing"`
}

// A Report is what a roster leaves open.
type Report struct {
	From    time.Time              `json:"from"`
	To      time.Time              `json:"to"`
	Gaps    []Gap                  `json:"gaps"`
	Lacks   []Lack                 `json:"lacks"`
	Springs []Spring               `json:"springs"`
	Idle    []string               `json:"idle"`    // posts whose area has no home
	Unknown []stillwater.ContactID `json:"unknown"` // named by the roster, and no contacts
}

const (
	dayBegins, dayEnds = 8 * time.Hour, 20 * time.Hour // of Cover

	// springAhead is how many days before the Spring Festival its roster must be filled: people ask for leave weeks before.
	springAhead = 30
	// springDated is how many days shifts by date may span and still count as filled in for the festival.
	springDated = 31
	// holidayAhead is how far ahead, in days, a holiday is looked for if there is none in the time asked for.
	holidayAhead = 370
)

// Report says what the roster leaves open from a moment until another for the homes, and the roles that ladders name.
func (r *Roster) Report(homes []stillwater.Household, roles []stillwater.Role, from, to time.Time) Report {
	report := Report{From: from, To: to, Gaps: r.Gaps(homes, stillwater.Place{}, from, to), Unknown: r.Unknown()}
	for _, p := range r.posts {
		if !slices.ContainsFunc(homes, func(h stillwater.Household) bool { return p.covers(&h.Place) }) {
			report.Idle = append(report.Idle, p.Name)
		}
		if spring, open := r.spring(p, DateOf(from.In(location(zones(homes, p)[0])))); open {
			report.Springs = append(report.Springs, spring)
		}
	}
	report.Lacks = r.lacks(homes, roles, from, to)
	return report
}

// spring looks at the Spring Festival if it is near.
func (r *Roster) spring(p *post, today Date) (Spring, bool) {
	if r.calendar.Spring == nil || len(p.turns) == 0 && p.Desk != "" {
		return Spring{}, false
	}
	for year := today.UTC().Year(); year <= today.UTC().Year()+1; year++ {
		first, last := r.calendar.Spring(year)
		s := Spring{Post: p.Name, First: DateOf(first), Last: DateOf(last)}
		if today+springAhead <= s.First || today > s.Last {
			continue
		}
		for d := max(today, s.First); d <= s.Last; d++ {
			if !slices.ContainsFunc(p.turns, func(t turn) bool { return t.dated() && t.begins(d, r.calendar.Days) }) {
				s.Missing = append(s.Missing, d)
			}
		}
		return s, len(s.Missing) > 0
	}
	return Spring{}, false
}

// dated says whether a turn was written for certain dates.
func (t *turn) dated() bool {
	return !t.from.IsZero() && !t.to.IsZero() && t.to-t.from < springDated
}

// lacks is the roles not always covered, homes alike together, the roles in the order given.
func (r *Roster) lacks(homes []stillwater.Household, roles []stillwater.Role, from, to time.Time) []Lack {
	l := &looker{Roster: r, from: from, to: to, looks: map[string]look{}, holes: map[string][]span{}}
	var list []Lack
	for _, role := range roles {
		for i := range homes {
			seen := l.look(&homes[i], role)
			if !seen.cover.open() {
				continue
			}
			at := slices.IndexFunc(list, func(other Lack) bool {
				return other.Role == role && other.Cover == seen.cover && other.First.Equal(seen.first) && other.Zone == homes[i].TimeZone
			})
			if at < 0 {
				at = len(list)
				list = append(list, Lack{Role: role, Cover: seen.cover, First: seen.first, Zone: homes[i].TimeZone})
			}
			list[at].Homes = append(list[at].Homes, homes[i].ID)
		}
	}
	return list
}

func (c Cover) open() bool {
	return slices.ContainsFunc([]Extent{c.Day, c.Night, c.Weekend, c.Holiday}, func(e Extent) bool { return e == Partly || e == Never })
}

// A looker looks at many homes, at those with the same people once.
type looker struct {
	*Roster
	from, to time.Time
	looks    map[string]look
	holes    map[string][]span
}

// A look is what was seen.
type look struct {
	cover Cover
	first time.Time
}

func (l *looker) look(h *stillwater.Household, role stillwater.Role) look {
	var posts []*post
	var own []stillwater.ContactID
	key := string(role) + "\n" + h.TimeZone
	for _, c := range h.Contacts {
		if c.Role == role && c.Post == "" {
			if p := l.people[c.ID]; p == nil || len(p.away) == 0 {
				return look{} // always on duty
			}
			own = append(own, c.ID)
			key += "\n" + string(c.ID)
		}
	}
	for i, p := range l.posts {
		if p.Role == role && p.covers(&h.Place) {
			posts = append(posts, p)
			key += fmt.Sprintf("\n\n%d", i)
		}
	}
	seen, known := l.looks[key]
	if !known {
		seen = l.count(posts, own, h.Location())
		l.looks[key] = seen
	}
	return seen
}

// count looks at the time asked for; at the next holiday too, if that time has none.
func (l *looker) count(posts []*post, own []stillwater.ContactID, zone *time.Location) look {
	var t tally
	in := span{l.from.Unix(), l.to.Unix()}
	holes := l.nobody(posts, own, zone, in)
	t.take(holes, in, zone, l.calendar.Days, false)
	if t.whole[holidayHours] == 0 {
		if next, ok := l.nextHoliday(zone); ok {
			later := l.nobody(posts, own, zone, next)
			t.take(later, next, zone, l.calendar.Days, true)
			holes = append(holes, later...)
		}
	}
	seen := look{cover: Cover{t.extent(dayHours), t.extent(nightHours), t.extent(weekendHours), t.extent(holidayHours)}}
	if len(holes) > 0 {
		seen.first = time.Unix(holes[0].from, 0).UTC()
	}
	return seen
}

// nobody is when none of some posts, and none of some people of a home itself, is on duty.
func (l *looker) nobody(posts []*post, own []stillwater.ContactID, zone *time.Location, in span) []span {
	open := []span{in}
	for _, p := range posts {
		key := fmt.Sprint(p.Name, "\n", zone, in)
		holes, known := l.holes[key]
		if !known {
			holes = l.Roster.holes(p, zone, in)
			l.holes[key] = holes
		}
		open = both(open, holes)
	}
	for _, id := range own {
		changes := inOrder(l.absences([]int64{in.from}, []stillwater.ContactID{id}, zone, 0), in)
		open = both(open, pieces(changes, in, func(at int64) bool {
			s := see(time.Unix(at, 0), zone)
			return l.people[id].isAway(s) && !l.there(id, s, 0)
		}))
	}
	return open
}

// both is the times that two lists have in common.
func both(a, b []span) []span {
	var list []span
	for i, j := 0, 0; i < len(a) && j < len(b); {
		common := span{max(a[i].from, b[j].from), min(a[i].to, b[j].to)}
		if common.from < common.to {
			list = append(list, common)
		}
		if a[i].to < b[j].to {
			i++
		} else {
			j++
		}
	}
	return list
}

// nextHoliday is the first public holiday after the time asked for, with the days that belong to it.
func (l *looker) nextHoliday(zone *time.Location) (span, bool) {
	after := DateOf(l.to.In(zone))
	is := func(d Date) bool { return kindOf(d, l.calendar.Days) == rules.Festival }
	for d := after; d < after+holidayAhead; d++ {
		if is(d) {
			end := d
			for is(end) && end < d+springDated {
				end++
			}
			return span{instant(wall{d, 0}, zone), instant(wall{end, 0}, zone)}, true
		}
	}
	return span{}, false
}

// The kinds of hours of Cover.
const (
	dayHours = iota
	nightHours
	weekendHours
	holidayHours
	kindsOfHours
)

// A tally counts seconds by kinds of hours.
type tally struct{ whole, open [kindsOfHours]int64 }

// take counts a time and the holes in it.
func (t *tally) take(holes []span, in span, zone *time.Location, days rules.Calendar, holidayOnly bool) {
	last := DateOf(time.Unix(in.to, 0).In(zone))
	for d := DateOf(time.Unix(in.from, 0).In(zone)); d <= last; d++ {
		byDay := map[rules.DayKind]int{rules.Workday: dayHours, rules.Restday: weekendHours, rules.Festival: holidayHours}[kindOf(d, days)]
		marks := []int64{instant(wall{d, 0}, zone), instant(wall{d, dayBegins}, zone), instant(wall{d, dayEnds}, zone), instant(wall{d + 1, 0}, zone)}
		for i, kind := range []int{nightHours, byDay, nightHours} {
			part := both([]span{in}, []span{{marks[i], marks[i+1]}})
			if holidayOnly && kind != holidayHours {
				continue
			}
			t.whole[kind] += length(part)
			t.open[kind] += length(both(part, holes))
		}
	}
}

func length(spans []span) (seconds int64) {
	for _, s := range spans {
		seconds += s.to - s.from
	}
	return seconds
}

func (t *tally) extent(kind int) Extent {
	switch {
	case t.whole[kind] == 0:
		return Unasked
	case t.open[kind] == 0:
		return Always
	case t.open[kind] == t.whole[kind]:
		return Never
	}
	return Partly
}
