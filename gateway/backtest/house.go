package backtest

import (
	"errors"
	"io"
	"math"
	"slices"
	"time"

	"stillwater"
)

// What of a recording the figures about silence count: ../shared/benchmark/score.py does the same sums. The first weeks of a home are
// for learning; a delay counts from each hour with a sign of life in the hours before and in the hours after, and no longer than the cap.
const (
	learning   = 28 * 24 * time.Hour
	window     = 4    // hours
	delayCap   = 72.0 // hours
	leastLife  = 50   // signs of life; a home with no more is not counted
	daySeconds = 24 * 3600
	plausible  = 5000.0 // litres between two readings; more is a fault
)

// house is what the readings themselves say of a household, whatever the rules: all engines that run side by side share it.
type house struct {
	id       stillwater.HouseholdID
	number   int32 // as they first came
	unit     *unit
	zone     *time.Location
	away     [][2]int64 // absences that are known, for the figures alone
	first    int64      // seconds since 1970: when something first vouched for it
	last     int64      // and last
	lives    int
	lastLife int64
	life     lifeHours
	meters   []stillwater.DeviceID // by which its water is known
	raster   *raster               // nil: no picture of it is made
}

// gauge is what is remembered of one device. It fills a line of the processor's cache, so that lanes do not wait for each other's devices.
type gauge struct {
	number int32 // as they first came
	known  bool
	meter  bool
	value  float64
	at     int64
	_      [40]byte
}

// learned is when its learning ends, in seconds since 1970.
func (h *house) learned() int64 { return h.first + int64(learning/time.Second) }

// note takes a reading as it was recorded, before anything is held back or judged.
func (h *house) note(r *row) {
	g := r.gauge
	if r.At.Sub(r.Received) > time.Hour {
		return // a clock that is wrong says nothing of when
	}
	at := r.At.Unix()
	switch r.Quantity {
	case stillwater.WaterTotal:
		if drawn := r.Value - g.value; g.known && drawn > 0 && drawn < plausible {
			h.live(at)
			h.raster.draw(g.at, at, drawn)
		}
		h.metered(r)
	case stillwater.WaterFlow:
		if r.Value > 0 {
			h.live(at)
			h.raster.draw(at, at, r.Value/2) // of a flow only the rate is known
		}
		h.metered(r)
	case stillwater.Activity:
		h.live(at)
		h.raster.stir(at)
	case stillwater.Door:
		if g.known && g.value != r.Value {
			h.live(at)
			h.raster.door(at)
		}
	case stillwater.Alive:
	default:
		return
	}
	if r.Quantity != stillwater.Alive {
		g.known, g.value, g.at = true, r.Value, at
	}
	if r.Quantity != stillwater.Door { // a door alone never covers a home
		if h.first == 0 {
			h.first = at
		}
		h.last = max(h.last, at)
	}
}

// metered notes that the device of the row is a meter.
func (h *house) metered(r *row) {
	if !r.gauge.meter {
		r.gauge.meter = true
		h.meters = append(h.meters, r.Device)
	}
}

// live takes a sign of life. What was known of the silence before it, up to the last reading, could have been told.
func (h *house) live(at int64) {
	if at != h.lastLife {
		h.lives++
		if h.first != 0 && h.lastLife >= h.learned() {
			h.unit.silences.add(h.last - h.lastLife)
		}
	}
	h.lastLife = at
	h.life.add(at)
}

// counts says whether a delay at the hour counts, as far as life goes.
func (h *house) counts(hour int64) bool {
	if hour < ceilHour(h.learned()) {
		return false
	}
	before := h.life.sharp.has(hour - window)
	for i := hour - window + 1; i <= hour && !before; i++ {
		before = h.life.any.has(i)
	}
	after := false
	for i := hour + 1; i <= hour+window && !after; i++ {
		after = h.life.any.has(i)
	}
	at := hour * 3600
	return before && after && !slices.ContainsFunc(h.away, func(a [2]int64) bool { return a[0] <= at && at < a[1] })
}

// years is how long it was watched after learning.
func (h *house) years() float64 {
	return max(0, float64(h.last-h.learned())/year.Seconds())
}

func ceilHour(seconds int64) int64 { return (seconds + 3599) / 3600 }

// lifeHours remembers, for the last hours, in which there was a sign of life: any in the hour that ends then, and one at its very end.
type lifeHours struct {
	any, sharp hourSet
	latest     [hoursKept]uint8 // of the last one in each hour: how many minutes before its end
}

func (l *lifeHours) add(at int64) {
	hour := ceilHour(at)
	l.any.reach(hour)
	l.sharp.reach(hour)
	before := uint8((hour*3600 - at) / 60)
	if i := hour % hoursKept; !l.any.has(hour) || before < l.latest[i] {
		l.latest[i] = before
	}
	l.any.set(hour)
	if at%3600 == 0 {
		l.sharp.set(hour)
	}
}

// since is how many hours before the hour the last sign of life was; at least one is in the window.
func (l *lifeHours) since(hour int64) float64 {
	for i := hour; i > hour-window; i-- {
		if l.any.has(i) {
			return float64(hour-i) + float64(l.latest[i%hoursKept])/60
		}
	}
	return window
}

// hoursKept is how far back a hourSet goes: what comes later than settled, held back for as long as an arrival may, and some more.
const hoursKept = 256

