package pipeline

import (
	"cmp"
	"context"
	"slices"
	"time"

	"stillwater"
	"stillwater/gateway/incident"
	"stillwater/gateway/words"
)

const (
	dailyLate = 4 * time.Hour // after its time a line is still sent, where the gateway was away; later it would be no morning's
	dailyData = 2 * time.Hour // data older than that say nothing of how it is now
)

// An asker is a contact of a home who asked for a daily line.
type asker struct {
	home    stillwater.HouseholdID
	contact stillwater.ContactID
	clock   time.Duration // when, since midnight by the clock on the home's wall
}

// askersOf are those of some homes, in one order.
func askersOf(homes map[stillwater.HouseholdID]stillwater.Household) (list []asker) {
	for id, h := range homes {
		for _, c := range h.Contacts {
			if c.Daily == "" || c.Role.Staff() || c.Role == stillwater.Resident {
				continue
			}
			if at, err := stillwater.ParseClock(c.Daily); err == nil { // else the registry has refused it
				list = append(list, asker{id, c.ID, at})
			}
		}
	}
	slices.SortFunc(list, func(a, b asker) int {
		return cmp.Or(cmp.Compare(a.clock, b.clock), cmp.Compare(a.home, b.home), cmp.Compare(a.contact, b.contact))
	})
	return list
}

// tellDays writes the daily lines that are due, each once a day. That an incident's own messages speak is kept too, as a line that was
// cancelled: so that none comes that day when it is over.
func (s *shard) tellDays(b *stillwater.Batch, now time.Time) {
	if s.p.Daily == nil {
		return
	}
	for _, a := range s.askers {
		h, ok := s.homes[a.home]
		if !ok {
			continue
		}
		date, due := a.due(h, now)
		if !due {
			continue
		}
		if id := a.lineOf(date); !s.lined[id] {
			s.tellDay(b, id, a, h, now)
		}
	}
	if len(s.lined) > linesKept+2*len(s.askers) {
		clear(s.lined) // the store knows
	}
}

// linesKept is how many lines are remembered to be written, beside those of two days.
const linesKept = 1000

// due says whether the asker's line of the local day under way is to be written, and which day that is. Of a clock that is put on over its
// time, the time is the next there is.
func (a asker) due(h stillwater.Household, now time.Time) (date time.Time, due bool) {
	local := now.In(h.Location())
	year, month, day := local.Date()
	at := time.Date(year, month, day, 0, int(a.clock/time.Minute), 0, 0, h.Location())
	return local, !now.Before(at) && now.Sub(at) < dailyLate
}

// lineOf names the line of a day.
func (a asker) lineOf(date time.Time) stillwater.MessageID {
	return stillwater.MessageID("line-" + string(a.home) + "-" + string(a.contact) + "-" + date.Format(time.DateOnly))
}

// tellDay writes one line, unless it was.
func (s *shard) tellDay(b *stillwater.Batch, id stillwater.MessageID, a asker, h stillwater.Household, now time.Time) {
	ctx, cancel := context.WithTimeout(context.Background(), lookPatience)
	defer cancel()
	_, known, err := s.p.Store.Message(ctx, id)
	if err != nil {
		return // the next minute asks again
	}
	s.lined[id] = true
	at := slices.IndexFunc(h.Contacts, func(c stillwater.Contact) bool { return c.ID == a.contact })
	if known || at < 0 {
		return
	}
	c := h.Contacts[at]
	by, reached := s.channelOf(c)
	m := stillwater.Message{
		ID: id, Household: h.ID, Contact: c.ID, Purpose: stillwater.Line, Severity: stillwater.Notice, Channel: by, To: c.AddressOf(by),
		Language: c.Language, Code: lifeCode(string(id)), Created: now, State: stillwater.Pending,
	}
	switch withdrew := !c.Agreed.Withdrawn.IsZero() && !now.Before(c.Agreed.Withdrawn); {
	case withdrew || !reached:
		m.State, m.Error = stillwater.Cancelled, "who asked for it cannot be told"
	case s.speaksOf(h.ID):
		m.State, m.Error = stillwater.Cancelled, "an incident is open"
	}
	m.Changed, m.Text = now, s.p.Daily(m, s.dayOf(h, now), h)
	s.hand(b, m)
}

// speaksOf says whether an incident that people are told of is open about the home, its own or one of a group it is in.
func (s *shard) speaksOf(id stillwater.HouseholdID) bool {
	for _, i := range s.incidents {
		if !i.IsOpen() || !i.Severity.Above(stillwater.Notice) {
			continue
		}
		if i.Household == id || i.Household == "" && slices.ContainsFunc(i.Findings, func(f stillwater.Finding) bool {
			return incident.Opens(f) && slices.Contains(f.Facts.Members, id)
		}) {
			return true
		}
	}
	return false
}

// dayOf is how the day began in a home. What cannot be known comes before what is: that the day began as usual says little if nothing was
// heard since.
func (s *shard) dayOf(h stillwater.Household, now time.Time) words.Day {
	st, morning := s.engine.Standing(h.ID, now), s.engine.Morning(h.ID, now)
	local := now.In(h.Location())
	midnight := time.Date(local.Year(), local.Month(), local.Day(), 0, 0, 0, 0, h.Location())
	d := words.Day{At: st.Life.Last(), DataTo: st.DataTo}
	switch {
	case st.Absence != nil && st.Absence.Holds(now):
		d.Kind = words.DayAway
	case st.State == stillwater.Blind || now.Sub(st.DataTo) > dailyData:
		d.Kind = words.DayBlind
	case !morning.First.IsZero():
		d.Kind, d.At = compared(morning.First, morning.Usual, morning.Within, morning.Whole, h.Location()), morning.First
	case !d.At.Before(midnight):
		d.Kind = words.DayStirred
	case st.Cut != nil && !now.Before(st.Cut.From):
		d.Kind = words.DayCut
	case !morning.Whole:
		d.Kind = words.DayHole
	case morning.Usual > 0 && sinceMidnight(local) > morning.Usual+morning.Within:
		d.Kind = words.DayOverdue
	default:
		d.Kind = words.DayNothing
	}
	return d
}

// compared says how the first use of a day is to what is usual. Where the day is not whole there may have been one before, so that it cannot
// be told.
func compared(first time.Time, usual, within time.Duration, whole bool, zone *time.Location) words.DayKind {
	off := sinceMidnight(first.In(zone)) - usual
	switch {
	case usual == 0 || !whole:
		return words.DayUse
	case off > within:
		return words.DayLate
	case off < -within:
		return words.DayEarly
	}
	return words.DayUsual
}

// sinceMidnight is the time on the wall.
func sinceMidnight(local time.Time) time.Duration {
	return time.Duration(local.Hour())*time.Hour + time.Duration(local.Minute())*time.Minute
}
