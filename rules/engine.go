// Package rules decides what readings mean. It is a pure function of the journal it is given: no clock, no goroutine, no I/O, no
// randomness. The same entries in the same order give the same findings live, after a restart and in a backtest of years ago,
// and nothing depends on what comes later.
//
// Time is two things here. Event time is in the readings and says when something was true; coverage is event time that
// readings vouch for, and stillness counts in it alone: no data is never "no use". The engine's own now is the latest arrival
// or tick, and only silence of devices and open doors are judged by it.
//
// An Engine is not safe for concurrent use: each has one owner.
package rules

import (
	"cmp"
	"container/heap"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"stillwater"
)

// Outcome is what became of a reading.
type Outcome string

// The outcomes. A reading with one of the first two is not for the journal; the rest are, and some say more.
const (
	Duplicate  Outcome = "duplicate"    // the same value of the same moment again
	OutOfOrder Outcome = "out-of-order" // another value of a moment that is known: the first one counts

	Accepted   Outcome = "accepted"
	Late       Outcome = "late"        // behind its device: kept, and a sign of life if it is the newest
	First      Outcome = "first"       // the first value of a counter vouches for nothing yet
	Held       Outcome = "held"        // a counter value that cannot follow waits to be confirmed
	Foreign    Outcome = "foreign"     // the value held before did not belong to this counter
	Reset      Outcome = "reset"       // the counter began anew near zero
	Reversed   Outcome = "reversed"    // it ran back a little
	Swapped    Outcome = "swapped"     // another count altogether: a swapped meter
	RolledOver Outcome = "rolled-over" // it went past its end
)

// Journaled says whether a reading with this outcome belongs into the journal.
func (o Outcome) Journaled() bool { return o != Duplicate && o != OutOfOrder }

// Home is what the registry says of a household that rules need.
type Home struct {
	ID       stillwater.HouseholdID
	Location *time.Location
	Devices  []stillwater.Device
}

// Engine judges the rules for many households.
type Engine struct {
	rules []boundRule
	homes map[stillwater.HouseholdID]*home
	queue wakeQueue
	now   time.Time
	found []stillwater.Finding // that began or ended in the step under way
	holds []stillwater.Finding // that hold in the home being judged
}

// boundRule is a rule with its detector.
type boundRule struct {
	Rule
	detector detector
	index    int // among the engine's rules
}

// New makes an engine for the rules, which must be valid.
func New(list []Rule) *Engine {
	e := &Engine{homes: map[stillwater.HouseholdID]*home{}}
	for _, r := range list {
		if d := detectorOf(r.Name); d != nil {
			e.rules = append(e.rules, boundRule{r, d, len(e.rules)})
		}
	}
	return e
}

// Put tells the engine of a household, or what changed about it. What it remembers of it stays.
func (e *Engine) Put(spec Home) {
	h := e.home(spec.ID)
	if spec.Location != nil {
		h.location = spec.Location
	}
	for _, d := range spec.Devices {
		dev := h.device(d.ID)
		dev.Kind, dev.known = d.Kind, d
	}
	h.Devices = slices.DeleteFunc(h.Devices, func(d *device) bool {
		return !slices.ContainsFunc(spec.Devices, func(k stillwater.Device) bool { return k.ID == d.ID })
	})
	e.schedule(h)
}

// Remove forgets a household.
func (e *Engine) Remove(id stillwater.HouseholdID) { delete(e.homes, id) }

// home finds the household's memory or makes it.
func (e *Engine) home(id stillwater.HouseholdID) *home {
	h := e.homes[id]
	if h == nil {
		h = &home{id: id, location: time.UTC, rules: e.rules, windows: make([]*window, len(e.rules)), runs: make([]*run, len(e.rules))}
		e.homes[id] = h
	}
	return h
}

// Check says what will become of a reading if Step is given it now. It changes nothing.
func (e *Engine) Check(r *stillwater.Reading) Outcome {
	if h := e.homes[r.Household]; h != nil {
		return h.check(r)
	}
	return Accepted
}

