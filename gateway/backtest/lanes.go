package backtest

import (
	"cmp"
	"errors"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"stillwater"
)

// Homes that share no group cannot influence each other: what the rules say of one follows from its own journal and from the time. So the
// homes of a player are spread over several engines, its lanes, each with a goroutine of its own, and each plays of every load the rows of
// its homes. No lane waits for another. What they found is put in order when all have played a load, which is the order in which one engine
// would have found it:
//
//	by time, and at one time what a tick brought before what was said, and that before what readings brought; readings as they came;
//	and what one tick brought in the order in which an engine gives it
//
// For that every lane lets the time pass to the end of each load, with a row of its own there or not.

// mostLanes is where more lanes bring no more: one goroutine reads for all.
const mostLanes = 4

// laneCount is how many lanes each player has. A shadow is written in the order of all homes, and several players are busy as they are.
func (p *pass) laneCount() int {
	if p.Shadow > 0 || len(p.Variants) > 1 {
		return 1
	}
	return cmp.Or(p.Lanes, min(mostLanes, runtime.GOMAXPROCS(0)))
}

// unit is homes of one lane: those that share a group, be it by way of others.
type unit struct {
	lane     int // -1: it has none yet
	silences *silences
	rows     int // in the load that it gets a lane with
}

// units spread the homes over the lanes: each new unit goes to the lane that had the fewest rows, in one load those with most rows first.
type units struct {
	byHome   map[stillwater.HouseholdID]*unit // of those that share a group, or are told of before they are heard of
	rows     []int                            // by lane
	silences []silences                       // by lane
	fresh    []*unit
}

func newUnits(lanes int, groups map[stillwater.HouseholdID][]string) units {
	u := units{byHome: map[stillwater.HouseholdID]*unit{}, rows: make([]int, lanes), silences: make([]silences, lanes)}
	above := map[string]string{} // a group that shares homes with the group; itself: none
	var top func(string) string
	top = func(g string) string {
		if up, ok := above[g]; ok && up != g {
			above[g] = top(up)
			return above[g]
		}
		return g
	}
	for _, of := range groups {
		for _, g := range of {
			above[top(g)] = top(of[0])
		}
	}
	tops := map[string]*unit{}
	for id, of := range groups {
		if len(of) == 0 {
			continue
		}
		t := top(of[0])
		if tops[t] == nil {
			tops[t] = &unit{lane: -1}
		}
		u.byHome[id] = tops[t]
	}
	return u
}

// of is the unit of a household that was not heard of before.
func (u *units) of(id stillwater.HouseholdID) *unit {
	if of := u.byHome[id]; of != nil {
		return of
	}
	return &unit{lane: -1}
}

// early gives a lane to a household that something is said of before it is heard of.
func (u *units) early(id stillwater.HouseholdID) {
	of := u.of(id)
	u.byHome[id] = of
	if of.lane < 0 {
		u.assign(of)
	}
}

// share gives a lane to the units of rows that have none.
func (u *units) share(rows []row) {
	u.fresh = u.fresh[:0]
	for i := range rows {
		of := rows[i].house.unit
		if of.lane >= 0 {
			continue
		}
		if of.rows++; of.rows == 1 {
			u.fresh = append(u.fresh, of)
		}
	}
	slices.SortStableFunc(u.fresh, func(a, b *unit) int { return cmp.Compare(b.rows, a.rows) })
	for _, of := range u.fresh {
		u.assign(of)
	}
}

// assign gives the unit to the lane with the fewest rows, counting those of the unit.
func (u *units) assign(of *unit) {
	for i, n := range u.rows {
		if of.lane < 0 || n < u.rows[of.lane] {
			of.lane = i
		}
	}
	u.rows[of.lane] += max(1, of.rows)
	of.silences = &u.silences[of.lane]
}

// load is rows on their way through the lanes.
type load struct {
	rows  []row
	first int64     // the number of the first row among all
	end   time.Time // when the last row arrives
	mine  [][]int32 // by lane: which rows are its own
	found [][]move  // by all lanes of all players
	errs  []error   // the same
	wait  sync.WaitGroup

	batch *rowBatch        // that the rows lie in; nil: none
	home  chan<- *rowBatch // where the batch goes back to
	room  []row            // where they lie else
}

// convoy is the lanes of all players with their loads.
type convoy struct {
	crew  []*lane
	idle  []*load
	under []*load // sent and not settled, in order
	sent  int64   // rows
}

// ahead is how many loads may be under way: enough that a lane with a hard load keeps no other waiting.
const loadsAhead = 4

// setOut starts the lanes.
func (p *pass) setOut(wait *sync.WaitGroup) {
	for _, v := range p.players {
		for _, l := range v.lanes {
			l.slot, l.notes = len(p.crew), p.flows()
			l.loads = make(chan *load, loadsAhead+1)
			p.crew = append(p.crew, l)
			wait.Go(l.run)
		}
	}
}

