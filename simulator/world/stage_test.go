package world_test

import (
	"slices"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"pgregory.net/rapid"

	"stillwater"
	"stillwater/simulator/world"
)

// names are promised: the demo, the manual and other tests speak of them.
var names = []string{"away-three-days", "broker-restarts", "burst-pipe", "cat-fountain", "cleaning-day", "couple-one-falls", "daily-carer",
	"daily-upload", "dance-at-six", "door-inverted", "door-left-open", "door-sensor-dies", "door-sensor-stuck", "drip-bucket",
	"fall-after-dance", "fall-in-bathroom", "guest-for-a-month", "hospital-stay", "ill-at-home", "meter-dies", "neighbour-visits",
	"out-at-night", "planned-absence", "spring-festival-away", "spring-festival-guests", "tap-left-running", "ten-litre-meter",
	"water-cut-in-building", "water-purifier"}

func stage(t testing.TB, w *world.World, name string, home int, at time.Time) world.Staged {
	t.Helper()
	s, err := world.FindScenario(name)
	if err != nil {
		t.Fatal(err)
	}
	staged, err := w.Stage(s, w.Home(home), at)
	if err != nil {
		t.Fatal(err)
	}
	return staged
}

func TestScenarioFiles(t *testing.T) {
	all, err := world.Scenarios()
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, s := range all {
		got = append(got, s.Name)
	}
	if !slices.Equal(got, names) {
		t.Errorf("scenarios are %v", got)
	}
}

