// Package pairing finds meters that stand in another home than the one they are registered for: two neighbours' meters that were
// swapped when they were fitted, or entered in each other's row.
//
// Who goes out uses no water until she is back, so the time between two movements of her own door is now and then quite without water, where
// a neighbour's door cuts the day anywhere. The fit of a meter to a door is how much likelier its dry spans are with that door than
// by chance. What chance gives is measured by the same door on other days, which have the same habits and another course; so a fit is a
// number of standard deviations. What is found is a reason to look, never a correction made by itself.
package pairing

import (
	"cmp"
	"math"
	"slices"
	"time"

	"stillwater"
)

// The measures of a fit. They were tried on pretended homes; see TestSwapped.
const (
	fits      = 3.0 // standard deviations: this door goes with this meter
	fitsNot   = 1.0 // and this one does not, if doors of other homes here do
	crossed   = 2.0 // each meter with the other's door, at least,
	surely    = 6.0 // and both together so much better than with their own
	leastDays = 14  // of both

	outing = 0.3 // of the spans between two movements of a door
	surest = 8   // the most that one dry span counts for: a journey is one, too

	episode  = 2 * time.Minute // opening and closing are one movement
	least    = 45 * time.Minute
	most     = 20 * time.Hour
	hole     = 3 * time.Hour // between two readings: what happened in it is not known
	dayShift = 14            // days by which doors are moved, either way, to see what chance gives
)

// Home is what a home's meter and door told.
type Home struct {
	ID        stillwater.HouseholdID
	Location  *time.Location
	Neighbour string // homes with the same one can have been mixed up: a building, a bus

	slots []slot
	doors []time.Time
	total map[stillwater.DeviceID]counted
	state map[stillwater.DeviceID]float64
}

// slot is the time between two readings of the meter, and whether there was water in it.
type slot struct {
	from, to time.Time
	used     bool
}

type counted struct {
	at    time.Time
	value float64
}

// Take adds a reading. They come in the order of their own times.
func (h *Home) Take(r stillwater.Reading) {
	if h.total == nil {
		h.total, h.state = map[stillwater.DeviceID]counted{}, map[stillwater.DeviceID]float64{}
	}
	switch {
	case r.Undated:
	case r.Quantity == stillwater.WaterTotal:
		if last, ok := h.total[r.Device]; ok && r.At.After(last.at) && r.At.Sub(last.at) <= hole && r.Value >= last.value {
			h.slots = append(h.slots, slot{last.at, r.At, r.Value > last.value})
		}
		h.total[r.Device] = counted{r.At, r.Value}
	case r.Quantity == stillwater.Door:
		was, known := h.state[r.Device]
		h.state[r.Device] = r.Value
		if known && was != r.Value && (len(h.doors) == 0 || r.At.Sub(h.doors[len(h.doors)-1]) > episode) {
			h.doors = append(h.doors, r.At)
		}
	}
}

// days is how many days both the meter and the door are known for.
func (h *Home) days() int {
	if len(h.slots) == 0 || len(h.doors) == 0 {
		return 0
	}
	from, to := h.slots[0].from, h.slots[len(h.slots)-1].to
	if d := h.doors[0]; d.After(from) {
		from = d
	}
	if d := h.doors[len(h.doors)-1]; d.Before(to) {
		to = d
	}
	return int(to.Sub(from).Hours() / 24)
}

// A Pair is two homes whose meters seem to be swapped: each meter fits the other's door, and not its own.
type Pair struct {
	A, B       stillwater.HouseholdID
	OwnA, OwnB float64 // fit of each meter to its own door
	AtoB, BtoA float64 // of A's meter to B's door, and of B's to A's
}

// A Report is what was found.
type Report struct {
	Swapped []Pair                   // the surest first
	Odd     []stillwater.HouseholdID // the meter does not fit the door where others do, and no neighbour's fits: perhaps another door is watched
	Fitting int                      // homes whose meter fits
	Unclear int                      // homes of which it cannot be said yet
	Unknown int                      // homes with less than two weeks of a meter and a door
}

