package rules

import (
	"math"
	"math/rand/v2"
	"slices"
	"time"

	"stillwater"
)

// tenant is a person whose days are made up: water from rising to bed, a visit to the bathroom in some nights, and outings. A meter tells
// of them every hour, and a door if there is one.
type tenant struct {
	t      fataler
	rng    *rand.Rand
	engine *Engine
	spec   Home
	litres float64
	at     time.Time // up to when it was played, a local midnight
	found  []stillwater.Finding
	closes bool // people close what is raised

	tap     func(stillwater.Entry) // sees each entry
	journal []stillwater.Entry
}

// fataler ends a test.
type fataler interface {
	Helper()
	Fatal(args ...any)
}

// habits of a day.
type habits struct {
	rise, bed, gap float64 // hours
	guests         bool    // others are there too, at all hours
	out            float64 // how likely an outing is
	empty          bool
}

var alone = habits{rise: 6.7, bed: 22.3, gap: 1.1, out: 0.35}

func newTenant(t fataler, seed uint64, zone *time.Location, door bool, list []Rule) *tenant {
	p := &tenant{t: t, rng: rand.New(rand.NewPCG(seed, 9)), engine: New(list), litres: 1000}
	p.spec = Home{ID: "h", Location: zone, Devices: []stillwater.Device{{ID: "meter", Kind: stillwater.Meter, Every: time.Hour}}}
	if door {
		p.spec.Devices = append(p.spec.Devices, stillwater.Device{ID: "door", Kind: stillwater.DoorContact})
	}
	p.engine.Put(p.spec)
	p.at = time.Date(2026, 1, 5, 0, 0, 0, 0, zone) // a Monday
	return p
}

// twin is the same person in the same home under other rules or from here on another life.
func (p *tenant) twin(list []Rule) *tenant {
	q := *p
	q.rng = rand.New(rand.NewPCG(p.rng.Uint64(), 1))
	if list == nil {
		list = Defaults()
	}
	q.engine, q.found = New(list), nil
	q.engine.Keep(p.engine.set.calendar)
	q.engine.Put(p.spec)
	err := p.engine.Changed(func(stillwater.HouseholdID) bool { return true }, func(id stillwater.HouseholdID, data []byte) {
		if err := q.engine.Restore(id, data); err != nil {
			p.t.Fatal(err)
		}
	})
	if err != nil {
		p.t.Fatal(err)
	}
	return &q
}

// moment is something that happens in the home, on the hour's scale of a day.
type happening struct {
	at    float64
	litre float64 // 0: the door
}

// plan is what happens in a day.
func (p *tenant) plan(d habits) (all []happening) {
	if d.empty {
		return nil
	}
	rise, bed := d.rise+0.6*p.rng.NormFloat64(), d.bed+0.5*p.rng.NormFloat64()
	leaves, back := 99.0, 99.0
	if p.rng.Float64() < d.out {
		leaves = 9 + 6*p.rng.Float64()
		back = leaves + 1.5 + 2.5*p.rng.Float64()
		for _, at := range []float64{leaves, leaves + 0.01, back, back + 0.01} {
			all = append(all, happening{at, 0})
		}
	}
	for at := rise; at < bed; at += 0.2 + d.gap*p.rng.ExpFloat64() {
		if at < leaves || at > back {
			all = append(all, happening{at, 3 + 20*p.rng.Float64()})
		}
	}
	if p.rng.IntN(2) == 0 {
		all = append(all, happening{2 + 3*p.rng.Float64(), 6})
	}
	if d.guests {
		for at := p.rng.Float64(); at < 24; at += p.rng.ExpFloat64() {
			all = append(all, happening{at, 8})
		}
	}
	return all
}

// live plays days.
func (p *tenant) live(days int, d habits) {
	for range days {
		all := p.plan(d)
		slices.SortFunc(all, func(a, b happening) int { return int(math.Copysign(1, a.at-b.at)) })
		next := p.at.AddDate(0, 0, 1)
		door, state := len(p.spec.Devices) > 1, 0.0
		for at := p.at; at.Before(next); {
			end := at.Add(time.Hour)
			for len(all) > 0 && !p.at.Add(inDay(all[0].at)).After(end) {
				h := all[0]
				all = all[1:]
				switch {
				case h.litre > 0:
					p.litres += h.litre
				case door:
					state = 1 - state
					p.read("door", stillwater.Door, state, p.at.Add(inDay(h.at)))
				}
			}
			at = end
			p.read("meter", stillwater.WaterTotal, p.litres, at)
		}
		p.at = next
	}
}

// inDay is a time of day.
func inDay(h float64) time.Duration {
	return time.Duration(h * float64(time.Hour)).Truncate(time.Second)
}

// read gives the engine a reading, after the minutes before it.
func (p *tenant) read(device stillwater.DeviceID, q stillwater.Quantity, value float64, at time.Time) {
	for next := p.engine.Next(); !next.IsZero() && !next.After(at); next = p.engine.Next() {
		p.step(stillwater.Entry{Tick: next})
	}
	p.step(stillwater.Entry{Reading: &stillwater.Reading{Household: "h", Device: device, Quantity: q, Value: value, At: at, Received: at}})
}

func (p *tenant) step(e stillwater.Entry) {
	if p.tap != nil {
		p.tap(e)
	}
	found, _ := p.engine.Step(&e)
	found = slices.Clone(found)
	p.found = append(p.found, found...)
	for _, f := range found {
		if p.closes && f.Kind == stillwater.Welfare && f.Severity.Above(stillwater.Question) && f.Ended.IsZero() {
			p.step(stillwater.Entry{Rearm: "h", At: f.Began.Add(time.Minute)})
		}
	}
}

// alerts are how many alerts about her began.
func (p *tenant) alerts() (n int) {
	for _, f := range p.found {
		if f.Kind == stillwater.Welfare && f.Severity.Above(stillwater.Question) && f.Ended.IsZero() {
			n++
		}
	}
	return n
}

func (p *tenant) routine() *routine { return p.engine.homes.of("h").Routine }

// bounds are the hours after which a stillness in the home is told of, by the two hours in which it begins.
func (p *tenant) bounds() (all [starts]float64) {
	for i := range all {
		all[i] = p.routine().bound(i*startSpan, false).Hours()
	}
	return all
}

// classes are the bounds as places in the list of them.
func (p *tenant) classes() (all [starts]int) {
	for i := range all {
		all[i] = int(p.routine().Inside.Bound[i])
	}
	return all
}

// fallStarts are the starts at which somebody up and about could fall: 6 to 22.
var fallStarts = []int{3, 4, 5, 6, 7, 8, 9, 10}

// farthestOff is how far the bounds by day are apart at most.
func farthestOff(a, b [starts]float64) (later, sooner float64) {
	for _, i := range fallStarts {
		later, sooner = max(later, b[i]-a[i]), max(sooner, a[i]-b[i])
	}
	return later, sooner
}
