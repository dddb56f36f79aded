package pipeline

import (
	"context"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"stillwater"
)

// press lets a key, a button or a card of a message answer.
func (w *town) press(id string, m stillwater.Message, text string) {
	w.t.Helper()
	r := stillwater.Reply{ID: id, Message: m.ID, Text: text, At: time.Now()}
	if err := w.pipeline.Reply(context.Background(), phones{w.registry}, r); err != nil {
		w.t.Fatal(err)
	}
}

// TestPress: what is pressed is of the message's incident alone, by its contact, in each of the five ways, and the log says by which way.
func TestPress(t *testing.T) {
	a, b := homesOf(0, 1)[0], homesOf(2, 1)[0]
	for _, c := range []struct {
		id, text string
		state    stillwater.IncidentState
		outcome  stillwater.Outcome
		known    stillwater.Known
		what     string
		note     string
	}{
		{PageReply + "1", "1", stillwater.Acknowledged, "", "", "acknowledged", "1, by link"},
		{"provider-1", "1", stillwater.Acknowledged, "", "", "acknowledged", "1, by card"},
		{PageReply + "2", "2 seen", stillwater.ClosedState, stillwater.FalseAlarm, stillwater.Seen, "closed", "2 seen, by link"},
		{PageReply + "3", "2 spoken", stillwater.ClosedState, stillwater.FalseAlarm, stillwater.Spoken, "closed", "by link"},
		{PageReply + "4", "3 until 2000-01-05", stillwater.ClosedState, stillwater.AwayFrom, stillwater.Spoken, "closed", "3 until 2000-01-05, by link"},
		{PageReply + "5", "4", stillwater.Opened, "", "", "help", "4, by link"},
		{PageReply + "6", "5", stillwater.ClosedState, stillwater.FalseAlarm, stillwater.Assumed, "closed", "5, by link"},
	} {
		t.Run(c.text, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := alarmed(t, a, b)
				defer w.close()
				m := w.messagesOf(a)[0]
				w.press(c.id, m, c.text)
				got, other := w.incident(a, stillwater.DoorKind), w.incident(b, stillwater.DoorKind)
				if got.State != c.state || got.Outcome != c.outcome || got.Known != c.known || other.State != stillwater.Opened {
					t.Errorf("got %s %s %s, the other home's is %s", got.State, got.Outcome, got.Known, other.State)
				}
				if e := lastEvent(got, c.what); e.Who != "daughter" || !strings.HasSuffix(e.Note, c.note) {
					t.Errorf("the log says %+v of %q", e, c.what)
				}
				if away := w.standing(a).Absence; (away != nil) != (c.outcome == stillwater.AwayFrom) {
					t.Errorf("absence %+v", away)
				}
			})
		})
	}
}

func lastEvent(i stillwater.Incident, what string) (e stillwater.Event) {
	for _, l := range i.Log {
		if l.What == what {
			e = l
		}
	}
	return e
}

// TestPressedByKey says so of a call.
func TestPressedByKey(t *testing.T) {
	if got := wayOf(stillwater.Reply{ID: "CA1"}, stillwater.Message{Channel: stillwater.Voice}); got != "by key" {
		t.Errorf("got %q", got)
	}
}

// TestPressOnce: a double tap is once, at the same moment, one after the other and after a restart.
func TestPressOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		id := homesOf(1, 1)[0]
		w := alarmed(t, id)
		defer w.close()
		m := w.messagesOf(id)[0]
		w.disk.breaks(func(*stillwater.Batch) error { time.Sleep(time.Second); return nil })
		var all sync.WaitGroup
		for range 4 {
			all.Go(func() {
				r := stillwater.Reply{ID: PageReply + "x", Message: m.ID, Text: "1", At: time.Now()}
				_ = w.pipeline.Reply(context.Background(), phones{w.registry}, r)
			})
		}
		all.Wait()
		w.disk.breaks(nil)
		w.crash()
		w.start()
		w.press(PageReply+"x", m, "1")
		n := 0
		for _, e := range w.incident(id, stillwater.DoorKind).Log {
			if e.What == "acknowledged" {
				n++
			}
		}
		if n != 1 {
			t.Errorf("acknowledged %d times", n)
		}
	})
}

// TestPressOfSomebodyElse: who is no contact of the home any more, or took back that she may be told, is not heard; nor is a message that
// never was, nor what is no command.
func TestPressOfSomebodyElse(t *testing.T) {
	id := homesOf(1, 1)[0]
	for name, change := range map[string]func(*stillwater.Household, *stillwater.Message) (text string){
		"no contact any more": func(h *stillwater.Household, _ *stillwater.Message) string { h.Contacts = h.Contacts[1:]; return "2" },
		"withdrew": func(h *stillwater.Household, _ *stillwater.Message) string {
			h.Contacts[0].Agreed.Withdrawn = time.Now()
			return "2"
		},
		"no such message": func(_ *stillwater.Household, m *stillwater.Message) string { m.ID = "ZZZ-9"; return "2" },
		"no command":      func(*stillwater.Household, *stillwater.Message) string { return "7" },
		"an opt-out word": func(*stillwater.Household, *stillwater.Message) string { return "STOP" },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := alarmed(t, id)
				defer w.close()
				h, m := home(id), w.messagesOf(id)[0]
				text := change(&h, &m)
				w.reload(h)
				before := len(w.messages())
				w.press(PageReply+"x", m, text)
				if got := w.incident(id, stillwater.DoorKind).State; got != stillwater.Opened || len(w.messages()) != before {
					t.Errorf("the incident is %s, %d texts more", got, len(w.messages())-before)
				}
			})
		})
	}
}