// hourSet is a set of the latest hours.
type hourSet struct {
	newest int64
	bits   [hoursKept / 64]uint64
}

// reach makes room for the hour.
func (s *hourSet) reach(hour int64) {
	for i := max(s.newest+1, hour-hoursKept+1); i <= hour; i++ {
		s.bits[i%hoursKept/64] &^= 1 << (i % 64)
	}
	s.newest = max(s.newest, hour)
}

func (s *hourSet) set(hour int64) {
	if hour > s.newest-hoursKept {
		s.bits[hour%hoursKept/64] |= 1 << (hour % 64)
	}
}

func (s *hourSet) has(hour int64) bool {
	return hour <= s.newest && hour > s.newest-hoursKept && s.bits[hour%hoursKept/64]&(1<<(hour%64)) != 0
}

// protection collects the protection delays of one household under one set of rules, hour by hour as they become certain.
type protection struct {
	pending []delayAt // not certain yet whether they count
	waiting []delayAt // they do, if readings go on long enough
	n       int
	sum     float64 // hours
}

type delayAt struct {
	hour  int64
	delay float64 // hours
	quiet float64 // hours since the last sign of life
}

// settled is after how many hours it is certain whether somebody lived at an hour: readings come late.
const settled = 96

// add takes the delay at the hour, and counts those that are certain now.
func (p *protection) add(h *house, d delayAt, all *histogram) {
	p.pending = append(p.pending, d)
	p.settle(h, d.hour-settled, all)
}

// settle counts the delays up to the hour.
func (p *protection) settle(h *house, to int64, all *histogram) {
	for len(p.pending) > 0 && p.pending[0].hour <= to {
		if h.counts(p.pending[0].hour) {
			p.pending[0].quiet = h.life.since(p.pending[0].hour)
			p.waiting = append(p.waiting, p.pending[0])
		}
		p.pending = p.pending[1:]
	}
	end := (h.last - int64(delayCap)*3600) / 3600
	for len(p.waiting) > 0 && p.waiting[0].hour < end && h.lives > leastLife {
		d := min(delayCap, max(0, p.waiting[0].delay))
		p.n, p.sum = p.n+1, p.sum+d
		all.add(d)
		all.quiet += p.waiting[0].quiet
		p.waiting = p.waiting[1:]
	}
}

// mean is the mean protection delay in hours; NaN: nothing was counted.
func (p *protection) mean() float64 { return p.sum / float64(p.n) }

// histogram counts delays by the minute.
type histogram struct {
	n       int
	sum     float64
	quiet   float64 // the sum of the hours since the last sign of life
	minutes [int(delayCap)*60 + 1]int
}

func (h *histogram) add(hours float64) {
	h.n++
	h.sum += hours
	h.minutes[int(hours*60)]++
}

// quantile is the delay, in hours, that a part of them is below.
func (h *histogram) quantile(part float64) float64 {
	left := part * float64(h.n)
	for m, n := range h.minutes {
		if left -= float64(n); left < 0 {
			return float64(m) / 60
		}
	}
	return delayCap
}

// silences counts how long each silence had lasted by the last reading in it. From them follows what the plain rule 'no sign of life for T'
// would have done.
type silences struct {
	minutes [silencesLast * 60]int
}

// silencesLast is the longest silence told apart, in hours.
const silencesLast = 20 * 24

func (s *silences) add(seconds int64) {
	if seconds > 0 {
		s.minutes[min(seconds/60, int64(len(s.minutes)-1))]++
	}
}

// merge adds those that others counted.
func (s *silences) merge(other *silences) {
	for m, n := range other.minutes {
		s.minutes[m] += n
	}
}

// plain is how long T is, in hours, where the plain rule raises n alerts.
func (s *silences) plain(n int) float64 {
	for m := len(s.minutes) - 1; m >= 0 && n > 0; m-- {
		if n -= s.minutes[m]; n <= 0 {
			return float64(m) / 60
		}
	}
	return 0
}

// plainDelay is the mean delay of the plain rule at the hours that h counts.
func (h *histogram) plainDelay(t float64) float64 {
	return min(delayCap, max(0, t-h.quiet/float64(h.n)))
}

// absences reads away.csv beside a recording, if it is there: household, from and to of times at which she is known to have been out.
func absences(folder string) (map[stillwater.HouseholdID][][2]int64, error) {
	found := map[stillwater.HouseholdID][][2]int64{}
	err := beside(folder, "away.csv", func(header []string) error {
		if !slices.Equal(header, []string{"household", "from", "to"}) {
			return errors.New("the header is household,from,to")
		}
		return nil
	}, func(row []string) error {
		from, err := time.Parse(time.RFC3339, row[1])
		to, err2 := time.Parse(time.RFC3339, row[2])
		id := stillwater.HouseholdID(row[0])
		found[id] = append(found[id], [2]int64{from.Unix(), to.Unix()})
		return errors.Join(err, err2)
	})
	if errors.Is(err, io.EOF) { // an empty file says of nobody that she was out
		err = nil
	}
	return found, err
}

// round keeps figures readable; NaN, which JSON cannot say, becomes zero.
func round(v float64, digits int) float64 {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return 0
	}
	p := math.Pow10(digits)
	return math.Round(v*p) / p
}