// run plays loads until there are no more.
func (l *lane) run() {
	for w := range l.loads {
		if !l.failed {
			w.errs[l.slot] = l.play(w)
			l.failed = w.errs[l.slot] != nil
		}
		w.found[l.slot], l.found = l.found, w.found[l.slot][:0]
		w.wait.Done()
	}
}

// arrive waits for what is under way, and ends the lanes.
func (p *pass) arrive() error {
	err := p.settle(0)
	for _, l := range p.crew {
		close(l.loads)
	}
	return err
}

// empty is a load without rows.
func (p *pass) empty() *load {
	n := len(p.idle)
	if n == 0 {
		return &load{mine: make([][]int32, len(p.units.rows)), found: make([][]move, len(p.crew)), errs: make([]error, len(p.crew))}
	}
	w := p.idle[n-1]
	p.idle = p.idle[:n-1]
	return w
}

// free takes back a load that is done.
func (p *pass) free(w *load) {
	if w.batch != nil {
		w.home <- w.batch // there is room for all of them
		w.batch = nil
	}
	w.rows, w.room = nil, w.room[:0]
	p.idle = append(p.idle, w)
}

// send gives the load to the lanes, and settles loads before it, so that no more than loadsAhead are under way.
func (p *pass) send(w *load) error {
	if len(w.rows) == 0 {
		p.free(w)
		return nil
	}
	p.units.deal(w)
	w.first, w.end = p.sent, w.rows[len(w.rows)-1].Received
	if p.flows() {
		w.end = w.end.Add(p.Arrive.delay)
	}
	p.sent += int64(len(w.rows))
	w.wait.Add(len(p.crew))
	for _, l := range p.crew {
		l.loads <- w // there is room for all of them
	}
	p.under = append(p.under, w)
	return p.settle(loadsAhead)
}

// deal says which rows of the load are whose.
func (u *units) deal(w *load) {
	u.share(w.rows)
	for i := range w.mine {
		w.mine[i] = w.mine[i][:0]
	}
	for i := range w.rows {
		of := w.rows[i].house.unit.lane
		w.mine[of] = append(w.mine[of], int32(i))
	}
	for i := range w.mine {
		u.rows[i] += len(w.mine[i])
	}
}

// settle files what the lanes found in the loads that were sent first, until no more than so many are under way.
func (p *pass) settle(left int) error {
	var errs []error
	for len(p.under) > left {
		w := p.under[0]
		p.under = append(p.under[:0], p.under[1:]...)
		w.wait.Wait()
		for _, v := range p.players {
			v.settle(w)
		}
		errs = append(errs, w.errs...)
		clear(w.errs)
		p.free(w)
	}
	return errors.Join(errs...)
}

// settle files what the player's lanes found, in order.
func (p *player) settle(w *load) {
	for _, l := range p.lanes {
		p.collect(w.found[l.slot])
	}
	p.fileAll()
	for _, l := range p.lanes {
		clear(w.found[l.slot])
	}
}

// collect takes what a lane found.
func (p *player) collect(found []move) {
	for i := range found {
		p.moves = append(p.moves, &found[i])
	}
}

// fileAll files what was collected, in order.
func (p *player) fileAll() {
	slices.SortStableFunc(p.moves, inTurn)
	for _, m := range p.moves {
		p.file(m)
	}
	clear(p.moves)
	p.moves = p.moves[:0]
}

// move is a finding that began or ended, and when that was found.
type move struct {
	moment
	finding stillwater.Finding
	zone    *time.Location
}

// moment is the place of an event in the order of all.
type moment struct {
	at   time.Time
	kind event
	n    int64 // which of those that happen at one time
}

type event uint8

// The events at one time in their order.
const (
	aTick event = iota
	anAbsence
	aReading
)

// compare gives the order.
func (m moment) compare(other moment) int {
	return cmp.Or(m.at.Compare(other.at), cmp.Compare(m.kind, other.kind), cmp.Compare(m.n, other.n))
}

// happens notes the moment of what the lane plays. A tick that is late for its own time counts as of now.
func (l *lane) happens(at moment) {
	if at.compare(l.at) > 0 {
		l.at = at
	}
}

// inTurn is the order in which one engine would have found them: what one reading brought stays as it is.
func inTurn(a, b *move) int {
	if c := a.compare(b.moment); c != 0 || a.kind != aTick {
		return c
	}
	return cmp.Or(a.finding.Moved().Compare(b.finding.Moved()), strings.Compare(string(a.finding.Household), string(b.finding.Household)),
		strings.Compare(a.finding.Group, b.finding.Group))
}
