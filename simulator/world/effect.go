package world

import (
	"cmp"
	"slices"
)

// An Event is what happens in a step of a scenario.
type Event string

// The events. Each says what becomes of water, door and devices while it lasts.
const (
	Fall       Event = "fall"            // all water stops, the door stays as it is, the resident is inside and does nothing
	TapRuns    Event = "tap-runs"        // water runs at a rate, and life goes on beside it
	PipeBursts Event = "pipe-bursts"     // the same, without a hand on the tap
	DoorStays  Event = "door-stays-open" // the door opens and nobody closes it
	GoesOut    Event = "goes-out"        // the door opens and closes, and the home is empty
	MeterDies  Event = "meter-dies"      // the meter answers nobody; water flows on unseen
	BrokerDown Event = "broker-restarts" // the broker takes no messages; devices keep theirs and send them afterwards
	WaterCut   Event = "water-cut"       // the whole building has no water; people come and go
	OneFalls   Event = "one-falls"       // the first of those who live there lies and does nothing; the others live on
	Guests     Event = "guests"          // people stay with her: more water, more of the door
	Ill        Event = "ill"             // she stays in, mostly in bed, and draws little
	DoorSticks Event = "door-sticks"     // the contact says closed and that it is there, whatever the door does
	DoorDies   Event = "door-dies"       // the contact says nothing any more
	Ordinary   Event = "ordinary"        // nothing: some days as the resident lives them
)

// An effect is one event in one home.
type effect struct {
	event   Event
	when    span
	ml      int64  // of a leak, in millilitres, all of it
	doors   []span // what it does with the door itself
	count   int    // of guests
	planned bool   // the gateway was told that she goes
}

// stopsWater says whether nothing is drawn by hand while the effect lasts.
func (e effect) stopsWater() bool {
	return e.event == Fall || e.event == GoesOut || e.event == WaterCut
}

// stopsDoor says whether the door is not used as on other days while the effect lasts.
func (e effect) stopsDoor() bool {
	return e.event == Fall || e.event == GoesOut || e.event == DoorStays
}

// keepsHer says whether she cannot set out while the effect lasts.
func (e effect) keepsHer() bool { return e.stopsDoor() || e.event == Ill }

// leaks says whether the effect is water running by itself.
func (e effect) leaks() bool { return e.event == TapRuns || e.event == PipeBursts }

// newEffect is an event in a home, with what it does to the door.
func newEffect(event Event, when span, mlPerMinute int64) effect {
	const second, minute = 1000, 60 * 1000
	e := effect{event: event, when: when}
	switch event {
	case Fall: // somebody comes in, and goes some time later
		e.doors = []span{{when.to, when.to + 25*second}, {when.to + 48*minute, when.to + 48*minute + 40*second}}
	case GoesOut:
		e.doors = []span{{when.from, when.from + 9*second}, {when.to, when.to + 14*second}}
	case DoorStays:
		e.doors = []span{when}
	case TapRuns, PipeBursts:
		e.ml = mlPerMinute * (when.to - when.from) / minute
	}
	return e
}

// stopDraws takes away what was not drawn: a draw that would begin while an effect stops the water never does, and one that
// was going on ends when the effect begins. Nothing before the effect changes by a millilitre.
func stopDraws(draws []draw, effects []effect) []draw {
	for _, e := range effects {
		if !e.stopsWater() {
			continue
		}
		byHand := e.event != WaterCut // what draws by itself goes on where nobody stirs
		draws = slices.DeleteFunc(draws, func(d draw) bool { return e.when.covers(d.start) && !(byHand && d.fixture == ByItself) })
		for i, d := range draws {
			if !(byHand && d.fixture == ByItself) {
				draws[i] = d.stopAt(e.when)
			}
		}
	}
	return draws
}

// stopAt ends a draw that is going on when a stop begins.
func (d draw) stopAt(stop span) draw {
	if d.start < stop.from && stop.from < d.end && (d.cut == 0 || stop.from < d.cut) {
		d.cut = stop.from
	}
	return d
}

// leaks are the draws of all leaks, less the time in which the building had no water. A piece after a cut is a draw of its own,
// and the piece before keeps its rate, so that a cut changes nothing before it.
func leaks(effects []effect) []draw {
	var draws []draw
	for _, e := range effects {
		if !e.leaks() {
			continue
		}
		begins := e.when.from
		for _, cut := range cuts(effects) {
			if cut.to <= begins || cut.from >= e.when.to {
				continue
			}
			if cut.from > begins {
				draws = append(draws, e.piece(begins, cut.from))
			}
			begins = cut.to
		}
		if begins < e.when.to {
			draws = append(draws, e.piece(begins, 0))
		}
	}
	slices.SortFunc(draws, func(a, b draw) int { return cmp.Compare(a.start, b.start) })
	return draws
}

// piece is the leak from a moment until it is cut, or to its end.
func (e effect) piece(from, cut int64) draw {
	return draw{Leak, from, e.when.to, e.ml * (e.when.to - from) / (e.when.to - e.when.from), cut, -1}
}

// cuts are the times without water in the building, joined where they meet.
func cuts(effects []effect) []span {
	var all []span
	for _, e := range effects {
		if e.event == WaterCut {
			all = append(all, e.when)
		}
	}
	return join(all)
}

// join sorts spans and makes one of those that touch.
func join(spans []span) []span {
	slices.SortFunc(spans, func(a, b span) int { return cmp.Compare(a.from, b.from) })
	joined := spans[:0]
	for _, s := range spans {
		if n := len(joined); n > 0 && s.from <= joined[n-1].to {
			joined[n-1].to = max(joined[n-1].to, s.to)
			continue
		}
		joined = append(joined, s)
	}
	return joined
}
