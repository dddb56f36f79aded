package pipeline

import (
	"context"
	"slices"
	"sync"
	"time"

	"stillwater"
)

// lifeBook is what the life events of all homes come to. Only shards write in it; whoever asks gets what nobody changes any more.
type lifeBook struct {
	mu       sync.RWMutex // guards everything below
	homes    map[stillwater.HouseholdID]stillwater.Circumstances
	festival festivals
}

// festivals are the years of the last Spring Festival that was asked about, by home and by who was asked.
type festivals struct {
	homes    map[stillwater.HouseholdID]int
	contacts map[stillwater.ContactID]int
}

func newLifeBook() *lifeBook {
	return &lifeBook{
		homes:    map[stillwater.HouseholdID]stillwater.Circumstances{},
		festival: festivals{map[stillwater.HouseholdID]int{}, map[stillwater.ContactID]int{}},
	}
}

// of are the circumstances of a home.
func (k *lifeBook) of(id stillwater.HouseholdID) stillwater.Circumstances {
	k.mu.RLock()
	defer k.mu.RUnlock()
	return k.homes[id]
}

// where are the homes whose circumstances fulfil a condition, sorted.
func (k *lifeBook) where(fulfil func(stillwater.Circumstances) bool) []stillwater.HouseholdID {
	k.mu.RLock()
	defer k.mu.RUnlock()
	var ids []stillwater.HouseholdID
	for id, c := range k.homes {
		if fulfil(c) {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	return ids
}

// take enters an event. The latest word counts.
func (k *lifeBook) take(e stillwater.LifeEvent) {
	k.mu.Lock()
	defer k.mu.Unlock()
	c := k.homes[e.Household]
	switch {
	case e.Kind.Stays():
		c.Stay, c.Asked = &e, without(c.Asked, func(q stillwater.LifeEvent) bool { return q.Kind == stillwater.AskedStay })
	case e.Kind == stillwater.HomeAgain, e.Kind == stillwater.Lapsed:
		c.Stay, c.Asked = nil, without(c.Asked, func(q stillwater.LifeEvent) bool { return q.Kind == stillwater.AskedStay })
	case e.Kind.Ends():
		c.Gone, c.Asked = &e, nil
	case e.Kind == stillwater.Mistaken:
		c.Gone = nil
	case e.Kind == stillwater.CarerAway:
		c.Carers = append(without(c.Carers, func(o stillwater.LifeEvent) bool { return o.Contact == e.Contact || !o.Until.After(e.At) }), e)
	case e.Kind == stillwater.CarerBack:
		c.Carers = without(c.Carers, func(o stillwater.LifeEvent) bool { return o.Contact == e.Contact })
	case e.Kind == stillwater.Answered:
		c.Asked = without(c.Asked, func(q stillwater.LifeEvent) bool { return q.Code == e.Code })
	case e.Kind == stillwater.AskedStay, e.Kind == stillwater.AskedFestival:
		c.Asked = append(without(c.Asked, func(q stillwater.LifeEvent) bool { return over(q, e.At) }), e)
	}
	if e.Kind == stillwater.AskedFestival {
		k.festival.homes[e.Household], k.festival.contacts[e.Contact] = e.Until.Year(), e.Until.Year()
	}
	k.homes[e.Household] = c
	if c.Stay == nil && c.Gone == nil && len(c.Carers)+len(c.Asked) == 0 {
		delete(k.homes, e.Household)
	}
}

// over says whether an answer to a question would come too late to mean anything.
func over(q stillwater.LifeEvent, at time.Time) bool { return !q.Until.IsZero() && !at.Before(q.Until) }

// without is a new list: others may read the one there was.
func without(list []stillwater.LifeEvent, drop func(stillwater.LifeEvent) bool) []stillwater.LifeEvent {
	return slices.DeleteFunc(slices.Clone(list), drop)
}

// askedOf says whether somebody was asked about a home, or the contact about any, for the Spring Festival of a year.
func (k *lifeBook) askedOf(id stillwater.HouseholdID, year int) bool {
	k.mu.RLock()
	defer k.mu.RUnlock()
	return k.festival.homes[id] == year
}

func (k *lifeBook) askedWho(id stillwater.ContactID, year int) bool {
	k.mu.RLock()
	defer k.mu.RUnlock()
	return k.festival.contacts[id] == year
}

// loadLives reads the life events at a start.
func (p *Pipeline) loadLives(ctx context.Context) error {
	return p.Store.LifeEvents(ctx, func(e stillwater.LifeEvent) error { p.lives.take(e); return nil })
}

// LifeOf is what people said of the life of a home, and what they were asked.
func (p *Pipeline) LifeOf(id stillwater.HouseholdID) stillwater.Circumstances {
	c, now := p.lives.of(id), p.now()
	c.Carers = without(c.Carers, func(e stillwater.LifeEvent) bool { return !e.Until.After(now) })
	c.Asked = without(c.Asked, func(q stillwater.LifeEvent) bool { return over(q, now) })
	return c
}

// gone says whether she moved away or died: then nothing of the home is recorded, judged or told.
func (p *Pipeline) gone(id stillwater.HouseholdID) bool { return p.lives.of(id).Gone != nil }

// carerAway says whether a contact is a carer of the home who is away at a moment.
func (p *Pipeline) carerAway(h stillwater.HouseholdID, c stillwater.ContactID, at time.Time) bool {
	return slices.ContainsFunc(p.lives.of(h).Carers, func(e stillwater.LifeEvent) bool { return e.Contact == c && e.Holds(at) })
}

// mayTell says whether a contact of a home may be told at a moment: on duty, and no carer who is away.
func (p *Pipeline) mayTell(h stillwater.Household, c stillwater.Contact, at time.Time) bool {
	return !p.carerAway(h.ID, c.ID, at) && (p.OnDuty == nil || p.OnDuty(h, c, at))
}

// silenced says why nothing may be under way for a household any more; "": something may.
func (p *Pipeline) silenced(id stillwater.HouseholdID, now time.Time) string {
	gone := p.lives.of(id).Gone
	switch {
	case p.withdrew(id, now):
		return "consent withdrawn"
	case gone != nil && gone.Kind == stillwater.Died:
		return "died"
	case gone != nil:
		return "moved away"
	}
	return ""
}

// left are the homes that she left for good, as long as it can be taken back: paused, and nothing more is said of them.
func (p *Pipeline) left() (list []stillwater.Standing) {
	now := p.now()
	for _, id := range p.lives.where(func(c stillwater.Circumstances) bool {
		return c.Gone != nil && now.Sub(c.Gone.At) <= stillwater.UndoWithin
	}) {
		if _, known := p.Registry.Household(id); known {
			list = append(list, stillwater.Standing{Household: id, State: stillwater.Paused})
		}
	}
	return list
}
