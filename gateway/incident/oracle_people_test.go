package incident

import (
	"slices"
	"time"

	"stillwater"
)

// saying is how something is said: to somebody who was told before, duty or not; and whether it waits for the end of quiet hours.
type saying struct {
	known, patient bool
	ways           []stillwater.Channel
	rung           bool // who shares a telephone is rather called than written to
}

// keyOf names what rings: two contacts may share it. Whether she is called is another matter.
func keyOf(by stillwater.Channel, to stillwater.Address, p stillwater.Purpose) string {
	switch {
	case p == stillwater.Check:
		return "her " + string(to)
	case by == stillwater.SMS || by == stillwater.Voice:
		return "telephone " + string(to)
	}
	return string(by) + " " + string(to)
}

// say wants a contact told, in any of the contact's roles; whether that can be.
func (o *oracle) say(id stillwater.ContactID, w want, how saying) bool {
	for _, c := range o.world.home.Contacts {
		if c.ID == id && o.sayTo(c, w, how) {
			return true
		}
	}
	return false
}

func (o *oracle) sayTo(c stillwater.Contact, w want, how saying) bool {
	if o.saidTo(c.ID) {
		return true
	}
	by, quiet, ok := o.canReach(c, how)
	switch {
	case !ok || quiet && !how.patient:
		return false
	case quiet:
		until := o.now
		for o.inQuiet(c, until) {
			until = until.Add(time.Minute)
			if until.Sub(o.now) > 48*time.Hour {
				return false
			}
		}
		o.owed = slices.DeleteFunc(o.owed, func(d debt) bool { return d.contact == c.ID })
		o.owed = append(o.owed, debt{c.ID, w.purpose, w.cause, until})
		return true
	}
	w.key, w.call = keyOf(by, c.AddressOf(by), w.purpose), by == stillwater.Voice
	for _, other := range o.wants {
		if other.key == w.key {
			other.contacts = append(other.contacts, c.ID)
			other.either = other.either || other.call != w.call && !how.rung
			other.call = other.call || w.call
			return true
		}
	}
	w.contacts = []stillwater.ContactID{c.ID}
	o.wants = append(o.wants, &w)
	return true
}

// saidTo says whether a contact is told something in this step: as the one whom it is written to. Who only shares the number may still be told
// elsewhere.
func (o *oracle) saidTo(id stillwater.ContactID) bool {
	return slices.ContainsFunc(o.wants, func(w *want) bool { return w.contacts[0] == id })
}

func (o *oracle) news(id stillwater.ContactID, p stillwater.Purpose, cause string) {
	o.say(id, want{purpose: p, cause: cause}, saying{known: true, patient: true})
}

func (o *oracle) againTo(ids []stillwater.ContactID, but stillwater.ContactID) {
	for _, id := range ids {
		if id != but {
			o.say(id, want{purpose: stillwater.Again}, saying{})
		}
	}
}

// askAgain asks those of the question's rung who were not asked for a while.
func (o *oracle) askAgain() {
	if o.state != stillwater.Opened {
		return
	}
	rung := o.world.ladder(stillwater.Question)[0]
	for _, c := range o.world.home.Contacts {
		asked := slices.ContainsFunc(o.pile, func(l *letter) bool {
			return l.Contact == c.ID && l.Purpose == stillwater.Ask && o.now.Sub(l.Created) < o.world.config.Quiet
		})
		if !asked && o.world.holds(rung, o.now) && slices.Contains(rung.To, c.Role) {
			o.sayTo(c, want{purpose: stillwater.Ask, cause: "joined"}, saying{patient: true, ways: ways(rung, c)})
		}
	}
}

func ways(r Rung, c stillwater.Contact) []stillwater.Channel {
	if slices.Contains(r.Call, c.Role) {
		return []stillwater.Channel{stillwater.Voice}
	}
	return r.By
}

// canReach says by which channel a contact can be told now, and whether quiet hours forbid it at the moment.
func (o *oracle) canReach(c stillwater.Contact, how saying) (by stillwater.Channel, quiet, ok bool) {
	if !c.Agreed.Withdrawn.IsZero() && !c.Agreed.Withdrawn.After(o.now) || !how.known && o.world.off[c.ID] {
		return "", false, false
	}
	wanted := how.ways
	if len(wanted) == 0 {
		wanted = slices.DeleteFunc(slices.Clone(c.Channels), func(by stillwater.Channel) bool { return by == stillwater.Voice })
		if len(wanted) == 0 {
			wanted = c.Channels
		}
		if len(wanted) == 0 {
			wanted = []stillwater.Channel{stillwater.SMS}
		}
	}
	for _, by := range wanted {
		telephone := by == stillwater.SMS || by == stillwater.Voice
		agreed := slices.Contains(c.Channels, by) || len(c.Channels) == 0 && telephone
		stopped := telephone && slices.ContainsFunc(o.world.home.Contacts, func(d stillwater.Contact) bool {
			return d.Phone == c.Phone && !d.OptedOut.IsZero() && !d.OptedOut.After(o.now)
		})
		if agreed && !stopped && c.AddressOf(by) != "" && slices.Contains(o.world.channels, by) {
			return by, o.severity != stillwater.Urgent && o.inQuiet(c, o.now), true
		}
	}
	return "", false, false
}

