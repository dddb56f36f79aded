package pipeline

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"stillwater"
	"stillwater/gateway/incident"
	"stillwater/gateway/racetest"
)

// says lets somebody say what happened in the life of a home.
func (w *town) says(e stillwater.LifeEvent) {
	w.t.Helper()
	if err := w.pipeline.Life(w.t.Context(), e); err != nil {
		w.t.Fatal(err)
	}
}

// restarts are the ways a town goes on.
var restarts = map[string]func(*town){"running": func(*town) {}, "stopped": func(w *town) { w.stop(); w.start() }, "killed": func(w *town) { w.crash(); w.start() }}

// toFamily are the texts to the family that are to be sent, or were handed over.
func toFamily(list []stillwater.Message) []stillwater.Message {
	return slices.DeleteFunc(slices.Clone(list), func(m stillwater.Message) bool { return m.Contact != "daughter" || m.State == stillwater.Cancelled })
}

// alarmedHome is a home with an alert of which the family was told; the text waits for the courier.
func alarmedHome(t *testing.T, id stillwater.HouseholdID, more ...stillwater.Household) (*town, float64) {
	w := newTown(t, append([]stillwater.Household{home(id)}, more...)...)
	litres := w.lives(id, 100, 2*time.Hour)
	w.still(id, litres, 24*time.Hour-15*time.Minute)
	if len(toFamily(w.messagesOf(id))) == 0 {
		t.Fatal("the family is told nothing")
	}
	return w, litres
}

// TestLifeDied is the law: from the tap on nothing at all goes to the family, nothing is recorded or judged, and one of the staff is told, once;
// whether the gateway goes on, is stopped or is killed.
func TestLifeDied(t *testing.T) {
	leftOut(t)
	for name, restart := range restarts {
		for _, kind := range []stillwater.LifeKind{stillwater.Died, stillwater.MovedAway} {
			t.Run(name+"/"+string(kind), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					id, other := homesOf(0, 2)[0], homesOf(0, 2)[1]
					w, litres := alarmedHome(t, id, home(other))
					defer w.close()
					w.says(stillwater.LifeEvent{Household: id, Kind: kind, Who: "console"})
					w.says(stillwater.LifeEvent{Household: id, Kind: kind, Who: "console"}) // a double tap
					restart(w)
					if pending := toFamily(w.messagesOf(id)); len(pending) > 0 {
						t.Errorf("still on its way to the family: %+v", pending)
					}
					texts, entries, findings := len(w.messagesOf(id)), len(w.journaled()), len(w.findings())
					for range 5 {
						w.emit(meter(id, litres), door(id, 1))
						time.Sleep(20 * time.Hour)
					}
					restart(w)
					w.reload(home(id), home(other))
					w.reply("r1", daughter, "1")
					if n := len(w.messagesOf(id)) - texts; n != 0 {
						t.Errorf("%d texts afterwards: %+v", n, w.messagesOf(id)[texts:])
					}
					if n := len(w.journaled()); n != entries {
						t.Errorf("%d readings recorded afterwards", n-entries)
					}
					for _, f := range w.findings()[findings:] {
						if f.Household == id {
							t.Errorf("judged afterwards: %+v", f)
						}
					}
					if i := w.incidents(id)[0]; i.IsOpen() || i.Outcome != "" || !strings.Contains(i.Log[len(i.Log)-1].Note, map[stillwater.LifeKind]string{stillwater.Died: "died", stillwater.MovedAway: "moved"}[kind]) {
						t.Errorf("incident %+v", i)
					}
					var staff []stillwater.Message
					for _, m := range w.messagesOf(id) {
						if m.Purpose == stillwater.Parted {
							staff = append(staff, m)
						}
					}
					if len(staff) != 1 || staff[0].Contact != "worker" || staff[0].State != stillwater.Pending {
						t.Errorf("staff are told %+v", staff)
					}
				})
			})
		}
	}
}

