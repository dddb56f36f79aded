package rules

import (
	"math"
	"slices"
	"time"

	"stillwater"
)

// noWater is a water cut, or whatever else keeps the homes of a group from using water.
//
// A home is struck if it has shown no life since the cut. How likely that is without one, its routine says: of the stillnesses that begin
// at each hour before, how many outlast the time since. With those of all homes, the chance that so many or more are still together is
// bounded (Hoeffding 1956: of all groups with the same mean, that with equal chances has the most), for each half-hour
// since when it may be; the least counts, times how many were looked at.
type noWater struct{}

const (
	cutStep    = 30 * time.Minute
	cutMin     = 2 * time.Hour  // shorter ones are not told from a quiet hour: routines know no stillness under two hours
	cutMax     = 48 * time.Hour // nor longer ones
	cutDrains  = time.Hour      // pipes drain, and a meter shows the last draw an interval later
	unusualDay = 0.05           // a stillness so long that it comes on fewer than one day in twenty is unusual
	leastStill = 0.02           // no home is so regular that it is never still: it may be empty
	moreStill  = 1.5            // what homes have in common besides the water (a fair day, a feast) makes them still together
)

func (noWater) kind() stillwater.Kind { return stillwater.Welfare }

func (noWater) explains(_ *home, r *boundRule, f *stillwater.Finding) bool {
	return r != nil && r.still && f.Kind == stillwater.Welfare && f.Severity.Above(stillwater.Notice)
}

// seen is so for a home with somebody in it, as far as is known: who is away, as planned or through the door, draws nothing anyway.
func (noWater) seen(h *home, now instant) bool {
	return h.DataTo != 0 && h.stillSince() != 0 && !h.blind(now) && !h.paused(now) && !h.out()
}

// struck is so for a home that has been still since then, or a little later as the pipes drained, and had not been for unusually long
// before. Where the door was the last to move, that was before.
func (noWater) struck(h *home, since, _ instant) (last instant, is bool) {
	last = h.stillSince()
	if last > since && (last > since.add(cutDrains) || h.Life.Water != last) {
		return last, false
	}
	return last, h.DataTo.sub(last) >= cutMin && h.WholeFrom <= last && !h.unusual(max(since, last))
}

func (n noWater) spared(h *home, start instant) bool {
	if h.stillSince() > start || h.unusual(start) || !h.doorClosed() {
		return true
	}
	for _, f := range h.goingOn() {
		r := h.rules.byName(f.Rule)
		still := r != nil && r.still && f.Severity == stillwater.Question
		if !f.Trial && !still && f.Kind != stillwater.Equipment && f.Severity.Above(stillwater.Notice) {
			return true
		}
	}
	return false
}

func (noWater) over(h *home, c *cause) bool { return h.Life.last() > c.Start || h.Rearmed > c.Start }

// back is that water is drawn again; people go in and out while there is none.
func (noWater) back(h *home, c *cause) bool {
	if h.covering() == meter {
		return h.Life.Water > c.Start
	}
	return h.Life.last() > c.Start
}

// weigh looks at each half-hour since h was last known to use something. What routines let expect is asked of the half-hours alone that could be
// seldom enough if no home were ever still.
func (n noWater) weigh(g *group, h *home, _ string, now instant) (seldom float64, since instant) {
	var looks []look
	for at := h.DataTo.add(-cutMin); at >= h.stillSince().add(-cutDrains) && h.DataTo.sub(at) <= cutMax; at = at.add(-cutStep) {
		looks = append(looks, look{at: at})
	}
	var members []*home
	for i := 0; i < len(g.members); i += g.stride() {
		if m := g.members[i]; n.seen(m, now) && len(m.causes()) == 0 {
			members = append(members, m)
			m.glancedAt(looks, h.DataTo)
		}
	}
	chosen := math.Log(float64(len(looks))) // the least of many counts
	looks = slices.DeleteFunc(looks, func(l look) bool { return l.still < leastTogether || l.seldom()-chosen <= seldomEnough })
	for i := range looks {
		looks[i] = look{at: looks[i].at}
	}
	for _, m := range members {
		if len(looks) > 0 {
			m.lookedAt(looks, h.DataTo)
		}
	}
	for _, l := range looks {
		if s := l.seldom() - chosen; s > seldom && l.still >= leastTogether {
			seldom, since = s, l.at
		}
	}
	return seldom, since
}

