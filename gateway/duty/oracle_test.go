package duty

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"stillwater"
	"stillwater/gateway/calendar"
	"stillwater/rules"
)

// An oracle answers slowly and obviously: it looks at every minute of some days, and knows of time zones only what the wall shows in each.
type oracle struct {
	r     *Roster
	c     Config
	home  stillwater.Household
	walls []int64 // what the wall has shown so far at most, in minutes, by minute
	begin time.Time
	days  rules.Calendar
}

// lead is how many days before the first minute asked for the oracle looks.
const lead = 4

func newOracle(r *Roster, c Config, home stillwater.Household, from time.Time, days int, cal rules.Calendar) *oracle {
	o := &oracle{r: r, c: c, home: home, begin: from.Add(-lead * 24 * time.Hour), days: cal}
	last := int64(0)
	for m := range (days + 2*lead) * 24 * 60 {
		local := o.begin.Add(time.Duration(m) * time.Minute).In(home.Location())
		shows := int64(DateOf(local))*24*60 + int64(local.Hour()*60+local.Minute())
		last = max(last, shows)
		o.walls = append(o.walls, last)
	}
	return o
}

// first is the first minute at which the wall shows that, or something later.
func (o *oracle) first(date Date, clock time.Duration) int {
	m, _ := slices.BinarySearch(o.walls, int64(date)*24*60+int64(clock/time.Minute))
	return m
}

// A lasting is a stay in minutes of the oracle.
type lasting struct{ begin, end int }

func (o *oracle) stays(s Shift) []lasting {
	hours := s.Hours
	if len(hours) == 0 {
		hours = []stillwater.Hours{{From: 0, To: 24 * time.Hour}}
	}
	var list []lasting
	for d := Date(o.walls[0] / (24 * 60)); d <= Date(o.walls[len(o.walls)-1]/(24*60)); d++ {
		if !s.From.IsZero() && d < s.From || !s.To.IsZero() && d > s.To || !o.fits(s.Days, d) {
			continue
		}
		for _, h := range hours {
			last := d
			if h.To <= h.From {
				last++
			}
			list = append(list, lasting{o.first(d, h.From), o.first(last, h.To)})
		}
	}
	return list
}

func (o *oracle) fits(words []Days, d Date) bool {
	if len(words) == 0 {
		return true
	}
	name := []Days{"sun", "mon", "tue", "wed", "thu", "fri", "sat"}[d.Weekday()]
	week := []Days{"mon", "tue", "wed", "thu", "fri", "sat", "sun"}
	kind := o.days.Kind(d.UTC().Date())
	for _, word := range words {
		switch {
		case word == name,
			word == "mon-fri" && slices.Index(week, name) < 5,
			word == "fri-mon" && (slices.Index(week, name) >= 4 || name == "mon"),
			word == "workdays" && kind == rules.Workday,
			word == "weekends" && kind == rules.Restday,
			word == "holidays" && kind == rules.Festival,
			word == "restdays" && kind != rules.Workday:
			return true
		}
	}
	return false
}

// away says whether somebody is away in a minute, and who stands in.
func (o *oracle) away(id stillwater.ContactID, m int) (away bool, by []stillwater.ContactID) {
	for _, s := range o.c.StandIns {
		end := len(o.walls) + 1
		if !s.To.IsZero() {
			if end = o.first(s.To.date, s.To.clock); !s.To.timed {
				end = o.first(s.To.date+1, 0)
			}
		}
		if s.For == id && m >= o.first(s.From.date, s.From.clock) && m < end {
			away = true
			if s.By != "" {
				by = append(by, s.By)
			}
		}
	}
	return away, by
}

// instead is who is there for somebody in a minute.
func (o *oracle) instead(id stillwater.ContactID, m, links int) []stillwater.ContactID {
	away, by := o.away(id, m)
	if !away {
		return []stillwater.ContactID{id}
	}
	var list []stillwater.ContactID
	for _, other := range by {
		if links < maxChain {
			list = append(list, o.instead(other, m, links+1)...)
		}
	}
	return list
}