// TestLifeDiedInHand: a text that the courier had in hand, and whose fate is not clear, does not go again.
func TestLifeDiedInHand(t *testing.T) {
	for name, restart := range restarts {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				id := homesOf(0, 1)[0]
				w, _ := alarmedHome(t, id)
				defer w.close()
				m := toFamily(w.messagesOf(id))[0]
				mark := func(attempt int) error {
					m.State, m.Attempts, m.Tried, m.Provider = stillwater.Sending, attempt, time.Now(), "p"
					return w.disk.MarkSending(t.Context(), m)
				}
				if err := mark(1); err != nil {
					t.Fatal(err)
				}
				w.says(stillwater.LifeEvent{Household: id, Kind: stillwater.Died})
				restart(w)
				time.Sleep(2 * time.Minute)
				if err := mark(2); err == nil {
					t.Error("it may be sent again")
				}
				w.receipt(m.ID, stillwater.Pending) // it did not leave
				if err := mark(3); err == nil {
					t.Error("it may be sent after the courier gave it back")
				}
				if left := toFamily(w.messagesOf(id)); len(left) > 0 {
					t.Errorf("%+v", left)
				}
			})
		})
	}
}

// TestLifeMistaken: a wrong tap taken back, also after a restart, watches again, what stood to be dealt with does again, and what was learned is
// not lost. After the time for that it cannot be.
func TestLifeMistaken(t *testing.T) {
	for name, restart := range restarts {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				id := homesOf(0, 1)[0]
				w, litres := alarmedHome(t, id)
				defer w.close()
				life := w.standing(id).Life
				w.says(stillwater.LifeEvent{Household: id, Kind: stillwater.Died})
				restart(w)
				time.Sleep(3 * 24 * time.Hour)
				if s := w.standing(id); s.State != stillwater.Paused {
					t.Errorf("meanwhile: %+v", s)
				}
				told := len(toFamily(w.messagesOf(id)))
				w.says(stillwater.LifeEvent{Household: id, Kind: stillwater.Mistaken})
				restart(w)
				if s := w.standing(id); !s.Life.Last().Equal(life.Last()) {
					t.Errorf("forgotten: %+v, was %+v", s.Life, life)
				}
				time.Sleep(5 * time.Minute)
				if len(toFamily(w.messagesOf(id))) == told {
					t.Error("she lay there when somebody pressed the wrong button, and nobody hears of it")
				}
				litres = w.lives(id, litres, 3*time.Hour)
				restart(w)
				if s := w.standing(id); s.Life.Last().Before(time.Now().Add(-time.Hour)) || s.State == stillwater.Paused {
					t.Errorf("not watched: %+v", s)
				}
				found := len(w.findings())
				w.still(id, litres, 26*time.Hour)
				if !slices.ContainsFunc(w.findings()[found:], func(f stillwater.Finding) bool { return f.Rule == "silence-24h" }) {
					t.Error("a stillness after it is not found")
				}
			})
		})
	}
}

// TestLifeMistakenTooLate: what was not said cannot be taken back, nor what was said long ago.
func TestLifeMistakenTooLate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		id := homesOf(0, 1)[0]
		w := newTown(t, home(id))
		defer w.close()
		refused := func(e stillwater.LifeEvent, want incident.Reason) {
			t.Helper()
			var r *incident.Refusal
			if err := w.pipeline.Life(t.Context(), e); !errors.As(err, &r) || r.Reason != want {
				t.Errorf("%+v: %v, want %s", e, err, want)
			}
		}
		refused(stillwater.LifeEvent{Household: id, Kind: stillwater.Mistaken}, NotGone)
		w.says(stillwater.LifeEvent{Household: id, Kind: stillwater.MovedAway})
		refused(stillwater.LifeEvent{Household: id, Kind: stillwater.InHospital}, HomeGone)
		time.Sleep(stillwater.UndoWithin + time.Hour)
		refused(stillwater.LifeEvent{Household: id, Kind: stillwater.Mistaken}, UndoTooLate)
		for name, e := range map[string]stillwater.LifeEvent{
			"nobody": {Kind: stillwater.Died}, "no kind": {Household: id}, "not said": {Household: id, Kind: stillwater.AskedFestival},
			"no carer": {Household: id, Kind: stillwater.CarerBack}, "no end": {Household: id, Kind: stillwater.CarerAway, Contact: "worker"},
			"unknown": {Household: "nowhere", Kind: stillwater.Died},
		} {
			if err := w.pipeline.Life(t.Context(), e); err == nil {
				t.Errorf("%s is taken", name)
			}
		}
	})
}

