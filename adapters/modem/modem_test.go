package modem

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"stillwater"
)

const hers = "+8613800138000"

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// rig is a Modem that runs, with what it handed on.
type rig struct {
	*Modem
	health   chan error
	receipts chan string
	replies  chan stillwater.Reply
	failure  chan error // of storing a reply: one for each that fails
}

func run(t *testing.T, f *fake, change ...func(*Config)) *rig {
	t.Helper()
	r := &rig{health: make(chan error, 100), receipts: make(chan string, 100), replies: make(chan stillwater.Reply, 100), failure: make(chan error, 100)}
	cfg := Config{Port: f.ours, Country: "86", Timeout: time.Second, Poll: 100 * time.Millisecond}
	for _, c := range change {
		c(&cfg)
	}
	var err error
	r.Modem, err = New(cfg, Options{
		Reply: func(_ context.Context, m stillwater.Reply) error {
			select {
			case err := <-r.failure:
				return err
			default:
				r.replies <- m
				return nil
			}
		},
		Receipt: func(id string, state stillwater.DeliveryState, detail string) {
			r.receipts <- fmt.Sprint(id, " ", state, " ", detail)
		},
		Health: func(err error) { r.health <- err },
		Now:    func() time.Time { return noon },
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error)
	go func() { done <- r.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := get(t, done); err != nil {
			t.Errorf("it ended with %v", err)
		}
	})
	return r
}

// get is the next of what comes.
func get[T any](t *testing.T, ch <-chan T) (v T) {
	t.Helper()
	select {
	case v = <-ch:
	case <-time.After(20 * time.Second):
		t.Fatal("nothing came")
	}
	return v
}

// well waits until the modem is well.
func (r *rig) well(t *testing.T) {
	t.Helper()
	for get(t, r.health) != nil {
	}
}

func message(text string) stillwater.Message {
	return stillwater.Message{ID: "7-1", Contact: "c1", To: hers, Code: "A12", Text: text}
}

func TestSendAndDeliveryReports(t *testing.T) {
	for name, c := range map[string]struct {
		text  string
		parts int
	}{
		"GSM": {"Stillwater: Wang* no sign of life for 13 h [A12]", 1}, "Chinese": {"【安居水哨】紧急！王*家13小时无动静。[A12]", 1},
		"long": {strings.Repeat("王*家已经十三个小时没有动静。", 10), 3},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFake(t)
			r := run(t, f)
			r.well(t)
			if s, err := r.State(); err != nil || s != (State{SIM: "READY", Registered: true, Signal: -73}) {
				t.Errorf("%+v, %v", s, err)
			}
			id, err := r.Send(t.Context(), message(c.text))
			if err != nil || id == "" || f.texts() != c.text || len(f.taken()) != c.parts {
				t.Fatalf("%q, %v, %d parts: %s", id, err, len(f.taken()), f.texts())
			}
			for _, part := range f.taken() {
				if part.DA.Number() != hers || !part.FirstOctet.SRR() {
					t.Errorf("to %s, report asked for: %v", part.DA.Number(), part.FirstOctet.SRR())
				}
			}
			r.report(f.reportLines(1, "+8613900139000", 0)) // another's
			r.report(f.reportLines(1, hers, 0x20))          // still tried
			if len(r.receipts) > 0 {
				t.Errorf("told %s", <-r.receipts)
			}
			for n := range c.parts {
				f.deliveryReport(n+1, hers, 0)
			}
			if got := get(t, r.receipts); got != id+" delivered delivered" {
				t.Error(got)
			}
			second, _ := r.Send(t.Context(), message(c.text))
			f.deliveryReport(c.parts+1, hers, 0x43)
			if got := get(t, r.receipts); got != second+" failed the network could not deliver it: status 0x43" {
				t.Error(got)
			}
		})
	}
}

