package world

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"stillwater"
)

// Staged is a scenario that was staged: where, when, and what follows from it.
type Staged struct {
	Scenario Scenario
	Homes    []stillwater.HouseholdID // the one it was staged in first; more where the building is concerned; all for the broker
	From, To time.Time
}

// Expected is one truth about one home, with its times.
type Expected struct {
	Household        stillwater.HouseholdID
	Scenario         string
	Kind             stillwater.Kind
	Severity         stillwater.Severity // at least
	None, Within     bool
	From             time.Time
	Earliest, Latest time.Time // zero when None
}

// Stage lets a scenario happen in a home at a moment, also while the world is being played, and says when it really begins:
// not before the moment, not in what Seal says was told, and, when she must be there to do it, once she is at home behind a closed door.
// An empty home is the scenario's own, and so is a zero moment. Nothing before it changes.
func (w *World) Stage(s Scenario, id stillwater.HouseholdID, at time.Time) (Staged, error) {
	if err := s.Validate(); err != nil {
		return Staged{}, fmt.Errorf("scenario %q: %w", s.Name, err)
	}
	if id == "" {
		id = w.who(s.Who)
	}
	h := w.home(id)
	if h == nil {
		return Staged{}, fmt.Errorf("scenario %q: no home is named %q", s.Name, id)
	}
	if at.IsZero() {
		at = w.when(s.When)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if s.Lives != "" {
		if err := w.settleIn(h, s.Lives); err != nil {
			return Staged{}, fmt.Errorf("scenario %q: %w", s.Name, err)
		}
	}
	at = latest(at, w.opts.Start, w.sealed.Add(time.Millisecond))
	from := (at.UnixMilli() + 999) / 1000 * 1000 // people count in whole seconds
	if s.needsHer() {
		from = h.free(from)
	}
	staged := Staged{Scenario: s, From: time.UnixMilli(from).UTC()}
	homes := []*home{h}
	for _, step := range s.What {
		when := span{from + step.After.Duration().Milliseconds(), 0}
		when.to = when.from + step.Lasts.Duration().Milliseconds()
		if end := time.UnixMilli(when.to).UTC(); end.After(staged.To) {
			staged.To = end
		}
		homes = w.apply(step, h, when, homes)
	}
	for _, h := range homes {
		staged.Homes = append(staged.Homes, h.household.ID)
	}
	w.staged = append(w.staged, staged)
	return staged, nil
}

// settleIn lets a home be lived in as a scenario says: from the world's start, if nobody was told anything yet. In a city that is being
// played nobody moves: who lives there lives on as before, and only what happens happens.
func (w *World) settleIn(h *home, name string) error {
	known, err := FindResident(name)
	if err != nil || !w.sealed.IsZero() {
		return err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.moveIn(known)
	h.equip(known)
	return nil
}

// apply puts one step into effect and gives the homes it concerns besides those known.
func (w *World) apply(step Step, h *home, when span, homes []*home) []*home {
	concerned := []*home{h}
	switch step.Event {
	case BrokerDown:
		w.outages = append(w.outages, when)
		concerned = w.homes
	case WaterCut:
		concerned = w.neighbours(h)
		for _, n := range concerned {
			n.add(newEffect(step.Event, when, 0))
		}
	default:
		e := newEffect(step.Event, when, int64(step.PerMinute*1000))
		e.count, e.planned = step.People, step.Planned
		h.add(e)
	}
	for _, c := range concerned {
		if !slices.Contains(homes, c) {
			homes = append(homes, c)
		}
	}
	return homes
}

// add puts an effect into a home.
func (h *home) add(e effect) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.effects = append(h.effects, e)
	h.changed(e.when.from)
}

// neighbours are the homes of a building, the named one first.
func (w *World) neighbours(h *home) []*home {
	all := []*home{h}
	for _, n := range w.homes {
		if n != h && n.index/homesPerBuilding == h.index/homesPerBuilding {
			all = append(all, n)
		}
	}
	return all
}

// needsHer says whether somebody has to be at home for it to begin.
func (s Scenario) needsHer() bool {
	return slices.ContainsFunc(s.What, func(step Step) bool {
		return slices.Contains([]Event{Fall, TapRuns, DoorStays, GoesOut, Ill, OneFalls}, step.Event)
	})
}

// free is the first moment from t on at which she is at home, nothing has happened to her and the door is closed.
func (h *home) free(t int64) int64 {
	const patience = 5 * 60 * 1000 // she takes off her shoes first
	h.mu.Lock()
	defer h.mu.Unlock()
	for moved := true; moved; {
		moved = false
		if o, out := h.away(t); out {
			t, moved = o.to+patience, true
		}
		for _, p := range h.passages(span{t, t}) {
			if p.covers(t) {
				t, moved = p.to+patience, true
			}
		}
		for _, e := range h.effects {
			if e.event == Fall && e.when.covers(t) {
				t, moved = e.when.to+patience, true
			}
		}
	}
	return t
}

// who finds the home a scenario is about.
func (w *World) who(who Who) stillwater.HouseholdID {
	feed := map[string]string{"modbus-meter": ModbusFeed, "mqtt-meter": MQTTFeed}[who.Tag]
	for _, h := range w.homes {
		if feed != "" && strings.HasPrefix(h.household.Devices[0].Source, feed+"/") {
			return h.household.ID
		}
	}
	return w.Home(max(0, who.Home-1))
}

// when is the moment a scenario is about.
func (w *World) when(when When) time.Time {
	hour, minute, _ := when.clock() // the scenario is valid
	y, m, d := w.opts.Start.In(w.loc).Date()
	return time.Date(y, m, d+when.Day, hour, minute, 0, 0, w.loc)
}

// Staged is everything that was staged, in order.
func (w *World) Staged() []Staged {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.staged)
}

// Expected is what should be made of it, by home.
func (s Staged) Expected() []Expected {
	var all []Expected
	for _, id := range s.Homes {
		for _, t := range s.Scenario.Truth {
			e := Expected{Household: id, Scenario: s.Scenario.Name, Kind: t.Kind, Severity: t.Severity, None: t.None, Within: t.Within, From: s.From}
			if e.Severity == "" {
				e.Severity = stillwater.Alert
			}
			if !t.None {
				e.Earliest, e.Latest = s.From.Add(t.Earliest.Duration()), s.From.Add(t.Latest.Duration())
			}
			all = append(all, e)
		}
	}
	return all
}

// latest is the last of some moments.
func latest(times ...time.Time) time.Time {
	return slices.MaxFunc(times, time.Time.Compare)
}
