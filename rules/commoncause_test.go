package rules

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"stillwater"
)

// A span is a time from and to.
type span struct{ From, To instant }

// block is homes of one building with people who get up, use water, go out and go to bed, each in their own way; what befalls them; and
// what their meters report.
type block struct {
	seed  uint64
	homes int
	every time.Duration
	days  int
	doors bool
	dry   []span             // no water in the building
	dark  []span             // nothing is heard of it
	falls map[int]instant    // from then on she does nothing
	away  map[int]instant    // from then on nobody is in, after the door
	news  []stillwater.Entry // what people say, each with its moment
}

const blockGroup = "building/Willow Street/Riverside/7"

func (b *block) id(n int) stillwater.HouseholdID {
	return stillwater.HouseholdID(fmt.Sprintf("h%02d", n))
}

func clock(day int, hour float64) instant {
	return instantOf(monday.AddDate(0, 0, day-1).Add(time.Duration(hour * float64(time.Hour))))
}

// deed is something done in a home.
type deed struct {
	at   instant
	door bool
}

// day is what is done in a home on a day, had nothing befallen it.
func (b *block) day(n, day int) []deed {
	own := rand.New(rand.NewPCG(b.seed, uint64(n)))
	rise, bed := 6+1.5*own.Float64(), 21.5+1.5*own.Float64()
	rng := rand.New(rand.NewPCG(b.seed, uint64(n*1000+day+1_000_000)))
	rise, bed = rise+rng.NormFloat64()*0.4, bed+rng.NormFloat64()*0.4
	var deeds []deed
	out, back := 0.0, 0.0
	if rng.IntN(10) < 6 {
		out = 9 + 6*rng.Float64()
		back = out + 1 + 3*rng.Float64()
		if b.doors {
			deeds = append(deeds, deed{clock(day, out), true}, deed{clock(day, back), true})
		}
	}
	for at := rise; at < bed; at += 0.1 + 0.7*rng.ExpFloat64() {
		if at < out || at > back {
			deeds = append(deeds, deed{clock(day, at), false})
		}
	}
	if rng.IntN(10) < 4 {
		deeds = append(deeds, deed{clock(day, 1+4*rng.Float64()), false})
	}
	return deeds
}

// entries is the journal of the building.
func (b *block) entries() []stillwater.Entry {
	var all []stillwater.Entry
	add := func(r stillwater.Reading) { all = append(all, stillwater.Entry{Reading: &r}) }
	within := func(spans []span, at instant) bool {
		return slices.ContainsFunc(spans, func(s span) bool { return s.From <= at && at < s.To })
	}
	for n := range b.homes {
		var draws []instant
		open := 0.0
		for day := 1; day <= b.days; day++ {
			for _, d := range b.day(n, day) {
				if f, fell := b.falls[n]; fell && d.at >= f {
					continue
				}
				if a, left := b.away[n]; left && d.at >= a {
					continue
				}
				switch {
				case !d.door && !within(b.dry, d.at):
					draws = append(draws, d.at)
				case d.door && !within(b.dark, d.at):
					open = 1 - open
					add(stillwater.Reading{Household: b.id(n), Device: "door", Quantity: stillwater.Door, Value: 1, At: d.at.time(), Received: d.at.time()})
					shut := d.at.add(20 * time.Second)
					add(stillwater.Reading{Household: b.id(n), Device: "door", Quantity: stillwater.Door, Value: 0, At: shut.time(), Received: shut.time()})
				}
			}
		}
		slices.Sort(draws)
		i, litres := 0, 1000.0
		phase := time.Duration(n*7%int(b.every/time.Minute)) * time.Minute
		for at := clock(1, 0).add(phase); at < clock(b.days+1, 0); at = at.add(b.every) {
			for ; i < len(draws) && draws[i] <= at; i++ {
				litres += 4
			}
			if !within(b.dark, at) {
				add(stillwater.Reading{Household: b.id(n), Device: "meter", Quantity: stillwater.WaterTotal, Value: litres, At: at.time(), Received: at.time()})
			}
		}
	}
	all = append(all, b.news...)
	slices.SortStableFunc(all, func(a, b stillwater.Entry) int { return entryTime(&a).Compare(entryTime(&b)) })
	return all
}