// What a courier may conclude: all hangs on whether the text was handed over to the modem.
func TestClassesOfFailure(t *testing.T) {
	type class struct{ refused, notSent, limited bool }
	f := newFake(t)
	r := run(t, f)
	r.well(t)
	for _, c := range []struct {
		name, prompt, pdu string
		text              string
		want              class
	}{
		{name: "barred", pdu: "\r\n+CMS ERROR: 8\r\n", want: class{refused: true}},
		{name: "no such number", pdu: "\r\n+CMS ERROR: 1\r\n", want: class{refused: true}},
		{name: "congestion", pdu: "\r\n+CMS ERROR: 42\r\n", want: class{notSent: true, limited: true}},
		{name: "no network", pdu: "\r\n+CMS ERROR: 331\r\n", want: class{notSent: true}},
		{name: "no card", prompt: "\r\n+CMS ERROR: 310\r\n", want: class{notSent: true}},
		{name: "unknown, before", prompt: "\r\n+CMS ERROR: 500\r\n", want: class{notSent: true}},
		{name: "unknown, after", pdu: "\r\n+CMS ERROR: 500\r\n"},
		{name: "network timeout", pdu: "\r\n+CMS ERROR: 332\r\n"},
		{name: "of the modem", prompt: "\r\n+CME ERROR: 14\r\n", want: class{notSent: true}},
		{name: "plain error", pdu: "\r\nERROR\r\n", want: class{notSent: true}},
		{name: "the second part", pdu: "", text: strings.Repeat("很", 100)},
		{name: "no reference", pdu: "\r\nOK\r\n"},
	} {
		n := 0
		f.set(func() {
			f.onPrompt = func() string { return c.prompt }
			f.onPDU = func() string {
				if n++; c.text != "" && n == 2 {
					return "\r\n+CMS ERROR: 8\r\n"
				}
				return c.pdu
			}
		})
		text := c.text
		if text == "" {
			text = "x"
		}
		_, err := r.Send(t.Context(), message(text))
		got := class{errors.Is(err, stillwater.ErrRefused), errors.Is(err, stillwater.ErrNotSent), errors.Is(err, stillwater.ErrLimited)}
		if err == nil || got != c.want || strings.Contains(err.Error(), hers[1:]) {
			t.Errorf("%s: %v is %+v, want %+v", c.name, err, got, c.want)
		}
	}
	f.set(func() { f.onPrompt, f.onPDU = nil, nil })
	for name, m := range map[string]stillwater.Message{"number": {To: "138", Text: "x"}, "no text": {To: hers}, "too long": message(strings.Repeat("很", 1000))} {
		if _, err := r.Send(t.Context(), m); !errors.Is(err, stillwater.ErrRefused) {
			t.Errorf("%s: %v", name, err)
		}
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := r.Send(ended, message("x")); !errors.Is(err, stillwater.ErrNotSent) {
		t.Errorf("ended before: %v", err)
	}
}

// The power goes, or the modem falls silent, before and after the text was handed over; then it comes back and takes the next one.
func TestPowerLossInTheMiddle(t *testing.T) {
	for _, c := range []struct {
		name          string
		prompt, deaf  bool // it happens at the prompt; the modem falls silent, and its port stays
		notSent, sent bool
	}{
		{name: "power goes before", prompt: true, notSent: true}, {name: "power goes after", sent: true},
		{name: "silent before", prompt: true, deaf: true, notSent: true}, {name: "silent after", deaf: true, sent: true},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := newFake(t)
			r := run(t, f)
			r.well(t)
			lost := make(chan struct{})
			happens := func() string {
				if c.deaf {
					f.deaf = true
				} else {
					go func() { f.off(); close(lost) }()
				}
				return "\r\n"
			}
			f.set(func() {
				if c.prompt {
					f.onPrompt = happens
				} else {
					f.onPDU = happens
				}
			})
			_, err := r.Send(t.Context(), message("x"))
			if err == nil || errors.Is(err, stillwater.ErrNotSent) != c.notSent || errors.Is(err, stillwater.ErrRefused) || (len(f.taken()) == 1) != c.sent {
				t.Errorf("%v; %d taken", err, len(f.taken()))
			}
			if !c.deaf {
				<-lost
			}
			for get(t, r.health) == nil {
			}
			if _, err := r.Send(t.Context(), message("x")); !errors.Is(err, stillwater.ErrNotSent) {
				t.Errorf("while it is away: %v", err)
			}
			f.set(func() { f.onPrompt, f.onPDU, f.deaf, f.sent = nil, nil, false, nil })
			if c.deaf { // what it could not say it says now, of a text that is long given up
				f.say("+CMGS: 77\r\n\r\nOK")
			} else {
				f.on()
			}
			r.well(t)
			if id, err := r.Send(t.Context(), message("again")); err != nil || id == "" || f.texts() != "again" {
				t.Errorf("afterwards %q, %v: %s", id, err, f.texts())
			}
		})
	}
}

// An answer that comes too late is not taken for the next text's: the line is set up anew.
func TestLateAnswer(t *testing.T) {
	f := newFake(t)
	r := run(t, f)
	r.well(t)
	f.set(func() { f.onPDU = func() string { return "\r\n" } })
	if _, err := r.Send(t.Context(), message("x")); err == nil || errors.Is(err, stillwater.ErrNotSent) {
		t.Errorf("no answer: %v", err)
	}
	for get(t, r.health) == nil { // though the modem answers all else
	}
	f.say("+CMGS: 77\r\n\r\nOK")
	r.well(t)
}

