package pipeline

import (
	"context"
	"fmt"
	"time"

	"stillwater"
	"stillwater/gateway/incident"
)

// deed does what somebody decided about an incident that is known here, or that is closed and in the store.
func (s *shard) deed(b *stillwater.Batch, a stillwater.Act) error {
	i, err := s.actedOn(a)
	if err != nil {
		return err
	}
	h, ok := s.home(i.Household, i.Findings...)
	if !ok {
		return fmt.Errorf("incident %q, whose household is not known: %w", a.Incident, ErrNoIncident)
	}
	now := s.p.now()
	in := incident.Input{Now: now, Act: &a}
	switch a.Deed {
	case stillwater.Merge:
		return s.merge(b, i, h, in)
	case stillwater.Split:
		return s.split(b, i, h, in)
	case stillwater.Reopen:
		if s.another(*i) {
			return &incident.Refusal{Deed: a.Deed, State: i.State, Reason: incident.GoesOnThere}
		}
	}
	return s.step(b, i, in)
}

// actedOn is the incident that a deed is about. Closed ones that nothing can happen to by itself are looked up, for the deeds on such.
func (s *shard) actedOn(a stillwater.Act) (*stillwater.Incident, error) {
	if i := s.incidents[a.Incident]; i != nil {
		return i, nil
	}
	if a.Deed == stillwater.Reopen || a.Deed == stillwater.FollowedUp {
		ctx, cancel := context.WithTimeout(context.Background(), lookPatience)
		defer cancel()
		i, ok, err := s.p.Store.Incident(ctx, a.Incident)
		if err != nil {
			return nil, fmt.Errorf("incident %q: %w", a.Incident, err)
		}
		if ok {
			return &i, nil
		}
	}
	return nil, fmt.Errorf("incident %q: %w", a.Incident, ErrNoIncident)
}

// lookPatience bounds how long the shard waits for the store to find a closed incident.
const lookPatience = 3 * time.Second

// another says whether the household has another incident of the same kind under way: then a closed one is not opened again beside it.
func (s *shard) another(i stillwater.Incident) bool {
	for _, j := range s.incidents {
		same := j.Household == i.Household && j.Group == i.Group
		if j.ID != i.ID && same && incident.Current(*j) && incident.Belongs(*j, stillwater.Finding{Household: i.Household, Group: i.Group, Kind: i.Kind}) {
			return true
		}
	}
	return false
}

// merge closes an incident into another of its household.
func (s *shard) merge(b *stillwater.Batch, from *stillwater.Incident, h stillwater.Household, in incident.Input) error {
	into := s.incidents[in.Act.Into]
	if into == nil || into.Household != from.Household {
		return &incident.Refusal{Deed: in.Act.Deed, State: from.State, Reason: incident.NotOneMatter}
	}
	closed, joined, err := incident.Merge(s.p.Case(*from, h), s.p.Case(*into, h), in)
	if err != nil {
		return err
	}
	s.file(b, closed, h, in.Now)
	s.file(b, joined, h, in.Now)
	return nil
}

// split opens an incident for a finding that is another matter.
func (s *shard) split(b *stillwater.Batch, from *stillwater.Incident, h stillwater.Household, in incident.Input) error {
	number := s.p.numbers.Add(1) - 1
	rest, own, err := incident.SplitOff(s.p.Case(*from, h), number, in)
	if err != nil {
		return err // the number is not used: they need not follow on each other
	}
	s.file(b, rest, h, in.Now)
	s.file(b, own, h, in.Now)
	return nil
}