func (b *block) engine(list []Rule, groups ...string) *Engine {
	e := New(list)
	for n := range b.homes {
		devices := []stillwater.Device{{ID: "meter", Kind: stillwater.Meter, Every: b.every}}
		if b.doors {
			devices = append(devices, stillwater.Device{ID: "door", Kind: stillwater.DoorContact})
		}
		e.Put(Home{ID: b.id(n), Location: shanghai, Groups: groups, Devices: devices})
	}
	return e
}

// play steps through the entries with the ticks that fall due, and gives all findings that are not on trial. Before a step, again may
// replace the engine.
func playAll(e *Engine, entries []stillwater.Entry, again func(i int, e *Engine) *Engine) (all []stillwater.Finding) {
	keep := func(found []stillwater.Finding) {
		for _, f := range found {
			if !f.Trial {
				all = append(all, f)
			}
		}
	}
	for i := range entries {
		if again != nil {
			e = again(i, e)
		}
		for next := e.Next(); !next.IsZero() && !next.After(entryTime(&entries[i])); next = e.Next() {
			found, _ := e.Step(&stillwater.Entry{Tick: next})
			keep(found)
		}
		found, _ := e.Step(&entries[i])
		keep(found)
	}
	return all
}

// TestGroupScenarios plays the files in testdata/groups: what befalls the homes of one building, and below the line ---- what is found from
// the first of it on. The people live as people do, by chance from a seed, and have done so for the days before.
//
//	80 homes, a meter each 15m             perhaps: with doors
//	d36 09:00..15:00 no water
//	d36 09:00..15:00 announced             told at 09:00
//	d36 09:00..15:00 nothing heard         the gateway of the building is down
//	d35 20:00 h17 falls                    and does nothing from then on
//	until d37
func TestGroupScenarios(t *testing.T) { files(t, "testdata/groups/*.txt", 1, playBlock) }

func playBlock(t *testing.T, script string) string {
	b := &block{seed: 7, falls: map[int]instant{}, away: map[int]instant{}}
	var from instant
	for n, line := range strings.Split(script, "\n") {
		line, _, _ = strings.Cut(line, "#")
		f := strings.Fields(line)
		if len(f) == 0 {
			continue
		}
		if err := b.line(f, &from); err != nil {
			t.Fatalf("line %d: %v", n+1, err)
		}
	}
	var out strings.Builder
	for _, f := range playAll(b.engine(Defaults(), blockGroup), b.entries(), nil) {
		if when := f.Moved(); instantOf(when) >= from {
			what := "began " + string(f.Severity) + ", since " + moment(f.Facts.Since)
			if !f.Ended.IsZero() {
				what = "ended"
			}
			who := string(f.Household)
			if f.Group != "" {
				who = fmt.Sprintf("%s (%d of %d homes: %s)", f.Group, len(f.Facts.Members), f.Facts.Homes, fewOf(f.Facts.Members))
			}
			fmt.Fprintf(&out, "%s %s %s %s\n", moment(when), f.Rule, what, who)
		}
	}
	return out.String()
}

// fewOf is the first three of the homes.
func fewOf(ids []stillwater.HouseholdID) string {
	few := strings.Trim(fmt.Sprint(ids[:min(3, len(ids))]), "[]")
	if len(ids) > 3 {
		few += " …"
	}
	return few
}

