package rules

import (
	"slices"
	"time"

	"stillwater"
)

// doorway is what is known of the ways of a home's doors. It is learned from their transitions alone, and fades, so that it follows the season.
type doorway struct {
	Day  int32               // the local day under way, in days since 1970
	Open [openParts]spell    // the longest time a door stood open in it, by day and by night
	Last [openParts]openDays // the same of the days before it
	Next uint8               // where the next goes

	Tonight uint8 // comings and goings in the night under way
	Night   int32 // which that is

	Hours [24]uint16 // comings and goings by the local hour, in 1/once, fading
	Days  uint16     // days these were counted in; they fade with them
	Faded uint16     // of Seen, when they last faded
	Seen  uint16     // days seen in all

	Callers uint8 // how often the door went once in the evening under way, and somebody was in after that
	Evening int32 // which that is
}

// The parts of a day that doors are known by.
const (
	openByDay = iota
	openByNight
	openParts
)

// spell is a length of time in steps of spellStep.
type spell uint8

const spellStep = 5 * time.Minute

func spellOf(d time.Duration) spell {
	return spell(min((d+spellStep/2)/spellStep, 255))
}

func (s spell) span() time.Duration { return time.Duration(s) * spellStep }

// The measures of the door.
const (
	openMonth  = 28 // days that usual openings are learned from
	openLeast  = 7  // and how many it takes
	doorFade   = 30 // days after which counted goings fade
	eveningAt  = 16 * time.Hour
	nightFrom  = 23 // the night, while a home's own is not known
	nightTo    = 5
	nightShift = 12 * time.Hour // nights are numbered from noon to noon
)

type openDays [openMonth]spell

// usual is the second longest of the days: one slip does not make a habit.
func (o *openDays) usual() time.Duration {
	sorted := *o
	slices.Sort(sorted[:])
	return sorted[openMonth-2].span()
}

// reach files the days that are over on a local day.
func (w *doorway) reach(day int32) {
	if w.Day == 0 {
		w.Day = day
	}
	for n := min(day-w.Day, openMonth); n > 0; n-- {
		for part := range w.Last {
			w.Last[part][w.Next%openMonth] = w.Open[part]
		}
		w.Open = [openParts]spell{}
		w.Next = (w.Next + 1) % openMonth
		w.Seen, w.Days = min(w.Seen+1, 1<<15), min(w.Days+1, 1<<15)
		if w.Seen-w.Faded >= doorFade {
			w.fade()
		}
	}
	w.Day = max(w.Day, day)
}

func (w *doorway) fade() {
	w.Faded = w.Seen
	w.Days = uint16(float64(w.Days)*fade + 0.5)
	for i := range w.Hours {
		w.Hours[i] = uint16(float64(w.Hours[i])*fade + 0.5)
	}
}

// known says whether the ways of the doors are known.
func (w *doorway) known() bool { return w != nil && w.Seen >= openLeast }

// closed learns from a time that a door stood open, and how much of it was deep in the night.
func (w *doorway) closed(open, night time.Duration) {
	w.Open[openByNight] = max(w.Open[openByNight], spellOf(night))
	w.Open[openByDay] = max(w.Open[openByDay], spellOf(open-night))
}

// went counts a coming or going at a local hour, and in a night.
func (w *doorway) went(hour int, night int32) {
	if n := &w.Hours[hour]; *n < 1<<15 {
		*n += once
	}
	if night != w.Night {
		w.Night, w.Tonight = night, 0
	}
	if isNight(hour) {
		w.Tonight = min(w.Tonight+1, 255)
	}
}

// called counts that the door went an odd number of times in an evening and somebody was in after it: a caller came, or left.
func (w *doorway) called(evening int32) {
	if evening != w.Evening {
		w.Evening, w.Callers = evening, 0
	}
	w.Callers = min(w.Callers+1, 255)
}

// alone says whether by all that is known nobody but her was in, in an evening.
func (w *doorway) alone(evening int32) bool {
	return evening != w.Evening || w.Callers%2 == 0
}

// about is how often the door went at the hour and those beside it, of late, and in how many days.
func (w *doorway) about(hour int) (goings, days float64) {
	for _, h := range []int{hour + 23, hour, hour + 1} {
		goings += float64(w.Hours[h%24]) / once
	}
	return goings, float64(w.Days)
}

// isNight says whether the hour is of the night as findings tell it, 22 to 6.
func isNight(hour int) bool { return hour >= 22 || hour < 6 }

// nightIn is how much of a time was deep in the night. Most are an errand by day.
func (h *home) nightIn(from, to instant) time.Duration {
	if d := h.today; from >= d.from && from <= to && to < d.to && h.hour(from) >= nightTo && h.hour(to) < nightFrom {
		return 0
	}
	return nightIn(from, to, h.today.zone)
}

func nightIn(from, to instant, zone *time.Location) (sum time.Duration) {
	for at := from; at < to && at.sub(from) < 48*time.Hour; {
		begins, ends := nightOf(at, zone)
		if at < begins {
			at = begins
			continue
		}
		end := min(ends, to)
		sum += end.sub(at)
		at = end + 1
	}
	return sum
}

// nightOf is the night at the moment, or the next.
func nightOf(at instant, zone *time.Location) (begins, ends instant) {
	t := at.time().In(zone)
	day := t.Day()
	if t.Hour() < nightTo {
		day--
	}
	clock := func(day, hour int) instant {
		return instantOf(time.Date(t.Year(), t.Month(), day, hour, 0, 0, 0, zone))
	}
	return clock(day, nightFrom), clock(day+1, nightTo)
}

