package bus

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"stillwater"
)

// prompt is how fast the devices of the tests answer: after the silence that they have to keep.
const prompt = 4 * time.Millisecond

// A line at 9600 baud is busy all the time when there is work: what is left over is nobody's turn. Needed are the characters, the
// answering time of the devices, and the silence of 3.5 characters before each question.
func TestLineIsKeptBusy(t *testing.T) {
	for _, baud := range []int{2400, 9600, 19200, 115200} {
		t.Run(fmt.Sprint(baud), func(t *testing.T) {
			n := 0
			c := newCable(func(q []byte) []reply { n++; return []reply{{prompt, answer(q, n)}} })
			c.link.Baud = baud
			var o Options
			for u := range 30 {
				o.Jobs = append(o.Jobs, asking(of(&n), byte(u+1), 100*time.Millisecond, 1)) // more than the line can carry
			}
			r := on(t, c, o, time.Minute)
			busy := float64(c.needed) / float64(time.Minute)
			t.Logf("%.2f %% busy with %d exchanges", 100*busy, c.asked)
			if busy < 0.95 || busy > 1.001 || c.early > 0 || c.collisions > 0 {
				t.Errorf("%.1f %% busy, %d questions before the line was silent, %d collisions", 100*busy, c.early, c.collisions)
			}
			least, most := n, 0
			for _, k := range r.counts() {
				least, most = min(least, k), max(most, k)
			}
			if len(r.counts()) != 30 || most > least+1 {
				t.Errorf("%d units were read %d to %d times; want all as often", len(r.counts()), least, most)
			}
		})
	}
}

// One unit in five is dead, on lines with little and with no time to spare: the others keep their polls, and a unit that returns is noticed.
func TestDeadUnitsLeaveTheLivingTheirTurns(t *testing.T) {
	const away, known = 8 * time.Minute, 60 * time.Second // by when all units have been asked once
	for _, test := range []struct {
		name  string
		units int
		every time.Duration
		back  time.Duration // the longest that a unit that has come back may stay unread
		lose  int           // every so many answers one of the living is lost, which is no death
	}{
		{"much time", 40, 10 * time.Second, maxBackoff + 2*time.Second, 50},
		{"hardly any time", 50, 1400 * time.Millisecond, 7 * time.Minute, 1001},
		{"no time", 50, 750 * time.Millisecond, 7 * time.Minute, 10_000}, // the living alone take 0.97 s
	} {
		t.Run(test.name, func(t *testing.T) {
			var start time.Time
			n := 0
			c := newCable(nil)
			c.device = func(q []byte) []reply {
				n++
				if start.IsZero() {
					start = time.Now()
				}
				if dead := q[0]%5 == 0; dead && !(q[0] == 5 && time.Since(start) > away) || n%test.lose == 0 {
					return nil
				}
				return []reply{{prompt, answer(q, n)}}
			}
			var o Options
			for u := range test.units {
				o.Jobs = append(o.Jobs, asking(of(&n), byte(u+1), test.every, 1))
			}
			r := on(t, c, o, away+test.back)
			want := float64((away + test.back - known) / max(test.every, 40*c.needed/time.Duration(n)))
			first := r.readings[0].At
			met := map[string]bool{}
			for _, got := range r.readings {
				if got.At.Sub(first) < known {
					met[got.Source] = true
				}
			}
			if len(met) != test.units*4/5 {
				t.Errorf("after %v %d units are known of %d that answer", known, len(met), test.units*4/5)
			}
			r.readings = slices.DeleteFunc(r.readings, func(got stillwater.Reading) bool { return got.At.Sub(first) < known })
			least := want
			for u := range test.units {
				if k := float64(r.counts()[fmt.Sprintf("b/%d", u+1)]); (u+1)%5 != 0 {
					least = min(least, k)
				}
			}
			t.Logf("the worst of the living has %.2f %% of its polls", 100*least/want)
			if least < 0.95*want {
				t.Errorf("the worst of the living has %.2f %% of its polls", 100*least/want)
			}
			if r.counts()["b/5"] == 0 {
				t.Errorf("the unit that came back was not read within %v", test.back)
			}
		})
	}
}

// On a line without numbers an answer that comes late could be the answer to the next question. Devices here lose, spoil, cut short and
// delay what they say, by up to four timeouts, and answer for one another; every value must be the answer to the question just put.
func TestNoAnswerIsTakenForAnother(t *testing.T) {
	const timeout = time.Second
	for seed := range uint64(8) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			dice := rand.New(rand.NewPCG(seed, 1))
			n, faults := 0, map[string]int{}
			var history []string
			c := newCable(nil)
			c.link.Timeout = timeout
			c.device = func(q []byte) []reply {
				n++
				good := answer(q, n)
				fault := ""
				if dice.IntN(5) == 0 {
					fault = []string{"lost", "late", "noise", "short", "other", "twice", "babble"}[dice.IntN(7)]
				}
				faults[fault]++
				history = append(history, fmt.Sprintf("%s %d: unit %d register %d %s", time.Now().Format("15:04:05.000"), n, q[0], q[1], fault))
				switch fault {
				case "lost":
					return nil
				case "late":
					return []reply{{timeout + time.Duration(dice.Int64N(int64(2900*time.Millisecond))), good}}
				case "noise":
					good[2+dice.IntN(6)] ^= 0x10
				case "short":
					good = good[:1+dice.IntN(7)]
				case "other": // somebody else speaks first
					return []reply{{prompt, answer(question(q[0]^3, q[1]), n)}, {200 * time.Millisecond, good}}
				case "twice":
					return []reply{{prompt, append(good, good...)}}
				case "babble":
					noise := make([]byte, 1+dice.IntN(300))
					for i := range noise {
						noise[i] = byte(dice.Uint32())
					}
					return []reply{{prompt, noise}}
				}
				return []reply{{prompt, good}}
			}
			o := Options{Jobs: []Job{asking(of(&n), 1, time.Second, 1, 2, 3), asking(of(&n), 2, time.Second, 1, 2, 3), asking(of(&n), 7, 3*time.Second, 9, 8)}}
			r := on(t, c, o, 30*time.Minute)
			for _, got := range r.readings {
				var asked, before, answered int
				if scan(string(got.Household), &asked, &before, &answered); asked != answered || int(got.Value) <= before {
					t.Fatalf("%s: %s, answer to question %v:\n%s", got.Source, got.Household, got.Value, strings.Join(history[max(0, int(got.Value)-5):before+5], "\n"))
				}
			}
			if len(r.readings) < 1000 || c.early > 0 {
				t.Errorf("%d readings, %d questions before the line was silent", len(r.readings), c.early)
			}
			t.Logf("%d readings of %d questions; %v, %d bytes collided", len(r.readings), n, faults, c.collisions)
		})
	}
}
