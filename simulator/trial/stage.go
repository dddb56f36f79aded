package trial

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"stillwater"
	"stillwater/simulator/world"
)

// An Event is what is staged in a home; empty in a quiet one.
type Event string

// The events.
const (
	Fall      Event = "fall"       // all life stops
	Tap       Event = "tap"        // a tap is left running
	NightExit Event = "night-exit" // out between one and four at night, and not back
	Burst     Event = "burst"      // a pipe bursts
	Quiet     Event = ""           // nothing happens
)

// routineDays is how long each home lives on before its event, and tailDays how much of the recording is left after it.
const (
	routineDays = 45
	tailDays    = 3
)

// Options say what is staged. The zero value of a field means its default.
type Options struct {
	Dir      string // made if it is not there
	Seed     uint64
	Each     int       // homes with each of the four events; default 500
	Quiet    int       // homes without; default 500
	Days     int       // of the recording; default 60
	Start    time.Time // default 1 March 2026 in the time zone
	TimeZone string    // default "Asia/Shanghai"
	Holidays []world.Date
}

// A Home is one line of homes.csv: what is fitted, who lives there, and what of her the recording covers.
type Home struct {
	Household stillwater.HouseholdID
	Stratum   Stratum
	Event     Event
	Note      string
	From, To  time.Time
	resident  world.Resident
}

// A Truth is one line of truth.csv: what was staged where.
type Truth struct {
	Household stillwater.HouseholdID
	Event     Event
	From, To  time.Time
	Known     time.Time // when a gateway could first know: later than From where the meter uploads once a day
	Note      string
}

// A Done is what was staged and written.
type Done struct {
	world.Recorded
	Events map[Event]int
}

// Stage makes homes, lets one event happen in each but the quiet ones, and writes readings.csv.gz, households.csv, homes.csv,
// truth.csv and stage.json.
func Stage(ctx context.Context, o Options) (Done, error) {
	o, err := o.withDefaults()
	if err != nil {
		return Done{}, err
	}
	homes := makeHomes(o)
	residents := make([]world.Resident, len(homes))
	for i, h := range homes {
		residents[i] = h.resident
	}
	w, err := world.New(world.Options{Homes: len(homes), Seed: o.Seed, Start: o.Start, TimeZone: o.TimeZone, Residents: residents, PulseEvery: -1})
	if err != nil {
		return Done{}, err
	}
	end := w.Start().In(w.Location()).AddDate(0, 0, o.Days)
	done := Done{Events: map[Event]int{}}
	var truths []Truth
	for i := range homes {
		h := &homes[i]
		h.Household, h.From, h.To = w.Home(i), w.Start(), end
		if h.Event == Quiet {
			continue
		}
		s := stager{w: w, o: o, end: end, home: *h, r: random(o.Seed, i, "event")}
		t, err := s.stage()
		if err != nil {
			return Done{}, err
		}
		truths = append(truths, t)
		done.Events[t.Event]++
	}
	if err := ctx.Err(); err != nil {
		return Done{}, err
	}
	done.Recorded, err = w.Record(ctx, world.RecordOptions{Dir: o.Dir, To: end, Files: files(o, homes, truths)})
	done.Truths = len(truths)
	return done, err
}

func (o Options) withDefaults() (Options, error) {
	if o.Each == 0 {
		o.Each = 500
	}
	if o.Days == 0 {
		o.Days = 60
	}
	if o.TimeZone == "" {
		o.TimeZone = "Asia/Shanghai"
	}
	zone, err := time.LoadLocation(o.TimeZone)
	if err != nil {
		return o, fmt.Errorf("time zone %q: %w", o.TimeZone, err)
	}
	if o.Start.IsZero() {
		o.Start = time.Date(2026, 3, 1, 0, 0, 0, 0, zone)
	}
	if least := routineDays + tailDays + 4; o.Days < least {
		return o, fmt.Errorf("%d days are too few: %d of routine, the event, and %d after it need %d", o.Days, routineDays, tailDays, least)
	}
	if o.Each < 0 || o.Quiet < 0 || 4*o.Each+o.Quiet > world.MaxHomes {
		return o, fmt.Errorf("%d homes each and %d quiet ones are out of range; %d homes are the most", o.Each, o.Quiet, world.MaxHomes)
	}
	return o, nil
}

// A stager stages the event of one home.
type stager struct {
	w    *world.World
	o    Options
	end  time.Time
	home Home
	r    *rand.Rand
}