func (o *oracle) inQuiet(c stillwater.Contact, at time.Time) bool {
	zone := c.TimeZone
	if zone == "" {
		zone = o.world.home.TimeZone
	}
	local := at.In(stillwater.Household{TimeZone: zone}.Location())
	for _, h := range c.Quiet {
		if h.Contains(local) {
			return true
		}
	}
	return false
}

// stander is a contact on a rung, and the rung's ways.
type stander struct {
	stillwater.Contact
	ways []stillwater.Channel
}

// onRung are those who stand on a rung and can be told; by a question, also later.
func (o *oracle) onRung(r Rung, patient bool) (who []stander) {
	for _, c := range o.world.home.Contacts {
		if !o.world.holds(r, o.now) || !slices.Contains(r.To, c.Role) {
			continue
		}
		if _, quiet, ok := o.canReach(c, saying{ways: ways(r, c)}); ok && (!quiet || patient) {
			who = append(who, stander{c, ways(r, c)})
		}
	}
	return who
}

// standing are those whom a rung tells; beyond the ladder, those of the last two that have anybody, each as the later says.
func (o *oracle) standing(rung int) []stander {
	ladder := o.world.ladder(o.severity)
	if rung < len(ladder) {
		return o.onRung(ladder[rung], o.question())
	}
	var who []stander
	for i, rungs := len(ladder)-1, 0; i >= 0 && rungs < 2; i-- {
		here := o.onRung(ladder[i], o.question())
		if len(here) > 0 {
			rungs++
		}
		for _, s := range here {
			if !slices.ContainsFunc(who, func(t stander) bool { return t.ID == s.ID && t.Role == s.Role }) {
				who = append(who, s)
			}
		}
	}
	return who
}

// nextRung tells the next rung that has anybody.
func (o *oracle) nextRung(broken bool) {
	ladder := o.world.ladder(o.severity)
	o.climbed = true
	o.newRound()
	for {
		rung := o.turn
		o.turn++
		who := o.standing(rung)
		w := want{purpose: stillwater.Tell}
		switch {
		case o.question():
			w.purpose, w.cause = stillwater.Ask, "joined"
		case rung >= len(ladder) || broken:
			w.purpose = stillwater.Again
		}
		for _, calls := range []bool{true, false} {
			for _, s := range who {
				by, _, _ := o.canReach(s.Contact, saying{ways: s.ways})
				if (by == stillwater.Voice) == calls {
					o.sayTo(s.Contact, w, saying{ways: s.ways, patient: o.question(), rung: true})
				}
			}
		}
		if len(who) > 0 || rung >= len(ladder) || o.question() {
			return
		}
	}
}

func (o *oracle) rungLeft() bool {
	for rung := o.turn; rung < len(o.world.ladder(o.severity)); rung++ {
		if len(o.standing(rung)) > 0 {
			return true
		}
	}
	return false
}

// callHer: where she agreed, her own telephone rings, once, and connects her with a worker on duty or her family.
func (o *oracle) callHer() {
	for _, c := range o.world.home.Contacts {
		asked := slices.ContainsFunc(o.pile, func(l *letter) bool { return l.Purpose == stillwater.Check && l.To == stillwater.Address(c.Phone) })
		if c.Role != stillwater.Resident || asked || o.saidTo(c.ID) || o.world.config.ResidentCall == "off" {
			continue
		}
		w := want{purpose: stillwater.Check}
		voice := saying{ways: []stillwater.Channel{stillwater.Voice}}
		for _, role := range []stillwater.Role{stillwater.Family, stillwater.Worker} {
			for _, d := range slices.Backward(o.world.home.Contacts) {
				if _, _, ok := o.canReach(d, voice); ok && d.Role == role && d.Phone != c.Phone && o.world.config.ResidentCall == "connect" {
					w.connect = stillwater.Address(d.Phone)
				}
			}
		}
		if w.connect != "" || o.world.config.ResidentCall == "voice" {
			o.sayTo(c, w, voice)
		}
	}
}

func (o *oracle) everTold() (who []stillwater.ContactID) {
	for _, l := range o.pile {
		if l.Purpose != stillwater.Check && !slices.Contains(who, l.Contact) {
			who = append(who, l.Contact)
		}
	}
	return who
}

// knowing are those who may know of it: whose message may have arrived, and who acted on it.
func (o *oracle) knowing() (who []stillwater.ContactID) {
	for _, l := range o.pile {
		if l.Purpose != stillwater.Check && !l.lost && !l.cancelled && !slices.Contains(who, l.Contact) {
			who = append(who, l.Contact)
		}
	}
	for _, id := range o.actors {
		if !slices.Contains(who, id) {
			who = append(who, id)
		}
	}
	return who
}

// misled are those who believe that it is over, or were not told because of a promise.
func (o *oracle) misled() (who []stillwater.ContactID) {
	for _, id := range o.everTold() {
		if l := o.lastTo(id); l.cancelled || l.cause == "ended" && l.Purpose == stillwater.Update || l.cause == "outcome-due" {
			who = append(who, id)
		}
	}
	return who
}

func (o *oracle) lastTo(id stillwater.ContactID) *letter {
	for _, l := range slices.Backward(o.pile) {
		if l.Contact == id && l.Purpose != stillwater.Check {
			return l
		}
	}
	return &letter{}
}
