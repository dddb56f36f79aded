package rules

import (
	"cmp"
	"slices"

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

// inCommon is what befell a home together with others.
type inCommon struct {
	Causes []cause // its part in what was found of its groups
	Cuts   []cut   // when its water was announced to be cut off
}

func (m *memory) commonFields(c *codec) {
	causes, cuts := m.causes(), m.cuts()
	parts(c, 40, &causes)
	parts(c, 41, &cuts)
	if c.reading && (causes != nil || cuts != nil) {
		m.Common = &inCommon{causes, cuts}
	}
}

func (m *memory) causes() []cause {
	if m.Common == nil {
		return nil
	}
	return m.Common.Causes
}

func (m *memory) cuts() []cut {
	if m.Common == nil {
		return nil
	}
	return m.Common.Cuts
}

// inCommon is what befell the home with others, made if nothing did yet.
func (m *memory) inCommon() *inCommon {
	if m.Common == nil {
		m.Common = &inCommon{}
	}
	return m.Common
}

// part is the home's part in what the rule found, nil: it has none.
func (m *memory) part(rule string) *cause {
	for i := range m.causes() {
		if m.Common.Causes[i].Rule == rule {
			return &m.Common.Causes[i]
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
	if h.Common == nil {
		return
	}
	b := h.Common
	b.Causes = slices.DeleteFunc(b.Causes, func(c cause) bool {
		return !slices.ContainsFunc(h.groups, func(g *group) bool { return g.id == c.Group })
	})
	for i := range b.Causes {
		e.groups[b.Causes[i].Group].remember(&b.Causes[i])
	}
}

// leave forgets the home's part in what befell a group.
func (h *home) leave(g *group) {
	for i := 0; i < len(h.causes()); {
		c := &h.Common.Causes[i]
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
	if b := h.Common; b != nil {
		b.Causes = slices.DeleteFunc(b.Causes, func(c cause) bool { return c.Rule == rule })
		if len(b.Causes) == 0 && len(b.Cuts) == 0 {
			h.Common = nil // of most homes
		}
	}
	h.dirty = true
}

func byHousehold(a *home, id stillwater.HouseholdID) int { return cmp.Compare(a.id, id) }

func (g *group) add(h *home) {
	if i, in := slices.BinarySearchFunc(g.members, h.id, byHousehold); !in {
		g.members = slices.Insert(g.members, i, h)
	}
}

// weighedHomes is how many homes of a group are looked at: of a supply zone with thousands, every n-th tells as much.
const weighedHomes = 400

// stride is by how many members to go on so that no more than weighedHomes are looked at.
func (g *group) stride() int { return max(1, (len(g.members)+weighedHomes-1)/weighedHomes) }

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
