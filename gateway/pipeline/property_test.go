package pipeline

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"stillwater"
	"stillwater/rules"
)

// TestRestartsChangeNothing is law 4 through the store: random inputs with random stops and crashes give the findings that they give
// without; what is stored is what the journal gives; and nothing that was acknowledged is lost or stored twice.
func TestRestartsChangeNothing(t *testing.T) {
	for seed := range uint64(5) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			t.Parallel()
			var without, with []string
			synctest.Test(t, func(t *testing.T) { without = lifeOf(t, seed, 0) })
			synctest.Test(t, func(t *testing.T) { with = lifeOf(t, seed, 40) })
			if !slices.Equal(without, with) {
				t.Errorf("without restarts %d findings\n%q\nwith restarts %d\n%q", len(without), without, len(with), with)
			}
		})
	}
}

// lifeOf plays two days of some homes with about so many restarts, and gives the findings that do not depend on how long the gateway has
// listened: those about people, water and doors.
func lifeOf(t *testing.T, seed uint64, restarts int) []string {
	ids := []stillwater.HouseholdID{homesOf(0, 1)[0], homesOf(0, 2)[1], homesOf(1, 1)[0], homesOf(3, 1)[0]}
	var homes []stillwater.Household
	for _, id := range ids {
		homes = append(homes, home(id))
	}
	w := newTown(t, homes...)
	defer w.close()
	w.rules = append(rules.Defaults(), rules.Rule{Name: "silence-3h", Severity: stillwater.Question, After: 3 * time.Hour})
	w.stop()
	w.start()
	inputs, ends := rand.New(rand.NewPCG(seed, 1)), rand.New(rand.NewPCG(seed, 2))
	const steps = 2 * 24 * 12
	litres := map[stillwater.HouseholdID]float64{}
	open := map[stillwater.HouseholdID]float64{}
	acknowledged := 0
	for i := range steps {
		time.Sleep(5*time.Minute + time.Duration(inputs.IntN(20))*time.Second)
		for _, r := range oneStep(inputs, ids, litres, open, i) {
			w.emit(r)
			acknowledged++
		}
		if restarts > 0 && ends.IntN(steps/restarts) == 0 {
			if ends.IntN(2) == 0 {
				w.stop()
			} else {
				w.crash()
			}
			w.start()
		}
	}
	refused := w.counted()[string(rules.Duplicate)]
	if n := len(w.journaled()); n != acknowledged-refused {
		t.Errorf("%d readings were acknowledged, %d as duplicates, and %d are in the journal", acknowledged, refused, n)
	}
	compareWithJournal(t, w)
	var found []string
	for _, f := range w.findings() {
		if f.Kind != stillwater.Equipment {
			found = append(found, fmt.Sprintf("%s %s %s %s", f.Household, f.Key(), f.Began.Format(time.RFC3339), f.Ended.Format(time.RFC3339)))
		}
	}
	slices.Sort(found) // shards commit at the same moment in any order
	if len(found) < 4 {
		t.Errorf("only %d findings: too few to mean anything", len(found))
	}
	return found
}

// oneStep is what some devices say: meters each quarter of an hour, doors at times, and now and then nothing, the same again, or something
// from hours ago.
func oneStep(rng *rand.Rand, ids []stillwater.HouseholdID, litres, open map[stillwater.HouseholdID]float64, i int) []stillwater.Reading {
	var readings []stillwater.Reading
	for n, id := range ids {
		busy := i/48%3 != n%3 // hours of use and hours without
		if (i+n)%3 == 0 && rng.IntN(15) > 0 {
			if busy && rng.IntN(2) == 0 {
				litres[id] += float64(1 + rng.IntN(30))
			}
			r := meter(id, litres[id])
			readings = append(readings, r)
			if rng.IntN(10) == 0 {
				readings = append(readings, r) // as a broker that was not told sends it
			}
		}
		if busy && rng.IntN(20) == 0 {
			open[id] = 1 - open[id]
			readings = append(readings, door(id, open[id]))
		}
	}
	return readings
}

// compareWithJournal steps fresh engines through the journal and holds the findings that were committed against theirs.
func compareWithJournal(t *testing.T, w *town) {
	var engines [Shards]*rules.Engine
	for i := range engines {
		engines[i] = rules.New(w.rules)
	}
	for _, h := range w.registry.All() {
		engines[ShardOf(h.ID)].Put(rules.Home{ID: h.ID, Location: h.Location(), Devices: h.Devices, Residents: h.Residents, Groups: GroupsOf(h)})
	}
	var want, got []string
	for _, e := range w.entries() {
		shard := e.Shard
		if e.Reading != nil {
			shard = ShardOf(e.Reading.Household)
		}
		if e.Away != nil {
			shard = ShardOf(e.Away.Household)
		}
		found, _ := engines[shard].Step(&e)
		for _, f := range found {
			want = append(want, asJSON(t, f))
		}
	}
	for _, f := range w.findings() {
		got = append(got, asJSON(t, f))
	}
	slices.Sort(want)
	slices.Sort(got)
	if !slices.Equal(want, got) {
		t.Errorf("%d findings were committed, the journal gives %d", len(got), len(want))
		for _, f := range got {
			if !slices.Contains(want, f) {
				t.Logf("not of the journal: %s", f)
				break
			}
		}
	}
}
