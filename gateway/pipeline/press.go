package pipeline

import (
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	"stillwater"
	"stillwater/gateway/words"
)

// PageReply begins the ID of a reply that came by a button of a message's page, which tells it from a key or a card.
const PageReply = "page/"

// link is the page of a message that somebody may answer.
func (p *Pipeline) link(m stillwater.Message) string {
	if m.Incident == "" || m.Purpose == stillwater.Done || m.Purpose == stillwater.Which {
		return ""
	}
	return p.Link(m)
}

// press acts on a key, a button or a card: it is its message's contact who answers, of the message's incident and no other. One who is
// no longer a contact of the home, or took back that she may be told, is not heard.
func (p *Pipeline) press(ctx context.Context, r stillwater.Reply) error {
	m, known, err := p.Store.Message(ctx, r.Message)
	if err != nil {
		return err
	}
	command, ok := words.ParseReply(r.Text)
	if !known || !ok {
		return p.noted(ctx, r, Unclear)
	}
	s := p.shard(m.Household)
	if m.Purpose == stillwater.Train {
		return s.do(ctx, func(b *stillwater.Batch) { s.pressDrill(b, m.ID, command, r) })
	}
	return s.do(ctx, func(b *stillwater.Batch) {
		t, ok := s.toldBy(m)
		if !ok {
			p.Heard(UnknownSender)
			b.Replies = append(b.Replies, r)
			return
		}
		s.answer(b, r, command, t, r.Text+", "+wayOf(r, m))
	})
}

// toldBy is the incident that a message is about, and whom it told; false: that is no longer one whom it may concern.
func (s *shard) toldBy(m stillwater.Message) (told, bool) {
	i := s.incidents[m.Incident]
	if i == nil {
		return told{id: m.Incident, open: open{household: m.Household}, who: stillwater.Contact{ID: m.Contact}}, true // it will be refused
	}
	h, ok := s.home(i.Household, i.Findings...)
	if !ok {
		return told{}, false
	}
	for _, c := range h.Contacts {
		if c.ID == m.Contact && (c.Agreed.Withdrawn.IsZero() || s.p.now().Before(c.Agreed.Withdrawn)) {
			return told{i.ID, open{i.Household, i.Code}, c}, true
		}
	}
	return told{}, false
}

// wayOf says for the log of an incident by which way somebody answered.
func wayOf(r stillwater.Reply, m stillwater.Message) string {
	switch {
	case strings.HasPrefix(r.ID, PageReply):
		return "by link"
	case m.By() == stillwater.Voice:
		return "by key"
	}
	return "by card"
}

// optOut keeps that the owner of a number opted out of texts, or in again. Those that wait for it are not sent: for their ladder they
// failed, and it climbs.
func (p *Pipeline) optOut(ctx context.Context, r stillwater.Reply, out bool) error {
	if p.OptOut != nil {
		if err := p.OptOut(ctx, r.From, r.At, out); err != nil {
			return err
		}
	}
	p.Heard(map[bool]string{true: OptedOut, false: OptedIn}[out])
	since := time.Time{}
	if out {
		since = r.At
	}
	return p.each(ctx, func(s *shard, b *stillwater.Batch) {
		if s.index == 0 {
			b.Replies = append(b.Replies, r)
		}
		s.markOptedOut(r.From, since)
		if out {
			s.unsend(b, r.From)
		}
	})
}

// markOptedOut lets the homes of the shard know at once, before the register is read anew. Its own lists are not changed: others read them.
func (s *shard) markOptedOut(phone stillwater.Phone, since time.Time) {
	of := func(c stillwater.Contact) bool { return c.Phone == phone }
	for id, h := range s.homes {
		if !slices.ContainsFunc(h.Contacts, of) {
			continue
		}
		h.Contacts = slices.Clone(h.Contacts)
		for i := range h.Contacts {
			if of(h.Contacts[i]) {
				h.Contacts[i].OptedOut = since
			}
		}
		s.homes[id] = h
	}
}

// unsend gives up the texts to a number that have not left.
func (s *shard) unsend(b *stillwater.Batch, phone stillwater.Phone) {
	for _, id := range slices.Sorted(maps.Keys(s.messages)) {
		m := s.messages[id]
		if m.State == stillwater.Pending && m.By() == stillwater.SMS && m.To == stillwater.Address(phone) {
			s.receipt(b, stillwater.Receipt{Message: id, State: stillwater.Failed, Repeat: m.Repeat, Attempts: m.Attempts, Provider: m.Provider, ProviderID: m.ProviderID, Error: "opted out"})
		}
	}
}