// TestLifeHospital: the family and the worker are asked each week; while somebody says that she is still there the home is not judged, and when
// nobody answers it is watched again at the end.
func TestLifeHospital(t *testing.T) {
	leftOut(t)
	for name, restart := range restarts {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				id := homesOf(0, 1)[0]
				w := newTown(t, home(id))
				defer w.close()
				litres := w.lives(id, 100, 4*time.Hour)
				w.says(stillwater.LifeEvent{Household: id, Kind: stillwater.InHospital, Who: "daughter"})
				began := time.Now()
				asked := func() (of []stillwater.Message) {
					for _, m := range w.messagesOf(id) {
						if m.Purpose == stillwater.Plan {
							of = append(of, m)
						}
					}
					return of
				}
				w.still(id, litres, 6*24*time.Hour)
				if n := len(asked()); n != 0 {
					t.Fatalf("asked %d times in the first week", n)
				}
				restart(w)
				w.still(id, litres, 2*24*time.Hour)
				if of := asked(); len(of) != 2 || of[0].Contact != "daughter" || of[1].Contact != "worker" {
					t.Fatalf("asked %+v", of)
				}
				w.deliver(stillwater.Delivered)
				restart(w)
				w.reply("r1", daughter, "1 "+asked()[0].Code)
				if a := w.standing(id).Absence; a == nil || a.Until.Sub(began) < 20*24*time.Hour || a.Why != stillwater.InHospital {
					t.Fatalf("still there, and %+v", a)
				}
				w.still(id, litres, 8*24*time.Hour)
				if n := len(asked()); n != 4 {
					t.Fatalf("asked %d times in two weeks", n)
				}
				for _, f := range w.findings() {
					if f.Kind == stillwater.Welfare {
						t.Errorf("found meanwhile: %+v", f)
					}
				}
				restart(w)
				w.still(id, litres, 8*24*time.Hour) // nobody answers
				if !slices.ContainsFunc(w.findings(), func(f stillwater.Finding) bool { return f.Rule == "silence-24h" }) {
					t.Error("nobody answered, and the home is unwatched for ever")
				}
				if c := w.pipeline.LifeOf(id); c.Stay != nil || len(c.Asked) > 0 {
					t.Errorf("afterwards %+v", c)
				}
				if n := len(asked()); n != 4 {
					t.Errorf("asked %d times", n)
				}
			})
		})
	}
}

// TestLifeHospitalAnswers: home again watches at once, a day moves the end, and what is not plain changes nothing.
func TestLifeHospitalAnswers(t *testing.T) {
	leftOut(t)
	for text, want := range map[string]time.Duration{
		"2": 0, "2 出院了": 0, "3 30天": 30 * 24 * time.Hour, "1分钟到": 7 * 24 * time.Hour, "1 不在": 7 * 24 * time.Hour, "3": 7 * 24 * time.Hour, "1": 14 * 24 * time.Hour, "1 还在住院": 14 * 24 * time.Hour,
	} {
		synctest.Test(t, func(t *testing.T) {
			id := homesOf(0, 1)[0]
			w := newTown(t, home(id))
			defer w.close()
			litres := w.lives(id, 100, 4*time.Hour)
			w.says(stillwater.LifeEvent{Household: id, Kind: stillwater.InHospital})
			w.still(id, litres, 7*24*time.Hour+2*time.Hour)
			w.reply("r1", daughter, text)
			a := w.standing(id).Absence
			var got time.Duration
			if a != nil {
				got = time.Until(a.Until)
			}
			if off := got - want; off < -24*time.Hour || off > 24*time.Hour || a == nil != (want == 0) {
				t.Errorf("%q: %v, want %v", text, got, want)
			}
		})
	}
}

