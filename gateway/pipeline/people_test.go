package pipeline

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"stillwater"
	"stillwater/gateway/incident"
)

// alarmed gives a town with homes whose doors were left open, which is a question to the daughter, one incident a home.
func alarmed(t *testing.T, ids ...stillwater.HouseholdID) *town {
	t.Helper()
	var homes []stillwater.Household
	for _, id := range ids {
		homes = append(homes, home(id))
	}
	w := newTown(t, homes...)
	for _, id := range ids {
		w.emit(door(id, 0))
	}
	time.Sleep(time.Minute)
	for _, id := range ids {
		w.emit(door(id, 1))
	}
	time.Sleep(62 * time.Minute)
	w.deliver(stillwater.Delivered)
	return w
}

const daughter, worker stillwater.Phone = "+8613900000001", "+8613800000001"

// TestReplies is what a text that comes in does.
func TestReplies(t *testing.T) {
	ids := []stillwater.HouseholdID{homesOf(0, 1)[0], homesOf(2, 1)[0]}
	cases := []struct {
		name  string
		homes int
		from  stillwater.Phone
		text  func(codes []string) string
		want  []stillwater.IncidentState // of the homes
		which int                        // questions which one is meant
	}{
		{"one open", 1, daughter, say("1"), []stillwater.IncidentState{stillwater.Acknowledged}, 0},
		{"one open, all well", 1, daughter, say("2"), []stillwater.IncidentState{stillwater.ClosedState}, 0},
		{"its code", 1, daughter, say("2 CODE0"), []stillwater.IncidentState{stillwater.ClosedState}, 0},
		{"a strange code acknowledges the only one", 1, daughter, say("1 ZZZ9"), []stillwater.IncidentState{stillwater.Acknowledged}, 0},
		{"a strange code closes nothing", 1, daughter, say("2 ZZZ9"), []stillwater.IncidentState{stillwater.Opened}, 1},
		{"unknown sender", 1, "+8613700000009", say("2"), []stillwater.IncidentState{stillwater.Opened}, 0},
		{"known, but not told", 1, worker, say("2"), []stillwater.IncidentState{stillwater.Opened}, 0},
		{"no command", 1, daughter, say("她在我这里，几点来？"), []stillwater.IncidentState{stillwater.Opened}, 0},
		{"several open", 2, daughter, say("2"), []stillwater.IncidentState{stillwater.Opened, stillwater.Opened}, 1},
		{"several open, one coming", 2, daughter, say("1"), []stillwater.IncidentState{stillwater.Opened, stillwater.Opened}, 1},
		{"the code picks", 2, daughter, say("2 CODE1"), []stillwater.IncidentState{stillwater.Opened, stillwater.ClosedState}, 0},
		{"several open, a strange code", 2, daughter, say("2 ZZZ9"), []stillwater.IncidentState{stillwater.Opened, stillwater.Opened}, 1},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := alarmed(t, ids[:c.homes]...)
				defer w.close()
				var codes []string
				for _, id := range ids[:c.homes] {
					codes = append(codes, w.incident(id, stillwater.DoorKind).Code+"2")
				}
				before := len(w.messages())
				w.reply("r1", c.from, c.text(codes))
				for i, id := range ids[:c.homes] {
					if got := w.incident(id, stillwater.DoorKind).State; got != c.want[i] {
						t.Errorf("the incident of home %d is %s, want %s", i, got, c.want[i])
					}
				}
				which := 0
				for _, m := range w.messages()[before:] {
					if m.Purpose == stillwater.Which && m.To == stillwater.Address(c.from) && m.State == stillwater.Pending {
						which++
					} else {
						t.Errorf("a text nobody asked for: %+v", m)
					}
				}
				if which != c.which {
					t.Errorf("%d questions which one is meant, want %d", which, c.which)
				}
				if known, err := w.disk.HasReply(context.Background(), "r1"); err != nil || !known {
					t.Errorf("the reply is not remembered: %v", err)
				}
			})
		})
	}
}

