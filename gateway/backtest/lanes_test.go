package backtest

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"stillwater"
	"stillwater/rules"
)

// townDays is how long a town is recorded, and the hours in which its feeds fail and its water is cut.
const (
	townDays  = 45
	feedFails = 30*24 + 5
	waterCut  = 38*24 + 7
)

// town writes two recordings of homes that live at random: in two buildings that share nothing, in a building some homes of which
// are in a zone with others, and alone; the second recording has one more of the first building. Meters report by the hour and now and then late or wrong,
// doors open, all feeds of groups fail at one time, and the water of one is cut.
func town(t *testing.T, seed uint64) []string {
	t.Helper()
	chance := rand.New(rand.NewPCG(seed, 7))
	var folders []string
	for part, homes := range [][]string{
		{"a0,A,", "a1,A,", "a2,A,", "a3,A,", "a4,A,", "a5,A,", "b0,B,", "b1,B,", "b2,B,", "b3,B,", "b4,B,", "c0,C,", "c1,C,Z", "c2,C,Z", "c3,,Z", "c4,,Z", "c5,,Z", "s0,,", "s1,,", "s2,,", "s3,,", "s4,,"},
		{"a9,A,", "s9,,", "s8,,"},
	} {
		folder := t.TempDir()
		var list []string
		table := "household,timezone,building,zone\n"
		for _, h := range homes {
			id, groups, _ := strings.Cut(h, ",")
			table += id + "," + []string{"Europe/Madrid", "UTC"}[chance.IntN(2)] + "," + groups + "\n"
			list = append(list, lifeOf(id, chance)...)
		}
		slices.SortStableFunc(list, func(a, b string) int { return strings.Compare(a[:20], b[:20]) })
		for i := range list {
			list[i] = list[i][21:] + "," + list[i][:20] + "\n"
		}
		files := map[string]string{
			"readings.csv":   "time,household,device,quantity,value,received\n" + strings.Join(list, ""),
			"households.csv": table,
		}
		if part == 0 {
			files["absences.csv"] = "household,from,until,told\nnobody,2026-11-03T00:00:00Z,2026-11-05T00:00:00Z,\n" +
				"s0,2026-11-10T00:00:00Z,2026-11-12T00:00:00Z,2026-11-09T09:00:00Z\ns1,2026-11-10T00:00:00Z,2026-11-14T00:00:00Z,2026-11-09T09:00:00Z\n" +
				"b1,2026-11-10T00:00:00Z,2026-11-14T00:00:00Z,2026-11-09T09:00:00Z\na1,2026-11-15T00:00:00Z,2026-12-20T00:00:00Z,2026-10-09T09:00:00Z\n" +
				"s1,,,2026-11-12T10:00:00Z\ns9,2026-12-01T00:00:00Z,2026-12-03T00:00:00Z,\n"
		}
		for name, text := range files {
			if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		folders = append(folders, folder)
	}
	return folders
}

// lifeOf gives the rows of a home, each after when it is received.
func lifeOf(id string, chance *rand.Rand) (list []string) {
	start := time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
	row := func(at time.Time, rest string, late time.Duration) {
		list = append(list, fmt.Sprintf("%s,%s,%s,%s", at.Add(late).Format(time.RFC3339), at.Format(time.RFC3339), id, rest))
	}
	litres, door := 1000*chance.IntN(9), id[0] == 's' || id[0] == 'c'
	for h := range 24 * townDays {
		at := start.Add(time.Duration(h) * time.Hour)
		cut := id[0] == 'a' && h >= waterCut && h < waterCut+16
		if awake := h%24 > 6 && h%24 < 23; !cut && chance.IntN(24*5) > 0 && awake && chance.IntN(3) > 0 {
			litres += chance.IntN(30)
		}
		if id[0] != 's' && h >= feedFails && h < feedFails+30 || id == "s3" && h > 700 {
			continue
		}
		value, late := litres, time.Duration(0)
		switch chance.IntN(60) {
		case 0:
			late = time.Duration(chance.IntN(200)) * time.Minute
		case 1:
			value = -5
		case 2:
			continue
		}
		row(at, fmt.Sprintf("meter,water.total,%d", value), late)
		if door && chance.IntN(12) == 0 {
			row(at.Add(time.Minute), "door,door,open", 0)
			row(at.Add(time.Duration(2+chance.IntN(90))*time.Minute), "door,door,closed", 0)
		}
	}
	return list
}

// townRules are the defaults, the presets and a rule of somebody's own.
func townRules() []rules.Rule {
	own := rules.Rule{Name: "custom-thirsty", Severity: stillwater.Question, When: `litres("6h") > 100`, About: stillwater.Water, Condition: &rules.Condition{
		Holds: func(q rules.Quantities) rules.Truth {
			if q.Quantity(rules.LitresIn, 6*time.Hour) > 100 {
				return rules.Yes
			}
			return rules.No
		},
		Reads: rules.ReadsOf(rules.LitresIn), Shortest: 6 * time.Hour, Longest: 6 * time.Hour,
	}}
	return append(append(rules.Defaults(), rules.Presets()...), own)
}

// timing is what of the results is of how quick it was.
var timing = regexp.MustCompile(`(?m)^.*(wall_seconds|readings_per_second|peak_rss|a second).*$`)

// results are the files of a backtest.
func results(t *testing.T, o Options) map[string]string {
	t.Helper()
	o.Out, o.Why = t.TempDir(), why
	if _, err := Run(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	files := map[string]string{}
	for _, name := range []string{"alerts.csv", "summary.json", "report.md", "report.html"} {
		files[name] = timing.ReplaceAllString(read(t, o.Out, name), "")
	}
	return files
}

// TestLanes: however many lanes share the homes, the results are the same to the byte.
func TestLanes(t *testing.T) {
	var together, custom int
	for seed := range uint64(2) {
		folders := town(t, seed)
		for _, c := range []struct {
			arrive   string
			readings []string
		}{{"", folders}, {"", folders[:1]}, {"+20m", folders}, {"hourly", folders}, {"daily@02:00", folders[:1]}} {
			a, err := ParseArrival(c.arrive)
			if err != nil {
				t.Fatal(err)
			}
			o := Options{Readings: c.readings, Rules: townRules(), Arrive: a, Actograms: 4, Lanes: 1}
			one := results(t, o)
			for _, o.Lanes = range []int{2, 5} {
				for name, text := range results(t, o) {
					if text != one[name] {
						t.Errorf("seed %d, arriving %q, %d recordings: %s by %d lanes is not that by one: %s", seed, c.arrive, len(c.readings), name, o.Lanes, firstChange(one[name], text))
					}
				}
			}
			together += strings.Count(one["alerts.csv"], "\n,common-cause")
			custom += strings.Count(one["alerts.csv"], ",custom-thirsty,")
		}
	}
	if together < 20 || custom < 20 {
		t.Errorf("what befell groups: %d, found by the rule of somebody's own: %d", together, custom)
	}
}

// firstChange is where two texts begin to differ.
func firstChange(a, b string) string {
	as, bs := strings.Split(a, "\n"), strings.Split(b, "\n")
	for i := range min(len(as), len(bs)) {
		if as[i] != bs[i] {
			return fmt.Sprintf("line %d: %q, %q", i+1, as[i], bs[i])
		}
	}
	return fmt.Sprintf("%d lines, %d lines", len(as), len(bs))
}

// TestUnits: homes that share a group, be it by way of others, are of one lane, and the lanes get the same work.
func TestUnits(t *testing.T) {
	u := newUnits(2, map[stillwater.HouseholdID][]string{
		"a": {"building/1"}, "b": {"building/2", "zone/1"}, "c": {"building/1", "zone/2"}, "d": {"zone/1"}, "e": {"zone/2", "feed/1"}, "f": {}, "g": {"feed/1"},
	})
	for _, same := range [][]stillwater.HouseholdID{{"a", "c", "e", "g"}, {"b", "d"}} {
		for _, id := range same {
			if u.of(id) != u.of(same[0]) {
				t.Errorf("%s is not with %s", id, same[0])
			}
		}
	}
	if u.of("a") == u.of("b") || u.of("f") == u.of("x") {
		t.Error("homes that share nothing are together")
	}
	var rows []row
	for n, id := range []stillwater.HouseholdID{"a", "c", "e", "f", "x", "y", "z"} { // a home has as many rows as the number says
		h := &house{id: id, unit: u.of(id)}
		for range []int{4, 4, 2, 1, 6, 2, 1}[n] {
			rows = append(rows, row{house: h})
		}
	}
	w := &load{rows: rows, mine: make([][]int32, 2)}
	u.deal(w)
	if a, b := len(w.mine[0]), len(w.mine[1]); a != 10 || b != 10 {
		t.Errorf("lanes have %d and %d rows", a, b)
	}
	for i := range rows {
		if h := rows[i].house; !slices.Contains(w.mine[h.unit.lane], int32(i)) || h.unit.silences != &u.silences[h.unit.lane] {
			t.Errorf("row %d of %s is not in its lane", i, h.id)
		}
	}
}

// TestInTurn: what several lanes found is in the order in which one engine finds it.
func TestInTurn(t *testing.T) {
	at := func(minute int) time.Time { return time.Date(2026, 11, 1, 0, minute, 0, 0, time.UTC) }
	found := func(minute int, kind event, n int64, home, group string) *move {
		return &move{moment{at(minute), kind, n}, stillwater.Finding{Household: stillwater.HouseholdID(home), Group: group, Began: at(minute)}, time.UTC}
	}
	want := []*move{
		found(1, aReading, 3, "z", ""), found(2, aTick, 0, "", "zone/1"), found(2, aTick, 0, "", "zone/2"), found(2, aTick, 0, "b", ""), found(2, aTick, 0, "c", ""),
		found(2, anAbsence, 7, "x", ""), found(2, anAbsence, 8, "a", ""), found(2, aReading, 5, "d", ""), found(2, aReading, 5, "", "zone/1"), found(2, aReading, 6, "a", ""), found(3, aTick, 0, "a", ""),
	}
	got := slices.Clone(want)
	slices.SortStableFunc(got, func(a, b *move) int { // by lanes, of which each is in order
		lane := func(m *move) int {
			if m.kind == aTick {
				return strings.Count(m.finding.Group, "1")
			}
			return int(m.n) % 2
		}
		return cmp.Compare(lane(a), lane(b))
	})
	slices.SortStableFunc(got, inTurn)
	if !slices.Equal(got, want) {
		for _, m := range got {
			t.Errorf("%v: %q %q", m.moment, m.finding.Household, m.finding.Group)
		}
	}
}