// TestLifeUseInHospital: water in a home whose resident is in hospital is told as that.
func TestLifeUseInHospital(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		id := homesOf(0, 1)[0]
		w := newTown(t, home(id))
		defer w.close()
		litres := w.lives(id, 100, 4*time.Hour)
		w.says(stillwater.LifeEvent{Household: id, Kind: stillwater.InHospital})
		w.still(id, litres, 30*time.Hour)
		w.stop()
		w.start()
		w.lives(id, litres+20, 30*time.Minute)
		i := w.incident(id, stillwater.Welfare)
		if i.Severity != stillwater.Question || i.Findings[0].Rule[:11] != "absence-use" || i.Findings[0].Facts.Stay != stillwater.InHospital {
			t.Errorf("%+v", i)
		}
	})
}

// TestLifeCarerAway: the carer who is away is not told, the next is, and it ends by itself. The last who could be told cannot be away.
func TestLifeCarerAway(t *testing.T) {
	for name, restart := range restarts {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				id := homesOf(0, 1)[0]
				w := newTown(t, home(id))
				defer w.close()
				away := stillwater.LifeEvent{Household: id, Kind: stillwater.CarerAway, Contact: "daughter", Until: time.Now().Add(48 * time.Hour)}
				w.says(away)
				restart(w)
				away.Contact = "worker"
				var r *incident.Refusal
				if err := w.pipeline.Life(t.Context(), away); !errors.As(err, &r) || r.Reason != NobodyLeft {
					t.Errorf("both away: %v", err)
				}
				away.Contact = "nobody"
				if err := w.pipeline.Life(t.Context(), away); !errors.As(err, &r) || r.Reason != NoSuchPerson {
					t.Errorf("nobody away: %v", err)
				}
				litres := w.lives(id, 100, 2*time.Hour)
				w.still(id, litres, 25*time.Hour)
				told := w.messagesOf(id)
				if len(toFamily(told)) > 0 || len(told) == 0 {
					t.Fatalf("while she is away: %+v", told)
				}
				if i := w.incident(id, stillwater.Welfare); !slices.ContainsFunc(i.Log, func(e stillwater.Event) bool { return e.Who == "daughter" && e.Note == "off duty" }) {
					t.Errorf("the log does not say why: %+v", i.Log)
				}
				restart(w)
				w.still(id, litres, 24*time.Hour)
				if len(toFamily(w.messagesOf(id))) == 0 {
					t.Error("she is back, and not told")
				}
				if c := w.pipeline.LifeOf(id); len(c.Carers) > 0 {
					t.Errorf("afterwards %+v", c)
				}
			})
		})
	}
}

// springFestival lets the festival begin on the 12th of January of the test's year.
func (w *town) springFestival() {
	w.t.Helper()
	p := w.pipeline
	err := p.shards[0].do(w.t.Context(), func(*stillwater.Batch) {
		p.Spring = func(year int) (first, last time.Time) {
			return time.Date(year, 1, 12, 0, 0, 0, 0, time.UTC), time.Date(year, 1, 19, 0, 0, 0, 0, time.UTC)
		}
	})
	if err != nil {
		w.t.Fatal(err)
	}
}