// heard counts what became of replies, and keeps the opt-outs.
type heard struct {
	mu       sync.Mutex
	outcomes []string
	out      map[stillwater.Phone]bool
	fails    error
}

func (h *heard) optOut(_ context.Context, p stillwater.Phone, _ time.Time, out bool) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.fails == nil {
		h.out[p] = out
	}
	return h.fails
}

func (w *town) hears() *heard {
	h := &heard{out: map[stillwater.Phone]bool{}}
	w.pipeline.OptOut = h.optOut
	w.pipeline.Heard = func(o string) { h.mu.Lock(); defer h.mu.Unlock(); h.outcomes = append(h.outcomes, o) }
	return h
}

// TestOptOut: a carrier's word is kept, does nothing else, gives up the texts that wait for the number, and nothing answers it.
func TestOptOut(t *testing.T) {
	for _, text := range []string{"STOP", "退订", "T", "ＴＤ", "n", "end"} {
		t.Run(text, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				id := homesOf(1, 1)[0]
				h := home(id)
				w := newTown(t, h)
				defer w.close()
				heard := w.hears()
				w.emit(door(id, 0))
				time.Sleep(time.Minute)
				w.emit(door(id, 1))
				time.Sleep(62 * time.Minute)
				waits := w.messagesOf(id)
				if len(waits) != 1 || waits[0].State != stillwater.Pending {
					t.Fatalf("not one text that waits: %+v", waits)
				}
				w.reply("r1", daughter, text)
				after := w.messagesOf(id)
				if len(after) != 1 || after[0].State != stillwater.Failed || after[0].Error != "opted out" {
					t.Errorf("texts %+v", after)
				}
				i := w.incident(id, stillwater.DoorKind)
				if i.State != stillwater.Opened || lastEvent(i, "untold").Note != "opted out" {
					t.Errorf("the incident: %+v", i)
				}
				if !heard.out[daughter] || strings.Join(heard.outcomes, " ") != OptedOut {
					t.Errorf("kept %v, counted %v", heard.out, heard.outcomes)
				}
				if known, err := w.disk.HasReply(t.Context(), "r1"); err != nil || !known {
					t.Errorf("it is not remembered, and would be acted on again: %v", err)
				}
				if got, _ := w.pipeline.shards[0].homes[id]; got.Contacts[0].OptedOut.IsZero() || !got.Contacts[1].OptedOut.IsZero() {
					t.Error("the home's people are not marked")
				}
				if listed, _ := w.registry.Household(id); !listed.Contacts[0].OptedOut.IsZero() {
					t.Error("the register was changed under whoever reads it")
				}
				w.reply("r2", daughter, "恢复")
				if got := w.pipeline.shards[0].homes[id]; !got.Contacts[0].OptedOut.IsZero() || heard.out[daughter] {
					t.Error("opting in again is not heard")
				}
			})
		})
	}
}

// TestOptOutIsKeptFirst: an opt-out that could not be kept is not done with, and comes again.
func TestOptOutIsKeptFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		id := homesOf(1, 1)[0]
		w := alarmed(t, id)
		defer w.close()
		heard := w.hears()
		heard.fails = errDiskFull
		r := stillwater.Reply{ID: "r1", From: daughter, Text: "STOP", At: time.Now()}
		if err := w.pipeline.Reply(context.Background(), phones{w.registry}, r); err == nil {
			t.Error("an opt-out that is not kept was taken")
		}
		if known, _ := w.disk.HasReply(context.Background(), "r1"); known {
			t.Error("it is done with")
		}
		heard.fails = nil
		w.reply("r1", daughter, "STOP")
		if !heard.out[daughter] {
			t.Error("it is not kept when it comes again")
		}
	})
}

// TestUnknownSender gets silence, whatever is written, and is only counted.
func TestUnknownSender(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		id := homesOf(1, 1)[0]
		w := alarmed(t, id)
		defer w.close()
		heard := w.hears()
		before := len(w.messages())
		for n, text := range []string{"1", "2", "STOP", "START", "谁啊？", "2 " + w.incident(id, stillwater.DoorKind).Code} {
			w.reply("r"+string(rune('0'+n)), "+8613700000009", text)
		}
		if got := w.incident(id, stillwater.DoorKind).State; got != stillwater.Opened || len(w.messages()) != before || len(heard.out) != 0 {
			t.Errorf("the incident is %s, %d texts more, opt-outs %v", got, len(w.messages())-before, heard.out)
		}
		if got := strings.Join(heard.outcomes, " "); got != strings.TrimSpace(strings.Repeat(UnknownSender+" ", 6)) {
			t.Errorf("counted %q", got)
		}
	})
}

// TestLinksOfMessages: a message that can be answered has its link before its text is made; the answer to a reply and an outcome have none.
func TestLinksOfMessages(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		id := homesOf(1, 1)[0]
		w := newTown(t, home(id))
		defer w.close()
		w.pipeline.Link = func(m stillwater.Message) string { return "https://x/m/" + string(m.ID) }
		w.pipeline.Text = func(m stillwater.Message, _ stillwater.Incident, _ stillwater.Household) string { return m.Link }
		w.emit(door(id, 0))
		time.Sleep(time.Minute)
		w.emit(door(id, 1))
		time.Sleep(4 * time.Hour)
		w.deliver(stillwater.Delivered)
		w.reply("r1", worker, "2 ZZZ9")
		w.reply("r2", daughter, "2")
		for _, m := range w.messages() {
			want := "https://x/m/" + string(m.ID)
			if m.Purpose == stillwater.Done || m.Purpose == stillwater.Which {
				want = ""
			}
			if m.Link != want || m.Text != want {
				t.Errorf("%s: link %q, text %q; want %q", m.Purpose, m.Link, m.Text, want)
			}
		}
	})
}
