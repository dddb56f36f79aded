package rules

import (
	"math"
	"time"

	"stillwater"
)

// A trend finds that her weeks have changed: she is up more often at night, uses less water a day, or rises later or earlier than used to be
// usual here. It is for prevention: a notice, into the digest, never an alarm.
//
// Each local week gives one value (see trendweek.go), and the values are watched for a change point by a two-sided cumulative sum (E. S. Page,
// Continuous Inspection Schemes, Biometrika 41, 1954, 100–115): a week counts by how far it is from what is usual in this home, in standard
// deviations of its own weeks, cut off at three, less an allowance of one. What adds up to four (of rising, five) is a change, if it is also
// large enough to matter: 0.8 uses a night and two fifths more, a quarter less water, an hour. What is usual is forgotten over months and stands still
// while a change is suspected (see trendlevel.go). Allowance and limits were chosen by measurement; see Trends in README.md.
//
// False rate: on pretended homes in which nothing changes (nights Poisson or overdispersed, weekends and seasons, days missing) all three
// together are told 0.01 times a home and year. On 45 real homes, whose people do change their ways, it is 0.6 times in a year of weeks that
// could be judged, 8 of 13 times in the summer holidays. Power: from one use a night to three, two fifths less water, and an hour and a half
// later are each told after 3 weeks in the middle home, and in 40, 36 and 36 of 40 within 16. TestTrendFalseRate, TestTrendReal and
// TestTrendPower print these figures.
//
// A notice is raised at nine on the Monday after the week that showed it, or when that week's data have come, if that is later, and is over
// a week later: it stands in one digest. From then on the new level is what is usual, so the same change is told once. To return to what was
// usual before is not told either.
type trend struct{ of trendOf }

const (
	trendHour  = 9 // o'clock on Monday, local
	trendTells = 7 * 24 * time.Hour
)

func (trend) needs(Rule) map[string]need { return map[string]need{} }

func (trend) kind() stillwater.Kind { return stillwater.Welfare }

// most is the most severe that a rule of it may be.
func (trend) most() stillwater.Severity { return stillwater.Notice }

func (t trend) judge(h *home, r *boundRule, now instant, holds []stillwater.Finding) []stillwater.Finding {
	c := h.turned(t.of)
	if c == nil || now < c.At || now >= c.At.add(trendTells) {
		return holds
	}
	if goes := h.finding(r.Name, ""); goes != nil {
		return append(holds, *goes)
	}
	f := stillwater.Facts{Since: c.Since.time(), DataTo: h.DataTo.time(), Residents: h.together(), Trend: t.of.told(c)}
	f.Trend.Seen = !h.metered()
	return append(holds, stillwater.Finding{Facts: f})
}

func (t trend) wake(h *home, _ *boundRule) instant {
	c := h.turned(t.of)
	switch {
	case c == nil:
		return 0
	case h.Looked < c.At:
		return c.At
	case h.Looked < c.At.add(trendTells):
		return c.At.add(trendTells)
	}
	return 0
}

// trendOf is what a trend is of.
type trendOf uint8

const (
	ofNight trendOf = iota
	ofUse
	ofFirst
	trendsAll
)

// told is a change as findings tell it.
func (of trendOf) told(c *turn) *stillwater.Trend {
	k := &trendKinds[of]
	before, now := k.people(k.unpack(c.Before)), k.people(k.unpack(c.Now))
	t := &stillwater.Trend{Weeks: int(c.Weeks)}
	switch of {
	case ofNight:
		t.NightBefore, t.NightNow = math.Round(before*100)/100, math.Round(now*100)/100
	case ofUse:
		t.UseBefore, t.UseNow = stillwater.Litres(math.Round(before)), stillwater.Litres(math.Round(now))
	case ofFirst:
		t.FirstBefore, t.FirstNow = time.Duration(before+0.5)*time.Minute, time.Duration(now+0.5)*time.Minute
	}
	return t
}

// turn is a change point that was found.
type turn struct {
	At          instant // event clock: from when on it is told
	Since       instant // when its first week began
	Before, Now packed
	Weeks       uint8 // since then
}

// turns are those found last.
type turns [trendsAll]turn

// turned is the change found last; nil: there is none to tell.
func (h *home) turned(of trendOf) *turn {
	if t := h.Trends; t != nil && t.Told != nil && t.Told[of].At != 0 {
		return &t.Told[of]
	}
	return nil
}

func (t *turn) fields(c *codec) {
	c.time(1, &t.At)
	c.time(2, &t.Since)
	small(c, 3, &t.Before)
	small(c, 4, &t.Now)
	small(c, 5, &t.Weeks)
}

func (t *turns) fields(c *codec) {
	for i := range t {
		c.part(i+1, &t[i])
	}
}
