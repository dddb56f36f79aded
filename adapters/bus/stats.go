package bus

import "time"

// Counts is what happened on a line since the gateway started.
type Counts struct {
	Asked     uint64 // questions put, each repetition counted
	Answered  uint64 // answers that fitted, refusals among them
	Refusals  uint64 // answers that said no, busy or absent
	Timeouts  uint64 // questions without an answer in time
	BadFrames uint64 // answers that were damaged or did not fit their question
	Lost      uint64 // connections that ended during a question
	Connects  uint64 // connections made; the first one counts
}

// plus and minus serve to give a unit its share of the line's counts.
func (c Counts) plus(d Counts) Counts {
	return Counts{c.Asked + d.Asked, c.Answered + d.Answered, c.Refusals + d.Refusals, c.Timeouts + d.Timeouts,
		c.BadFrames + d.BadFrames, c.Lost + d.Lost, c.Connects + d.Connects}
}

func (c Counts) minus(d Counts) Counts {
	return Counts{c.Asked - d.Asked, c.Answered - d.Answered, c.Refusals - d.Refusals, c.Timeouts - d.Timeouts,
		c.BadFrames - d.BadFrames, c.Lost - d.Lost, c.Connects - d.Connects}
}

// Stats is how the bus as a whole (Unit empty) or one unit of it fares.
type Stats struct {
	Bus     string
	Unit    string   // as in Job; empty for the bus
	Sources []string // what is read from the unit
	Counts
	Last   time.Time     // event clock: the last answer
	Took   time.Duration // from the last question answered to its answer
	Silent bool          // more than one lost frame; for the bus: all units are, or there is no connection
	Why    string        // the last fault, until a value comes
}

// Stats tells how the bus and each of its units fare: the bus first, then the units in the order of their jobs. It may be called at any time.
func (b *Bus) Stats() []Stats {
	b.mu.Lock()
	defer b.mu.Unlock()
	list := make([]Stats, 0, len(b.units)+1)
	list = append(list, b.stats)
	for _, u := range b.units {
		list = append(list, u.stats)
	}
	return list
}

// note publishes what a turn has changed.
func (b *Bus) note(j *job, before Counts, took time.Duration, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delta := b.line.counts.minus(before)
	for _, s := range []*Stats{&b.stats, &j.unit.stats} {
		s.Counts = s.Counts.plus(delta)
		if delta.Answered > 0 {
			s.Last, s.Took = b.clock.Now(), took
		}
		s.Why = ""
		if err != nil {
			s.Why = err.Error()
		}
	}
	j.unit.stats.Silent = j.unit.fails >= silentAfter
	b.stats.Silent = b.line.wire == nil && b.line.fails > 0 || b.allSilent()
}
