package pipeline

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"time"

	"stillwater"
	"stillwater/gateway/incident"
)

// found takes a finding that began or ended to its incident.
func (s *shard) found(b *stillwater.Batch, f stillwater.Finding, now time.Time) {
	if f.Trial {
		return
	}
	if isDrill(f) {
		s.drilled(b, f, now)
		return
	}
	b.Findings = append(b.Findings, f)
	s.incidentOf(b, s.weigh(f, now), now)
	if f.Group != "" {
		s.sharedBy(b, f, now)
	}
	if f.Kind == stillwater.Welfare && f.Ended.IsZero() {
		s.weighSilent(b, f.Household, now)
	}
}

// weigh raises the silence of the device that covers a home to an alert while it stands to be checked how she is: then not to
// see her is an emergency of its own.
func (s *shard) weigh(f stillwater.Finding, now time.Time) stillwater.Finding {
	if f.Kind != stillwater.Equipment || f.Severity != stillwater.Notice || s.welfare(f.Household) == nil {
		return f
	}
	if s.engine.Standing(f.Household, now).State == stillwater.Blind {
		f.Severity = stillwater.Alert
	}
	return f
}

// weighSilent does the same for a device that had been silent before the incident began.
func (s *shard) weighSilent(b *stillwater.Batch, id stillwater.HouseholdID, now time.Time) {
	for _, f := range s.engine.Standing(id, now).Findings {
		if heavier := s.weigh(f, now); heavier.Severity != f.Severity {
			s.incidentOf(b, heavier, now)
		}
	}
}

// incidentOf opens an incident for the finding, or takes it to the one it belongs to.
func (s *shard) incidentOf(b *stillwater.Batch, f stillwater.Finding, now time.Time) {
	i := s.current(f)
	if i == nil {
		if _, ok := s.home(f.Household, f); !ok || !f.Ended.IsZero() || !incident.Opens(f) {
			return
		}
		fresh := incident.New(s.p.numbers.Add(1)-1, f, now)
		i = &fresh
	}
	if err := s.step(b, i, incident.Input{Now: now, Finding: &f}); err != nil {
		s.p.Log.Error("finding left out of its incident", "incident", i.ID, "rule", f.Rule, "err", err)
	}
}

// current is the incident that the finding belongs to, of its household or group; nil: there is none. One that has the finding comes before
// one of its kind, and what was split off before what it was split from.
func (s *shard) current(f stillwater.Finding) *stillwater.Incident {
	var best *stillwater.Incident
	for _, i := range s.incidents {
		if incident.Belongs(*i, f) && incident.Current(*i) && (best == nil || nearer(i, best, f)) {
			best = i
		}
	}
	return best
}

// nearer says whether a finding belongs to a rather than to b.
func nearer(a, b *stillwater.Incident, f stillwater.Finding) bool {
	rank := func(i *stillwater.Incident) int {
		switch {
		case incident.Has(*i, f) && i.SplitOff != "":
			return 0
		case incident.Has(*i, f):
			return 1
		}
		return 2
	}
	return cmp.Or(cmp.Compare(rank(a), rank(b)), cmp.Compare(a.ID, b.ID)) < 0
}

// due are the incidents that have something to do at the moment, in one order.
func (s *shard) due(at time.Time) []*stillwater.Incident {
	var due []*stillwater.Incident
	for _, i := range s.incidents {
		if !i.Next.IsZero() && !i.Next.After(at) {
			due = append(due, i)
		}
	}
	slices.SortFunc(due, func(a, b *stillwater.Incident) int { return strings.Compare(string(a.ID), string(b.ID)) })
	return due
}

// step takes an incident further by one input and files what that calls for.
func (s *shard) step(b *stillwater.Batch, i *stillwater.Incident, in incident.Input) error {
	var about []stillwater.Finding
	if in.Finding != nil {
		about = append(about, *in.Finding)
	}
	h, ok := s.home(i.Household, append(about, i.Findings...)...)
	if !ok || i.Household == DrillHome { // nobody is told anything of it, until its household is known again; of a drill nobody more
		return nil
	}
	r, err := incident.Step(s.p.Case(*i, h), in)
	if err != nil {
		return err
	}
	s.file(b, r, h, in.Now)
	return nil
}

// Case is an incident with all that decides who is told of it.
func (p *Pipeline) Case(i stillwater.Incident, h stillwater.Household) incident.Case {
	c := incident.Case{Incident: i, Household: h, Config: p.Ladders, Calendar: p.Calendar, Channels: p.Channels}
	c.OnDuty = func(who stillwater.Contact, at time.Time) bool { return p.mayTell(h, who, at) }
	return c
}

