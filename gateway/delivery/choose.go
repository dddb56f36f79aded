package delivery

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"stillwater"
)

// limitPatience is how long a message waits for a limit that is about to free a place, a burst over so many a minute. A limit that
// holds longer fails it, so that the ladder climbs past at once.
const limitPatience = time.Minute

// choice is what can be done for a message now: go by a way, wait until something is free, or nothing any more.
type choice struct {
	by    *way
	until time.Time // zero: until something else ends
	fail  string    // why it cannot be sent at all
	limit bool      // nothing but limits stands against it
	turn  bool      // it does not only wait for a place
}

// sooner makes the choice wait no longer than until a moment.
func (c *choice) sooner(at time.Time) {
	if c.until.IsZero() || at.Before(c.until) {
		c.until = at
	}
}

// serving are the ways of a message's channel and country, the preferred first.
func (d *dispatcher) serving(m stillwater.Message) []*way {
	return slices.Collect(func(yield func(*way) bool) {
		for _, w := range d.ways {
			if w.Serves(m) && !yield(w) {
				return
			}
		}
	})
}

// choose finds the way for a message that is its lane's turn.
func (d *dispatcher) choose(j *job, now time.Time) choice {
	ways := d.serving(j.msg)
	if i := slices.Index(ways, j.shun); i >= 0 {
		ways = append(slices.Delete(ways, i, i+1), j.shun)
	}
	if len(ways) == 0 {
		return choice{fail: "no provider is set up for " + target(j.msg)}
	}
	if at := d.ledger.polite(j, now); at.After(now) {
		return choice{fail: fmt.Sprintf("over a limit: this contact has had %d messages within an hour, which only an urgent one may exceed", d.ledger.courtesy)}
	}
	c := choice{limit: true}
	refused, limited := "", ""
	var shut *way // that only its open circuit stands against
	for _, w := range ways {
		b := j.bars[w]
		if b.good {
			refused = cmp.Or(refused, b.why)
			continue
		}
		if b.until.After(now) {
			c.limit, c.turn = false, true
			c.sooner(b.until)
			continue
		}
		if at, why := d.ledger.next(w, j, now); at.After(now) {
			limited = cmp.Or(limited, w.Name+" has had "+why)
			c.sooner(at)
			c.turn = true
			continue
		}
		c.limit = false
		if w.circuit.open() {
			c.turn = true
			if shut == nil {
				shut = w
			}
			if j.urgent() { // it is not for trying whether a way works, unless there is no other
				continue
			}
			if w.circuit.shut.After(now) {
				c.sooner(w.circuit.shut)
				continue
			}
			if len(w.calls[send]) > 0 { // somebody is trying
				continue
			}
		}
		if w.full(send) {
			at := w.hangsAt()
			if at.After(now) { // it is only busy, and preferred to the next
				c.sooner(at)
				return c
			}
			continue
		}
		return choice{by: w}
	}
	if j.urgent() && shut != nil && !shut.full(send) {
		return choice{by: shut}
	}
	if refused != "" && c.until.IsZero() && c.limit {
		return choice{fail: refused}
	}
	return d.withinLimits(j, c, limited, now)
}

// withinLimits fails a choice that would wait too long for limits to pass.
func (d *dispatcher) withinLimits(j *job, c choice, limited string, now time.Time) choice {
	if !c.limit {
		j.held = time.Time{}
		return c
	}
	if j.held.IsZero() {
		j.held = now
	}
	if c.until.Sub(j.held) > limitPatience {
		return choice{fail: "over a limit: " + limited}
	}
	return c
}

// target is the channel and country of a message, for people.
func target(m stillwater.Message) string {
	if number, ok := strings.CutPrefix(string(m.To), "+"); ok {
		return string(m.By()) + " to numbers that begin with +" + number[:min(2, len(number))]
	}
	return string(m.By())
}