// Step takes the next entry of the journal and gives the findings that began or ended by it, valid until the next Step, and what
// became of a reading.
func (e *Engine) Step(entry *stillwater.Entry) ([]stillwater.Finding, Outcome) {
	e.found = e.found[:0]
	switch {
	case entry.Reading != nil:
		return e.read(entry.Reading)
	case !entry.Tick.IsZero():
		e.tick(entry.Tick)
	case entry.Rearm != "":
		e.rearm(entry.Rearm, entry.At)
	case !entry.Resumed.IsZero():
		e.resume(entry.Resumed)
	}
	return e.found, ""
}

// read takes a reading.
func (e *Engine) read(r *stillwater.Reading) ([]stillwater.Finding, Outcome) {
	h := e.home(r.Household)
	checked := h.check(r)
	if !checked.Journaled() {
		return nil, checked
	}
	e.now = later(e.now, r.Received)
	if checked == Late {
		h.readLate(r)
	} else {
		checked = h.read(r)
	}
	e.judge(h, e.now)
	return e.found, checked
}

// tick lets the time pass up to and including at, and judges each home at the whole minute at which something falls due. Where
// nothing does, nothing changes, the engine's now included: it must be found again in the memories of homes.
func (e *Engine) tick(at time.Time) {
	for len(e.queue) > 0 && !e.queue[0].at.After(at) {
		w := heap.Pop(&e.queue).(wake)
		if e.homes[w.home.id] != w.home || !w.home.wakeAt.Equal(w.at) {
			continue // forgotten, or due sooner by another entry
		}
		w.home.wakeAt = time.Time{}
		if !due(w.home).Equal(w.at) { // it was put off since
			e.schedule(w.home)
			continue
		}
		e.now = later(e.now, w.at)
		e.judge(w.home, e.now)
	}
	slices.SortStableFunc(e.found, func(a, b stillwater.Finding) int { // the order of the visits depends on what was queued before
		return cmp.Or(moved(a).Compare(moved(b)), strings.Compare(string(a.Household), string(b.Household)))
	})
}

// moved is when a finding began or ended.
func moved(f stillwater.Finding) time.Time {
	if f.Ended.IsZero() {
		return f.Began
	}
	return f.Ended
}

// Next is when a tick will next have work to do, a whole minute; zero: never.
func (e *Engine) Next() time.Time {
	if len(e.queue) == 0 {
		return time.Time{}
	}
	return e.queue[0].at
}

// rearm begins stillness anew, after people dealt with an incident of the home.
func (e *Engine) rearm(id stillwater.HouseholdID, at time.Time) {
	h := e.homes[id]
	if h == nil {
		return
	}
	e.now = later(e.now, at)
	h.Rearmed = at
	if !h.StillFrom.IsZero() {
		h.StillFrom = later(h.StillFrom, at)
	}
	e.judge(h, e.now)
}

// resume takes the end of a time in which the gateway itself was away: that nothing was heard says nothing of the devices.
func (e *Engine) resume(at time.Time) {
	e.now = later(e.now, at)
	for _, id := range e.ids() {
		h := e.homes[id]
		h.Listening = later(h.Listening, at)
		h.dirty, h.Looked = true, e.now
		e.schedule(h)
	}
}