func (b *block) line(f []string, from *instant) error {
	if f[0] == "until" {
		day, err := strconv.Atoi(f[1][1:])
		b.days = day
		return err
	}
	if f[1] == "homes," {
		n, err := strconv.Atoi(f[0])
		if err != nil {
			return err
		}
		b.homes, b.doors = n, slices.Contains(f, "doors")
		b.every, err = stillwater.ParseSpan(strings.TrimSuffix(f[5], ","))
		return err
	}
	begin, end, _ := strings.Cut(f[1], "..")
	at, err := parseMoment(f[0], begin)
	if err != nil {
		return err
	}
	*from = sooner(*from, instantOf(at))
	switch f[len(f)-1] {
	case "falls":
		n, err := strconv.Atoi(f[2][1:])
		b.falls[n] = instantOf(at)
		return err
	case "off": // called off
		b.calledOff(instantOf(at))
		return nil
	}
	day := f[0]
	if strings.HasPrefix(end, "d") { // it ends on another day
		day, end = end, f[2]
		f = slices.Delete(f, 2, 3)
	}
	till, err := parseMoment(day, end)
	if err != nil {
		return err
	}
	s := span{instantOf(at), instantOf(till)}
	switch strings.Join(f[2:], " ") {
	case "no water":
		b.dry = append(b.dry, s)
	case "nothing heard":
		b.dark = append(b.dark, s)
	case "announced":
		b.announced(s.From, s)
	default:
		return fmt.Errorf("nobody knows what %q is", f[2:])
	}
	return nil
}

// announced lets people announce a cut.
func (b *block) announced(at instant, s span) {
	b.news = append(b.news, stillwater.Entry{At: at.time(), Announced: &stillwater.Announced{Group: blockGroup, From: s.From.time(), To: s.To.time()}})
}

// calledOff lets them say that it is over.
func (b *block) calledOff(at instant) {
	b.news = append(b.news, stillwater.Entry{At: at.time(), Announced: &stillwater.Announced{Group: blockGroup, Over: true}})
}

// randomBlock is a building with cuts and falls at random.
func randomBlock(t *rapid.T) (*block, []Rule) {
	b := &block{
		seed: rapid.Uint64().Draw(t, "seed"), homes: rapid.IntRange(5, 14).Draw(t, "homes"), days: rapid.IntRange(4, 14).Draw(t, "days"),
		every: time.Duration(rapid.SampledFrom([]int{15, 30, 60}).Draw(t, "every")) * time.Minute,
		doors: rapid.Bool().Draw(t, "doors"), falls: map[int]instant{}, away: map[int]instant{},
	}
	rng := rand.New(rand.NewPCG(b.seed, 9))
	for range rapid.IntRange(1, 2).Draw(t, "cuts") {
		at := clock(b.days-1, 24*rng.Float64())
		b.dry = append(b.dry, span{at, at.add(time.Duration(rng.IntN(14*60)) * time.Minute)})
	}
	for range rapid.IntRange(0, 4).Draw(t, "falls") {
		b.falls[rng.IntN(b.homes)] = clock(b.days-2, 60*rng.Float64())
	}
	after := time.Duration(rapid.IntRange(3, 9).Draw(t, "after")) * time.Hour
	return b, []Rule{
		{Name: "silence-learned", Severity: stillwater.Alert, After: 48 * time.Hour, Budget: 4, Trial: true}, // so that routines are known
		{Name: "silence-plain", Severity: stillwater.Alert, After: after},
		{Name: "away-plain", Severity: stillwater.Alert, After: after},
		{Name: "common-cause-water", Severity: stillwater.Alert},
	}
}

// TestGroupNeverHidesAPerson is law 5. What is found with groups is held against what is found without, and against the readings: each
// alert of a person comes as it would have, or else at the very moment at which it is no longer held back: four hours after the group's
// finding, or a short while after half of its members drew water again, whichever is first. Nobody is held back who showed life
// after the others went still.
func TestGroupNeverHidesAPerson(t *testing.T) {
	held, groups := 0, 0
	rapid.Check(t, func(t *rapid.T) {
		b, list := randomBlock(t)
		entries := b.entries()
		without := playAll(b.engine(list), entries, nil)
		with := playAll(b.engine(list, blockGroup), entries, nil)
		var common []stillwater.Finding
		for _, f := range with {
			if f.Group != "" && f.Ended.IsZero() {
				common = append(common, f)
			}
		}
		groups += len(common)
		end := entryTime(&entries[len(entries)-1])
		for _, alert := range without {
			if !alert.Ended.IsZero() {
				continue
			}
			over := endOf(without, alert, end)
			on := slices.IndexFunc(with, func(f stillwater.Finding) bool {
				return f.Household == alert.Household && f.Rule == alert.Rule && f.Ended.IsZero() && !f.Began.Before(alert.Began) && !f.Began.After(over)
			})
			if on >= 0 && with[on].Began.Equal(alert.Began) {
				continue
			}
			held++
			release := b.release(t, common, alert, entries)
			switch {
			case release.IsZero():
				t.Fatalf("%s of %s at %s is held back, and nothing befell the group that explains it", alert.Rule, alert.Household, moment(alert.Began))
			case release.After(alert.Began.Add(holdBack + time.Minute)):
				t.Fatalf("%s of %s at %s is held back for longer than four hours", alert.Rule, alert.Household, moment(alert.Began))
			case on < 0 && over.After(release) && end.After(release):
				t.Fatalf("%s of %s at %s is never told, it should be at %s", alert.Rule, alert.Household, moment(alert.Began), moment(release))
			case on >= 0 && with[on].Began.After(release):
				t.Fatalf("%s of %s is told at %s, it should be at %s", alert.Rule, alert.Household, moment(with[on].Began), moment(release))
			}
		}
	})
	t.Logf("%d findings of groups, %d alerts held back", groups, held)
	if groups == 0 || held == 0 {
		t.Error("nothing was held back: this means nothing")
	}
}