// stage tries moments until one fits.
func (s stager) stage() (Truth, error) {
	const tries = 400
	for try := range tries {
		at, note, ok := s.moment(try)
		if !ok {
			continue
		}
		scenario, detail := s.scenario(at)
		staged, err := s.w.Stage(scenario, s.home.Household, at)
		if err != nil {
			return Truth{}, err
		}
		if !staged.From.Equal(at) {
			return Truth{}, fmt.Errorf("home %s: %q was to begin at %v and begins at %v", s.home.Household, s.home.Event, at, staged.From)
		}
		if s.home.Note != "" {
			detail += "; " + s.home.Note
		}
		to := staged.To
		if to.After(s.end) {
			to = s.end
		}
		return Truth{s.home.Household, s.home.Event, staged.From, to, s.known(staged.From), detail + note}, nil
	}
	return Truth{}, fmt.Errorf("home %s: no moment for %q in %d tries", s.home.Household, s.home.Event, tries)
}

// known is when a gateway could first know of what happened: DESIGN counts delays from there.
func (s stager) known(from time.Time) time.Time {
	if s.home.Stratum == Daily {
		for _, r := range s.w.Reports(s.home.Household, from, from.Add(48*time.Hour)) {
			if r.At.After(from) {
				return r.Said
			}
		}
	}
	return from
}

// moment proposes a moment: one at which the event can begin at once.
func (s stager) moment(try int) (at time.Time, note string, ok bool) {
	day := s.w.Start().In(s.w.Location()).AddDate(0, 0, routineDays+1+s.r.IntN(s.o.Days-routineDays-tailDays-1))
	switch {
	case s.home.Event == NightExit:
		at = clock(day, 1+3*s.r.Float64())
		return at, "", s.free(at)
	case s.home.Event == Burst:
		return clock(day, 24*s.r.Float64()), "", true
	case s.home.Event == Fall && s.r.Float64() < 0.25 && try < 100:
		at, ok = s.comesHome(day)
		return at, "; after coming home", ok && s.free(at)
	}
	at = clock(day, 24*s.r.Float64())
	up := s.up(at)
	asleep := 0.3 // people fall at night, on the way to the toilet, but less
	if s.home.Event == Tap {
		asleep = 0.05
	}
	if !up {
		note = "; asleep"
	}
	return at, note, s.free(at) && (up || s.r.Float64() < asleep)
}

// free says whether she is at home behind a closed door.
func (s stager) free(at time.Time) bool {
	return s.w.AtHome(s.home.Household, at) && !s.w.DoorOpen(s.home.Household, at)
}

// up says whether she is awake: a hand draws water an hour and a half before or after.
func (s stager) up(at time.Time) bool {
	const near = 90 * time.Minute
	before, after := false, false
	for _, d := range s.w.Draws(s.home.Household, at.Add(-near), at.Add(near)) {
		if d.Fixture != world.ByItself {
			before, after = before || d.Start.Before(at), after || !d.Start.Before(at)
		}
	}
	return before && after
}

// comesHome is a few minutes after she came home on a day.
func (s stager) comesHome(day time.Time) (time.Time, bool) {
	for _, e := range s.w.DoorEvents(s.home.Household, day, day.AddDate(0, 0, 1)) {
		if e.Open && !s.w.AtHome(s.home.Household, e.At.Add(-time.Second)) && s.w.AtHome(s.home.Household, e.At) {
			return e.At.Add(time.Duration(40+s.r.IntN(500)) * time.Second), true
		}
	}
	return time.Time{}, false
}

// scenario is the event as the world takes it, and its detail in words.
func (s stager) scenario(at time.Time) (world.Scenario, string) {
	words := world.Words{Zh: string(s.home.Event), En: string(s.home.Event)}
	step := world.Step{Lasts: world.Span(s.end.Sub(at) + 48*time.Hour)}
	detail := "for good"
	switch s.home.Event {
	case Fall:
		step.Event = world.Fall
	case NightExit:
		step.Event = world.GoesOut
	case Tap, Burst:
		step.Event, step.PerMinute = world.TapRuns, stillwater.Litres(3+9*s.r.Float64())
		if s.home.Event == Burst {
			step.Event, step.PerMinute = world.PipeBursts, stillwater.Litres(10+30*s.r.Float64())
		}
		step.Lasts = world.Span(26*time.Hour + time.Duration(s.r.Float64()*22*float64(time.Hour)))
		detail = fmt.Sprintf("%.1f L/min", float64(step.PerMinute))
	}
	return world.Scenario{Name: string(s.home.Event), Title: words, Story: words, When: world.When{Time: "00:00"}, What: []world.Step{step},
		Truth: []world.Truth{{Kind: stillwater.Equipment, None: true}}}, detail
}

// clock is an hour of a local day, in whole seconds.
func clock(day time.Time, hour float64) time.Time {
	return time.Date(day.Year(), day.Month(), day.Day(), 0, 0, int(hour*3600), 0, day.Location())
}
