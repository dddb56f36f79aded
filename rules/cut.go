package rules

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"stillwater"
)

// A cut is a time in which the water of a group was announced to be cut off: what its meters show of no use in that time says nothing. It
// ends by itself. By the group and the moment at which it was said one is told from another, so that a journal may be replayed
// over a memory that has part of it.
type cut struct {
	From, To instant
	Said     instant
	Group    string
}

func (c *cut) fields(k *codec) {
	k.time(1, &c.From)
	k.time(2, &c.To)
	k.time(3, &c.Said)
	text(k, 4, &c.Group)
}

// announce takes the news that the water of a group is or was cut off, or that it is back.
func (e *Engine) announce(a *stillwater.Announced, at instant) {
	e.now = max(e.now, at)
	g, c := e.groups[a.Group], cut{instantOf(a.From), instantOf(a.To), at, a.Group}
	if g == nil || !a.Over && (c.To <= c.From || c.To.sub(c.From) > stillwater.MaxCut) {
		return
	}
	for _, h := range g.members {
		if a.Over {
			h.waterBack(a.Group, at)
		} else {
			h.waterOff(c)
		}
		h.dirty, h.Looked, h.stirred = true, e.now, true
		e.judge(h, e.now)
	}
	slices.SortStableFunc(e.found, func(a, b stillwater.Finding) int { return strings.Compare(string(a.Household), string(b.Household)) })
}

// waterOff takes a cut of the home's water, also of a time for which its meter has shown no use already.
func (h *home) waterOff(c cut) {
	since := h.stillSince()
	known, _ := h.cutWithin(since, h.DataTo)
	b := h.inCommon()
	b.Cuts = slices.DeleteFunc(b.Cuts, func(old cut) bool { return old.To.sub(h.DataTo) < -stillwater.MaxCut })
	if slices.ContainsFunc(b.Cuts, func(old cut) bool { return old.Group == c.Group && old.Said == c.Said && old.From == c.From }) {
		return
	}
	b.Cuts = append(b.Cuts, c)
	slices.SortFunc(b.Cuts, func(a, b cut) int { return cmp.Or(cmp.Compare(a.From, b.From), cmp.Compare(a.To, b.To)) })
	if length, end := h.cutWithin(since, h.DataTo); length > known && h.covering() == meter {
		h.hole(length-known, end)
	}
}

// waterBack ends the cuts of a group at a moment, those that are to come too. What was unknown until then stays so.
func (h *home) waterBack(group string, at instant) {
	for i := range h.cuts() {
		if c := &h.Common.Cuts[i]; c.Group == group && c.Said <= at {
			c.To = max(c.From, min(c.To, at))
		}
	}
}

// cutWithin is how much of the time between two moments the water was announced to be cut off, and until when the last of it was.
func (h *home) cutWithin(from, to instant) (length time.Duration, end instant) {
	for _, c := range h.cuts() { // by their beginning; they may overlap
		c.From, c.To = max(c.From, from), min(c.To, to)
		if c.To > c.From {
			length += c.To.sub(c.From)
			from, end = c.To, c.To
		}
	}
	return length, end
}

// announced is the cut of the home's water that goes on at now or comes next; nil: none is announced.
func (h *home) announced(now instant) *stillwater.Announced {
	for _, c := range h.cuts() {
		if c.To > max(now, c.From) {
			return &stillwater.Announced{Group: c.Group, From: c.From.time(), To: c.To.time()}
		}
	}
	return nil
}