// endOf is when a finding ended.
func endOf(all []stillwater.Finding, began stillwater.Finding, otherwise time.Time) time.Time {
	for _, f := range all {
		if f.Household == began.Household && f.Key() == began.Key() && f.Began.Equal(began.Began) && !f.Ended.IsZero() {
			return f.Ended
		}
	}
	return otherwise
}

// release is when an alert must no longer be held back, worked out from the readings and what was found of the group; zero: it must not be
// held back at all.
func (b *block) release(t *rapid.T, common []stillwater.Finding, alert stillwater.Finding, entries []stillwater.Entry) time.Time {
	drew := map[stillwater.HouseholdID][]time.Time{} // when it was known
	value := map[stillwater.HouseholdID]float64{}
	for _, e := range entries {
		if r := e.Reading; r != nil && r.Quantity == stillwater.WaterTotal {
			if r.Value > value[r.Household] {
				drew[r.Household] = append(drew[r.Household], r.At)
			}
			value[r.Household] = r.Value
		}
	}
	for _, g := range slices.Backward(common) {
		if g.Began.After(alert.Began) {
			continue
		}
		if alert.Facts.Since.After(g.Facts.Since) {
			return time.Time{} // she showed life after the others went still
		}
		if g.Facts.Since.Sub(alert.Facts.Since) > 14*time.Hour {
			return time.Time{} // she was still for longer than anybody is when they went still
		}
		var back []time.Time
		for _, m := range g.Facts.Members {
			for _, at := range drew[m] {
				if at.After(g.Facts.Since) && at.After(g.Began) {
					back = append(back, at)
					break
				}
			}
		}
		slices.SortFunc(back, time.Time.Compare)
		release := g.Began.Add(holdBack)
		// Who takes part later counts too, so that it may take one or two more; the engine ends no later than with all.
		if half := (len(g.Facts.Members) + 1) / 2; len(back) >= half {
			release = earlier(release, back[half-1].Add(backWithin))
			if late := len(back) - 1; late > half-1 {
				release = earlier(g.Began.Add(holdBack), back[min(late, half)].Add(backWithin))
			}
		}
		return release.Truncate(time.Minute).Add(time.Minute)
	}
	return time.Time{}
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

// TestGroupsAfterRestarts is law 4 for groups: stopped and rebuilt at random, or judging at every reading, the engine finds the same.
func TestGroupsAfterRestarts(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b, list := randomBlock(t)
		list = append(list, Rule{Name: "device-silent", Severity: stillwater.Notice}, Rule{Name: "common-cause-blind", Severity: stillwater.Notice})
		from := clock(b.days-1, 24*rand.New(rand.NewPCG(b.seed, 3)).Float64())
		b.dark = []span{{from, from.add(3 * time.Hour)}}
		rng := rand.New(rand.NewPCG(b.seed, 4))
		for range rapid.IntRange(0, 3).Draw(t, "news") {
			at := clock(b.days-1, 30*rng.Float64())
			b.announced(at.add(time.Duration(rng.IntN(600)-300)*time.Minute), span{at, at.add(time.Duration(1+rng.IntN(20*60)) * time.Minute)})
			if rng.IntN(2) == 0 {
				b.calledOff(at.add(time.Duration(rng.IntN(600)) * time.Minute))
			}
		}
		entries := b.entries()
		whole := asText(playAll(b.engine(list, blockGroup), entries, nil))
		stopped := asText(playAll(b.engine(list, blockGroup), entries, func(i int, e *Engine) *Engine {
			if i < len(entries)/2 || rng.IntN(40) > 0 {
				return e
			}
			return rebuilt(t, e, b.engine(list, blockGroup))
		}))
		if !slices.Equal(stopped, whole) {
			t.Fatalf("stopped: %s", difference(stopped, whole))
		}
		slow := b.engine(list, blockGroup)
		slow.always = true
		if always := asText(playAll(slow, entries, nil)); !slices.Equal(always, whole) {
			t.Fatalf("judging always: %s", difference(always, whole))
		}
	})
}