// Find looks at homes with their readings.
func Find(homes []*Home) Report {
	var r Report
	var known []*Home
	var own []float64
	for _, h := range homes {
		if h.days() < leastDays {
			r.Unknown++
			continue
		}
		known, own = append(known, h), append(own, fit(h, h))
	}
	found := map[stillwater.HouseholdID]bool{}
	for _, p := range pairs(known, own) {
		if !found[p.A] && !found[p.B] {
			found[p.A], found[p.B] = true, true
			r.Swapped = append(r.Swapped, p)
		}
	}
	for i, h := range known {
		switch {
		case found[h.ID]:
		case own[i] >= fits:
			r.Fitting++
		case own[i] < fitsNot && median(own) >= fits:
			r.Odd = append(r.Odd, h.ID)
		default:
			r.Unclear++
		}
	}
	return r
}

// pairs are neighbours of whom each one's meter fits the other's door, the surest first. One that fits its own is in none.
func pairs(homes []*Home, own []float64) []Pair {
	var list []Pair
	for i, a := range homes {
		for j := i + 1; j < len(homes); j++ {
			b := homes[j]
			if a.Neighbour != b.Neighbour || own[i] >= fits || own[j] >= fits {
				continue
			}
			p := Pair{A: a.ID, B: b.ID, OwnA: own[i], OwnB: own[j], AtoB: fit(a, b), BtoA: fit(b, a)}
			if min(p.AtoB, p.BtoA) >= crossed && p.gain() >= surely {
				list = append(list, p)
			}
		}
	}
	slices.SortStableFunc(list, func(a, b Pair) int { return cmp.Compare(b.gain(), a.gain()) })
	return list
}

// gain is by how much the meters fit better the other way.
func (p *Pair) gain() float64 { return p.AtoB + p.BtoA - p.OwnA - p.OwnB }

func median(list []float64) float64 {
	sorted := slices.Sorted(slices.Values(list))
	return sorted[len(sorted)/2]
}

// fit is how well one home's meter fits another's door, in standard deviations of what the same door gives on other days.
func fit(meter, door *Home) float64 {
	s := newSums(meter)
	var chance []float64
	for days := -dayShift; days <= dayShift; days++ {
		if days != 0 {
			chance = append(chance, s.outings(door.doors, days, meter.Location))
		}
	}
	var mean, square float64
	for _, c := range chance {
		mean += c / float64(len(chance))
	}
	for _, c := range chance {
		square += (c - mean) * (c - mean) / float64(len(chance)-1)
	}
	if square == 0 {
		return 0
	}
	return (s.outings(door.doors, 0, meter.Location) - mean) / math.Sqrt(square)
}

// sums are running sums over the slots of a meter: of those with water, and of how unlikely it is, at their hours, that none had any.
type sums struct {
	slots []slot
	used  []int
	dry   []float64 // as a logarithm
}

func newSums(h *Home) *sums {
	var used, all [24]float64
	for _, s := range h.slots {
		hour := s.from.In(h.Location).Hour()
		all[hour]++
		if s.used {
			used[hour]++
		}
	}
	n := len(h.slots) + 1
	m := &sums{h.slots, make([]int, n), make([]float64, n)}
	for i, s := range h.slots {
		hour := s.from.In(h.Location).Hour()
		m.used[i+1], m.dry[i+1] = m.used[i], m.dry[i]-math.Log1p(-used[hour]/(all[hour]+1))
		if s.used {
			m.used[i+1]++
		}
	}
	return m
}

// outings is how much the spans between two movements of a door look like outings and times at home, the door being moved by some days: of a span
// without water, how much likelier that is if outings is how some spans are spent; of one with water, that it was none. The mean
// over all spans of the logarithm.
func (m *sums) outings(doors []time.Time, days int, zone *time.Location) float64 {
	var sum float64
	n, at := 0, 0
	for i := 1; i < len(doors); i++ {
		if length := doors[i].Sub(doors[i-1]); length < least || length > most {
			continue
		}
		from, to := moved(doors[i-1], days, zone), moved(doors[i], days, zone)
		for at < len(m.slots) && m.slots[at].from.Before(from) {
			at++
		}
		end := at
		for end < len(m.slots) && !m.slots[end].to.After(to) {
			end++
		}
		if end == at {
			continue
		}
		ratio := 1 - outing
		if m.used[end] == m.used[at] {
			ratio += outing * math.Exp(min(m.dry[end]-m.dry[at], surest))
		}
		sum += math.Log(ratio)
		n++
	}
	return sum / float64(max(1, n))
}

// moved is a moment some days later, at the same time of the day.
func moved(t time.Time, days int, zone *time.Location) time.Time {
	return t.In(zone).AddDate(0, 0, days)
}