// TestScenarioFilesAreRead refuses a file that says something nobody would act on.
func TestScenarioFilesAreRead(t *testing.T) {
	const good = "name: x\ntitle: {zh: 甲, en: A}\nstory: {zh: 甲, en: A}\nwho: {home: 1}\nwhen: {day: 1, time: \"06:40\"}\n" +
		"what: [{event: fall, lasts: 3 days}]\ntruth: [{kind: welfare, earliest: 1h, latest: 2h}]\n"
	for name, text := range map[string]string{
		"unknown key":    good + "who_knows: 1\n",
		"unknown event":  "name: x\ntitle: {zh: 甲, en: A}\nstory: {zh: 甲, en: A}\nwhen: {day: 1, time: \"06:40\"}\nwhat: [{event: flood, lasts: 1h}]\ntruth: [{kind: welfare, none: true}]\n",
		"bare duration":  "name: x\nwhat: [{event: fall, lasts: 3}]\n",
		"name and file":  "name: y" + good[len("name: x"):],
		"nothing at all": "",
	} {
		if _, err := world.LoadScenario(fstest.MapFS{"x.yaml": {Data: []byte(text)}}, "x.yaml"); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	s, err := world.LoadScenario(fstest.MapFS{"x.yaml": {Data: []byte(good)}}, "x.yaml")
	if err != nil || s.What[0].Lasts.Duration() != 72*time.Hour {
		t.Errorf("%+v, %v", s, err)
	}
}

// TestFallMakesTheHomeStill: from its time on no water, no door, no activity, until it ends; then somebody comes in.
func TestFallMakesTheHomeStill(t *testing.T) {
	for seed := range uint64(20) {
		w := city(t, world.Options{Homes: 6, Seed: seed})
		s := stage(t, w, "fall-in-bathroom", 1, start.Add(9*24*time.Hour+time.Duration(seed)*71*time.Minute))
		home := w.Home(1)
		if w.Litres(home, s.From) != w.Litres(home, s.To) || len(w.Draws(home, s.From, s.To)) != 0 {
			t.Errorf("seed %d: water runs between %v and %v", seed, s.From, s.To)
		}
		if events := w.DoorEvents(home, s.From.Add(-time.Millisecond), s.To.Add(-time.Millisecond)); len(events) != 0 {
			t.Errorf("seed %d: the door moves: %+v", seed, events)
		}
		if !w.AtHome(home, s.From) || !w.AtHome(home, s.To.Add(-time.Second)) || w.DoorOpen(home, s.From) {
			t.Errorf("seed %d: she is not behind her door", seed)
		}
		if events := w.DoorEvents(home, s.To.Add(-time.Millisecond), s.To.Add(time.Minute)); len(events) != 2 {
			t.Errorf("seed %d: nobody comes in: %+v", seed, events)
		}
		if w.Litres(home, s.To.Add(14*time.Hour)) <= w.Litres(home, s.To) {
			t.Errorf("seed %d: life does not go on", seed)
		}
	}
}

// TestEffects stages each of the others and looks for what it does.
func TestEffects(t *testing.T) {
	at := start.AddDate(0, 0, 10).Add(13*time.Hour + 40*time.Minute)
	for name, check := range map[string]func(t *testing.T, w, calm *world.World, s world.Staged){
		"tap-left-running": func(t *testing.T, w, calm *world.World, s world.Staged) {
			extra := litres(w, s.From, s.To) - litres(calm, s.From, s.To)
			if want := 6 * s.To.Sub(s.From).Minutes(); extra < want-0.01 || extra > want+0.01 {
				t.Errorf("%v litres too many, want %v", extra, want)
			}
		},
		"burst-pipe": func(t *testing.T, w, calm *world.World, s world.Staged) {
			if extra := litres(w, s.From, s.From.Add(time.Hour)) - litres(calm, s.From, s.From.Add(time.Hour)); extra < 1499 {
				t.Errorf("only %v litres more in an hour", extra)
			}
		},
		"door-left-open": func(t *testing.T, w, calm *world.World, s world.Staged) {
			events := w.DoorEvents(w.Home(0), s.From.Add(-time.Second), s.To)
			if len(events) != 2 || !events[0].Open || !events[0].At.Equal(s.From) || !events[1].At.Equal(s.To) || !w.DoorOpen(w.Home(0), s.From.Add(time.Hour)) {
				t.Errorf("the door: %+v", events)
			}
			if litres(w, s.From, s.To) != litres(calm, s.From, s.To) {
				t.Error("life inside changes")
			}
		},
		"out-at-night": goneOut, "away-three-days": goneOut,
		"meter-dies": func(t *testing.T, w, calm *world.World, s world.Staged) {
			home := w.Home(0)
			if w.MeterAnswers(home, s.From) || w.MeterAnswers(home, s.To.Add(-time.Second)) || !w.MeterAnswers(home, s.To) {
				t.Error("the meter answers while it is dead, or not afterwards")
			}
			for _, r := range w.Reports(home, s.From, s.To.Add(-time.Second)) {
				if r.Quantity == stillwater.WaterTotal {
					t.Errorf("a dead meter says %v", r)
				}
			}
			if litres(w, s.From, s.To) != litres(calm, s.From, s.To) {
				t.Error("life changes")
			}
		},
		"broker-restarts": func(t *testing.T, w, calm *world.World, s world.Staged) {
			if !w.BrokerDown(s.From.Add(-time.Hour), s.From) || !w.BrokerDown(s.From, s.From) || w.BrokerDown(s.To, s.To.Add(time.Hour)) {
				t.Error("the broker is not away when it should be")
			}
			if len(s.Homes) != 20 {
				t.Errorf("it concerns %d homes", len(s.Homes))
			}
		},
		"water-cut-in-building": func(t *testing.T, w, calm *world.World, s world.Staged) {
			if len(s.Homes) != 8 {
				t.Errorf("%d homes in the building", len(s.Homes))
			}
			doors := 0
			for _, h := range w.Households() {
				dry := slices.Contains(s.Homes, h.ID)
				if used := w.Litres(h.ID, s.To) - w.Litres(h.ID, s.From); dry != (used == 0) {
					t.Errorf("%s uses %v litres", h.ID, used)
				}
				doors += len(w.DoorEvents(h.ID, s.From, s.To))
				if dry && !slices.Equal(w.DoorEvents(h.ID, s.From, s.To), calm.DoorEvents(h.ID, s.From, s.To)) {
					t.Errorf("%s: the door changes", h.ID)
				}
			}
			if doors == 0 {
				t.Error("nobody comes or goes in the whole city")
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			w, calm := city(t, world.Options{Homes: 20}), city(t, world.Options{Homes: 20})
			check(t, w, calm, stage(t, w, name, 0, at))
		})
	}
}

func litres(w *world.World, from, to time.Time) float64 {
	return w.Litres(w.Home(0), to) - w.Litres(w.Home(0), from)
}

func goneOut(t *testing.T, w, _ *world.World, s world.Staged) {
	home := w.Home(0)
	events := w.DoorEvents(home, s.From.Add(-time.Second), s.To.Add(-time.Second))
	if len(events) != 2 || !events[0].At.Equal(s.From) || w.AtHome(home, s.From.Add(time.Minute)) || !w.AtHome(home, s.To.Add(time.Minute)) {
		t.Errorf("she does not leave once: %+v", events)
	}
	if litres(w, s.From, s.To) != 0 {
		t.Error("water runs in an empty home")
	}
	if len(w.DoorEvents(home, s.To.Add(-time.Second), s.To.Add(time.Minute))) != 2 {
		t.Error("she does not come back")
	}
}

// TestStagingChangesOnlyTheFuture stages any scenarios at any moments, one after the other, and compares everything before each with
// a world in which it was not staged, to the millilitre and the second.
func TestStagingChangesOnlyTheFuture(t *testing.T) {
	all, err := world.Scenarios()
	if err != nil {
		t.Fatal(err)
	}
	rapid.Check(t, func(t *rapid.T) {
		seed := rapid.Uint64Range(0, 50).Draw(t, "seed")
		beingPlayed := func() *world.World { // nobody moves in a city that is being played
			w, _ := world.New(world.Options{Homes: 10, Seed: seed, Start: start})
			w.Seal(start)
			return w
		}
		w := beingPlayed()
		at := start
		var played []world.Staged
		for range rapid.IntRange(1, 4).Draw(t, "scenarios") {
			at = at.Add(time.Duration(rapid.IntRange(1, 60*3600).Draw(t, "seconds")) * time.Second)
			before := beingPlayed()
			for _, p := range played {
				if s, _ := before.Stage(p.Scenario, p.Homes[0], p.From); !s.From.Equal(p.From) {
					t.Fatalf("staged again, %s begins at %v and not at %v", p.Scenario.Name, s.From, p.From)
				}
			}
			home := w.Home(rapid.IntRange(0, 1).Draw(t, "home"))
			for range rapid.IntRange(0, 3).Draw(t, "looks") { // what was looked at and remembered must not stay
				w.Litres(home, at.Add(time.Duration(rapid.IntRange(-50, 100).Draw(t, "hours"))*time.Hour))
			}
			staged, err := w.Stage(rapid.SampledFrom(all).Draw(t, "scenario"), home, at)
			if err != nil || staged.From.Before(at) {
				t.Fatalf("begins at %v, asked for %v: %v", staged.From, at, err)
			}
			played = append(played, staged)
			for _, id := range []stillwater.HouseholdID{w.Home(0), w.Home(1)} {
				for back := time.Duration(0); back < 40*time.Hour; back += 37 * time.Minute {
					then := staged.From.Add(-back)
					if a, b := w.Litres(id, then), before.Litres(id, then); a != b {
						t.Fatalf("%v before %s: %v litres, and %v without it", back, staged.Scenario.Name, a, b)
					}
				}
				a := w.Reports(id, start, staged.From.Add(-time.Millisecond))
				if b := before.Reports(id, start, staged.From.Add(-time.Millisecond)); !slices.Equal(a, b) {
					t.Fatalf("the reports before %s change", staged.Scenario.Name)
				}
			}
			again := beingPlayed()
			for _, p := range played {
				_, _ = again.Stage(p.Scenario, p.Homes[0], p.From)
			}
			for ahead := time.Duration(0); ahead < 100*time.Hour; ahead += 97 * time.Minute {
				if a, b := w.Litres(home, staged.From.Add(ahead)), again.Litres(home, staged.From.Add(ahead)); a != b {
					t.Fatalf("%v after %s: %v litres, and %v in a world that never looked ahead", ahead, staged.Scenario.Name, a, b)
				}
			}
		}
	})
}

// TestSealed: what somebody was told stays so, whatever moment is asked for.
func TestSealed(t *testing.T) {
	w := city(t, world.Options{Homes: 2})
	told := start.Add(30 * time.Hour)
	w.Seal(told)
	if s := stage(t, w, "burst-pipe", 0, start.Add(time.Hour)); !s.From.After(told) || s.From.After(told.Add(2*time.Second)) {
		t.Errorf("begins at %v", s.From)
	}
}

// TestStagingWhileOthersLook is for the race detector.
func TestStagingWhileOthersLook(t *testing.T) {
	w := city(t, world.Options{Homes: 4})
	var all sync.WaitGroup
	for i := range 4 {
		all.Go(func() {
			for d := range 30 {
				at := start.AddDate(0, 0, d)
				w.Litres(w.Home(i), at)
				w.DoorEvents(w.Home(i), at, at.Add(time.Hour))
				w.BrokerDown(at, at)
				w.MeterAnswers(w.Home(i), at)
			}
		})
	}
	for _, name := range names {
		all.Go(func() { stage(t, w, name, 0, start.AddDate(0, 0, 12)) })
	}
	all.Wait()
	if n := len(w.Staged()); n != len(names) {
		t.Errorf("%d staged", n)
	}
}

// TestOwnTimeAndPlace stages every scenario where and when its file says.
func TestOwnTimeAndPlace(t *testing.T) {
	all, _ := world.Scenarios()
	for _, s := range all {
		w := city(t, world.Options{Homes: 12})
		staged, err := w.Stage(s, "", time.Time{})
		if err != nil {
			t.Fatal(err)
		}
		if late := staged.From.Sub(start.AddDate(0, 0, s.When.Day)); late < 0 || late > 30*time.Hour {
			t.Errorf("%s begins at %v, its day is %d", s.Name, staged.From, s.When.Day)
		}
		for _, e := range staged.Expected() {
			if !e.None && (e.Earliest.Before(e.From) || !e.Latest.After(e.Earliest)) {
				t.Errorf("%s: %+v", s.Name, e)
			}
		}
	}
}
