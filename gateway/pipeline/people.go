package pipeline

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"stillwater"
	"stillwater/gateway/incident"
	"stillwater/gateway/words"
)

// ErrNoIncident says that an act is about an incident that is not open here.
var ErrNoIncident = errors.New("no such open incident")

// Act does what somebody decided about an incident, and returns when it is committed. A *incident.Refusal says that this cannot
// be done now.
func (p *Pipeline) Act(ctx context.Context, household stillwater.HouseholdID, a stillwater.Act) error {
	s := p.shard(household)
	var refused error
	if err := s.do(ctx, func(b *stillwater.Batch) { refused = s.act(b, a) }); err != nil {
		return err // and refused may still be written to
	}
	return refused
}

// Away takes what somebody said of an absence, or that she is back, and returns when it is committed. It is heard at once: what it
// ends is told as any end is.
func (p *Pipeline) Away(ctx context.Context, a stillwater.Absence) error {
	a.At = p.now()
	a.From, a.Until = a.From.UTC().Truncate(stillwater.Instant), a.Until.UTC().Truncate(stillwater.Instant)
	if err := a.Validate(); err != nil {
		return err
	}
	s := p.shard(a.Household)
	var refused error
	if err := s.do(ctx, func(b *stillwater.Batch) { refused = s.goAway(b, a) }); err != nil {
		return err
	}
	return refused
}

// ErrUnknownHome says that an act is about a home that is not watched.
var ErrUnknownHome = errors.New("the home is not known, or has not consented")

func (s *shard) goAway(b *stillwater.Batch, a stillwater.Absence) error {
	if _, ok := s.homes[a.Household]; !ok {
		return fmt.Errorf("household %q: %w", a.Household, ErrUnknownHome)
	}
	s.enter(b, &stillwater.Entry{Away: &a})
	return nil
}

func (s *shard) act(b *stillwater.Batch, a stillwater.Act) error { return s.deed(b, a) }

// Receipt files what became of an attempt to deliver a message, with what follows for its incident, and returns when it is
// committed. A receipt for a message that is no longer under way changes nothing.
func (p *Pipeline) Receipt(ctx context.Context, r stillwater.Receipt) error {
	p.mu.Lock()
	household, ok := p.messages[r.Message]
	p.mu.Unlock()
	if !ok {
		return nil
	}
	s := p.shard(household)
	return s.do(ctx, func(b *stillwater.Batch) { s.receipt(b, r) })
}

// write puts into a message what it says.
func (p *Pipeline) write(m *stillwater.Message, i stillwater.Incident, h stillwater.Household) {
	m.Text = p.Text(*m, i, h)
	if p.Vars != nil && m.By() == stillwater.SMS {
		m.Vars = p.Vars(*m, i, h)
	}
}

func (s *shard) receipt(b *stillwater.Batch, r stillwater.Receipt) {
	m, ok := s.messages[r.Message]
	if left := r.State == stillwater.Accepted || r.State == stillwater.Delivered; !ok || m.State.Final() && !left {
		if m.State == stillwater.Cancelled && r.Attempts > m.Attempts { // it was in the courier's hands then, did not leave, and is not to
			m.Attempts = r.Attempts
			s.track(m)
			b.Messages = append(b.Messages, m)
		}
		return // of what is done with, only that it left after all is news
	}
	now := s.p.now()
	repeat := m.Repeat
	m.State, m.Changed, m.Attempts, m.Repeat = r.State, now, r.Attempts, r.Repeat
	m.Provider, m.ProviderID, m.Error = r.Provider, r.ProviderID, r.Error
	i := s.incidents[m.Incident]
	if i != nil && m.Repeat != repeat {
		if h, known := s.home(i.Household, i.Findings...); known {
			s.p.write(&m, *i, h)
		}
	}
	s.track(m)
	b.Messages = append(b.Messages, m)
	if i == nil {
		return
	}
	if err := s.step(b, i, incident.Input{Now: now, Receipt: &r}); err != nil {
		s.p.Log.Warn("receipt left out of its incident", "message", m.ID, "err", err)
	}
}

// Directory finds people by their phone.
type Directory interface {
	ByPhone(stillwater.Phone) []stillwater.Contact
}

// What becomes of a reply, as it is counted.
const (
	Commanded     = "command"
	Refused       = "refused"   // a command that could not be done any more
	Ambiguous     = "ambiguous" // it fitted several incidents, and was asked back
	Unclear       = "unclear"   // no command
	NothingOpen   = "nothing-open"
	OptedOut      = "opt-out"
	OptedIn       = "opt-in"
	UnknownSender = "unknown" // of somebody who is told of no home, or not any more
)

// Reply acts on an answer that came in, once, and returns when that is committed: a text, or a key, a button or a card of a message. Unknown
// senders and texts that are no command are only noted: they get silence. A carrier's opt-out word ends all texts to its number.
func (p *Pipeline) Reply(ctx context.Context, people Directory, r stillwater.Reply) error {
	known, err := p.Store.HasReply(ctx, r.ID)
	if err != nil || known {
		return err
	}
	if !p.takeUp(r.ID) {
		return fmt.Errorf("reply %q: %w", r.ID, ErrUnderWay)
	}
	if r.Message != "" {
		err = p.press(ctx, r)
	} else {
		err = p.reply(ctx, people.ByPhone(r.From), r)
	}
	if ctx.Err() == nil { // else a shard may still have it
		p.mu.Lock()
		delete(p.replies, r.ID)
		p.mu.Unlock()
	}
	return err
}