// file adds what a step calls for to the batch.
func (s *shard) file(b *stillwater.Batch, r incident.Result, h stillwater.Household, now time.Time) {
	if r.Changed {
		s.keep(r.Incident)
		b.Incidents = append(b.Incidents, r.Incident)
	}
	for _, m := range r.Messages {
		m.Link = s.p.link(m)
		s.p.write(&m, r.Incident, h)
		s.track(m)
		b.Messages = append(b.Messages, m)
	}
	for _, id := range r.Cancel {
		if m, ok := s.messages[id]; ok && m.State == stillwater.Pending {
			m.State, m.Changed = stillwater.Cancelled, now
			s.track(m)
			b.Messages = append(b.Messages, m)
		}
	}
	if r.Rearm && r.Incident.Household != "" {
		s.enter(b, &stillwater.Entry{Rearm: r.Incident.Household, At: now})
	}
}

// keep remembers an incident while something can still happen to it.
func (s *shard) keep(i stillwater.Incident) {
	s.incidents[i.ID] = &i
	s.p.index(i)
}

// letGo stops everything that is under way for households that withdrew their consent, or were left for good: texts that have not left are not sent any
// more, and what was to be dealt with is closed. An incident of a household that is merely not known stays: the register may be mended.
func (s *shard) letGo(b *stillwater.Batch, now time.Time) {
	s.hush(b, now)
	for _, id := range slices.Sorted(maps.Keys(s.messages)) {
		if m := s.messages[id]; m.State == stillwater.Pending && s.p.withdrew(m.Household, now) {
			m.State, m.Changed = stillwater.Cancelled, now
			s.track(m)
			b.Messages = append(b.Messages, m)
		}
	}
	for _, id := range slices.Sorted(maps.Keys(s.incidents)) {
		i := *s.incidents[id]
		why := s.p.silenced(i.Household, now)
		if why == "" {
			continue
		}
		delete(s.incidents, id)
		if !incident.Lives(i) {
			continue
		}
		if incident.Current(i) {
			i.Closed = now
			i.Log = append(slices.Clone(i.Log), stillwater.Event{At: now, What: "closed", Note: why})
		}
		i.State, i.Next, i.Promise = stillwater.ClosedState, time.Time{}, time.Time{}
		i.Waiting, i.FollowUp = nil, time.Time{}
		s.p.index(i)
		b.Incidents = append(b.Incidents, i)
	}
}

// withdrew says whether the household took its consent back.
func (p *Pipeline) withdrew(id stillwater.HouseholdID, now time.Time) bool {
	h, known := p.Registry.Household(id)
	return known && !h.Consent.Withdrawn.IsZero() && !now.Before(h.Consent.Withdrawn)
}

// retire forgets incidents that are done with and whose messages have all arrived, and messages that no news will come of.
func (s *shard) retire(now time.Time) {
	underWay := map[stillwater.IncidentID]bool{}
	for id, m := range s.messages {
		settled := m.State == stillwater.Accepted || m.State.Final()
		if settled && now.Sub(m.Changed) > noNews {
			s.forget(id)
			continue
		}
		underWay[m.Incident] = true
	}
	for id, i := range s.incidents {
		if !incident.Lives(*i) && !underWay[id] {
			delete(s.incidents, id)
		}
	}
}

// noNews is how long after a provider took a message it may still say that it arrived, and a courier what became of one that was
// cancelled in its hands or given up.
const noNews = time.Hour

// track remembers a message while it is under way. One that was cancelled or given up is: the courier may have it in hand already, or
// the provider know better, and then its receipt counts.
func (s *shard) track(m stillwater.Message) {
	if m.State == stillwater.Delivered {
		s.forget(m.ID)
		return
	}
	s.messages[m.ID] = m
	s.p.mu.Lock()
	defer s.p.mu.Unlock()
	s.p.messages[m.ID] = m.Household
}

// forget drops a message that nothing more will happen to.
func (s *shard) forget(id stillwater.MessageID) {
	delete(s.messages, id)
	s.p.mu.Lock()
	defer s.p.mu.Unlock()
	delete(s.p.messages, id)
}

// index notes which contacts were told of an open incident, so that a reply finds it.
func (p *Pipeline) index(i stillwater.Incident) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, t := range i.Told {
		switch told := p.contacts[t.Contact]; {
		case !i.IsOpen():
			delete(told, i.ID)
		case told == nil:
			p.contacts[t.Contact] = map[stillwater.IncidentID]open{i.ID: {i.Household, i.Code}}
		default:
			told[i.ID] = open{i.Household, i.Code}
		}
	}
}

// standing is how a home is, incidents included.
func (s *shard) standing(id stillwater.HouseholdID, now time.Time) stillwater.Standing {
	st := s.engine.Standing(id, now)
	for _, i := range s.incidents {
		if i.Household == id && i.Kind == stillwater.Welfare && i.IsOpen() {
			st.State = stillwater.ToBeChecked
		}
	}
	return st
}