// at is who is at a post in a minute.
func (o *oracle) at(p Post, m int, stays [][]lasting) map[stillwater.ContactID]bool {
	there := map[stillwater.ContactID]bool{}
	people := func(i int) (list []stillwater.ContactID) {
		who := p.Shifts[i].Who
		if len(who) == 0 {
			who = []stillwater.ContactID{p.Desk}
		}
		for _, id := range who {
			list = append(list, o.instead(id, m, 0)...)
		}
		return list
	}
	for i, s := range p.Shifts {
		for _, l := range stays[i] {
			on := m >= l.begin && m < l.end
			if h := int(s.Handover / time.Minute); !on && l.begin < l.end && m >= l.end && m < l.end+h {
				for j := range p.Shifts {
					on = on || j != i && len(people(j)) > 0 && slices.ContainsFunc(stays[j], func(k lasting) bool { return k.begin >= l.end && k.begin <= m && m < k.end })
				}
			}
			if on && l.begin < l.end {
				for _, id := range people(i) {
					there[id] = true
				}
			}
		}
	}
	if p.Desk != "" && (len(p.Shifts) == 0 || len(there) > 0) {
		for _, id := range o.instead(p.Desk, m, 0) {
			there[id] = true
		}
	}
	return there
}

// randomConfig is posts, shifts and absences of a few people around a date, with odd hours.
func randomConfig(g *rand.Rand, from Date) Config {
	people := []stillwater.ContactID{"a", "b", "c", "d", "e", "f"}
	some := func() (list []stillwater.ContactID) {
		for range 1 + g.IntN(2) {
			if id := people[g.IntN(len(people))]; !slices.Contains(list, id) {
				list = append(list, id)
			}
		}
		return list
	}
	clock := func() time.Duration {
		if g.IntN(3) == 0 { // around the hour in which clocks are changed
			return time.Duration(1+g.IntN(3))*time.Hour + time.Duration(g.IntN(4)*15)*time.Minute
		}
		return time.Duration(g.IntN(24*4)*15) * time.Minute
	}
	words := []Days{"mon", "sat", "sun", "mon-fri", "fri-mon", "workdays", "weekends", "holidays", "restdays"}
	var c Config
	for n := range 1 + g.IntN(3) {
		p := Post{Name: fmt.Sprint("post ", n), Role: []stillwater.Role{stillwater.Worker, stillwater.Community}[g.IntN(2)]}
		if g.IntN(3) == 0 {
			p.Desk = people[g.IntN(len(people))]
		}
		for range g.IntN(4) + 1 {
			s := Shift{Who: some(), Handover: time.Duration(g.IntN(4)*20) * time.Minute}
			if p.Desk != "" && g.IntN(3) == 0 {
				s.Who = nil
			}
			for range g.IntN(3) {
				s.Days = append(s.Days, words[g.IntN(len(words))])
			}
			for range g.IntN(3) {
				h := stillwater.Hours{From: clock(), To: clock()}
				if g.IntN(8) == 0 {
					h.To = 24 * time.Hour
				}
				s.Hours = append(s.Hours, h)
			}
			if g.IntN(3) == 0 {
				s.From = from + Date(g.IntN(4)-2)
				s.To = s.From + Date(g.IntN(3))
			}
			p.Shifts = append(p.Shifts, s)
		}
		c.Posts = append(c.Posts, p)
	}
	for range g.IntN(5) {
		s := StandIn{For: people[g.IntN(len(people))], From: Moment{date: from + Date(g.IntN(4)-2), clock: clock(), timed: true}}
		if g.IntN(4) > 0 {
			s.By = people[g.IntN(len(people))]
		}
		if g.IntN(2) == 0 {
			s.From = Moment{date: s.From.date}
		}
		if g.IntN(4) > 0 {
			s.To = Moment{date: s.From.date + Date(g.IntN(3)), clock: clock(), timed: g.IntN(2) == 0}
		}
		if s.For != s.By && (s.To.IsZero() || s.From.begin().before(s.To.end())) {
			c.StandIns = append(c.StandIns, s)
		}
	}
	return c
}

