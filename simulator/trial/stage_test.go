package trial_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/csv"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"stillwater/simulator/trial"
)

// shanghai is the zone of the staged homes.
var shanghai = time.FixedZone("", 8*3600)

func stage(t *testing.T, seed uint64, each, quiet int) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "staged")
	done, err := trial.Stage(context.Background(), trial.Options{Dir: dir, Seed: seed, Each: each, Quiet: quiet})
	if err != nil {
		t.Fatal(err)
	}
	if done.Households != 4*each+quiet || done.Truths != 4*each || done.Events[trial.Fall] != each {
		t.Fatalf("%+v", done)
	}
	return dir
}

// TestTheSameSeedIsTheSameBytes, in every file; another seed is another recording.
func TestTheSameSeedIsTheSameBytes(t *testing.T) {
	a, b, c := stage(t, 5, 3, 3), stage(t, 5, 3, 3), stage(t, 6, 3, 3)
	for _, name := range []string{"readings.csv.gz", "households.csv", "homes.csv", "truth.csv", "stage.json"} {
		x, y, z := file(t, a, name), file(t, b, name), file(t, c, name)
		if len(x) == 0 || !bytes.Equal(x, y) {
			t.Errorf("%s: %d and %d bytes of the same seed differ", name, len(x), len(y))
		}
		if name != "households.csv" && bytes.Equal(x, z) {
			t.Errorf("%s is the same from another seed", name)
		}
	}
}

// A heard is what a gateway hears of one home, read back from the files alone.
type heard struct {
	total []point
	door  []point // 1 open
	alive int
}

type point struct {
	at, received time.Time
	value        float64
}

// by is the counter at a moment, as its latest reading has it.
func (h heard) by(at time.Time) float64 {
	i, _ := slices.BinarySearchFunc(h.total, at, func(p point, at time.Time) int { return p.at.Compare(at.Add(time.Nanosecond)) })
	return h.total[max(0, i-1)].value
}

// next is the counter at the first reading at or after a moment.
func (h heard) next(at time.Time) float64 {
	i, _ := slices.BinarySearchFunc(h.total, at, func(p point, at time.Time) int { return p.at.Compare(at) })
	return h.total[min(i, len(h.total)-1)].value
}

func hear(t *testing.T, dir string) map[string]*heard {
	t.Helper()
	homes, last := map[string]*heard{}, time.Time{}
	packed, err := gzip.NewReader(bytes.NewReader(file(t, dir, "readings.csv.gz")))
	if err != nil {
		t.Fatal(err)
	}
	table := csv.NewReader(packed)
	table.ReuseRecord = true
	if header, err := table.Read(); err != nil || strings.Join(header, ",") != "time,household,device,quantity,value,received" {
		t.Fatal(header, err)
	}
	for {
		r, err := table.Read()
		if err == io.EOF {
			return homes
		}
		if err != nil {
			t.Fatal(err)
		}
		h := homes[r[1]]
		if h == nil {
			h = &heard{}
			homes[strings.Clone(r[1])] = h
		}
		p := point{at: moment(t, r[0])}
		if p.received = p.at; r[5] != "" {
			p.received = moment(t, r[5])
		}
		if p.received.Before(last) {
			t.Fatalf("%v is received before %v", r, last)
		}
		last = p.received
		switch r[3] {
		case "door":
			if r[4] == "open" {
				p.value = 1
			}
			h.door = append(h.door, p)
		case "alive":
			h.alive++
		default:
			p.value, _ = strconv.ParseFloat(r[4], 64)
			h.total = append(h.total, p)
		}
	}
}

