package pipeline

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"stillwater"
	"stillwater/gateway/incident"
)

// The reasons for which a life event is refused, beside those of incidents; pages put them into words.
const (
	HomeGone     incident.Reason = "life-gone"     // nothing can be said of a home that she left for good, but that it was a mistake
	NotGone      incident.Reason = "life-not-gone" // it was no mistake, or nobody made it
	UndoTooLate  incident.Reason = "life-too-late"
	NobodyLeft   incident.Reason = "life-nobody"     // no other contact could be told while the carer is away
	NoSuchPerson incident.Reason = "life-no-contact" // the carer is no contact of the home
)

// How long a stay lasts of which nobody said until when, and how long before its end somebody is asked. Each answer moves the end:
// hospital is asked about every week. Without one the home is watched again at the end.
var (
	stayLasts    = map[stillwater.LifeKind]time.Duration{stillwater.InHospital: 14 * 24 * time.Hour, stillwater.WithFamily: 28 * 24 * time.Hour}
	reviewBefore = 7 * 24 * time.Hour
)

// stayAtOnce bounds how far back the absence of a stay reaches that is moved on again and again: with what is to come it must not exceed
// stillwater.MaxAbsence.
const stayAtOnce = 60 * 24 * time.Hour

// Life takes what somebody said of the life of a home, and returns when it is committed with all that follows. A *incident.Refusal says
// that this cannot be.
//
// After "moved" or "died" texts that have not left are not sent, incidents are closed, and nothing is recorded, judged or told of the home, until
// that is taken back as a mistake. Whoever lets people say it must ask them twice.
func (p *Pipeline) Life(ctx context.Context, e stillwater.LifeEvent) error {
	e.At = p.now()
	e.From, e.Until = e.From.UTC().Truncate(stillwater.Instant), e.Until.UTC().Truncate(stillwater.Instant)
	if err := e.Validate(); err != nil {
		return err
	}
	var memory []byte
	if e.Kind == stillwater.Mistaken {
		var err error
		if memory, err = p.memoryOf(ctx, e.Household); err != nil {
			return fmt.Errorf("memory of household %q: %w", e.Household, err)
		}
	}
	var refused error
	err := p.shard(e.Household).do(ctx, func(b *stillwater.Batch) { refused = p.shard(e.Household).live(b, e, memory) })
	if err != nil {
		return err // and refused may still be written to
	}
	return refused
}

// errFound ends a search.
var errFound = errors.New("found")

// memoryOf is what the engine remembered of a home when it was last stored; nil: nothing was.
func (p *Pipeline) memoryOf(ctx context.Context, id stillwater.HouseholdID) (memory []byte, err error) {
	err = p.Store.States(ctx, func(s stillwater.State) error {
		if s.Household != id {
			return nil
		}
		memory = slices.Clone(s.Data)
		return errFound
	})
	if errors.Is(err, errFound) {
		err = nil
	}
	return memory, err
}

// note files an event, so that it counts from now on.
func (s *shard) note(b *stillwater.Batch, e stillwater.LifeEvent) {
	s.p.lives.take(e)
	b.Lives = append(b.Lives, e)
}

// live does what an event calls for.
func (s *shard) live(b *stillwater.Batch, e stillwater.LifeEvent, memory []byte) error {
	gone := s.p.lives.of(e.Household).Gone
	switch {
	case e.Kind == stillwater.Mistaken:
		return s.comeBack(b, e, memory)
	case gone != nil && gone.Kind == e.Kind:
		return nil // pressed twice
	case gone != nil:
		return &incident.Refusal{Deed: stillwater.Deed(e.Kind), Reason: HomeGone}
	}
	h, ok := s.homes[e.Household]
	if !ok {
		return fmt.Errorf("household %q: %w", e.Household, ErrUnknownHome)
	}
	switch {
	case e.Kind.Stays():
		return s.stay(b, e)
	case e.Kind.Ends():
		return s.part(b, e, h)
	case e.Kind == stillwater.HomeAgain:
		s.note(b, e)
		return s.goAway(b, stillwater.Absence{Household: e.Household, At: e.At, Who: e.Who})
	case e.Kind == stillwater.CarerAway:
		if reason := s.spare(e, h); reason != "" {
			return &incident.Refusal{Deed: stillwater.Deed(e.Kind), Reason: reason}
		}
	}
	s.note(b, e)
	return nil
}