// ErrUnderWay says that a reply came again while it was being acted on.
var ErrUnderWay = errors.New("it is being acted on")

// takeUp notes that a reply is being acted on; false: it is already.
func (p *Pipeline) takeUp(id string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.replies[id] {
		return false
	}
	p.replies[id] = true
	return true
}

func (p *Pipeline) reply(ctx context.Context, senders []stillwater.Contact, r stillwater.Reply) error {
	if len(senders) == 0 {
		return p.noted(ctx, r, UnknownSender)
	}
	if out, ok := words.ParseOptOut(r.Text); ok {
		return p.optOut(ctx, r, out)
	}
	if answers, err := p.lifeReply(ctx, senders, r); answers || err != nil {
		return err
	}
	command, ok := words.ParseReply(r.Text)
	if !ok {
		return p.noted(ctx, r, Unclear)
	}
	meant, named := p.meant(senders, command.Code)
	// A code that fits nothing open may be of an incident long closed: then "all well" must not close another one.
	if !named && (len(meant) == 0 || command.Code != "") {
		if answered, err := p.drillReply(ctx, senders, command, r); answered || err != nil {
			return err
		}
	}
	strange := command.Deed == stillwater.Close && command.Code != "" && !named
	switch {
	case len(meant) == 0:
		return p.noted(ctx, r, NothingOpen)
	case len(meant) == 1 && !strange:
		s := p.shard(meant[0].household)
		return s.do(ctx, func(b *stillwater.Batch) { s.answer(b, r, command, meant[0], r.Text) })
	case !meant[0].who.OptedOut.IsZero():
		return p.noted(ctx, r, Ambiguous) // not even a question goes there
	}
	return p.askWhich(ctx, r, meant[0])
}

// noted remembers a reply that nothing follows from.
func (p *Pipeline) noted(ctx context.Context, r stillwater.Reply, outcome string) error {
	p.Heard(outcome)
	return p.shards[0].do(ctx, func(b *stillwater.Batch) { b.Replies = append(b.Replies, r) })
}

// told is an open incident with where it is, and who was told of it.
type told struct {
	id stillwater.IncidentID
	open
	who stillwater.Contact
}

// meant are the open incidents that a reply can be about: the one the code names, else all that its senders were told of. One
// number can be that of several contacts: a daughter who is also the grid worker of another home.
func (p *Pipeline) meant(senders []stillwater.Contact, code string) (all []told, named bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range senders {
		for id, o := range p.contacts[c.ID] {
			if code != "" && strings.HasPrefix(code, o.code) {
				return []told{{id, o, c}}, true
			}
			if !slices.ContainsFunc(all, func(t told) bool { return t.id == id }) {
				all = append(all, told{id, o, c})
			}
		}
	}
	slices.SortFunc(all, func(a, b told) int { return strings.Compare(string(a.id), string(b.id)) })
	return all, false
}

// answer does what the reply says. The note says it in the incident's log.
func (s *shard) answer(b *stillwater.Batch, r stillwater.Reply, command words.Command, t told, note string) {
	b.Replies = append(b.Replies, r)
	err := s.act(b, stillwater.Act{
		Incident: t.id, Deed: command.Deed, Who: string(t.who.ID), Remote: t.who.Remote, Outcome: command.Outcome, Known: command.Known, Note: note,
	})
	if err != nil {
		s.p.Heard(Refused)
		s.p.Log.Info("reply not acted on", "contact", t.who, "incident", t.id, "err", err)
		return
	}
	s.p.Heard(Commanded)
	if command.Outcome == stillwater.AwayFrom {
		s.awayUntil(b, t, r.Text)
	}
}

// awayUntil lets an answer that names a day be an absence from now.
func (s *shard) awayUntil(b *stillwater.Batch, t told, text string) {
	now := s.p.now()
	until, ok := words.AwayUntil(text, now.In(s.homes[t.household].Location()))
	if !ok {
		return
	}
	a := stillwater.Absence{Household: t.household, From: now, Until: until.UTC(), At: now, Who: string(t.who.ID)}
	err := a.Validate()
	if err == nil {
		err = s.goAway(b, a)
	}
	if err != nil {
		s.p.Log.Info("absence of an answer left out", "household", t.household, "err", err)
	}
}

// askWhich asks the sender to name the code, because the reply fits several open incidents.
func (p *Pipeline) askWhich(ctx context.Context, r stillwater.Reply, t told) error {
	s := p.shard(t.household)
	return s.do(ctx, func(b *stillwater.Batch) {
		p.Heard(Ambiguous)
		b.Replies = append(b.Replies, r)
		i, c := s.incidents[t.id], t.who
		if i == nil {
			return
		}
		h, known := s.home(i.Household, i.Findings...)
		if !known {
			return
		}
		m := stillwater.Message{
			ID: stillwater.MessageID("which-" + r.ID), Incident: t.id, Household: t.household, Contact: c.ID, Purpose: stillwater.Which,
			Severity: i.Severity, To: stillwater.Address(c.Phone), Language: c.Language, Code: incident.AnswerCode(t.code, r.ID), Created: s.p.now(), State: stillwater.Pending,
		}
		s.p.write(&m, *i, h)
		s.track(m)
		b.Messages = append(b.Messages, m)
	})
}
