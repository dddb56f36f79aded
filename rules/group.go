package rules

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"stillwater"
)

// A group is homes that share something which can fail for all of them at once: a building, a riser, a supply zone, a gateway, a feed.
// What befell it is kept in the memories of its members, each its own part (see cause), so that a restart finds it again and a home
// that leaves takes no more than its own part along.
type group struct {
	id      string
	members []*home // by ID
	going   []befallen
}

// befallen is a finding of the group that goes on. It follows from the parts of the members.
type befallen struct {
	rule                 string
	began, start, dataTo instant
	homes                uint32
	parts                int // members that had a part in it
	back                 int // of them, those for whom it is over
}

// cause is a home's part in something that befell its group.
type cause struct {
	Group  string
	Rule   string
	Began  instant // event clock: when the group's finding began
	Start  instant // when what it is about began: the last sign of life among those that count
	DataTo instant // up to when there was data then
	Since  instant // since when this home shows nothing
	Until  instant // event clock: until when the home's own findings are held back; 0: they are not
	Homes  uint32  // how many homes of the group could be seen, or were waited for
	Back   bool    // it is over for this home
	Ended  bool    // the group's finding is
}

func (c *cause) fields(k *codec) {
	text(k, 1, &c.Group)
	text(k, 2, &c.Rule)
	k.time(3, &c.Began)
	k.time(4, &c.Start)
	k.time(5, &c.DataTo)
	k.time(6, &c.Since)
	k.time(7, &c.Until)
	small(k, 8, &c.Homes)
	k.flag(9, &c.Back)
	k.flag(10, &c.Ended)
}

// part is the home's part in what the rule found, nil: it has none.
func (m *memory) part(rule string) *cause {
	for i := range m.Causes {
		if m.Causes[i].Rule == rule {
			return &m.Causes[i]
		}
	}
	return nil
}

// join puts the home into its groups, and takes it out of those it has left.
func (e *Engine) join(h *home, ids []string) {
	if len(ids) == 0 && len(h.groups) == 0 {
		return
	}
	for _, g := range h.groups {
		if !slices.Contains(ids, g.id) {
			g.remove(h)
			h.leave(g)
		}
	}
	h.groups = h.groups[:0]
	for _, id := range slices.Compact(slices.Sorted(slices.Values(ids))) {
		g := e.groups[id]
		if g == nil {
			g = &group{id: id}
			e.groups[id] = g
		}
		g.add(h)
		h.groups = append(h.groups, g)
	}
}

// Share tells the engine of a household's groups alone; see Home.Groups.
func (e *Engine) Share(id stillwater.HouseholdID, groups []string) { e.join(e.home(id), groups) }

// rejoin counts the parts that a memory brings back. Of a group that the home is no longer in, it has none.
func (e *Engine) rejoin(h *home) {
	h.Causes = slices.DeleteFunc(h.Causes, func(c cause) bool {
		return !slices.ContainsFunc(h.groups, func(g *group) bool { return g.id == c.Group })
	})
	for i := range h.Causes {
		e.groups[h.Causes[i].Group].remember(&h.Causes[i])
	}
}

// leave forgets the home's part in what befell a group.
func (h *home) leave(g *group) {
	for i := 0; i < len(h.Causes); {
		c := &h.Causes[i]
		if c.Group != g.id {
			i++
			continue
		}
		g.forget(c)
		h.drop(c.Rule)
	}
}

// drop forgets the home's part in what the rule found.
func (h *home) drop(rule string) {
	h.Causes = slices.DeleteFunc(h.Causes, func(c cause) bool { return c.Rule == rule })
	if len(h.Causes) == 0 {
		h.Causes = nil // of most homes
	}
	h.dirty = true
}

func byHousehold(a *home, id stillwater.HouseholdID) int { return cmp.Compare(a.id, id) }

func (g *group) add(h *home) {
	if i, in := slices.BinarySearchFunc(g.members, h.id, byHousehold); !in {
		g.members = slices.Insert(g.members, i, h)
	}
}

func (g *group) remove(h *home) {
	if i, in := slices.BinarySearchFunc(g.members, h.id, byHousehold); in {
		g.members = slices.Delete(g.members, i, i+1)
	}
}

// remember counts a home's part: it has just got it, or a restart has found it.
func (g *group) remember(c *cause) {
	if c.Ended {
		return
	}
	b := g.findingOf(c.Rule)
	if b == nil {
		g.going = append(g.going, befallen{rule: c.Rule, began: c.Began, start: c.Start, dataTo: c.DataTo, homes: c.Homes})
		b = &g.going[len(g.going)-1]
	}
	b.parts++
	if c.Back {
		b.back++
	}
}

// forget takes a part out of the count.
func (g *group) forget(c *cause) {
	b := g.findingOf(c.Rule)
	if c.Ended || b == nil {
		return
	}
	b.parts--
	if c.Back {
		b.back--
	}
}

// findingOf is the rule's finding that goes on in the group; nil: there is none.
func (g *group) findingOf(rule string) *befallen {
	for i := range g.going {
		if g.going[i].rule == rule {
			return &g.going[i]
		}
	}
	return nil
}

// goesOn says whether the finding that the part is of goes on.
func (e *Engine) goesOn(c *cause) (*group, *befallen) {
	if g := e.groups[c.Group]; g != nil && !c.Ended {
		return g, g.findingOf(c.Rule)
	}
	return nil, nil
}

// A span is a time from and to.
type span struct{ From, To instant }

func (s *span) fields(c *codec) {
	c.time(1, &s.From)
	c.time(2, &s.To)
}

// longestCut is the longest time that can be announced: what is not known may not be made long by a slip of the pen.
const longestCut = 72 * time.Hour

// announce takes the news that the water of a group is or was cut off: what its meters show of no use in that time says nothing, also
// where they have shown it already.
func (e *Engine) announce(a *stillwater.Announced, at instant) {
	e.now = max(e.now, at)
	g, s := e.groups[a.Group], span{instantOf(a.From), instantOf(a.To)}
	if g == nil || s.To <= s.From || s.To.sub(s.From) > longestCut {
		return
	}
	for _, h := range g.members {
		since := h.stillSince()
		known, _ := h.cutWithin(since, h.DataTo)
		h.Cuts = slices.DeleteFunc(h.Cuts, func(old span) bool { return old.To.sub(h.DataTo) < -longestCut })
		h.Cuts = append(h.Cuts, s)
		slices.SortFunc(h.Cuts, func(a, b span) int { return cmp.Or(cmp.Compare(a.From, b.From), cmp.Compare(a.To, b.To)) })
		if length, end := h.cutWithin(since, h.DataTo); length > known && h.covering() == meter {
			h.hole(length-known, end)
		}
		h.dirty, h.Looked, h.stirred = true, e.now, true
		e.judge(h, e.now)
	}
	slices.SortStableFunc(e.found, func(a, b stillwater.Finding) int { return strings.Compare(string(a.Household), string(b.Household)) })
}

// cutWithin is how much of the time between two moments the water was announced to be cut off, and until when the last of it was.
func (h *home) cutWithin(from, to instant) (length time.Duration, end instant) {
	for _, c := range h.Cuts { // by their beginning; they may overlap
		c.From, c.To = max(c.From, from), min(c.To, to)
		if c.To > c.From {
			length += c.To.sub(c.From)
			from, end = c.To, c.To
		}
	}
	return length, end
}