// TestTheTruthIsInTheReadings reads the recording as a gateway would and looks for each event in it.
func TestTheTruthIsInTheReadings(t *testing.T) {
	dir := stage(t, 3, 30, 0)
	homes, kinds := hear(t, dir), map[string]map[string]string{}
	for _, h := range rows(t, dir, "homes.csv") {
		kinds[h["household"]] = h
	}
	rate := regexp.MustCompile(`([\d.]+) L/min`)
	ways := map[string]int{}
	for _, x := range rows(t, dir, "truth.csv") {
		h, kind := homes[x["household"]], kinds[x["household"]]
		from, to := moment(t, x["from"]), moment(t, x["to"])
		first := h.total[0].at
		if from.Sub(first) < 45*24*time.Hour || !to.After(from.Add(24*time.Hour)) || kind["event"] != x["event"] {
			t.Errorf("%v: %v of routine before it, %v long; homes.csv says %v", x, from.Sub(first), to.Sub(from), kind)
		}
		doors := slices.DeleteFunc(slices.Clone(h.door), func(p point) bool { return p.at.Before(from) || p.at.After(to) })
		step := 1.0
		if kind["stratum"] == "10 L" {
			step = 10
		}
		used := h.by(to) - h.next(from)
		switch x["event"] {
		case "fall":
			if kind["stratum"] != "automatic" && used > 0 || len(doors) > 0 {
				t.Errorf("%v: %v litres and %v of the door after it", x, used, doors)
			}
			for _, way := range []string{"asleep", "after coming home"} {
				if strings.Contains(x["note"], way) {
					ways[way]++
				}
			}
			if strings.Contains(x["note"], "after coming home") && len(h.door) > 0 {
				i := slices.IndexFunc(h.door, func(p point) bool { return p.at.After(from) })
				before := h.door[max(0, len(h.door)-1)]
				if i > 0 {
					before = h.door[i-1]
				}
				if since := from.Sub(before.at); since > 10*time.Minute || before.value != 0 {
					t.Errorf("%v: the door closed %v before", x, since)
				}
			}
		case "night-exit":
			hour := from.In(shanghai).Hour()
			if used > 0 || len(doors) != 2 || !doors[0].at.Equal(from) || doors[0].value != 1 || doors[1].value != 0 || hour < 1 || hour > 3 {
				t.Errorf("%v at %d h: %v litres, the door %v", x, hour, used, doors)
			}
		case "tap", "burst":
			perMinute, _ := strconv.ParseFloat(rate.FindStringSubmatch(x["note"])[1], 64)
			low, high := 3.0, 12.0
			if x["event"] == "burst" {
				low, high = 10, 40
			}
			if least := (perMinute-0.06)*(to.Sub(from).Minutes()-121) - 2*step; used < least || used > least+150*perMinute+4000 || perMinute < low || perMinute > high {
				t.Errorf("%v: %v litres, %v expected", x, used, least)
			}
		}
		known := moment(t, x["known"])
		if late := known.Sub(from); late < 0 || late > 24*time.Hour || (late > 0) != (kind["stratum"] == "daily") {
			t.Errorf("%v: known %v late in stratum %s", x, late, kind["stratum"])
		}
	}
	if ways["asleep"] == 0 || ways["after coming home"] < 3 {
		t.Errorf("of 30 falls %v", ways)
	}
}

// TestStrata: each home has what its stratum says, and half of all a door.
func TestStrata(t *testing.T) {
	dir := stage(t, 4, 16, 36)
	homes, doors, count := hear(t, dir), 0, map[string]int{}
	residents := map[string]string{}
	for _, r := range rows(t, dir, "households.csv") {
		residents[r["household"]] = r["residents"]
	}
	for _, kind := range rows(t, dir, "homes.csv") {
		h, stratum := homes[kind["household"]], kind["stratum"]
		count[stratum]++
		if h.alive > 0 {
			doors++
		}
		every := h.total[1].at.Sub(h.total[0].at)
		want := map[string]time.Duration{"hourly": time.Hour, "daily": time.Hour, "minute": time.Minute}[stratum]
		if want == 0 {
			want = 15 * time.Minute
		}
		if every != want || (stratum == "door" || stratum == "couple") && h.alive == 0 || (stratum == "hourly" || stratum == "daily") && h.alive > 0 {
			t.Errorf("%v: each %v, %d heartbeats", kind, every, h.alive)
		}
		if (residents[kind["household"]] == "2") != (stratum == "couple") {
			t.Errorf("%v: %s residents", kind, residents[kind["household"]])
		}
		for _, p := range h.total {
			hour := p.received.In(shanghai).Hour()
			if stratum == "10 L" && int(p.value)%10 != 0 || (stratum == "daily") != (p.received.After(p.at) || hour == 2 && stratum == "daily") {
				t.Fatalf("%v: %+v", kind, p)
			}
		}
		if kind["event"] == "night-exit" && h.alive == 0 {
			t.Errorf("%v: out through no door", kind)
		}
	}
	if n := len(homes); doors < n*50/100 || doors > n*70/100 || count["hourly"] < n*20/100 || count["minute"] == 0 || count["daily"] == 0 || count["10 L"] == 0 ||
		count["couple"] == 0 || count["automatic"] == 0 {
		t.Errorf("%d of %d homes with a door; %v", doors, n, count)
	}
}

