package rules

import "stillwater"

// life is the last sign of life by kind, in event time; 0 where none was seen.
type life struct{ Water, Door, Activity instant }

// last is the latest of any kind.
func (l *life) last() instant { return max(l.Water, l.Door, l.Activity) }

// of is the last of a kind.
func (l *life) of(k lifeKind) *instant {
	switch k {
	case byWater:
		return &l.Water
	case byDoor:
		return &l.Door
	}
	return &l.Activity
}

// told is the life as findings tell it.
func (l *life) told() stillwater.Life {
	return stillwater.Life{Water: l.Water.time(), Door: l.Door.time(), Activity: l.Activity.time()}
}

func (l *life) fields(c *codec) {
	c.time(1, &l.Water)
	c.time(2, &l.Door)
	c.time(3, &l.Activity)
}

// lifeKind is by what life showed.
type lifeKind uint8

const (
	byWater lifeKind = iota
	byDoor
	byActivity
)

// live notes a sign of life at some moment after from and not after at, and counts it as of at. It is the one place where one is noted; readLate, that corrects one, is the other.
func (h *home) live(k lifeKind, from, at instant) {
	h.unsettled()
	gone := h.gone()
	excused := h.stirs(k, from, at)
	if of := h.Life.of(k); at > *of {
		newest := at > h.Life.last()
		if newest && !excused {
			if h.StillFrom != 0 {
				h.Usually.learn(h.day(at).number, at.sub(h.StillFrom))
			}
			h.learn(at)
		}
		if k == byDoor {
			h.went(at)
		} else {
			h.wasIn(from)
		}
		*of = at
		if newest {
			h.stirred = h.stirred || h.StillFrom == 0 // no stillness counted before
			h.StillFrom = max(h.StillFrom, at)
		}
	}
	h.relearn(at)
	if h.rules.trends {
		h.used(k, from, at)
	}
	if k != byDoor && !gone {
		h.nextDue = sooner(h.nextDue, h.StillFrom.add(h.rules.shortest))
		return
	}
	for _, r := range h.rules.nearer {
		h.nextDue = sooner(h.nextDue, h.dueOf(r.boundRule, r.as))
	}
}
