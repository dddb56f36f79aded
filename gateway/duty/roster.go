package duty

import (
	"slices"
	"time"

	"stillwater"
	"stillwater/rules"
)

// Calendar is the days that a roster asks for.
type Calendar struct {
	// Days are the days that offices work: calendar.Working. Nil: Saturday and Sunday rest.
	Days rules.Calendar
	// Spring is the public holiday of the Spring Festival: calendar.Spring. Nil: it is not kept.
	Spring func(year int) (first, last time.Time)
}

// A Roster is who is on duty when. It never changes and may be asked by many at once.
type Roster struct {
	calendar Calendar
	posts    []*post
	people   map[stillwater.ContactID]*person // who serves a post, is away, or stands in
	contacts map[stillwater.ContactID]stillwater.Contact
}

// A person is what the roster says of one contact.
type person struct {
	turns []duty
	desks []*post
	away  []*StandIn
	by    []*StandIn // where this person stands in
	left  int64      // since when this person does not agree to be told any more, in seconds since 1970; zero: agrees
}

// A duty is a turn of a post that a person has.
type duty struct {
	post *post
	turn int
}

// maxChain bounds how many stand in for one another in a row: a stand-in who is away has one, too.
const maxChain = 4

// New makes the roster of a configuration, which must be valid. Who is no contact is nobody: see Unknown. Of contacts with the same ID the
// first counts.
func New(c Config, contacts []stillwater.Contact, calendar Calendar) *Roster {
	r := &Roster{calendar: calendar, people: map[stillwater.ContactID]*person{}, contacts: make(map[stillwater.ContactID]stillwater.Contact, len(contacts))}
	for _, contact := range contacts {
		if _, known := r.contacts[contact.ID]; !known {
			r.contacts[contact.ID] = contact
		}
	}
	for _, p := range c.Posts {
		r.addPost(p)
	}
	for i := range c.StandIns {
		s := c.StandIns[i]
		r.person(s.For).away = append(r.person(s.For).away, &s)
		if s.By != "" {
			r.person(s.By).by = append(r.person(s.By).by, &s)
		}
	}
	for id, p := range r.people {
		if at := r.contacts[id].Agreed.Withdrawn; !at.IsZero() {
			p.left = at.Unix()
		}
	}
	return r
}

func (r *Roster) addPost(config Post) {
	p := &post{Post: config}
	for _, s := range config.Shifts {
		p.turns = append(p.turns, ready(s))
	}
	for i := range p.turns {
		for _, id := range p.turns[i].who {
			r.person(id).turns = append(r.person(id).turns, duty{p, i})
		}
	}
	if p.Desk != "" {
		r.person(p.Desk).desks = append(r.person(p.Desk).desks, p)
	}
	r.posts = append(r.posts, p)
}

// person is the entry of a contact, made when it is asked for first.
func (r *Roster) person(id stillwater.ContactID) *person {
	if r.people[id] == nil {
		r.people[id] = &person{}
	}
	return r.people[id]
}

