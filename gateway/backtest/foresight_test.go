package backtest

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"stillwater/rules"
)

// uploads is a home's counter by the hour: days with a night, an afternoon out and now and then a day away.
func uploads(rng *rand.Rand, days int) (litres []int) {
	total := 1000
	for range days {
		away, rise, out := rng.IntN(15) == 0, 5+rng.IntN(3), 10+rng.IntN(8)
		for hour := range 24 {
			if up := hour >= rise && hour < 22 && (hour < out || hour > out+2); up && !away && rng.IntN(4) > 0 {
				total += 1 + rng.IntN(20)
			}
			litres = append(litres, total)
		}
	}
	return litres
}

// playUploads backtests the counter with what comes after stop standing, and gives the folder.
func playUploads(t *testing.T, litres []int, stop int, arrive string, shadow time.Duration) string {
	t.Helper()
	var text strings.Builder
	text.WriteString(header)
	start := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	for h := range litres {
		v := litres[min(h, stop)]
		fmt.Fprintf(&text, "%s,h1,meter,water.total,%d\n", start.Add(time.Duration(h)*time.Hour).Format(time.RFC3339), v)
	}
	folder := filepath.Dir(write(t, "readings.csv", text.String()))
	if err := os.WriteFile(filepath.Join(folder, "households.csv"), []byte("household,timezone,residents\nh1,Asia/Shanghai,1\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	a, err := ParseArrival(arrive)
	if err != nil {
		t.Fatal(err)
	}
	out := t.TempDir()
	if _, err := Run(t.Context(), Options{Readings: []string{folder}, Rules: rules.Defaults(), Shadow: shadow, Arrive: a, Out: out, Why: why}); err != nil {
		t.Fatal(err)
	}
	return out
}

// TestShadowIsWhatHappens holds shadow.csv against the thing itself where readings come in uploads: life stops at an hour, the counter stands from
// then on, the uploads go on, and the first alert after that is the one that was said.
func TestShadowIsWhatHappens(t *testing.T) {
	const days = 60
	start := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	for _, arrive := range []string{"daily@02:00", "daily@14:30", "hourly", ""} {
		t.Run(arrive, func(t *testing.T) {
			for seed := range uint64(5) {
				rng := rand.New(rand.NewPCG(seed, 11))
				litres := uploads(rng, days)
				said := map[string][]string{}
				for _, row := range strings.Split(strings.TrimSpace(read(t, playUploads(t, litres, len(litres)-1, arrive, time.Hour), "shadow.csv")), "\n") {
					f := strings.Split(row, ",")
					said[f[1]] = f[2:]
				}
				for range 12 {
					stop := 24*3 + rng.IntN(24*(days-15))
					at := start.Add(time.Duration(stop) * time.Hour)
					want := said[at.Format(time.RFC3339)]
					if want == nil || want[0] == "" || !stamp(t, want[0]).After(at) { // an alert goes on
						continue
					}
					got, by := "", ""
					for _, a := range alerts(t, playUploads(t, litres, stop, arrive, 0)) {
						if severe := a[2] == "alert" && aboutStillness(a[1]); severe && stamp(t, a[3]).After(at) && (got == "" || a[3] < got) {
							got, by = a[3], a[1]
						}
					}
					if got != want[0] || by != want[1] {
						t.Errorf("seed %d, all stops at %v: said %v, raised %s by %s", seed, at, want, got, by)
					}
				}
			}
		})
	}
}
