package backtest

import (
	"slices"
	"time"

	"stillwater"
	"stillwater/rules"
)

// lane is one engine, with the homes of a player that it judges; see lanes.go. It is used by one goroutine at a time.
type lane struct {
	*player
	index    int // among the player's
	slot     int // among all
	engine   *rules.Engine
	loads    chan *load
	notes    bool          // it notes what readings say, and nobody has before
	absences []saidAbsence // of its homes, not played yet
	entry    stillwater.Entry
	homes    []*played // by number; nil: not heard of yet
	byID     map[stillwater.HouseholdID]*played
	order    []*played   // as they came, as rows of shadow.csv
	nextRow  time.Time   // of shadow.csv
	last     time.Time   // when the last reading was received
	at       moment      // of what happens now
	found    []move      // that nobody has taken yet
	rest     []row       // of the rows that have arrived: not played yet; see foresight.go
	counts   []lastCount // by device
	results  []outcomeCount
	count    int64
	failed   bool // nothing is played any more
}

// played is one household under the player's rules.
type played struct {
	*house
	engine     *rules.Engine
	met        int64          // by which of all rows
	raised     map[string]int // by rule
	severe     [4]int         // by severity, as severities lists them; trials not counted
	falses     int            // after learning, as houses counts them
	questions  int
	protection protection
	coming     []row // see foresight.go
	blind      time.Duration
	blindOpen  int // findings of a blind home that go on
	blindFrom  time.Time
}

// outcomeCount counts one outcome of readings. There are few: a list is quicker than a map.
type outcomeCount struct {
	outcome rules.Outcome
	n       int64
}

func newLane(p *player, index int) *lane {
	l := &lane{
		player: p, index: index, engine: rules.New(append(slices.Clone(p.Rules), rules.OnTrial(p.Rules)...)),
		byID: map[stillwater.HouseholdID]*played{},
	}
	l.engine.Keep(p.Calendar)
	for i, a := range p.planned {
		if p.units.of(a.Household).lane == index {
			l.absences = append(l.absences, saidAbsence{a, int64(i)})
		}
	}
	return l
}

// play plays what of the load is its own.
func (l *lane) play(w *load) error {
	mine := w.mine[l.index]
	if l.notes {
		for _, i := range mine {
			r := &w.rows[i]
			r.house.note(r)
			if l.Arrive.delay != 0 {
				r.Received = r.Received.Add(l.Arrive.delay)
			}
		}
	}
	foresees := l.foresees()
	for _, i := range mine {
		r := &w.rows[i]
		if foresees { // there is no other lane
			l.rest = w.rows[i:]
		}
		if err := l.read(r, w.first+int64(i)); err != nil {
			return err
		}
		if foresees {
			l.remember(r)
		}
	}
	l.rest = nil
	if len(l.lanes) == 1 {
		return nil
	}
	return l.until(w.end) // what time brings up to there goes before what other lanes find in the next load
}

// read lets the time pass to the reading, which is the n-th of all, and steps the engine with it.
func (l *lane) read(r *row, n int64) error {
	if err := l.until(r.Received); err != nil {
		return err
	}
	l.last = r.Received
	l.count++
	if r.implausible {
		l.outcome("implausible")
		return nil
	}
	if l.played(r.house) == nil {
		l.meet(r.house, n)
	}
	l.entry.Reading = &r.Reading
	found, outcome := l.engine.Step(&l.entry)
	l.outcome(outcome)
	if len(found) > 0 {
		l.happens(moment{at: r.Received, kind: aReading, n: n})
		l.file(found)
	}
	return nil
}

// played is the household as the lane has it; nil: it has not met it.
func (l *lane) played(h *house) *played {
	if int(h.number) < len(l.homes) {
		return l.homes[h.number]
	}
	return nil
}

// meet tells the engine of a household that it has not heard of.
func (l *lane) meet(known *house, n int64) {
	for int(known.number) >= len(l.homes) {
		l.homes = append(l.homes, nil)
	}
	h := &played{house: known, engine: l.engine, met: n, raised: map[string]int{}}
	l.homes[known.number], l.byID[h.id] = h, h
	l.order = append(l.order, h)
	l.engine.Locate(h.id, h.zone)
	l.engine.Share(h.id, l.groups[h.id])
	l.engine.Inhabit(h.id, l.people[h.id])
}

func (l *lane) outcome(o rules.Outcome) { l.results = tally(l.results, o, 1) }

// tally adds to the count of an outcome.
func tally(list []outcomeCount, o rules.Outcome, n int64) []outcomeCount {
	for i := range list {
		if list[i].outcome == o {
			list[i].n += n
			return list
		}
	}
	return append(list, outcomeCount{o, n})
}

// until lets the time pass up to now: ticks where something falls due, and the rows of shadow.csv.
func (l *lane) until(now time.Time) error {
	for {
		tick, row, said := l.engine.Next(), l.nextRow, l.said()
		due := !said.IsZero() && !said.After(now) && (tick.IsZero() || tick.After(said))
		switch {
		case due && (row.IsZero() || !row.Before(said)):
			l.say()
		case !row.IsZero() && row.Before(now) && (tick.IsZero() || tick.After(row)):
			if err := l.shadowRow(row); err != nil {
				return err
			}
			l.nextRow = row.Add(l.Shadow)
		case !tick.IsZero() && !tick.After(now):
			l.happens(moment{at: tick, kind: aTick})
			found, _ := l.engine.Step(&stillwater.Entry{Tick: tick})
			l.file(found)
		default:
			if row.IsZero() && l.Shadow > 0 {
				l.nextRow = now.Truncate(time.Hour).Add(time.Hour)
			}
			return nil
		}
	}
}

// shadowRow writes for each household when its first alert would be raised had life stopped at that moment.
func (l *lane) shadowRow(at time.Time) error {
	stamp := at.Format(time.RFC3339)
	if l.foresees() {
		l.await(at)
	}
	for _, h := range l.order {
		alert, rule, err := l.protection(h, at)
		if err != nil {
			return err
		}
		when, delay := "", delayCap
		if !alert.IsZero() {
			when, delay = alert.Format(time.RFC3339), alert.Sub(at).Hours()
		}
		h.protection.add(h.house, delayAt{hour: at.Unix() / 3600, delay: delay}, &l.delays)
		if err := l.shadow.row(string(h.id), stamp, when, rule); err != nil {
			return err
		}
	}
	return nil
}

// file takes findings that began or ended: their homes count them, and the player takes the rest when those of all lanes are in order.
func (l *lane) file(found []stillwater.Finding) {
	for i := range found {
		f, zone := &found[i], time.UTC
		if h := l.byID[f.Household]; h != nil { // of a group there is none
			l.about(h, f, f.Ended.IsZero())
			zone = h.zone
		}
		l.found = append(l.found, move{l.at, *f, zone})
	}
}