func (w *doorway) fields(c *codec) {
	small(c, 1, &w.Day)
	numbers(c, 2, w.Open[:])
	numbers(c, 3, w.Last[openByDay][:])
	numbers(c, 4, w.Last[openByNight][:])
	small(c, 5, &w.Next)
	small(c, 6, &w.Seen)
	numbers(c, 7, w.Hours[:])
	small(c, 8, &w.Days)
	small(c, 9, &w.Faded)
	small(c, 10, &w.Night)
	small(c, 11, &w.Tonight)
	small(c, 12, &w.Evening)
	small(c, 13, &w.Callers)
	if c.reading {
		w.Next %= openMonth
	}
}

// usuallyOpen is how long the doors of the home stand open at a time at most, as it is used to; zero: not known.
func (h *home) usuallyOpen(part int) time.Duration {
	if !h.Doorway.known() {
		return 0
	}
	return max(h.Doorway.Last[part].usual(), 0)
}

// openedBy is the part of the day in which the door was opened that stands open.
func (h *home) openedBy(d *device) int {
	if begins, _ := nightOf(d.DoorSince, h.today.zone); d.DoorSince >= begins {
		return openByNight
	}
	return openByDay
}

// open says whether the door stands open, as far as its contact can be understood.
func (d *device) open() bool {
	return d.has(doorSeen) && d.has(doorOpen) != (d.Trust != nil && d.Trust.Inverted)
}

// ajarMore is how much longer than usual a door may stand open.
const ajarMore = 1.5

// doorAjar finds a door that has stood open for longer than After, and than half as much again as on the second longest day of the last four
// weeks: so in a home where the door is open all day in summer it is said once or twice, and no more until summer comes again. A
// door that was opened at night is held against nights. Of a contact that has gone silent it says nothing new.
type doorAjar struct{}

func (doorAjar) needs(Rule) map[string]need { return map[string]need{"after": must} }

func (doorAjar) kind() stillwater.Kind { return stillwater.DoorKind }

// tooLong is when the door stands open for too long.
func (doorAjar) tooLong(h *home, r *boundRule, d *device) instant {
	return d.DoorSince.add(max(r.After, time.Duration(ajarMore*float64(h.usuallyOpen(h.openedBy(d))))))
}

func (a doorAjar) judge(h *home, r *boundRule, now instant, holds []stillwater.Finding) []stillwater.Finding {
	return h.judgeAjar(r, now, a.tooLong, holds)
}

func (a doorAjar) wake(h *home, r *boundRule) instant { return h.wakeAjar(r, a.tooLong) }

// doorAjarAtNight finds a door that stands open deep in the night, for After of it and for half as much again as is usual at night. It says
// nothing until a week of the door is known.
type doorAjarAtNight struct{}

func (doorAjarAtNight) needs(Rule) map[string]need { return map[string]need{"after": must} }

func (doorAjarAtNight) kind() stillwater.Kind { return stillwater.DoorKind }

// tooLong is never for a door that stands open for no night's length.
func (doorAjarAtNight) tooLong(h *home, r *boundRule, d *device) instant {
	if !h.Doorway.known() {
		return 0
	}
	begins, ends := nightOf(d.DoorSince, h.today.zone)
	due := max(d.DoorSince, begins).add(max(r.After, time.Duration(ajarMore*float64(h.usuallyOpen(openByNight)))))
	if due < ends {
		return due
	}
	begins, _ = nightOf(ends+1, h.today.zone)
	return begins.add(r.After) // and it still stands open
}

func (a doorAjarAtNight) judge(h *home, r *boundRule, now instant, holds []stillwater.Finding) []stillwater.Finding {
	return h.judgeAjar(r, now, a.tooLong, holds)
}

func (a doorAjarAtNight) wake(h *home, r *boundRule) instant { return h.wakeAjar(r, a.tooLong) }

// tooLong is when a door stands open for too long; 0: never.
type tooLong func(*home, *boundRule, *device) instant

func (h *home) judgeAjar(r *boundRule, now instant, tooLong tooLong, holds []stillwater.Finding) []stillwater.Finding {
	for i := range h.Devices {
		d := &h.Devices[i]
		if !d.open() {
			continue
		}
		going := h.active(r.Name, d.ID)
		due := tooLong(h, r, d)
		if !going && (due == 0 || now < due || h.silent(d, now)) {
			continue
		}
		f := h.facts()
		f.Since, f.Span, f.Limit, f.Night, f.DataTo = d.DoorSince.time(), now.sub(d.DoorSince), due.sub(d.DoorSince), h.night(now), d.Heard.time()
		if f.Usual = 0; !going {
			f.Usual = h.usuallyOpen(h.openedBy(d))
		}
		holds = append(holds, stillwater.Finding{Device: d.ID, Facts: f})
	}
	return holds
}

// wakeAjar is when a door that stands open may have done so for too long: not before After, and most are closed by then.
func (h *home) wakeAjar(r *boundRule, tooLong tooLong) instant {
	var first instant
	for i := range h.Devices {
		d := &h.Devices[i]
		if !d.open() || h.active(r.Name, d.ID) {
			continue
		}
		due := d.DoorSince.add(r.After)
		if ceilMinute(due) <= h.Looked {
			due = tooLong(h, r, d)
		}
		if at := h.silentAt(d); at != 0 && due >= at { // it will be silent by then, or be heard again
			due = at
			if at <= h.Looked {
				continue
			}
		}
		first = sooner(first, due)
	}
	return first
}