func TestReplies(t *testing.T) {
	f := newFake(t)
	sent := noon.Add(-time.Minute)
	f.deliver(hers, "1", sent) // while the gateway was away
	r := run(t, f)
	r.well(t)
	first := get(t, r.replies)
	if first.From != hers || first.Text != "1" || !first.At.Equal(sent) || first.ID == "" {
		t.Errorf("%+v", first)
	}
	long := strings.Repeat("我马上去看看她怎么样了。", 12)
	f.deliver("13800138000", long, sent) // as operators write numbers of their own country
	if got := get(t, r.replies); got.From != hers || got.Text != long || got.ID == first.ID {
		t.Errorf("%+v", got)
	}
	// What could not be stored stays on the card and comes again, as the same.
	r.failure <- errors.New("disk full")
	f.deliver(hers, "2 很好", sent)
	got := get(t, r.replies)
	if got.Text != "2 很好" {
		t.Errorf("%+v", got)
	}
	for f.stored() > 0 {
		<-time.After(10 * time.Millisecond)
	}
	// A part that is missing is waited for, and after ten minutes not any more. Senders without a number are nobody.
	f.deliver(hers, long, noon.Add(-time.Minute), 1)
	f.deliver("10086", "您的余额不足", sent)
	f.deliver(hers, "4", sent)
	if got := get(t, r.replies); got.Text != "4" {
		t.Errorf("%+v", got)
	}
	f.set(func() { f.card = map[int]string{} })
	f.deliver(hers, long, noon.Add(-time.Hour), 1)
	if got := get(t, r.replies); got.From != hers || !strings.HasPrefix(long, got.Text[:30]) || got.Text == long {
		t.Errorf("%+v", got)
	}
	for f.stored() > 0 { // nothing stays on the card
		<-time.After(10 * time.Millisecond)
	}
}

func TestCardAndNetwork(t *testing.T) {
	pin := func(value string) func(*Config) {
		return func(c *Config) { c.PIN = stillwater.Secret{Env: "PIN"}; c.PIN.Set(value) }
	}
	ill := func(t *testing.T, r *rig, want string) {
		t.Helper()
		err := get(t, r.health)
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "9999") {
			t.Errorf("%v, want %q", err, want)
		}
	}
	wantsPIN := func(f *fake) { f.sim = "SIM PIN" }
	t.Run("PIN", func(t *testing.T) {
		f := newFake(t, wantsPIN)
		run(t, f, pin("1234")).well(t)
	})
	t.Run("wrong PIN", func(t *testing.T) {
		f := newFake(t, wantsPIN)
		r := run(t, f, pin("9999"))
		ill(t, r, "PIN")
		for tried := false; !tried; { // until it was looked at again
			_, err := r.State()
			tried = strings.Contains(err.Error(), "not tried again")
			<-time.After(10 * time.Millisecond)
		}
		f.set(func() {
			if len(f.pins) != 1 {
				t.Errorf("the PIN was tried %d times", len(f.pins))
			}
		})
	})
	t.Run("no PIN", func(t *testing.T) { f := newFake(t, wantsPIN); ill(t, run(t, f), "name it as pin") })
	t.Run("PUK", func(t *testing.T) {
		f := newFake(t, func(f *fake) { f.sim = "SIM PUK" })
		ill(t, run(t, f, pin("1234")), "SIM PUK")
	})
	t.Run("no network", func(t *testing.T) {
		f := newFake(t, func(f *fake) { f.network = "0,2" })
		r := run(t, f)
		ill(t, r, "no network")
		f.set(func() { f.network = "0,5" })
		r.well(t)
	})
	t.Run("no modem", func(t *testing.T) {
		f := newFake(t)
		f.off()
		r := run(t, f)
		ill(t, r, "open")
		f.on()
		r.well(t)
	})
}

func TestConfig(t *testing.T) {
	for name, c := range map[string]struct {
		cfg  Config
		good bool
	}{
		"good": {Config{Port: "/dev/ttyUSB2", Country: "86"}, true}, "defaults": {func() Config { d := Defaults(); d.Port = "x"; return d }(), true},
		"no port": {Config{}, false}, "baud": {Config{Port: "x", Baud: -1}, false}, "country": {Config{Port: "x", Country: "+86"}, false},
		"timeout": {Config{Port: "x", Timeout: time.Hour}, false}, "poll": {Config{Port: "x", Poll: time.Hour}, false},
	} {
		n := 0
		c.cfg.Validate(func(any, string) { n++ })
		if (n == 0) != c.good {
			t.Errorf("%s: %d problems", name, n)
		}
	}
	bad := Config{Port: "x", PIN: stillwater.Secret{Env: "PIN"}}
	bad.PIN.Set("12a4")
	if _, err := New(bad, Options{}); err == nil || strings.Contains(err.Error(), "12a4") {
		t.Errorf("a PIN of letters: %v", err)
	}
}
