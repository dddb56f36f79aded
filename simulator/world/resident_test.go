package world_test

import (
	"context"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"pgregory.net/rapid"

	"stillwater"
	"stillwater/simulator/world"
)

// lived is a city whose first home is lived in by one of the residents that come with the simulator.
func lived(t testing.TB, name string, seed uint64) *world.World {
	t.Helper()
	r, err := world.FindResident(name)
	if err != nil {
		t.Fatal(err)
	}
	return city(t, world.Options{Homes: 2, Seed: seed, Residents: []world.Resident{r}})
}

// TestResidentFiles: all are told in both languages, and live for a month without the counter or the door stepping back.
func TestResidentFiles(t *testing.T) {
	all, err := world.Residents()
	if err != nil || len(all) < 20 {
		t.Fatalf("%d residents: %v", len(all), err)
	}
	for _, r := range all {
		w := lived(t, r.Name, 4)
		last := stillwater.Reading{}
		for x := range w.Readings(start, start.AddDate(0, 0, 30)) {
			if x.Household != w.Home(0) {
				continue
			}
			if err := x.Validate(); err != nil {
				t.Fatalf("%s: %+v: %v", r.Name, x, err)
			}
			if x.Quantity != stillwater.WaterTotal {
				continue
			}
			if x.Value < last.Value || x.At.Before(last.At) || x.Received.Before(last.Received) || x.Received.Before(x.At) {
				t.Fatalf("%s: %+v after %+v", r.Name, x, last)
			}
			last = x
		}
		if last.Value == 0 {
			t.Errorf("%s: no meter", r.Name)
		}
	}
}