// Unknown is whom the roster names and nobody knows as a contact, in order. They are not told; nothing is known of them.
func (r *Roster) Unknown() []stillwater.ContactID {
	var ids []stillwater.ContactID
	for id := range r.people {
		if _, known := r.contacts[id]; !known {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	return ids
}

// Attach gives the homes with everybody who may be told of them by turns: the staff of the posts that serve them, and stand-ins. A contact stands
// there once for each role, with the Role and the name of the post; who is there in that role already stays as before, by ID or by
// number. What is given is not changed.
func (r *Roster) Attach(households []stillwater.Household) []stillwater.Household {
	attached := slices.Clone(households)
	for i := range attached {
		h := &attached[i]
		h.Contacts = slices.Clone(h.Contacts)
		for _, p := range r.posts {
			if p.covers(&h.Place) {
				for _, id := range p.staff() {
					r.join(h, id, p.Role, p.Name)
				}
			}
		}
		for j := 0; j < len(h.Contacts); j++ { // the list grows: who stands in may be stood in for
			r.joinStandIns(h, h.Contacts[j])
		}
	}
	return attached
}

func (r *Roster) joinStandIns(h *stillwater.Household, c stillwater.Contact) {
	p := r.people[c.ID]
	if p == nil {
		return
	}
	post := c.Post
	if post == "" {
		post = StandInPost
	}
	for _, s := range p.away {
		if s.By != "" {
			r.join(h, s.By, c.Role, post)
		}
	}
}

// join adds a contact to a home, unless there is nobody to add or the role is already filled by the same person.
func (r *Roster) join(h *stillwater.Household, id stillwater.ContactID, role stillwater.Role, post string) {
	c, known := r.contacts[id]
	if !known {
		return
	}
	there := slices.ContainsFunc(h.Contacts, func(other stillwater.Contact) bool {
		return other.Role == role && (other.ID == id || c.Phone != "" && other.Phone == c.Phone && other.Post == "")
	})
	if there {
		return
	}
	c.Role, c.Post = role, post
	c.Key, c.Minutes = false, 0 // those are of another home
	h.Contacts = append(h.Contacts, c)
}

// OnDuty says whether a contact of a home that came from Attach may be told at a moment. Who belongs to the home by no post always may, unless
// away. The others may while a post of the role that serves the home has them on duty, or while they stand in for somebody who would be.
func (r *Roster) OnDuty(h stillwater.Household, c stillwater.Contact, at time.Time) bool {
	p := r.people[c.ID]
	if p == nil {
		return c.Post == ""
	}
	if c.Post == "" && len(p.away) == 0 {
		return true
	}
	s := see(at, h.Location())
	if p.isAway(s) {
		return false
	}
	in := place{&h, c.Role, c.Post}
	return c.Post == "" || r.serves(in, c.ID, s) || r.standsIn(in, c.ID, s, 1)
}

// A place is where somebody is to be on duty: a home, in a role. Of a group of homes, which stands for more than its own place, the post
// that somebody was added for counts too.
type place struct {
	home *stillwater.Household
	role stillwater.Role
	post string
}

// of says whether a post serves there.
func (in place) of(p *post) bool {
	return p.Role == in.role && (p.Name == in.post || p.covers(&in.home.Place))
}

// belongs says whether a person is a contact of the home by no post.
func (in place) belongs(id stillwater.ContactID) bool {
	return slices.ContainsFunc(in.home.Contacts, func(c stillwater.Contact) bool { return c.ID == id && c.Role == in.role && c.Post == "" })
}

// isAway says whether a person is not to be told now: somebody is entered as away, or has withdrawn the consent to be told.
func (p *person) isAway(s sight) bool {
	return p != nil && (p.left != 0 && s.at >= p.left || slices.ContainsFunc(p.away, func(a *StandIn) bool { return a.lasts(s) }))
}

// lasts says whether the moment lies in the time away.
func (a *StandIn) lasts(s sight) bool {
	return s.at >= s.instant(a.From.begin()) && (a.To.IsZero() || s.at < s.instant(a.To.end()))
}

// serves says whether a person would be on duty, were there no absences.
func (r *Roster) serves(in place, id stillwater.ContactID, s sight) bool {
	p := r.people[id]
	for _, d := range p.turns {
		if in.of(d.post) && r.shift(d.post, d.turn, s) {
			return true
		}
	}
	for _, desk := range p.desks {
		if in.of(desk) && r.open(desk, s) {
			return true
		}
	}
	return false
}

// open says whether somebody sits at the desk of a post: always where nobody is said to come by turns.
func (r *Roster) open(p *post, s sight) bool {
	for i := range p.turns {
		if r.shift(p, i, s) && r.manned(p, i, s) {
			return true
		}
	}
	return len(p.turns) == 0
}

// shift says whether the people of a post's turn are on duty, were there no absences: during a stay, and for the hand-over after it if
// somebody has come since.
func (r *Roster) shift(p *post, i int, s sight) bool {
	t := &p.turns[i]
	return t.any(s, r.calendar.Days, func(begin, end int64) bool {
		switch {
		case s.at < begin || s.at >= end+t.handover:
			return false
		case s.at < end:
			return true
		}
		return r.comes(p, i, end, s)
	})
}

// comes says whether a turn other than i began at a moment or later and goes on, and somebody is there.
func (r *Roster) comes(p *post, i int, since int64, s sight) bool {
	for j := range p.turns {
		begun := func(begin, end int64) bool { return since <= begin && begin <= s.at && s.at < end }
		if j != i && p.turns[j].any(s, r.calendar.Days, begun) && r.manned(p, j, s) {
			return true
		}
	}
	return false
}

// manned says whether anybody of a turn is there, or somebody instead; where it names nobody, the desk.
func (r *Roster) manned(p *post, i int, s sight) bool {
	who := p.turns[i].who
	if len(who) == 0 {
		return r.there(p.Desk, s, 0)
	}
	return slices.ContainsFunc(who, func(id stillwater.ContactID) bool { return r.there(id, s, 0) })
}

// there says whether a person who should be on duty is, or somebody else instead.
func (r *Roster) there(id stillwater.ContactID, s sight, depth int) bool {
	p := r.people[id]
	if _, known := r.contacts[id]; !p.isAway(s) {
		return known
	}
	return depth < maxChain && slices.ContainsFunc(p.away, func(a *StandIn) bool {
		return a.By != "" && a.lasts(s) && r.there(a.By, s, depth+1)
	})
}

// standsIn says whether a person stands in for one who would be on duty.
func (r *Roster) standsIn(in place, id stillwater.ContactID, s sight, depth int) bool {
	return slices.ContainsFunc(r.people[id].by, func(a *StandIn) bool {
		return a.lasts(s) && (in.belongs(a.For) || r.serves(in, a.For, s) || depth < maxChain && r.standsIn(in, a.For, s, depth+1))
	})
}
