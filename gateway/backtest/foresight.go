package backtest

import (
	"slices"
	"time"

	"stillwater"
	"stillwater/rules"
)

// A home whose readings come in uploads has lived since the last one, and the engine does not know it yet. Had life stopped now, the next
// upload would tell of that life all the same, and stillness would count from its end. So a row of shadow.csv is asked of a copy of the home that was
// given what has left the device by then, and after it standing counters as far as the upload goes.

// protection is when the first alert would be raised had every sign of life stopped right after a moment, and by which rule.
func (p *lane) protection(h *played, at time.Time) (time.Time, string, error) {
	alert, rule := p.engine.Protection(h.id, at)
	goesOn := !alert.IsZero() && !alert.After(at)
	if goesOn || !p.lives(h.coming) {
		return alert, rule, nil
	}
	slices.SortStableFunc(h.coming, func(a, b row) int { return a.At.Compare(b.At) })
	coming := append(h.coming, p.standing(h.coming)...)
	twin, err := p.engine.Only(h.id)
	if err != nil {
		return time.Time{}, "", err
	}
	for i := range coming {
		if f := foreseen(twin, coming[i].Received, &coming[i].Reading); f != nil {
			return f.Began, f.Rule, nil
		}
	}
	known := coming[len(coming)-1].Received.Add(judgedAfter)
	if f := foreseen(twin, known, nil); f != nil {
		return f.Began, f.Rule, nil
	}
	alert, rule = twin.Protection(h.id, known)
	return alert, rule, nil
}

// judgedAfter is by when an upload was judged, which is in the next whole minute.
const judgedAfter = 2 * time.Minute

// foresees says whether readings are held back for an upload, and rows of shadow.csv are wanted.
func (p *lane) foresees() bool {
	return p.Shadow > 0 && (p.Arrive.kind == byDay || p.Arrive.kind == byHour)
}

// await files the readings that left devices up to a moment and have not arrived, by household.
func (p *lane) await(at time.Time) {
	for _, h := range p.order {
		h.coming = h.coming[:0]
	}
	add := func(list []row, due time.Time) {
		for i := range list {
			r := &list[i]
			if !due.After(at) || r.At.After(at) || r.implausible || p.played(r.house) == nil {
				continue
			}
			h := p.played(r.house)
			h.coming = append(h.coming, *r)
			h.coming[len(h.coming)-1].Received = due
		}
	}
	if len(p.rest) > 0 {
		add(p.rest, p.rest[0].Received)
	}
	for _, u := range p.held.uploads {
		add(u.rows, u.at)
	}
}

// standing are the readings that counters would add to an upload if nothing happened any more.
func (p *lane) standing(rows []row) (more []row) {
	for i := range rows {
		last := &rows[i]
		if last.Quantity != stillwater.WaterTotal || slices.ContainsFunc(rows[i+1:], func(r row) bool { return r.gauge == last.gauge && r.Quantity == last.Quantity }) {
			continue // another is the last
		}
		before := p.lastOf(last).at
		for j := range rows[:i] {
			if b := &rows[j]; b.gauge == last.gauge && b.Quantity == last.Quantity {
				before = b.At
			}
		}
		every := last.At.Sub(before)
		for at := last.At.Add(every); every > 0 && !at.After(last.Received); at = at.Add(every) {
			r := *last
			r.At = at
			more = append(more, r)
		}
	}
	slices.SortStableFunc(more, func(a, b row) int { return a.At.Compare(b.At) })
	return more
}

// lives says whether the readings could tell of life: a counter that rose, a door, an activity.
func (p *lane) lives(rows []row) bool {
	for i := range rows {
		switch r := &rows[i]; r.Quantity {
		case stillwater.Alive, stillwater.Battery:
		case stillwater.WaterTotal:
			if p.lastOf(r).value != r.Value {
				return true
			}
		default:
			return true
		}
	}
	return false
}

// lastCount is the last value of a counter that was played.
type lastCount struct {
	at    time.Time
	value float64
}

// remember keeps it.
func (p *lane) remember(r *row) {
	if r.Quantity != stillwater.WaterTotal {
		return
	}
	for int(r.gauge.number) >= len(p.counts) {
		p.counts = append(p.counts, lastCount{})
	}
	p.counts[r.gauge.number] = lastCount{r.At, r.Value}
}

// lastOf is that of the reading's device.
func (p *lane) lastOf(r *row) lastCount {
	if int(r.gauge.number) < len(p.counts) {
		return p.counts[r.gauge.number]
	}
	return lastCount{at: r.At}
}

// foreseen lets the time pass to a moment, takes the reading if there is one, and gives the first alert of stillness that begins; nil: none does.
func foreseen(twin *rules.Engine, now time.Time, r *stillwater.Reading) *stillwater.Finding {
	for next := twin.Next(); !next.IsZero() && !next.After(now); next = twin.Next() {
		found, _ := twin.Step(&stillwater.Entry{Tick: next})
		if f := firstAlert(found); f != nil {
			return f
		}
	}
	if r == nil {
		return nil
	}
	found, _ := twin.Step(&stillwater.Entry{Reading: r})
	return firstAlert(found)
}

func firstAlert(found []stillwater.Finding) *stillwater.Finding {
	i := slices.IndexFunc(found, func(f stillwater.Finding) bool {
		return !f.Trial && f.Ended.IsZero() && f.Severity.Above(stillwater.Question) && aboutStillness(f.Rule)
	})
	if i < 0 {
		return nil
	}
	f := found[i]
	return &f
}
