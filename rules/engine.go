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
	"bytes"
	"cmp"
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
	Groups   []string // what it shares with others that can fail for all of them: its building, riser, supply zone, gateway, feed

	Residents int // 0: not known, taken for one
}

// Engine judges the rules for many households.
type Engine struct {
	rules  []boundRule // of set
	set    *ruleset
	homes  directory
	groups map[string]*group
	said   map[said]*said // what the registry says of devices, each once
	queue  wakeQueue
	days   map[*time.Location]*localDay
	now    instant
	kept   memory               // of the home being restored
	always bool                 // judge at every reading: the slow, obvious engine that tests hold the other against
	found  []stillwater.Finding // that began or ended in the step under way
	holds  []stillwater.Finding // that hold in the home being judged
}

// New makes an engine for the rules, which must be valid.
func New(list []Rule) *Engine { return with(bind(list)) }

// with makes an engine for rules that are ready.
func with(set *ruleset) *Engine {
	return &Engine{
		set: set, rules: set.all, homes: newDirectory(), groups: map[string]*group{},
		said: map[said]*said{}, days: map[*time.Location]*localDay{},
	}
}

// Put tells the engine of a household, or what changed about it. What it remembers of it stays.
func (e *Engine) Put(spec Home) {
	h := e.home(spec.ID)
	if spec.Location != nil {
		e.locate(h, spec.Location)
	}
	h.settled(spec.Residents)
	for _, d := range spec.Devices {
		dev := h.device(d.ID)
		dev.Kind, dev.said = kindOf(d.Kind), e.saidOf(d)
	}
	h.Devices = slices.DeleteFunc(h.Devices, func(d device) bool {
		return !slices.ContainsFunc(spec.Devices, func(k stillwater.Device) bool { return k.ID == d.ID })
	})
	e.join(h, spec.Groups)
	h.stirred = true
	e.schedule(h)
}

// saidOf is what the registry says of a device.
func (e *Engine) saidOf(d stillwater.Device) *said {
	s := said{d.Every, d.Rollover}
	if e.said[s] == nil {
		e.said[s] = &s
	}
	return e.said[s]
}

// Locate tells the engine of a household's time zone alone: its devices are learned from their readings.
func (e *Engine) Locate(id stillwater.HouseholdID, zone *time.Location) {
	e.locate(e.home(id), zone)
}

// locate says in which time zone the home is.
func (e *Engine) locate(h *home, zone *time.Location) {
	if e.days[zone] == nil {
		e.days[zone] = &localDay{zone: zone}
	}
	h.today = e.days[zone]
}

// Remove forgets a household.
func (e *Engine) Remove(id stillwater.HouseholdID) {
	if h := e.homes.of(id); h != nil {
		e.join(h, nil)
		e.queue.leave(h)
		e.homes.remove(h)
	}
}

// home finds the household's memory or makes it.
func (e *Engine) home(id stillwater.HouseholdID) *home {
	h := e.homes.of(id)
	if h == nil {
		h = &home{id: id, rules: e.set, stirred: true}
		e.locate(h, time.UTC)
		e.homes.add(h)
	}
	return h
}

// Check says what will become of a reading if Step is given it now. It changes nothing.
func (e *Engine) Check(r *stillwater.Reading) Outcome {
	if h := e.homes.of(r.Household); h != nil {
		own := entryOf(r)
		return h.check(&own)
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
		e.tick(instantOf(entry.Tick))
	case entry.Rearm != "":
		e.rearm(entry.Rearm, instantOf(entry.At))
	case entry.Away != nil:
		e.away(entry.Away)
	case entry.Announced != nil:
		e.announce(entry.Announced, instantOf(entry.At))
	case !entry.Resumed.IsZero():
		e.resume(instantOf(entry.Resumed))
	}
	return e.found, ""
}

// read takes a reading. Where it could bring something on, the home is judged; unless it is history, of which more may follow at once:
// a silence that ends in the same upload tells nobody anything. Then the home is judged at its next reading that is fresh, or in
// the next whole minute. What ends does so at once, and what is of water begins at once, for a surge that is over is news all
// the same.
func (e *Engine) read(r *stillwater.Reading) ([]stillwater.Finding, Outcome) {
	h, own := e.home(r.Household), entryOf(r)
	checked := h.check(&own)
	if !checked.Journaled() {
		return nil, checked
	}
	e.now = max(e.now, own.received)
	if checked == Late {
		h.readLate(&own)
	} else {
		checked = h.read(&own)
	}
	h.heard(e.now)
	wakes := e.wakes(h, e.now)
	h.dirty, h.Looked = true, e.now
	if h.Common != nil {
		e.heard(h, e.now)
	}
	judge := wakes || e.toJudge(h)
	switch {
	case own.history():
		if judge {
			e.compare(h, e.now, true)
			h.roomLeft = h.room()
		}
		h.Awaits = true
		e.schedule(h)
	case judge || h.Awaits:
		e.judge(h, e.now)
	}
	return e.found, checked
}

// tick lets the time pass up to and including at, and judges each home at the whole minute at which something falls due. Where
// nothing does, nothing changes, the engine's now included: it must be found again in the memories of homes.
func (e *Engine) tick(at instant) {
	for next := e.queue.next(); next != 0 && next <= at; next = e.queue.next() {
		m := e.queue.take()
		for l := m.homes; l != nil; l = e.queue.giveBack(l) {
			for _, h := range l.homes[:l.count] {
				if h.queued == m.at {
					e.wake(h, m.at)
				}
			}
		}
	}
	slices.SortStableFunc(e.found, func(a, b stillwater.Finding) int { // the order of the visits depends on what was queued before
		return cmp.Or(a.Moved().Compare(b.Moved()), strings.Compare(string(a.Household), string(b.Household)))
	})
}