// say is a text in which CODE0 stands for a code of the first home's incident.
func say(text string) func([]string) string {
	return func(codes []string) string {
		for i, code := range codes {
			text = strings.ReplaceAll(text, "CODE"+string(rune('0'+i)), code)
		}
		return text
	}
}

// TestCloseOfClosedClosesNothingElse answers a text of an incident that is long closed, while another home's is open.
func TestCloseOfClosedClosesNothingElse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := homesOf(0, 1)[0], homesOf(2, 1)[0]
		w := alarmed(t, a, b)
		defer w.close()
		old := w.incident(a, stillwater.DoorKind).Code + "2"
		w.reply("r1", daughter, "2 "+old)
		w.reply("r2", daughter, "2 "+old)
		if got := w.incident(b, stillwater.DoorKind).State; got != stillwater.Opened {
			t.Errorf("the other home's incident is %s", got)
		}
	})
}

// TestReplyOnce lets the same reply come again and again, from several sides at once and after a restart.
func TestReplyOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		id := homesOf(1, 1)[0]
		w := alarmed(t, id)
		defer w.close()
		w.disk.breaks(func(*stillwater.Batch) error { time.Sleep(time.Second); return nil })
		var all sync.WaitGroup
		for range 5 {
			all.Go(func() {
				r := stillwater.Reply{ID: "r1", From: daughter, Text: "1", At: time.Now()}
				if err := w.pipeline.Reply(context.Background(), phones{w.registry}, r); err != nil && !errors.Is(err, ErrUnderWay) {
					t.Error(err)
				}
			})
		}
		all.Wait()
		w.disk.breaks(nil)
		w.crash()
		w.start()
		w.reply("r1", daughter, "1")
		acknowledged := 0
		for _, e := range w.incident(id, stillwater.DoorKind).Log {
			if e.What == "acknowledged" {
				acknowledged++
			}
		}
		if acknowledged != 1 {
			t.Errorf("acknowledged %d times", acknowledged)
		}
	})
}

// TestOneNumberSeveralContacts is a daughter who is the grid worker of another home: her code picks, whichever of the two she is told as.
func TestOneNumberSeveralContacts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := homesOf(0, 1)[0], homesOf(2, 1)[0]
		first, second := home(a), home(b)
		first.Contacts = first.Contacts[:1]
		second.Contacts = []stillwater.Contact{{ID: "aunt", Role: stillwater.Family, Phone: daughter, Language: "en"}}
		w := newTown(t, first, second)
		defer w.close()
		w.emit(door(a, 0), door(b, 0))
		time.Sleep(time.Minute)
		w.emit(door(a, 1), door(b, 1))
		time.Sleep(62 * time.Minute)
		w.reply("r1", daughter, "1")
		if w.incident(a, stillwater.DoorKind).State != stillwater.Opened || w.incident(b, stillwater.DoorKind).State != stillwater.Opened {
			t.Error("a reply that fits two incidents took one of them")
		}
		w.reply("r2", daughter, "1 "+w.incident(b, stillwater.DoorKind).Code+"2")
		i := w.incident(b, stillwater.DoorKind)
		if i.State != stillwater.Acknowledged || i.Holder != "aunt" || w.incident(a, stillwater.DoorKind).State != stillwater.Opened {
			t.Errorf("the code took %+v", i)
		}
	})
}