// TestAnnouncedTwice is law 4 where some of the homes have been stored later than others: what was announced is replayed over
// memories that have it already, and changes nothing in them.
func TestAnnouncedTwice(t *testing.T) {
	b := &block{seed: 5, homes: 5, days: 3, every: 15 * time.Minute}
	b.announced(clock(2, 9), span{clock(2, 10), clock(2, 18)})
	b.calledOff(clock(2, 14))
	b.announced(clock(2, 15), span{clock(2, 20), clock(3, 8)})
	e := b.engine(Defaults(), blockGroup)
	playAll(e, b.entries(), nil)
	known := func() (all []any) {
		for n := range b.homes {
			h := e.homes.of(b.id(n))
			all = append(all, fmt.Sprint(h.StillFrom, h.WholeFrom, h.Covered, h.cuts()))
		}
		return all
	}
	before := known()
	for i := range b.news {
		e.Step(&b.news[i])
	}
	if after := known(); !slices.Equal(after, before) {
		t.Errorf("the news came again: %v, was %v", after, before)
	}
	want := []cut{{clock(2, 10), clock(2, 14), clock(2, 9), blockGroup}, {clock(2, 20), clock(3, 8), clock(2, 15), blockGroup}}
	if got := e.homes.of(b.id(0)).cuts(); !slices.Equal(got, want) {
		t.Errorf("cuts %v, want %v", got, want)
	}
}

// TestAbsentHomesTellNothing: in a building from which most are away as planned, or went out through the door, two who fall in the same
// hour are no water cut.
func TestAbsentHomesTellNothing(t *testing.T) {
	for _, doors := range []bool{false, true} {
		b := &block{seed: 8, homes: 9, days: 40, every: 15 * time.Minute, doors: doors, falls: map[int]instant{}, away: map[int]instant{}}
		gone, fell := clock(39, 8.9), clock(39, 15)
		for n := range 7 {
			if out := slices.IndexFunc(b.day(n, 39), func(d deed) bool { return d.door }); doors && out >= 0 {
				b.away[n] = b.day(n, 39)[out].at.add(time.Second)
				continue
			}
			b.falls[n] = gone
			b.news = append(b.news, stillwater.Entry{Away: &stillwater.Absence{Household: b.id(n), From: gone.time(), Until: clock(45, 0).time(), At: gone.time()}})
		}
		b.falls[7], b.falls[8] = fell, fell
		found := playAll(b.engine(Defaults(), blockGroup), b.entries(), nil)
		alerts := 0
		for _, f := range found {
			if f.Group != "" && f.Kind == stillwater.Welfare {
				t.Errorf("doors %v: %s of %v at %s", doors, f.Rule, f.Facts.Members, moment(f.Began))
			}
			if f.Kind == stillwater.Welfare && f.Severity == stillwater.Alert && f.Ended.IsZero() && (f.Household == b.id(7) || f.Household == b.id(8)) && !f.Began.Before(fell.time()) {
				alerts++
			}
		}
		if alerts < 2 {
			t.Errorf("doors %v: %d alerts of the two who fell", doors, alerts)
		}
	}
}
