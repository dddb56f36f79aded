package rules

import (
	"math"

	"stillwater"
)

// maxFlow is the most water a home's meter can pass, in litres per hour: the overload flow rate Q4 of a DN20 meter with
// a permanent flow rate Q3 of 4 m³/h (ISO 4064-1:2014, Q4 = 1.25 Q3). A counter that rose faster has not measured this home.
const maxFlow = 5000

// flowSlack is allowed on top of maxFlow, in litres, for coarse counters read a moment apart.
const flowSlack = 50

// confirmations is how many readings in a row must agree on a new counter value before it is believed: one is a stale or
// foreign value, which meters on shared radio channels really send.
const confirmations = 3

// rollovers are the ranges counters commonly have, in litres: 5 to 9 digits and 16 and 32 bit registers.
var rollovers = []float64{1e5, 1e6, 1e7, 1e8, 1e9, 1 << 16, 1 << 32}

// counter turns the readings of a cumulative counter into draws.
type counter struct {
	Value  float64 // litres, the last one believed
	At     instant
	Before instant // the value before it
	LastML uint32  // drawn between them: no reading has confirmed it yet
	StepML uint32  // the resolution: what all draws are multiples of; 0: none yet
	Steps  uint8   // how many draws say so
	Held   *held   // a value that does not follow; nil: none
}

// stepsKnown is how many draws it takes to know the resolution.
const stepsKnown = 12

// step is the resolution of the counter in millilitres; 0: not known yet.
func (c *counter) step() int64 {
	if c.Steps < stepsKnown {
		return 0
	}
	return int64(c.StepML)
}

// measure learns the resolution from a draw.
func (c *counter) measure(ml int64) {
	if ml == 0 {
		return
	}
	c.Steps = min(c.Steps+1, stepsKnown)
	if a, b := int64(c.StepML), ml; a == 0 || b%a != 0 {
		for a != 0 {
			a, b = b%a, a
		}
		c.StepML = uint32(min(b, 1<<30))
	}
}

// held is a value that does not follow from the last one believed. It waits until later readings confirm or refute it.
type held struct {
	Value float64
	At    instant
	Count uint8
}

func (c *counter) fields(k *codec) {
	k.float(1, &c.Value)
	k.time(2, &c.At)
	optional(k, 3, &c.Held)
	k.time(4, &c.Before)
	small(k, 5, &c.LastML)
	small(k, 6, &c.StepML)
	small(k, 7, &c.Steps)
	if k.reading && c.Held != nil && c.Held.Count == 0 {
		c.Held = nil
	}
}

func (w *held) fields(c *codec) {
	c.float(1, &w.Value)
	c.time(2, &w.At)
	small(c, 3, &w.Count)
}

// advance takes the next value (litres) and gives the spans it vouches for: none while it is held, and after a reset or a
// swap only the time since the new count began.
func (c *counter) advance(v float64, at instant, rollover stillwater.Litres) (draw, Outcome) {
	if c.At == 0 {
		c.Value, c.At = v, at
		return draw{From: at, To: at}, First
	}
	if follows(c.Value, c.At, v, at) {
		outcome := Accepted
		if c.Held != nil {
			outcome = Foreign // what was held did not belong to this count
		}
		return c.believe(c.At, v-c.Value, v, at), outcome
	}
	if c.Held == nil {
		if r := rolledOver(c.Value, c.At, v, at, float64(rollover)); r > 0 {
			return c.believe(c.At, r-c.Value+v, v, at), RolledOver
		}
	}
	if c.Held == nil || !follows(c.Held.Value, c.Held.At, v, at) {
		c.Held = &held{v, at, 1}
		return draw{}, Held
	}
	c.Held.Count++
	if c.Held.Count < confirmations {
		return draw{}, Held // the held value stays where the new count began
	}
	outcome := Swapped
	switch back := c.Value - c.Held.Value; {
	case c.Held.Value < flowSlack:
		outcome = Reset
	case back > 0 && back <= flowSlack:
		outcome = Reversed
	}
	c.Steps, c.StepML = 0, 0 // another meter may count in other steps
	return c.believe(c.Held.At, v-c.Held.Value, v, at), outcome
}

// believe makes v the value to go on from and gives the draw that led to it.
func (c *counter) believe(from instant, litres, v float64, at instant) draw {
	w := draw{From: from, To: at, ML: int64(litres*1000 + 0.5)}
	c.measure(w.ML)
	c.Value, c.At, c.Before, c.LastML, c.Held = v, at, from, uint32(min(w.ML, math.MaxUint32)), nil
	return w
}

// follows says whether one home's use can lead from value a to value b.
func follows(a float64, aAt instant, b float64, bAt instant) bool {
	return b >= a && b-a <= maxFlow*hoursOf(bAt.sub(aAt))+flowSlack
}

// rolledOver gives the range of the counter if it went past its end from a to b, else 0. A range that is not known must be a
// common one, with both values close to its end.
func rolledOver(a float64, aAt instant, b float64, bAt instant, known float64) float64 {
	candidates := rollovers
	if known > 0 {
		candidates = []float64{known}
	}
	for _, r := range candidates {
		near := known > 0 || (a >= 0.99*r && b <= 0.01*r)
		if near && a < r && follows(a-r, aAt, b, bAt) {
			return r
		}
	}
	return 0
}