// wake judges the home at a minute at which it stood in the queue, if it was not put off since.
func (e *Engine) wake(h *home, minute instant) {
	h.queued = 0
	at := h.wakeAt
	if at == minute {
		at = due(h)
	}
	if at != minute {
		e.plan(h, at)
		return
	}
	e.now = max(e.now, at)
	h.dirty, h.Looked = true, e.now
	e.judge(h, e.now)
}

// Next is when a tick will next have work to do, a whole minute; zero: never.
func (e *Engine) Next() time.Time {
	return e.queue.next().time()
}

// rearm begins stillness anew, after people dealt with an incident of the home.
func (e *Engine) rearm(id stillwater.HouseholdID, at instant) {
	h := e.homes.of(id)
	if h == nil {
		return
	}
	e.now = max(e.now, at)
	h.Rearmed = at
	h.SettledCovered += h.still() // an incident's hours do not teach
	if h.StillFrom != 0 {
		h.StillFrom = max(h.StillFrom, at)
	}
	h.dirty, h.Looked = true, e.now
	e.judge(h, e.now)
}

// resume takes the end of a time in which the gateway itself was away: that nothing was heard says nothing of the devices.
func (e *Engine) resume(at instant) {
	e.now = max(e.now, at)
	for _, id := range e.ids() {
		h := e.homes.of(id)
		h.Listening = max(h.Listening, at)
		h.dirty, h.Looked, h.stirred = true, e.now, true
		e.schedule(h)
	}
}

// ids is every household, sorted: what happens to all happens in an order that does not depend on chance.
func (e *Engine) ids() []stillwater.HouseholdID {
	ids := make([]stillwater.HouseholdID, 0, e.homes.count)
	for h := range e.homes.all() {
		ids = append(ids, h.id)
	}
	slices.Sort(ids)
	return ids
}

// schedule queues the home for when it is due.
func (e *Engine) schedule(h *home) { e.plan(h, due(h)) }

// plan queues the home for a minute. A reading on the latter half of the way there asks for it anew.
func (e *Engine) plan(h *home, at instant) {
	e.queue.set(h, at)
	h.renewAt = at - max(minute, (at-e.now)/2)
}

// due is the first whole minute at which a judgement of the home can change by time alone; 0: it cannot. It follows from the
// home's memory and nothing else, so that a restart finds it again. That it is too early does no harm: the home is looked at and
// queued again.
func due(h *home) instant {
	var at instant
	if h.Awaits {
		at = h.Looked
	}
	at = sooner(at, h.wakeAbsence())
	for _, r := range h.rules.time {
		at = sooner(at, r.as.wake(h, r.boundRule))
	}
	at = sooner(at, h.released())
	if at == 0 {
		return 0
	}
	if at = ceilMinute(at); at <= h.Looked { // it was looked at since
		at = ceilMinute(h.Looked + 1)
	}
	return at
}

// Changed calls put with the memory of every household that changed since the last call, and of those for which also says so, in
// order. Restore takes it back.
func (e *Engine) Changed(also func(stillwater.HouseholdID) bool, put func(stillwater.HouseholdID, []byte)) error {
	var buf []byte
	for _, id := range e.ids() {
		h := e.homes.of(id)
		if !h.dirty && !also(id) {
			continue
		}
		var err error
		if buf, err = encode(buf[:0], &snapshot{h.rules.within, &h.memory}); err != nil {
			return fmt.Errorf("memory of household %q: %w", id, err)
		}
		h.dirty = false
		put(id, bytes.Clone(buf))
	}
	return nil
}

// Restore puts back the memory of one household. What Put said of its devices stays, of those too that the memory does not have.
func (e *Engine) Restore(id stillwater.HouseholdID, data []byte) error {
	e.kept = memory{}
	kept := snapshot{memory: &e.kept}
	if err := decode(data, &kept); err != nil {
		return fmt.Errorf("memory of household %q %w", id, err)
	}
	h := e.home(id)
	said := h.Devices
	h.memory = e.kept
	h.overlap = h.Draws.overlap()
	if kept.within < h.rules.within { // a rule has a longer window than there was: what was drawn before is not known
		h.WholeFrom = max(h.WholeFrom, h.DataTo.add(-kept.within))
	}
	slices.SortFunc(h.Devices, func(a, b device) int { return strings.Compare(string(a.ID), string(b.ID)) })
	for _, d := range said {
		back := h.device(d.ID)
		back.Kind, back.said = d.Kind, d.said
	}
	e.rejoin(h)
	h.stirred = true
	e.now = max(e.now, h.Looked)
	e.schedule(h)
	return nil
}

// snapshot is the memory of a home as it is stored, and how far back it has draws.
type snapshot struct {
	within time.Duration
	memory *memory
}

func (s *snapshot) fields(c *codec) {
	c.span(1, &s.within)
	c.part(2, s.memory)
}

// Only gives another engine with the same rules that remembers the one household alone, for asking what would come of readings that
// have not. What is shared by homes it does not know.
func (e *Engine) Only(id stillwater.HouseholdID) (*Engine, error) {
	twin := with(e.set)
	twin.said, twin.now = e.said, e.now
	h := e.homes.of(id)
	if h == nil {
		return twin, nil
	}
	t := twin.home(id)
	twin.locate(t, h.today.zone)
	t.residents = h.residents
	for i := range h.Devices {
		d := &h.Devices[i]
		t.Devices = append(t.Devices, device{ID: d.ID, Kind: d.Kind, said: d.said})
	}
	data, err := encode(nil, &snapshot{h.rules.within, &h.memory})
	if err != nil {
		return nil, fmt.Errorf("memory of household %q: %w", id, err)
	}
	return twin, twin.Restore(id, data)
}
