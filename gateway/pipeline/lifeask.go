package pipeline

import (
	"context"
	"fmt"
	"hash/fnv"
	"maps"
	"slices"
	"time"

	"stillwater"
	"stillwater/gateway/words"
)

// When people are asked what can wait: by the clock of the home.
const (
	askFrom = 9
	askTo   = 20
)

// The Spring Festival is asked about ten days before its public holiday, or later where that was missed, but not in its last days: then
// everybody is on the way. Homes are gone through every few minutes, some at a time, so that nothing else waits behind the questions.
const (
	festivalAhead = 10 // days
	festivalLast  = 2
	festivalEvery = 10 // minutes
	festivalBatch = 200
)

// livesPass lets time go by for the life of homes: stays that ended, and what is to be asked.
func (s *shard) livesPass(b *stillwater.Batch, at time.Time) {
	s.hush(b, at)
	for _, id := range s.p.lives.where(func(c stillwater.Circumstances) bool { return c.Stay != nil && c.Gone == nil }) {
		if h, ok := s.homes[id]; ok {
			s.review(b, h, *s.p.lives.of(id).Stay, at)
		}
	}
	if s.p.Spring != nil && at.Minute()%festivalEvery == 0 {
		s.askFestival(b, at)
	}
}

// review ends a stay whose absence has ended, by its time, by what stirred in the home or by another word, and asks in time whether it goes on. A
// question without an answer changes nothing: the home is watched again at the end.
func (s *shard) review(b *stillwater.Batch, h stillwater.Household, stay stillwater.LifeEvent, at time.Time) {
	if a := s.engine.Standing(h.ID, at).Absence; a == nil || a.Why != stay.Kind {
		s.note(b, stillwater.LifeEvent{Household: h.ID, Kind: stillwater.Lapsed, At: at})
		return
	}
	asked := func(q stillwater.LifeEvent) bool { return q.Kind == stillwater.AskedStay }
	if !stay.Reviewed || at.Before(stay.Until.Add(-reviewBefore)) || !daytime(h, at) || slices.ContainsFunc(s.p.lives.of(h.ID).Asked, asked) {
		return
	}
	for _, role := range []stillwater.Role{stillwater.Family, stillwater.Worker} {
		c, by, ok := s.reachable(h, at, role, nil)
		if !ok {
			continue
		}
		id := fmt.Sprintf("stay-%s-%s-%d", h.ID, c.ID, at.Unix())
		m := s.compose(id, h, c, by, stillwater.Plan, stay)
		s.note(b, stillwater.LifeEvent{Household: h.ID, Kind: stillwater.AskedStay, Until: stay.Until, At: at, Contact: c.ID, Code: m.Code})
		s.hand(b, m)
	}
}

// askFestival asks one of each family whether she is at home over the Spring Festival, each once.
func (s *shard) askFestival(b *stillwater.Batch, at time.Time) {
	first, last := s.p.Spring(at.Year())
	if soon := first.Sub(at); soon < 0 || soon > (festivalAhead+2)*24*time.Hour {
		return
	}
	asked := 0
	for _, id := range slices.Sorted(maps.Keys(s.homes)) {
		h := s.homes[id]
		if asked >= festivalBatch || s.p.lives.askedOf(id, first.Year()) || !daytime(h, at) {
			continue
		}
		from, until := localDay(first, h), localDay(last, h).AddDate(0, 0, 1)
		days := int(from.Sub(localDay(at.In(h.Location()), h)).Hours()+1) / 24
		if days > festivalAhead || days < festivalLast || s.elsewhere(h, from, at) {
			continue
		}
		c, by, ok := s.reachable(h, at, stillwater.Family, func(c stillwater.Contact) bool { return s.p.lives.askedWho(c.ID, first.Year()) })
		if !ok {
			continue
		}
		e := stillwater.LifeEvent{Household: id, Kind: stillwater.AskedFestival, From: from.UTC(), Until: until.UTC(), At: at, Contact: c.ID}
		m := s.compose(fmt.Sprintf("spring-%d-%s", first.Year(), c.ID), h, c, by, stillwater.Plan, e)
		e.Code = m.Code
		s.note(b, e)
		s.hand(b, m)
		asked++
	}
}

// elsewhere says whether it is known already that she is away when the festival begins.
func (s *shard) elsewhere(h stillwater.Household, from, at time.Time) bool {
	a := s.engine.Standing(h.ID, at).Absence
	return s.p.lives.of(h.ID).Stay != nil || a != nil && a.Until.After(from)
}

// localDay is the midnight with which the day of a moment, as it is written, begins where the home is.
func localDay(t time.Time, h stillwater.Household) time.Time {
	return time.Date(t.Year(), t.Month(), t.Day(), 0, 0, 0, 0, h.Location())
}