// TestLifeFestival: each family is asked once, ten days before, by day, across restarts; who does not answer, or not plainly, stays protected as before,
// and who names a day is away from the festival to that day.
func TestLifeFestival(t *testing.T) {
	leftOut(t)
	for text, want := range map[string]string{
		"": "", "3": "", "2 在家": "", "3 1月17日": "2000-01-12 2000-01-17", "3 1月9日到1月28日": "2000-01-09 2000-01-28", "3 1-20": "2000-01-12 2000-01-20",
	} {
		t.Run(text, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				id, other := homesOf(0, 2)[0], homesOf(0, 2)[1]
				neighbour := home(other) // the same daughter: she is asked about one home alone, for nobody is asked twice a year
				w := newTown(t, home(id), neighbour)
				defer w.close()
				w.springFestival()
				litres := w.bothLive(id, other, 100, 24*time.Hour) // the 2nd, 8 in the morning
				before := w.messages()
				if slices.ContainsFunc(before, func(m stillwater.Message) bool { return m.Purpose == stillwater.Plan }) {
					t.Fatalf("asked too early: %+v", before)
				}
				litres = w.bothLive(id, other, litres, 12*time.Hour)
				w.crash()
				w.start()
				w.springFestival()
				litres = w.bothLive(id, other, litres, 24*time.Hour)
				asked := slices.DeleteFunc(w.messages(), func(m stillwater.Message) bool { return m.Purpose != stillwater.Plan })
				if len(asked) != 1 || asked[0].Contact != "daughter" || asked[0].By() != stillwater.SMS || asked[0].Incident != "" {
					t.Fatalf("asked %+v", asked)
				}
				if hour := asked[0].Created.In(home(id).Location()).Hour(); hour < askFrom || hour >= askTo || asked[0].Created.Day() != 2 {
					t.Errorf("asked at %v", asked[0].Created)
				}
				w.deliver(stillwater.Delivered)
				w.crash()
				w.start()
				w.springFestival()
				s := w.standing(asked[0].Household)
				if text != "" {
					w.reply("r1", daughter, text+" "+asked[0].Code) // homes that use water all the time have a leak, and an alert
				}
				after := w.standing(asked[0].Household)
				if got := spanOf(after.Absence, home(id)); got != want {
					t.Fatalf("%q: away %q, want %q", text, got, want)
				}
				if want != "" {
					return
				}
				if !s.Alert.Equal(after.Alert) || !s.Question.Equal(after.Question) || s.State != after.State {
					t.Errorf("%q changes her protection: %+v, was %+v", text, after, s)
				}
				w.still(id, litres, 25*time.Hour)
				if !slices.ContainsFunc(w.findings(), func(f stillwater.Finding) bool {
					return f.Household == id && f.Rule == "silence-24h"
				}) {
					t.Error("no answer, and she is not protected")
				}
			})
		})
	}
}

// bothLive lets two homes use water for so long.
func (w *town) bothLive(a, b stillwater.HouseholdID, litres float64, d time.Duration) float64 {
	w.t.Helper()
	for end := time.Now().Add(d); time.Now().Before(end); time.Sleep(15 * time.Minute) {
		litres += 8
		w.emit(meter(a, litres), meter(b, litres))
	}
	return litres
}

// spanOf are the days of an absence.
func spanOf(a *stillwater.Absence, h stillwater.Household) string {
	if a == nil {
		return ""
	}
	return a.From.In(h.Location()).Format(time.DateOnly) + " " + a.Until.In(h.Location()).Format(time.DateOnly)
}

// TestLifeAmbiguous: who was asked about two homes is asked which, and an open incident comes before a question.
func TestLifeAmbiguous(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		id, other := homesOf(0, 2)[0], homesOf(0, 2)[1]
		w := newTown(t, home(id), home(other))
		defer w.close()
		litres := w.lives(id, 100, time.Hour)
		for _, id := range []stillwater.HouseholdID{id, other} {
			w.says(stillwater.LifeEvent{Household: id, Kind: stillwater.InHospital})
		}
		w.still(id, litres, 7*24*time.Hour+3*time.Hour)
		w.reply("r1", daughter, "2")
		which := slices.DeleteFunc(w.messages(), func(m stillwater.Message) bool { return m.Purpose != stillwater.Which })
		if len(which) != 1 || w.standing(id).Absence == nil || w.standing(other).Absence == nil {
			t.Fatalf("%+v", which)
		}
		q := w.pipeline.LifeOf(other).Asked[0]
		w.reply("r2", daughter, "2 "+strings.ToLower(q.Code))
		if w.standing(id).Absence == nil || w.standing(other).Absence != nil {
			t.Error("the code does not say which")
		}
		w.emit(door(id, 1))
		w.still(id, litres, 5*time.Hour)
		if len(w.incidents(id)) == 0 {
			t.Fatal("the door stood open")
		}
		w.deliver(stillwater.Delivered)
		w.reply("r3", daughter, "2")
		if w.standing(id).Absence == nil {
			t.Error("an answer to an alert ended her stay in hospital")
		}
	})
}

// leftOut skips a test of weeks under the race detector, where it takes minutes; the same goroutines are watched in the tests of days.
func leftOut(t *testing.T) {
	t.Helper()
	if racetest.On {
		t.Skip("left out under the race detector: make test plays it without")
	}
}