// TestResidentFilesAreRead refuses what nobody would act on.
func TestResidentFilesAreRead(t *testing.T) {
	const good = "name: x\ntitle: {zh: 甲, en: A}\nstory: {zh: 甲, en: A}\n"
	for name, text := range map[string]string{
		"unknown key":   good + "sings: often\n",
		"clock":         good + "gets_up: early\n",
		"often":         good + "naps: now and then\n",
		"day":           good + "goes_out: [{for: walk, on: [funday], at: \"09:00\", stays: 1h}]\n",
		"no stay":       good + "goes_out: [{for: walk, at: \"09:00\"}]\n",
		"both":          good + "draws_by_itself: [{what: x, every: 1h, takes: 1 L, per_hour: 2 L}]\n",
		"neither":       good + "draws_by_itself: [{what: x}]\n",
		"door":          good + "door: ajar\n",
		"uneven meter":  good + "meter: {every: 7m}\n",
		"date":          good + "holidays: [easter]\n",
		"name and file": "name: y" + good[len("name: x"):],
		"no story":      "name: x\n",
	} {
		if _, err := world.LoadResident(fstest.MapFS{"x.yaml": {Data: []byte(text)}}, "x.yaml"); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	if _, err := world.LoadResident(fstest.MapFS{"x.yaml": {Data: []byte(good + "holidays: [2026-04-05]\n")}}, "x.yaml"); err != nil {
		t.Error(err)
	}
	if _, err := world.FindResident("nobody"); err == nil || !strings.Contains(err.Error(), "cat-fountain") {
		t.Errorf("an unknown name: %v", err)
	}
}

// TestLives looks for what each resident's story promises.
func TestLives(t *testing.T) {
	const days = 42
	local := func(w *world.World, day int, clock string) time.Time {
		c, _ := time.Parse("15:04", clock)
		return start.AddDate(0, 0, day).Add(time.Duration(c.Hour())*time.Hour + time.Duration(c.Minute())*time.Minute)
	}
	opens := func(w *world.World, from, to time.Time) (n int) {
		for _, e := range w.DoorEvents(w.Home(0), from, to) {
			if e.Open {
				n++
			}
		}
		return n
	}
	for name, check := range map[string]func(w *world.World, day int) bool{
		"dance-at-six": func(w *world.World, d int) bool {
			return !w.AtHome(w.Home(0), local(w, d, "06:30")) && w.AtHome(w.Home(0), local(w, d, "07:31")) && opens(w, local(w, d, "05:50"), local(w, d, "06:10")) == 1
		},
		"daily-carer": func(w *world.World, d int) bool {
			from, to := local(w, d, "08:00"), local(w, d, "11:20")
			return opens(w, from, to) >= 2 && w.Litres(w.Home(0), to)-w.Litres(w.Home(0), from) > 20
		},
		"cat-fountain": func(w *world.World, d int) bool {
			n := 0
			for _, x := range w.Draws(w.Home(0), local(w, d, "00:00"), local(w, d+1, "00:00")) {
				if x.Fixture == world.ByItself {
					n++
				}
			}
			return n == 32
		},
		"cleaning-day": func(w *world.World, d int) bool {
			used := w.Litres(w.Home(0), local(w, d, "12:40")) - w.Litres(w.Home(0), local(w, d, "08:00"))
			return (used > 170) == (local(w, d, "12:00").Weekday() == time.Friday)
		},
		"market-day": func(w *world.World, d int) bool {
			return local(w, d, "12:00").Weekday() != time.Saturday || !w.AtHome(w.Home(0), local(w, d, "09:00"))
		},
		"early-riser": func(w *world.World, d int) bool {
			return w.Litres(w.Home(0), local(w, d, "06:00")) > w.Litres(w.Home(0), local(w, d, "04:10"))
		},
		"late-riser": func(w *world.World, d int) bool {
			n := 0
			for _, x := range w.Draws(w.Home(0), local(w, d, "04:00"), local(w, d, "07:00")) {
				if x.Fixture != world.Toilet && x.Litres > 1.6 { // more than hands after a visit at night
					n++
				}
			}
			return n == 0
		},
		"ten-litre-meter": func(w *world.World, d int) bool { return w.Counter(w.Home(0), local(w, d, "12:00"))%10 == 0 },
	} {
		t.Run(name, func(t *testing.T) {
			kept := 0
			w := lived(t, name, 9)
			for d := 1; d < days; d++ {
				if check(w, d) {
					kept++
				}
			}
			if kept < days-2 { // a day may be odd
				t.Errorf("as promised on %d of %d days", kept, days-1)
			}
		})
	}
}

// TestNightToilets: she is up more often than others.
func TestNightToilets(t *testing.T) {
	visits := func(name string) (n int) {
		w := lived(t, name, 2)
		for _, d := range w.Draws(w.Home(0), start, start.AddDate(0, 0, 40)) {
			if hour := d.Start.In(w.Location()).Hour(); d.Fixture == world.Toilet && hour < 4 {
				n++
			}
		}
		return n
	}
	if a, b := visits("night-toilet"), visits("late-riser"); a < 40 || a < b {
		t.Errorf("%d visits in 40 nights, and %d of another", a, b)
	}
}

// TestCouple: two draw more than one, both are on file, and the home is empty only while both are out.
func TestCouple(t *testing.T) {
	w, one := lived(t, "couple", 3), city(t, world.Options{Homes: 2, Seed: 3})
	days := start.AddDate(0, 0, 30)
	if n := w.Households()[0].Residents; n != 2 {
		t.Errorf("%d residents", n)
	}
	if two, single := w.Litres(w.Home(0), days)-w.Litres(w.Home(0), start), one.Litres(one.Home(0), days)-one.Litres(one.Home(0), start); two < 1.4*single {
		t.Errorf("%v litres of two, %v of one", two, single)
	}
	s := stage(t, w, "couple-one-falls", 0, start.AddDate(0, 0, 20).Add(9*time.Hour))
	if used := w.Litres(w.Home(0), s.To) - w.Litres(w.Home(0), s.From); used < 15 {
		t.Errorf("the other draws only %v litres", used)
	}
	whole := lived(t, "couple", 3)
	if used, all := w.Litres(w.Home(0), s.To)-w.Litres(w.Home(0), s.From), whole.Litres(w.Home(0), s.To)-whole.Litres(w.Home(0), s.From); used > 0.8*all {
		t.Errorf("she who lies draws on: %v of %v litres", used, all)
	}
}

// TestAutomaticGoesOn: what draws by itself goes on while she lies, and nothing else does.
func TestAutomaticGoesOn(t *testing.T) {
	for _, name := range []string{"cat-fountain", "water-purifier", "drip-bucket"} {
		w := city(t, world.Options{Homes: 12, Seed: 6})
		s, err := world.FindScenario(name)
		if err != nil {
			t.Fatal(err)
		}
		staged, err := w.Stage(s, "", time.Time{})
		if err != nil {
			t.Fatal(err)
		}
		home, n := staged.Homes[0], 0
		for _, d := range w.Draws(home, staged.From, staged.To) {
			if d.Fixture != world.ByItself {
				t.Errorf("%s: %+v while she lies", name, d)
			}
			n++
		}
		if n == 0 || w.Litres(home, staged.To) <= w.Litres(home, staged.From) {
			t.Errorf("%s: nothing draws by itself", name)
		}
	}
}

// TestDailyUpload: the meter speaks once a day at two, and says every hour of the day before.
func TestDailyUpload(t *testing.T) {
	w := lived(t, "daily-upload", 1)
	said := map[time.Time][]world.Report{}
	for _, r := range w.Reports(w.Home(0), start.AddDate(0, 0, 5), start.AddDate(0, 0, 10)) {
		if r.Quantity != stillwater.WaterTotal {
			t.Errorf("no door is fitted: %+v", r)
		}
		said[r.Said] = append(said[r.Said], r)
	}
	if len(said) != 5 {
		t.Errorf("%d uploads in five days", len(said))
	}
	for at, list := range said {
		if at.In(w.Location()).Hour() != 2 && at.In(w.Location()).Hour() != 3 || len(list) != 24 || at.Sub(list[0].At) > 24*time.Hour || list[23].At.After(at) {
			t.Errorf("at %v: %d hours from %v to %v", at, len(list), list[0].At, list[len(list)-1].At)
		}
	}
	dir := t.TempDir()
	if _, err := w.Record(context.Background(), world.RecordOptions{Dir: dir, To: start.AddDate(0, 0, 4)}); err != nil {
		t.Fatal(err)
	}
	rows := table(t, unpack(t, read(t, dir, "readings.csv.gz")))
	last, late := "", 0
	for _, r := range rows[1:] {
		received := r[5]
		if received == "" {
			received = r[0]
		} else {
			late++
		}
		if received < last {
			t.Fatalf("%v is received before %s", r, last)
		}
		last = received
	}
	if rows[0][5] != "received" || late < 60 {
		t.Errorf("header %v, %d late rows", rows[0], late)
	}
}

// TestContacts: a contact that is stuck, inverted, dead or missing.
func TestContacts(t *testing.T) {
	to := start.AddDate(0, 0, 10)
	count := func(w *world.World, from, to time.Time) (doors, beats int, first float64) {
		first = -1
		for _, r := range w.Reports(w.Home(0), from, to) {
			switch r.Quantity {
			case stillwater.Door:
				if doors++; first < 0 {
					first = r.Value
				}
			case stillwater.Alive:
				beats++
			}
		}
		return doors, beats, first
	}
	good := city(t, world.Options{Homes: 2, Seed: 8})
	doors, beats, first := count(good, start, to)
	if first != stillwater.Open || doors < 10 || beats != 240 {
		t.Fatalf("%d doors, %d beats, the first %v", doors, beats, first)
	}
	if n, b, f := count(lived(t, "door-inverted", 8), start, to); n != doors || b != beats || f != stillwater.Closed {
		t.Errorf("inverted: %d doors, %d beats, the first %v", n, b, f)
	}
	if n, b, _ := count(lived(t, "door-stuck", 8), start, to); n != 0 || b != beats {
		t.Errorf("stuck: %d doors, %d beats", n, b)
	}
	missing := lived(t, "door-missing", 8)
	if n, b, _ := count(missing, start, to); n != 0 || b != 0 || len(missing.Households()[0].Devices) != 1 {
		t.Errorf("missing: %d doors, %d beats", n, b)
	}
	w := city(t, world.Options{Homes: 2, Seed: 8})
	s := stage(t, w, "door-sensor-dies", 0, start.Add(30*time.Hour))
	if n, b, _ := count(w, s.From, s.From.AddDate(0, 0, 2)); n != 0 || b != 0 {
		t.Errorf("dead: %d doors, %d beats", n, b)
	}
}

// TestLevels: illness lowers, guests raise; both end.
func TestLevels(t *testing.T) {
	for name, high := range map[string]bool{"ill-at-home": false, "spring-festival-guests": true} {
		w, calm := city(t, world.Options{Homes: 2}), city(t, world.Options{Homes: 2})
		s := stage(t, w, name, 0, start.AddDate(0, 0, 12))
		a, b := litres(w, s.From, s.To), litres(calm, s.From, s.To)
		if high && a < 2.5*b || !high && (a > 0.6*b || a < 0.1*b) {
			t.Errorf("%s: %.0f litres, else %.0f", name, a, b)
		}
		if after := s.To.AddDate(0, 0, 1); math.Abs(litres(w, after, after.AddDate(0, 0, 5))-litres(calm, after, after.AddDate(0, 0, 5))) > 0.01 {
			t.Errorf("%s does not end", name)
		}
	}
}

// TestHolidays: a public holiday is a day like a Sunday.
func TestHolidays(t *testing.T) {
	r := world.Resident{Holidays: []world.Date{"2026-03-04"}, Comes: []world.Visit{{Who: "carer", On: world.Days{"workdays"}, At: "09:00", Stays: world.Span(time.Hour), Uses: 900}}}
	w := city(t, world.Options{Homes: 1, Residents: []world.Resident{r}})
	for day := range 14 {
		from := start.AddDate(0, 0, day)
		works := from.Weekday() != time.Saturday && from.Weekday() != time.Sunday && day != 3
		if used := w.Litres(w.Home(0), from.Add(11*time.Hour)) - w.Litres(w.Home(0), from.Add(8*time.Hour)); (used > 500) != works {
			t.Errorf("on %v the carer uses %v litres", from, used)
		}
	}
}

// TestPlannedAbsence is handed over beside the readings.
func TestPlannedAbsence(t *testing.T) {
	w := city(t, world.Options{Homes: 2})
	s := stage(t, w, "planned-absence", 1, start.Add(30*time.Hour))
	dir := t.TempDir()
	if _, err := w.Record(context.Background(), world.RecordOptions{Dir: dir, To: start.AddDate(0, 0, 3)}); err != nil {
		t.Fatal(err)
	}
	want := []string{string(w.Home(1)), s.From.UTC().Format(time.RFC3339), s.To.UTC().Format(time.RFC3339)}
	if rows := table(t, read(t, dir, "away.csv")); len(rows) != 2 || !slices.Equal(rows[1], want) {
		t.Errorf("away.csv %v, want %v", rows, want)
	}
	if rows := table(t, read(t, dir, "absences.csv")); len(rows) != 2 || !slices.Equal(rows[0], []string{"household", "from", "until"}) || !slices.Equal(rows[1], want) {
		t.Errorf("absences.csv %v, want %v", rows, want)
	}
	if left, _ := filepath.Glob(filepath.Join(dir, "*")); len(left) != 5 {
		t.Errorf("files %v", left)
	}
}

// TestJourneys: she leaves through the door, draws nothing, and comes back through it.
func TestJourneys(t *testing.T) {
	w := lived(t, "traveller", 11)
	home, away := w.Home(0), 0
	for d := 1; d < 120; d++ {
		night := start.AddDate(0, 0, d).Add(3 * time.Hour)
		if w.AtHome(home, night) {
			continue
		}
		away++
		from, to := night, night
		for !w.AtHome(home, from) {
			from = from.Add(-time.Minute)
		}
		for !w.AtHome(home, to) {
			to = to.Add(time.Minute)
		}
		if w.Litres(home, to.Add(-2*time.Minute)) != w.Litres(home, from.Add(2*time.Minute)) || len(w.DoorEvents(home, from.Add(2*time.Minute), to.Add(-2*time.Minute))) != 0 {
			t.Errorf("somebody stirs between %v and %v", from, to)
		}
		if len(w.DoorEvents(home, from.Add(-2*time.Minute), from.Add(2*time.Minute))) != 2 || len(w.DoorEvents(home, to.Add(-2*time.Minute), to.Add(2*time.Minute))) < 1 {
			t.Errorf("the door does not say when she leaves %v and comes back %v", from, to)
		}
	}
	if away < 5 || away > 70 {
		t.Errorf("%d nights away of 119", away)
	}
}

// TestAnyoneIsTheSame asks for homes of all kinds in any order: the same seed gives the same, and windows lose nothing.
func TestAnyoneIsTheSame(t *testing.T) {
	all, err := world.Residents()
	if err != nil {
		t.Fatal(err)
	}
	rapid.Check(t, func(t *rapid.T) {
		o := world.Options{Homes: 1, Seed: rapid.Uint64().Draw(t, "seed"), Start: start, Residents: []world.Resident{rapid.SampledFrom(all).Draw(t, "who")}}
		a, _ := world.New(o)
		b, _ := world.New(o)
		at := start
		var pieces []world.Report
		for _, s := range rapid.SliceOfN(rapid.IntRange(1, 40*3600), 1, 12).Draw(t, "windows") {
			b.Litres(b.Home(0), start.Add(time.Duration(rapid.IntRange(0, 40*24).Draw(t, "look"))*time.Hour))
			end := at.Add(time.Duration(s) * time.Second)
			pieces = append(pieces, b.Reports(b.Home(0), at, end)...)
			at = end
		}
		if whole := a.Reports(a.Home(0), start, at); !slices.Equal(whole, pieces) {
			t.Fatalf("%d reports in windows, %d in the whole", len(pieces), len(whole))
		}
	})
}

// TestNeighbourhood leaves the first nine homes as they are in any city.
func TestNeighbourhood(t *testing.T) {
	who, err := world.Neighbourhood()
	if err != nil {
		t.Fatal(err)
	}
	a, b := city(t, world.Options{Homes: 12, Residents: who}), city(t, world.Options{Homes: 12})
	end := start.AddDate(0, 0, 20)
	for i := range 12 {
		if same := slices.Equal(a.Reports(a.Home(i), start, end), b.Reports(b.Home(i), start, end)); same != (i < 9) {
			t.Errorf("home %d: the same as anybody's: %v", i+1, same)
		}
	}
}

// TestJourneysNotMade: who lies on the floor or in bed sets out nowhere, whether or not somebody looked at the journey before.
func TestJourneysNotMade(t *testing.T) {
	for seed := range uint64(24) {
		event := []world.Event{world.Fall, world.Ill}[seed%2]
		looked, fresh := lived(t, "traveller", seed), lived(t, "traveller", seed)
		home, end := looked.Home(0), start.AddDate(0, 0, 60)
		looked.Reports(home, start, end)
		fall := world.Scenario{Name: "fall", Title: world.Words{Zh: "x", En: "x"}, Story: world.Words{Zh: "x", En: "x"}, When: world.When{Time: "00:00"},
			What:  []world.Step{{Event: event, Lasts: world.Span(30 * 24 * time.Hour)}},
			Truth: []world.Truth{{Kind: stillwater.Water, None: true}}}
		for d := 10; d < 13; d++ { // a look just before, so that what is kept is of that week
			looked.AtHome(home, start.AddDate(0, 0, d))
		}
		s, err := looked.Stage(fall, home, start.AddDate(0, 0, 10).Add(7*time.Hour))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := fresh.Stage(fall, home, start.AddDate(0, 0, 10).Add(7*time.Hour)); err != nil {
			t.Fatal(err)
		}
		for at := s.From; at.Before(s.To); at = at.Add(time.Hour) {
			if !looked.AtHome(home, at) {
				t.Fatalf("seed %d: she is away at %v", seed, at)
			}
		}
		if a, b := looked.Reports(home, start, end), fresh.Reports(home, start, end); !slices.Equal(a, b) {
			t.Errorf("seed %d: %d reports where somebody looked ahead, %d where nobody did", seed, len(a), len(b))
		}
		if events := looked.DoorEvents(home, s.From, s.To.Add(-time.Second)); event == world.Fall && len(events) > 0 {
			t.Errorf("seed %d: the door moves: %v", seed, events)
		}
	}
}
