package rules

import (
	"time"

	"stillwater"
)

// A Morning is how the local day under way began in a home, as far as the engine knows: what draws by itself, and a leak, is no use.
type Morning struct {
	First  time.Time     // the first use after five, to six minutes and its reading interval; zero: none was seen, or it is not known
	Usual  time.Duration // when that usually is, since midnight by the clock on the wall; zero: not known
	Within time.Duration // how far from Usual is still usual
	Whole  bool          // coverage has had no hole since midnight, and it is known when water ran
}

// The measures of a usual morning. A level is of whole weeks, which differ less than days do.
const (
	morningLearns = 2         // weeks
	morningWithin = time.Hour // that a day may be off at least
	morningSpread = 3         // standard deviations of weeks
)

// Morning is how the day under way at now began. It is known from what the trends are judged by, and takes a rule that is one.
func (e *Engine) Morning(id stillwater.HouseholdID, now time.Time) (m Morning) {
	h := e.homes.of(id)
	if h == nil || h.DataTo == 0 {
		return m
	}
	day := *h.day(instantOf(now))
	m.Whole = h.WholeFrom != 0 && h.WholeFrom <= day.from
	t := h.Trends
	if t == nil {
		return m
	}
	k, l := &trendKinds[ofFirst], &t.Levels[ofFirst]
	if l.Weeks >= morningLearns {
		m.Usual = time.Duration(k.people(k.unpack(l.Usual))) * time.Minute
		m.Within = max(morningWithin, time.Duration(morningSpread*l.sigma(k))*time.Minute)
	}
	if t.DayTo != day.to {
		return m // readings vouch for nothing of it yet
	}
	m.Whole = m.Whole && t.Bad>>t.Day&1 == 0
	if first := t.First[t.Day]; first != 0 {
		local := day.from.time().In(h.today.zone)
		m.First = time.Date(local.Year(), local.Month(), local.Day(), 0, int(first)*60/tenths, 0, 0, h.today.zone).UTC()
	}
	return m
}