// stay lets a home be one from which she is away for a time.
func (s *shard) stay(b *stillwater.Batch, e stillwater.LifeEvent) error {
	if e.From.IsZero() {
		e.From = e.At
		if old := s.p.lives.of(e.Household).Stay; old != nil && old.Kind == e.Kind { // it goes on
			e.From = later(old.From, e.At.Add(-stayAtOnce))
		}
	}
	if e.Until.IsZero() {
		e.Until, e.Reviewed = e.At.Add(stayLasts[e.Kind]), true
	}
	a := stillwater.Absence{Household: e.Household, From: e.From, Until: e.Until, At: e.At, Who: e.Who, Why: e.Kind}
	if err := a.Validate(); err != nil {
		return err
	}
	if err := s.goAway(b, a); err != nil {
		return err
	}
	s.note(b, e)
	return nil
}

func later(a, b time.Time) time.Time {
	if a.Before(b) {
		return b
	}
	return a
}

// spare says why a carer cannot be spared; "": others can be told.
func (s *shard) spare(e stillwater.LifeEvent, h stillwater.Household) incident.Reason {
	if !slices.ContainsFunc(h.Contacts, func(c stillwater.Contact) bool { return c.ID == e.Contact }) {
		return NoSuchPerson
	}
	another := func(c stillwater.Contact) bool {
		away := slices.ContainsFunc(s.p.lives.of(h.ID).Carers, func(o stillwater.LifeEvent) bool { return o.Contact == c.ID && o.Until.After(e.At) })
		return c.ID != e.Contact && c.Role != stillwater.Resident && !away && (c.Agreed.Withdrawn.IsZero() || e.At.Before(c.Agreed.Withdrawn))
	}
	if !slices.ContainsFunc(h.Contacts, another) {
		return NobodyLeft
	}
	return ""
}

// part stops everything of a home that she left for good. What the engine remembers of it is stored as it is, for it may be a mistake.
func (s *shard) part(b *stillwater.Batch, e stillwater.LifeEvent, h stillwater.Household) error {
	twin, err := s.engine.Only(e.Household)
	if err == nil {
		err = twin.Changed(func(stillwater.HouseholdID) bool { return true }, func(id stillwater.HouseholdID, data []byte) {
			b.States = append(b.States, stillwater.State{Household: id, Data: data})
		})
	}
	if err != nil { // that it is learned anew after a mistake is better than one more text
		s.p.Log.Error("memory of a home not kept", "household", e.Household, "err", err)
	}
	s.note(b, e)
	s.letGo(b, e.At)
	s.tellStaff(b, e, h)
	s.place()
	return nil
}

// comeBack watches a home again that was left for good by mistake, as if the gateway had been away meanwhile. What stood to be dealt with then
// does again.
func (s *shard) comeBack(b *stillwater.Batch, e stillwater.LifeEvent, memory []byte) error {
	gone := s.p.lives.of(e.Household).Gone
	switch {
	case gone == nil:
		return &incident.Refusal{Deed: stillwater.Deed(e.Kind), Reason: NotGone}
	case e.At.Sub(gone.At) > stillwater.UndoWithin:
		return &incident.Refusal{Deed: stillwater.Deed(e.Kind), Reason: UndoTooLate}
	}
	s.note(b, e)
	s.place()
	h, ok := s.homes[e.Household]
	if !ok {
		return fmt.Errorf("household %q: %w", e.Household, ErrUnknownHome)
	}
	if memory != nil {
		if err := s.engine.Restore(e.Household, memory); err != nil {
			s.p.Log.Error("home is learned anew", "household", e.Household, "err", err)
		}
	}
	s.enter(b, &stillwater.Entry{Resumed: e.At, Shard: s.index, Shards: Shards})
	for _, f := range s.engine.Standing(e.Household, e.At).Findings {
		s.incidentOf(b, s.weigh(f, e.At), e.At)
	}
	delete(s.saved, e.Household)
	s.entries = snapshotEvery // a start must not take the time between for one in which the home was watched
	s.tellStaff(b, e, h)
	return nil
}

// hush cancels what is on its way to the contacts of homes of which nothing may be told any more, as far as it can be had back. The courier may
// have a text in hand that the shard takes for waiting: so the store is asked, and again each minute while anything is known of it.
func (s *shard) hush(b *stillwater.Batch, now time.Time) {
	for _, id := range slices.Sorted(maps.Keys(s.messages)) {
		m := s.messages[id]
		open := m.State == stillwater.Pending || m.State == stillwater.Sending || m.State == stillwater.Cancelled
		if !open || m.Purpose == stillwater.Parted || s.p.silenced(m.Household, now) == "" {
			continue
		}
		ctx, cancel := context.WithTimeout(context.Background(), lookPatience)
		stored, found, err := s.p.Store.Message(ctx, id)
		cancel()
		if err != nil || !found {
			stored = m // of this very batch, or the store is away: what is known here
		}
		if stored.State == stillwater.Pending || stored.State == stillwater.Sending {
			stored.State, stored.Changed = stillwater.Cancelled, now
			s.track(stored)
			b.Messages = append(b.Messages, stored)
		}
	}
}
