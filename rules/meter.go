package rules

import "stillwater"

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
	Value float64 // litres, the last one believed
	At    instant
	Held  *held // a value that does not follow; nil: none
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
	waits := held{}
	if c.Held != nil {
		waits = *c.Held
	}
	k.part(3, &waits)
	if k.reading && waits.Count > 0 {
		c.Held = &waits
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
	return c.believe(c.Held.At, v-c.Held.Value, v, at), outcome
}

// believe makes v the value to go on from and gives the draw that led to it.
func (c *counter) believe(from instant, litres, v float64, at instant) draw {
	*c = counter{Value: v, At: at}
	return draw{From: from, To: at, ML: int64(litres*1000 + 0.5)}
}

// follows says whether one home's use can lead from value a to value b.
func follows(a float64, aAt instant, b float64, bAt instant) bool {
	return b >= a && b-a <= maxFlow*bAt.sub(aAt).Hours()+flowSlack
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