func daytime(h stillwater.Household, at time.Time) bool {
	hour := at.In(h.Location()).Hour()
	return hour >= askFrom && hour < askTo
}

// reachable is the first contact of a role who may be told now, is not skipped and whose quiet hours it is not, and by what: an SMS where she
// takes any.
func (s *shard) reachable(h stillwater.Household, at time.Time, role stillwater.Role, skip func(stillwater.Contact) bool) (stillwater.Contact, stillwater.Channel, bool) {
	for _, c := range h.Contacts {
		withdrew := !c.Agreed.Withdrawn.IsZero() && !at.Before(c.Agreed.Withdrawn)
		if c.Role != role || withdrew || !s.p.mayTell(h, c, at) || skip != nil && skip(c) || quiet(c, h, at) {
			continue
		}
		if by, ok := s.channelOf(c); ok {
			return c, by, true
		}
	}
	return stillwater.Contact{}, "", false
}

// quiet says whether it is a contact's quiet hours.
func quiet(c stillwater.Contact, h stillwater.Household, at time.Time) bool {
	zone := h
	if c.TimeZone != "" {
		zone = stillwater.Household{TimeZone: c.TimeZone}
	}
	local := at.In(zone.Location())
	return slices.ContainsFunc(c.Quiet, func(q stillwater.Hours) bool { return q.Contains(local) })
}

// channelOf is how a contact reads what can wait. Nobody is called for it.
func (s *shard) channelOf(c stillwater.Contact) (stillwater.Channel, bool) {
	agreed := c.Channels
	if len(agreed) == 0 {
		agreed = []stillwater.Channel{stillwater.SMS}
	}
	for _, by := range []stillwater.Channel{stillwater.SMS, stillwater.WeCom, stillwater.Email} {
		provided := s.p.Channels == nil || slices.Contains(s.p.Channels, by)
		stopped := by == stillwater.SMS && !c.OptedOut.IsZero()
		if slices.Contains(agreed, by) && c.AddressOf(by) != "" && provided && !stopped {
			return by, true
		}
	}
	return "", false
}

// compose writes a message that belongs to no incident. The same ID is the same message.
func (s *shard) compose(id string, h stillwater.Household, c stillwater.Contact, by stillwater.Channel, p stillwater.Purpose, e stillwater.LifeEvent) stillwater.Message {
	m := stillwater.Message{
		ID: stillwater.MessageID(id), Household: h.ID, Contact: c.ID, Purpose: p, Severity: stillwater.Question, Channel: by, To: c.AddressOf(by),
		Language: c.Language, Code: lifeCode(id), Created: s.p.now(), State: stillwater.Pending,
	}
	m.Text = s.p.LifeText(m, e, h)
	return m
}

// hand puts a message into the outbox.
func (s *shard) hand(b *stillwater.Batch, m stillwater.Message) {
	s.track(m)
	b.Messages = append(b.Messages, m)
}

// lifeCode is the code of a message of no incident: it begins like no code of an incident that is as long.
func lifeCode(id string) string {
	const letters = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"
	f := fnv.New64a()
	f.Write([]byte(id)) //nolint:errcheck // never fails
	code, n := []byte("Z"), f.Sum64()
	for range 6 {
		code = append(code, letters[n%uint64(len(letters))])
		n /= uint64(len(letters))
	}
	return string(code)
}

// tellStaff tells one of the staff that a home is not watched any more, or again: the worker, else the next up the grid. Nobody of the family is
// told, nor by a number that is also one of theirs.
func (s *shard) tellStaff(b *stillwater.Batch, e stillwater.LifeEvent, h stillwater.Household) {
	familys := func(c stillwater.Contact) bool {
		return slices.ContainsFunc(h.Contacts, func(o stillwater.Contact) bool { return !o.Role.Staff() && o.Phone == c.Phone && o.Phone != "" })
	}
	for _, role := range stillwater.Roles {
		if !role.Staff() {
			continue
		}
		if c, by, ok := s.reachable(h, e.At, role, familys); ok {
			s.hand(b, s.compose(fmt.Sprintf("%s-%s-%d", e.Kind, h.ID, e.At.Unix()), h, c, by, stillwater.Parted, e))
			return
		}
	}
}

