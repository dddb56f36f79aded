package rules

import (
	"cmp"
	"slices"
	"time"

	"stillwater"
)

// commonCause finds that many homes of a group go still, or blind, together: more of them than chance allows. It is one finding of the
// group, with its members, and while it explains their own findings those are held back. It never hides a person:
//
//   - A finding of hers that people are told of is held back for at most holdBack after the group's began, and never twice in one
//     stillness: not by another group, and not by what befalls the group next.
//   - It is not held back if her stillness was out of the usual before the cut began, if she has shown life since (then it was not
//     the cut that made her still), or if anything else speaks against it: see spared.
//   - When half of those that counted are back the group's finding ends. Whoever is not back then is alerted of backWithin later.
//
// It is looked for only when a finding of a member is about to begin, so that it costs nothing otherwise.
type commonCause struct{ befalls }

// befalls is what can befall a group.
type befalls interface {
	kind() stillwater.Kind
	// explains says whether the group's finding can stand for the rule's in a home.
	explains(h *home, r *boundRule, f *stillwater.Finding) bool
	// weigh says whether so many homes of the group are struck together with h that it is hardly chance: the logarithm of how seldom it
	// is, and since when they are. Homes that have a part in what the rule found already do not count.
	weigh(g *group, h *home, rule string, now instant) (seldom float64, since instant)
	// seen says whether it is known of the home whether it was struck.
	seen(h *home, now instant) bool
	// struck says whether the home is one of those struck since then, and what it showed last.
	struck(h *home, since, now instant) (last instant, is bool)
	// spared says whether something speaks against holding back the home's own findings, if the cut began at start.
	spared(h *home, start instant) bool
	// over says whether the home has shown since that nothing is the matter with it, and back that it is over.
	over(h *home, c *cause) bool
	back(h *home, c *cause) bool
}

// The measures of common causes.
const (
	holdBack      = 4 * time.Hour // how long a finding that people are told of is held back at most
	backWithin    = time.Hour     // how long the others have when half are back: an hourly meter has reported by then
	leastTogether = 4             // fewer homes than these share nothing but chance
	seldomEnough  = 9.2           // 1 in 10,000, as a logarithm: how seldom chance brings it about at one look
)

func (commonCause) needs(Rule) map[string]need { return map[string]need{} }

// judge finds nothing in one home: see Engine.shared.
func (commonCause) judge(_ *home, _ *boundRule, _ instant, holds []stillwater.Finding) []stillwater.Finding {
	return holds
}

// shared says whether a finding that is about to begin in the home is held back, because what befell one of its groups explains it. If
// it is this finding that shows what befell the group, the group's begins.
func (e *Engine) shared(h *home, f *stillwater.Finding, now instant) bool {
	if len(h.groups) == 0 || len(e.set.common) == 0 || f.Trial {
		return false
	}
	r := e.set.byName(f.Rule)
	for i := range e.set.common {
		by := &e.set.common[i]
		if by.Severity.Above(stillwater.Notice) != f.Severity.Above(stillwater.Notice) || !by.as.explains(h, r, f) {
			continue
		}
		if h.part(by.Name) == nil {
			e.befall(h, by, now)
		}
		if c := h.part(by.Name); c != nil && now < c.Until && !by.as.over(h, c) && !by.as.spared(h, c.Start) {
			h.watched = true
			return true
		}
	}
	return false
}

// befall gives the home its part in what befell one of its groups, or finds that something did.
func (e *Engine) befall(h *home, by *bound[commonCause], now instant) {
	var of *group
	var since instant
	best := seldomEnough
	for _, g := range h.groups {
		if b := g.findingOf(by.Name); b != nil {
			if last, is := by.as.struck(h, b.start, now); is && last <= b.start {
				e.partake(g, h, by, cause{Group: g.id, Rule: by.Name, Began: b.began, Start: b.start, DataTo: b.dataTo, Homes: b.homes, Since: last})
				return
			}
			continue
		}
		if seldom, at := by.as.weigh(g, h, by.Name, now); seldom > best {
			of, since, best = g, at, seldom
		}
	}
	if of != nil {
		e.strike(of, h, by, since, now)
	}
}