// ids is every household, sorted: what happens to all happens in an order that does not depend on chance.
func (e *Engine) ids() []stillwater.HouseholdID {
	ids := make([]stillwater.HouseholdID, 0, len(e.homes))
	for id := range e.homes {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	return ids
}

// judge compares what holds in the home at now with what held before, and files what began and ended.
func (e *Engine) judge(h *home, now time.Time) {
	h.dirty, h.Looked = true, now
	e.holds = e.holds[:0]
	for i := range h.rules {
		e.judgeRule(h, &h.rules[i], now)
	}
	h.Active = slices.DeleteFunc(h.Active, func(old stillwater.Finding) bool {
		if slices.ContainsFunc(e.holds, func(f stillwater.Finding) bool { return f.Rule == old.Rule && f.Device == old.Device }) {
			return false
		}
		old.Ended = now
		e.found = append(e.found, old)
		return true
	})
	for i := range e.holds {
		if f := &e.holds[i]; !h.active(f.Rule, f.Device) {
			h.Active = append(h.Active, *f)
			e.found = append(e.found, *f)
		}
	}
	e.schedule(h)
}

// judgeRule adds what the rule finds in the home to holds.
func (e *Engine) judgeRule(h *home, r *boundRule, now time.Time) {
	n := len(e.holds)
	e.holds = r.detector.judge(h, r, now, e.holds)
	for i := n; i < len(e.holds); i++ {
		f := &e.holds[i]
		f.Household, f.Rule, f.Kind, f.Severity, f.Trial, f.Began = h.id, r.Name, r.detector.kind(), r.Severity, r.Trial, now
	}
}

// goingOn is the rule's finding that goes on, of the device or (with "") of the home; nil: there is none.
func (h *home) goingOn(rule string, device stillwater.DeviceID) *stillwater.Finding {
	for i := range h.Active {
		if f := &h.Active[i]; f.Rule == rule && f.Device == device {
			return f
		}
	}
	return nil
}

// active says whether the finding goes on.
func (h *home) active(rule string, device stillwater.DeviceID) bool {
	return h.goingOn(rule, device) != nil
}

// schedule queues the home for when it is due.
func (e *Engine) schedule(h *home) {
	at := due(h)
	if at.IsZero() {
		return
	}
	if h.wakeAt.IsZero() || at.Before(h.wakeAt) {
		h.wakeAt = at
		heap.Push(&e.queue, wake{at, h})
	}
}

// due is the first whole minute at which a judgement of the home can change by time alone; zero: it cannot. It follows from the
// home's memory and nothing else, so that a restart finds it again. That it is too early does no harm: the home is looked at and
// queued again.
func due(h *home) time.Time {
	var at time.Time
	for i := range h.rules {
		at = sooner(at, h.rules[i].detector.wake(h, &h.rules[i]))
	}
	if at.IsZero() {
		return at
	}
	if at = ceilMinute(at); !at.After(h.Looked) { // it was looked at since
		at = ceilMinute(h.Looked.Add(1))
	}
	return at
}

// ceilMinute is the first whole minute not before t.
func ceilMinute(t time.Time) time.Time {
	if m := t.Truncate(time.Minute); !m.Equal(t) {
		return m.Add(time.Minute)
	}
	return t
}

// Changed calls put with the memory of every household that changed since the last call, and of those for which also says so, in
// order.
func (e *Engine) Changed(also func(stillwater.HouseholdID) bool, put func(stillwater.HouseholdID, []byte)) error {
	for _, id := range e.ids() {
		h := e.homes[id]
		if !h.dirty && !also(id) {
			continue
		}
		data, err := json.Marshal(h.memory)
		if err != nil {
			return fmt.Errorf("memory of household %q: %w", id, err)
		}
		h.dirty = false
		put(id, data)
	}
	return nil
}

// Restore puts back the memory of one household. What Put said of its devices stays, of those too that the memory does not have.
func (e *Engine) Restore(id stillwater.HouseholdID, data []byte) error {
	h := e.home(id)
	var remembered memory
	if err := json.Unmarshal(data, &remembered); err != nil {
		return fmt.Errorf("memory of household %q: %w", id, err)
	}
	said := h.Devices
	h.memory = remembered
	clear(h.windows)
	clear(h.runs)
	slices.SortFunc(h.Devices, func(a, b *device) int { return strings.Compare(string(a.ID), string(b.ID)) })
	for _, d := range said {
		back := h.device(d.ID)
		back.Kind, back.known = d.Kind, d.known
	}
	e.now = later(e.now, h.Looked)
	e.schedule(h)
	return nil
}

// wake is a home to be looked at.
type wake struct {
	at   time.Time
	home *home
}

// wakeQueue is a heap by time, then household, so that equal times have one order.
type wakeQueue []wake

func (q wakeQueue) Len() int { return len(q) }
func (q wakeQueue) Less(i, j int) bool {
	if !q[i].at.Equal(q[j].at) {
		return q[i].at.Before(q[j].at)
	}
	return q[i].home.id < q[j].home.id
}
func (q wakeQueue) Swap(i, j int) { q[i], q[j] = q[j], q[i] }

// Push and Pop are container/heap's.
func (q *wakeQueue) Push(x any) { *q = append(*q, x.(wake)) }

// Pop gives the last.
func (q *wakeQueue) Pop() any {
	old := *q
	w := old[len(old)-1]
	*q = old[:len(old)-1]
	return w
}

// Locate tells the engine of a household's time zone alone: its devices are learned from their readings.
func (e *Engine) Locate(id stillwater.HouseholdID, zone *time.Location) { e.home(id).location = zone }