// lifeReply acts on a text that answers a question about the life of a home; false: it answers none. While an incident is open of which the
// sender was told, a reply without a code is about that.
func (p *Pipeline) lifeReply(ctx context.Context, senders []stillwater.Contact, r stillwater.Reply) (bool, error) {
	answer, ok := words.ParseAnswer(r.Text)
	if !ok {
		return false, nil
	}
	asked := p.asked(senders, answer.Code)
	if len(asked) == 0 {
		return false, nil
	}
	if answer.Code == "" {
		if meant, _ := p.meant(senders, ""); len(meant) > 0 {
			return false, nil
		}
	}
	q := asked[0]
	s := p.shard(q.Household)
	return true, s.do(ctx, func(b *stillwater.Batch) {
		b.Replies = append(b.Replies, r)
		if len(asked) > 1 {
			s.askWhichHome(b, r, q, senders)
			p.Heard(Ambiguous)
			return
		}
		p.Heard(s.answerLife(b, q, answer, r.Text))
	})
}

// asked are the questions of some senders that wait for an answer: the one with the code, else all, in order of their homes.
func (p *Pipeline) asked(senders []stillwater.Contact, code string) (open []stillwater.LifeEvent) {
	now := p.now()
	for _, id := range p.lives.where(func(c stillwater.Circumstances) bool { return len(c.Asked) > 0 && c.Gone == nil }) {
		for _, q := range p.lives.of(id).Asked {
			theirs := slices.ContainsFunc(senders, func(c stillwater.Contact) bool { return c.ID == q.Contact })
			if theirs && !over(q, now) && (code == "" || code == q.Code) {
				open = append(open, q)
			}
		}
	}
	return open
}

// answerLife does what an answer says, and gives what became of it. One that is not plain leaves everything as it is: the home is watched.
func (s *shard) answerLife(b *stillwater.Batch, q stillwater.LifeEvent, answer words.Answer, text string) string {
	c := s.p.lives.of(q.Household)
	h, ok := s.homes[q.Household]
	if !ok || !slices.ContainsFunc(c.Asked, func(o stillwater.LifeEvent) bool { return o.Code == q.Code }) {
		return NothingOpen
	}
	now, who := s.p.now(), string(q.Contact)
	next := stillwater.LifeEvent{Household: q.Household, Kind: stillwater.Answered, At: now, Who: who, Code: q.Code}
	var err error
	switch {
	case answer.Digit == '3':
		if ok, err = s.answeredAway(b, q, c.Stay, h, text); !ok {
			return Unclear
		}
	case q.Kind == stillwater.AskedStay && answer.Digit == '1' && c.Stay != nil:
		err = s.live(b, stillwater.LifeEvent{Household: q.Household, Kind: c.Stay.Kind, At: now, Who: who}, nil)
	case q.Kind == stillwater.AskedStay && answer.Digit == '2':
		err = s.live(b, stillwater.LifeEvent{Household: q.Household, Kind: stillwater.HomeAgain, At: now, Who: who}, nil)
	}
	if err != nil {
		s.p.Log.Info("answer not acted on", "household", q.Household, "err", err)
		return Refused
	}
	s.note(b, next)
	return Commanded
}

// answeredAway enters the absence that an answer names; false: it names none. Over the festival it begins when that does, unless another day
// is named: until then she is at home, and watched.
func (s *shard) answeredAway(b *stillwater.Batch, q stillwater.LifeEvent, stay *stillwater.LifeEvent, h stillwater.Household, text string) (bool, error) {
	now := s.p.now()
	from, until, ok := words.AwaySpan(text, now.In(h.Location()))
	if !ok {
		return false, nil
	}
	if q.Kind == stillwater.AskedStay && stay != nil {
		return true, s.live(b, stillwater.LifeEvent{Household: h.ID, Kind: stay.Kind, Until: until.UTC(), At: now, Who: string(q.Contact)}, nil)
	}
	if from.IsZero() {
		from = q.From.Add(12 * time.Hour)
	}
	if from = later(from.UTC(), now); !from.Before(until) {
		from = now
	}
	a := stillwater.Absence{Household: h.ID, From: from, Until: until.UTC(), At: now, Who: string(q.Contact)}
	err := a.Validate()
	if err == nil {
		err = s.goAway(b, a)
	}
	return true, err
}

// askWhichHome asks who was asked about several homes which one is meant.
func (s *shard) askWhichHome(b *stillwater.Batch, r stillwater.Reply, q stillwater.LifeEvent, senders []stillwater.Contact) {
	h, known := s.homes[q.Household]
	at := slices.IndexFunc(senders, func(c stillwater.Contact) bool { return c.ID == q.Contact })
	if !known || at < 0 || !senders[at].OptedOut.IsZero() {
		return
	}
	c := senders[at]
	m := stillwater.Message{
		ID: stillwater.MessageID("which-" + r.ID), Household: h.ID, Contact: c.ID, Purpose: stillwater.Which, Severity: stillwater.Question,
		To: stillwater.Address(c.Phone), Language: c.Language, Code: lifeCode(r.ID), Created: s.p.now(), State: stillwater.Pending,
	}
	m.Text = s.p.Text(m, stillwater.Incident{}, h)
	s.hand(b, m)
}