// TestOracle compares who may be told, who is at a post, and its gaps with the oracle, minute by minute, around the nights in which clocks are
// changed and others. Somebody who is away is never on duty by a post.
func TestOracle(t *testing.T) {
	rosters := 60
	if testing.Short() {
		rosters = 20
	}
	for seed := range uint64(rosters) {
		g := rand.New(rand.NewPCG(seed, 5))
		zone := []string{"Europe/Berlin", "America/New_York", "Asia/Shanghai"}[g.IntN(3)]
		days := []string{"2026-03-28", "2026-10-24", "2026-03-07", "2026-10-31", "2026-02-14", "2026-05-09", "2026-12-31"}
		from, _ := time.ParseInLocation(time.DateOnly, days[g.IntN(len(days))], stillwater.Household{TimeZone: zone}.Location())
		c := randomConfig(g, DateOf(from))
		home := stillwater.Household{ID: "h", TimeZone: zone}
		for _, id := range []stillwater.ContactID{"a", "own"} {
			if g.IntN(2) == 0 {
				home.Contacts = append(home.Contacts, stillwater.Contact{ID: id, Role: stillwater.Worker})
			}
		}
		var contacts []stillwater.Contact
		for _, id := range []stillwater.ContactID{"a", "b", "c", "d", "e", "f"} {
			contacts = append(contacts, stillwater.Contact{ID: id})
		}
		cal := calendar.Working(calendar.Config{Holidays: calendar.China})
		r := New(c, contacts, Calendar{Days: cal})
		home = r.Attach([]stillwater.Household{home})[0]
		o := newOracle(r, c, home, from, 3, cal)
		if err := o.compare(from, 3); err != nil {
			t.Fatalf("seed %d, %s: %v\n%+v", seed, zone, err, c)
		}
	}
}

// compare looks at every minute of some days.
func (o *oracle) compare(from time.Time, days int) error {
	stays := make([][][]lasting, len(o.c.Posts))
	gaps := make([][]Gap, len(o.c.Posts))
	open := make([]bool, len(o.c.Posts))
	for i, p := range o.c.Posts {
		for _, s := range p.Shifts {
			stays[i] = append(stays[i], o.stays(s))
		}
	}
	for m := lead * 24 * 60; m < (lead+days)*24*60; m++ {
		at := o.begin.Add(time.Duration(m) * time.Minute)
		at = at.Add(time.Duration(m%60) * time.Second) // nothing changes within a minute
		roles := map[stillwater.Role]map[stillwater.ContactID]bool{stillwater.Worker: {}, stillwater.Community: {}}
		for i, p := range o.c.Posts {
			there := o.at(p, m, stays[i])
			for id := range there {
				roles[p.Role][id] = true
			}
			got := o.r.present(o.r.posts[i], see(at, o.home.Location()))
			if len(got) != len(there) || slices.ContainsFunc(got, func(g Presence) bool { return !there[g.Who] }) {
				return fmt.Errorf("%v at %s: %v are there, want %v", at.In(o.home.Location()), p.Name, got, there)
			}
			begin := at.Truncate(time.Minute).UTC()
			switch empty := len(there) == 0; {
			case empty && open[i]:
				gaps[i][len(gaps[i])-1].To = begin.Add(time.Minute)
			case empty:
				gaps[i] = append(gaps[i], Gap{p.Name, p.Role, o.home.TimeZone, begin, begin.Add(time.Minute)})
			}
			open[i] = len(there) == 0
		}
		for _, c := range o.home.Contacts {
			if err := o.compareContact(c, m, at, roles[c.Role]); err != nil {
				return err
			}
		}
	}
	want := slices.Concat(gaps...)
	if got := o.r.Gaps([]stillwater.Household{o.home}, stillwater.Place{}, from, from.Add(time.Duration(days)*24*time.Hour)); !slices.Equal(got, want) {
		return fmt.Errorf("gaps\n%v\nwant\n%v", got, want)
	}
	return nil
}

func (o *oracle) compareContact(c stillwater.Contact, m int, at time.Time, there map[stillwater.ContactID]bool) error {
	away, _ := o.away(c.ID, m)
	want := !away && (c.Post == "" || there[c.ID])
	for _, own := range o.home.Contacts { // and whoever stands in for somebody of the home itself
		if own.Post == "" && own.Role == c.Role {
			want = want || slices.Contains(o.instead(own.ID, m, 0), c.ID)
		}
	}
	got := o.r.OnDuty(o.home, c, at)
	if got && away {
		return fmt.Errorf("%v: %s is away and on duty as %s", at.In(o.home.Location()), c.ID, c.Role)
	}
	if got != want {
		return fmt.Errorf("%v: %s as %s of %q is on duty: %v, want %v", at.In(o.home.Location()), c.ID, c.Role, c.Post, got, want)
	}
	return nil
}