// strike begins the group's finding, if h is one of those it can stand for.
func (e *Engine) strike(g *group, h *home, by *bound[commonCause], since, now instant) {
	all := cause{Group: g.id, Rule: by.Name, Began: now, DataTo: h.DataTo}
	var struck []*home
	var last []instant
	in := false
	for _, m := range g.members {
		if m.part(by.Name) != nil || !by.as.seen(m, now) {
			continue
		}
		all.Homes++
		if at, is := by.as.struck(m, since, now); is {
			struck, last = append(struck, m), append(last, at)
			all.Start = max(all.Start, at)
			in = in || m == h
		}
	}
	if !in || len(struck) < leastTogether || by.as.spared(h, all.Start) {
		return
	}
	for i, m := range struck {
		c := all
		c.Since = last[i]
		e.partake(g, m, by, c)
	}
	e.found = append(e.found, g.finding(by.boundRule, now))
}

// partake gives the home its part.
func (e *Engine) partake(g *group, h *home, by *bound[commonCause], c cause) {
	switch {
	case by.Trial || by.as.spared(h, c.Start):
	case by.Severity.Above(stillwater.Notice):
		c.Until = c.Began.add(holdBack)
	default:
		c.Until = farthest // nobody is told of a notice
	}
	h.inCommon().Causes = append(h.causes(), c)
	h.dirty = true
	g.remember(&c)
	e.schedule(h)
}

// heard looks, after a reading, whether what befell the home's groups is over for it.
func (e *Engine) heard(h *home, now instant) {
	for i := range e.set.common {
		by := &e.set.common[i]
		c := h.part(by.Name)
		if c == nil {
			continue
		}
		g, b := e.goesOn(c)
		switch {
		case g == nil:
			if by.as.over(h, c) {
				h.drop(by.Name)
				e.schedule(h)
			}
		case !c.Back && by.as.back(h, c):
			c.Back = true
			if b.back++; 2*b.back >= b.parts {
				e.recover(g, by, b.began, now)
			}
		}
	}
}

// recover ends the group's finding. Who is not back has a short while more.
func (e *Engine) recover(g *group, by *bound[commonCause], began, now instant) {
	f := g.finding(by.boundRule, began)
	f.Ended = now.time()
	e.found = append(e.found, f)
	g.going = slices.DeleteFunc(g.going, func(b befallen) bool { return b.rule == by.Name })
	for _, m := range g.members {
		c := m.part(by.Name)
		if c == nil || c.Group != g.id || c.Began != began {
			continue
		}
		c.Ended, c.Until = true, min(c.Until, now.add(backWithin))
		if by.as.over(m, c) {
			m.drop(by.Name)
		}
		m.dirty = true
		e.schedule(m)
	}
}

// heldUntil is until when a finding of stillness is held back in the home; 0: it is not.
func (e *ruleset) heldUntil(h *home, r *boundRule) (until instant) {
	if len(h.causes()) == 0 || !r.still {
		return 0
	}
	for i := range e.common {
		by := &e.common[i]
		if c := h.part(by.Name); c != nil && by.kind == stillwater.Welfare && !by.as.over(h, c) && !by.as.spared(h, c.Start) {
			until = max(until, c.Until)
		}
	}
	return until
}

// released is when something that is held back in the home next no longer is; 0: nothing is.
func (h *home) released() (at instant) {
	for i := range h.causes() {
		if c := &h.Common.Causes[i]; c.Until < farthest && h.Looked < c.Until {
			at = sooner(at, c.Until)
		}
	}
	return at
}

// finding is what befell the group as the parts of its members have it: the same after a restart.
func (g *group) finding(r *boundRule, began instant) stillwater.Finding {
	f := stillwater.Finding{Group: g.id, Rule: r.Name, Kind: r.kind, Severity: r.Severity, Trial: r.Trial, Began: began.time()}
	type member struct {
		id stillwater.HouseholdID
		*cause
	}
	var parts []member
	for _, m := range g.members {
		if c := m.part(r.Name); c != nil && c.Group == g.id && c.Began == began {
			parts = append(parts, member{m.id, c})
		}
	}
	slices.SortStableFunc(parts, func(a, b member) int { return cmp.Compare(a.Since, b.Since) }) // members are by ID
	for _, m := range parts {
		f.Facts.Members = append(f.Facts.Members, m.id)
	}
	if len(parts) > 0 {
		c := parts[0]
		f.Facts.Since, f.Facts.Span, f.Facts.DataTo, f.Facts.Homes = c.Start.time(), began.sub(c.Start), c.DataTo.time(), int(c.Homes)
	}
	return f
}

// share is what befell a group, as the home's own.
func (e *Engine) shares(h *home) (all []stillwater.Finding) {
	for i := range e.set.common {
		by := &e.set.common[i]
		c := h.part(by.Name)
		if c == nil || by.Trial {
			continue
		}
		if g, _ := e.goesOn(c); g != nil {
			f := g.finding(by.boundRule, c.Began)
			f.Household = h.id
			all = append(all, f)
		}
	}
	return all
}