// TestReceiptAfterClosing lets texts arrive after the incident was closed: they are filed, and whoever got the alarm so late hears how it
// ended.
func TestReceiptAfterClosing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		id := homesOf(1, 1)[0]
		w := newTown(t, home(id))
		defer w.close()
		litres := w.lives(id, 100, 2*time.Hour)
		w.still(id, litres, 24*time.Hour-15*time.Minute)
		texts := w.messages()
		ask, tell := texts[0], texts[1]
		w.receipt(ask.ID, stillwater.Accepted)
		tell.State, tell.Attempts = stillwater.Sending, 1
		if err := w.disk.MarkSending(t.Context(), tell); err != nil { // the courier has it in hand
			t.Fatal(err)
		}
		i := w.incident(id, stillwater.Welfare)
		act := stillwater.Act{Incident: i.ID, Deed: stillwater.Close, Who: "desk", Outcome: stillwater.Helped, Known: stillwater.Seen}
		if err := w.pipeline.Act(t.Context(), id, act); err != nil {
			t.Fatal(err)
		}
		var refused *incident.Refusal
		if err := w.pipeline.Act(t.Context(), id, act); !errors.As(err, &refused) {
			t.Errorf("closing twice: %v", err)
		}
		time.Sleep(5 * time.Minute)
		w.receipt(ask.ID, stillwater.Delivered)
		w.receipt(tell.ID, stillwater.Accepted)
		w.receipt(tell.ID, stillwater.Delivered)
		state := map[stillwater.MessageID]stillwater.DeliveryState{}
		done := 0
		for _, m := range w.messages() {
			state[m.ID] = m.State
			if m.Purpose == stillwater.Done && m.Contact == "daughter" {
				done++
			}
		}
		if state[ask.ID] != stillwater.Delivered || state[tell.ID] != stillwater.Delivered || done != 1 {
			t.Errorf("states %v, %d texts how it ended", state, done)
		}
		w.receipt("unknown-7", stillwater.Delivered) // changes nothing
	})
}

// TestCannotSeeHer is law 1: the silence of her meter is maintenance, and an alert as long as it stands to be checked how she is.
func TestCannotSeeHer(t *testing.T) {
	severe := func(w *town, id stillwater.HouseholdID) (alert bool) {
		for _, i := range w.incidents(id) {
			alert = alert || i.Kind == stillwater.Equipment && i.Severity == stillwater.Alert
		}
		return alert
	}
	t.Run("goes silent while it is open", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			open, calm := homesOf(0, 1)[0], homesOf(1, 1)[0]
			w := newTown(t, home(open), home(calm))
			defer w.close()
			litres := w.lives(open, 100, 2*time.Hour)
			w.still(open, litres, 12*time.Hour)
			w.lives(calm, 100, time.Hour)
			w.emit(meter(open, litres))
			if i := w.incident(open, stillwater.Welfare); i.Severity != stillwater.Question {
				t.Fatalf("%+v", i)
			}
			time.Sleep(40 * time.Minute)
			if !severe(w, open) {
				t.Errorf("the silence of her meter is no alert: %+v", w.incidents(open))
			}
			if len(w.incidents(calm)) != 0 {
				t.Errorf("the silence of a meter elsewhere troubles people: %+v", w.incidents(calm))
			}
			texts := 0
			for _, m := range w.messages() {
				if m.Incident == w.incident(open, stillwater.Equipment).ID && m.Contact == "daughter" {
					texts++
				}
			}
			if texts == 0 {
				t.Error("nobody was told")
			}
			w.emit(meter(open, litres))
			if f := w.incident(open, stillwater.Equipment).Findings[0]; f.Ended.IsZero() {
				t.Error("the alert does not end when the meter is heard")
			}
		})
	})
	t.Run("was silent before", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			id := homesOf(0, 1)[0]
			w := newTown(t, home(id))
			defer w.close()
			litres := w.lives(id, 100, 2*time.Hour)
			w.still(id, litres, 10*time.Hour)
			time.Sleep(40 * time.Minute)
			if len(w.incidents(id)) != 0 {
				t.Fatalf("%+v", w.incidents(id))
			}
			s := w.pipeline.shard(id)
			err := s.do(t.Context(), func(b *stillwater.Batch) { // a finding about her that needs no meter, as a door's may be
				now := time.Now().UTC()
				s.found(b, stillwater.Finding{Household: id, Rule: "night-exit", Kind: stillwater.Welfare, Severity: stillwater.Alert, Began: now}, now)
			})
			if err != nil {
				t.Fatal(err)
			}
			if !severe(w, id) {
				t.Errorf("her meter was silent before, and that is no alert now: %+v", w.incidents(id))
			}
		})
	})
}