// TestHomesAreNoMoreRegularThanRealOnes holds quiet homes against two public recordings of hourly meters (README, "How real"): how long the
// longest stillness of a day is, and how often it is longer than 12 and 24 hours. Bounds are wide enough for another seed.
func TestHomesAreNoMoreRegularThanRealOnes(t *testing.T) {
	dir := stage(t, 12, 1, 100)
	homes := hear(t, dir)
	var longest []float64
	days, over12, over24, hours := 0, 0, 0, 0
	for _, kind := range rows(t, dir, "homes.csv") {
		if kind["event"] != "" || kind["stratum"] == "automatic" {
			continue
		}
		var life []time.Time
		points := homes[kind["household"]].total
		for i, p := range points[1:] {
			if at := p.at.Truncate(time.Hour); p.value > points[i].value && (len(life) == 0 || at.After(life[len(life)-1])) {
				life = append(life, at)
			}
		}
		most := map[string]float64{}
		for i, at := range life[1:] {
			still := at.Sub(life[i]).Hours()
			day := at.In(shanghai).Format(time.DateOnly)
			most[day] = max(most[day], still)
			if still > 12 {
				over12++
			}
			if still > 24 {
				over24++
			}
		}
		for _, m := range most {
			longest = append(longest, m)
		}
		days, hours = days+60, hours+len(life)
	}
	slices.Sort(longest)
	at := func(share float64) float64 { return longest[int(share*float64(len(longest)))] }
	for name, x := range map[string]struct{ got, low, high float64 }{
		"median longest stillness, h":        {at(0.5), 6, 9},
		"nine in ten":                        {at(0.9), 10, 13},
		"99 in a hundred":                    {at(0.99), 13, 40},
		"days with more than 12 h":           {float64(over12) / float64(days), 0.02, 0.1},
		"days with more than 24 h":           {float64(over24) / float64(days), 0.003, 0.03},
		"hours of a day with water, of each": {float64(hours) / float64(days), 8, 11.5},
	} {
		t.Logf("%s: %.3f", name, x.got)
		if x.got < x.low || x.got > x.high {
			t.Errorf("%s: %.3f, real homes have %v to %v", name, x.got, x.low, x.high)
		}
	}
}

func TestRefusals(t *testing.T) {
	for name, o := range map[string]trial.Options{
		"too short": {Days: 40}, "too many": {Each: 1_000_000}, "no such zone": {TimeZone: "Mars/Olympus"}, "fewer than none": {Each: -1},
	} {
		o.Dir = t.TempDir()
		if _, err := trial.Stage(context.Background(), o); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

// TestStageStops leaves nothing that looks whole.
func TestStageStops(t *testing.T) {
	ctx, stop := context.WithCancel(context.Background())
	stop()
	dir := t.TempDir()
	if _, err := trial.Stage(ctx, trial.Options{Dir: dir, Each: 1}); err == nil {
		t.Error("a stopped recording says it is complete")
	}
	if files, _ := os.ReadDir(dir); len(files) != 0 {
		t.Errorf("left behind: %v", files)
	}
}

func file(t *testing.T, dir, name string) []byte {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// rows reads a table by the names of its columns.
func rows(t *testing.T, dir, name string) []map[string]string {
	t.Helper()
	lines, err := csv.NewReader(bytes.NewReader(file(t, dir, name))).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	var all []map[string]string
	for _, l := range lines[1:] {
		row := map[string]string{}
		for i, column := range lines[0] {
			row[column] = l[i]
		}
		all = append(all, row)
	}
	return all
}

func moment(t *testing.T, text string) time.Time {
	t.Helper()
	m, err := time.Parse(time.RFC3339, text)
	if err != nil {
		t.Fatal(err)
	}
	return m
}