// look is a moment since when a group may have been struck.
type look struct {
	at           instant
	homes, still int
	expected     float64 // of homes, how many would be still without a cut
}

// glancedAt counts the home as lookedAt does, as one that is as seldom still as any, and still although it may have been so already: never less than
// that finds seldom.
func (h *home) glancedAt(looks []look, to instant) {
	last, end := h.stillSince(), min(h.DataTo, to)
	for i := range looks {
		l := &looks[i]
		if !h.visible(l.at, end) {
			continue
		}
		l.homes++
		l.expected += moreStill * leastStill
		if last <= l.at {
			l.still++
		}
	}
}

// visible says whether from one moment to another it could be seen whether the home was struck.
func (h *home) visible(from, to instant) bool {
	if to.sub(from) < cutMin || h.WholeFrom > from {
		return false
	}
	cut, _ := h.cutWithin(from, to)
	return cut == 0
}

// lookedAt counts the home at each moment at which it could be seen whether it was struck.
func (h *home) lookedAt(looks []look, to instant) {
	last, end, o := h.stillSince(), min(h.DataTo, to), h.outlook()
	for i := range looks {
		l := &looks[i]
		if !h.visible(l.at, end) || last <= l.at && h.unusualIn(o, l.at) { // it was still already
			continue
		}
		l.homes++
		l.expected += min(1, moreStill*h.stillThrough(o, l.at, end))
		if last <= l.at {
			l.still++
		}
	}
}

// seldom is the logarithm of how seldom chance makes so many homes still.
func (l *look) seldom() float64 {
	n, k := float64(l.homes), float64(l.still)
	p := l.expected / n
	if n == 0 || k/n <= p {
		return 0
	}
	s := k * math.Log(k/n/p)
	if k < n {
		s += (n - k) * math.Log((n-k)/n/(1-p))
	}
	return s
}

// outlook is what the home's routine, or what is common where it has none, lets expect of all its stillness.
func (h *home) outlook() *outlook {
	r := h.Routine
	if r == nil {
		return &commonAll
	}
	o := new(outlook)
	if r.Outing == nil {
		o.expect(r, &commonAll, lengths, &r.Inside)
		return o
	}
	var out outlook
	o.expect(r, &commonInside, lengths, &r.Inside)
	out.expect(r, &commonOuting, lengths, r.Outing)
	for start := range o.longer {
		for i := range o.longer[start] {
			o.longer[start][i] += out.longer[start][i]
		}
	}
	return o
}

// stillThrough is how likely the home shows no life from one moment to another: it is within one of the stillnesses that began before.
func (h *home) stillThrough(o *outlook, from, to instant) float64 {
	chance, class := 0.0, 0
	hour := h.hourOf(from) - startSpan/2
	for length := to.sub(from).Hours() + startSpan/2; length < cutMax.Hours(); length += startSpan {
		for class+1 < lengths && length > bounds[class+1] {
			class++
		}
		chance += o.longer[int(hour+48)%24/startSpan][class]
		if hour -= startSpan; hour < -24 {
			hour += 24
		}
	}
	return max(leastStill, chance)
}

// dry says whether the stillness under way is one of those that befell a group: it says nothing of the home's routine.
func (h *home) dry() bool {
	if len(h.causes()) == 0 {
		return false
	}
	for _, by := range h.rules.common {
		if by.kind == stillwater.Welfare && h.part(by.Name) != nil {
			return true
		}
	}
	return false
}

// hourOf is the local hour and what has gone by of it.
func (h *home) hourOf(at instant) float64 {
	t := at.time().In(h.today.zone)
	return float64(t.Hour()) + float64(t.Minute())/60
}

// unusual says whether at that moment the home had been still for longer than it is on one day in twenty.
func (h *home) unusual(at instant) bool {
	if at.sub(h.stillSince()) < cutMin {
		return false
	}
	return h.unusualIn(h.outlook(), at)
}

func (h *home) unusualIn(o *outlook, at instant) bool {
	length := at.sub(h.stillSince())
	return length >= cutMin && o.longer[h.startHour()/startSpan][max(0, classOf(length.Hours()))] <= unusualDay
}
