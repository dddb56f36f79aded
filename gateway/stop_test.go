package main

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	peer "github.com/simonvetter/modbus"

	"stillwater/simulator/devices"
	"stillwater/simulator/provider"
)

// TestStopInTheMiddle stops the gateway with SIGTERM in the middle of its work, again and again: it ends well and soon, and
// what it leaves behind is whole.
func TestStopInTheMiddle(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.background(func(ctx context.Context) error {
		return devices.Run(ctx, devices.Options{World: r.world, Clock: r.clock, From: r.begin, ModbusListen: r.config.Modbus[0].Address, BrokerURL: r.config.MQTT[0].URL})
	})
	env := []string{"STILLWATER_TEST_TOKEN=" + provider.DefaultToken}
	b := newBrowser(t, r.config.Console.Listen)
	for range 4 {
		p := startProcess(t, env, "run", "--config", r.path)
		until(t, patient, "readings are taken in", func() bool { return b.answers() && b.readings("accepted") > 100 })
		p.stop(syscall.SIGTERM)
		db := r.open()
		seen, entries := r.journal(db)
		for k, n := range seen {
			if n > 1 {
				t.Errorf("%s stands %d times in the journal", k, n)
			}
		}
		r.replay(db, entries) // memory and findings are what the journal gives
		db.Close()
	}
	last := r.clock.Now().Add(-30 * time.Minute)
	p := startProcess(t, env, "run", "--config", r.path)
	until(t, patient, "the console answers", b.answers)
	r.settle(last) // what was under way when it stopped came again
	p.stop(syscall.SIGTERM)
	r.examine(last, 0)
}

// TestNoGoroutineLeft runs the gateway in this process, stops it in the middle of its work, and looks for what still runs.
func TestNoGoroutineLeft(t *testing.T) {
	o := newOutside(t, 1, 1200)
	t.Setenv("STILLWATER_TEST_TOKEN", provider.DefaultToken)
	m := o.meter(1, 2, peer.LOW_WORD_FIRST)
	b := newBrowser(t, o.console)
	leavesNothing(t, []string{"run", "--config", o.path}, b, func() {
		m.show(500)
		o.door("h001", true)
		o.text(daughter, "王*家") // everything has worked, texts too
	})
}

// TestDemoLeavesNoGoroutine is the same for the demo, with broker and city in the process.
func TestDemoLeavesNoGoroutine(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	address := freeAddress(t)
	b := newBrowser(t, address)
	leavesNothing(t, []string{"demo", "--quiet", "--listen", address, "--homes", "8"}, b, func() {
		until(t, patient, "readings are taken in", func() bool { return b.readings("accepted") > 200 })
	})
}

// leavesNothing runs a command while work is done, stops it, and compares the goroutines of before and after.
func leavesNothing(t *testing.T, args []string, b *browser, work func()) {
	t.Helper()
	before := goroutines()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var stdout, stderr written
	ended := make(chan error, 1)
	go func() { ended <- run(ctx, args, &stdout, &stderr) }()
	until(t, demoStarts, "the console answers", b.answers)
	work()
	cancel()
	began := time.Now()
	select {
	case err := <-ended:
		if err != nil {
			t.Errorf("run: %v", err)
		}
		t.Logf("ended within %v", time.Since(began).Round(time.Millisecond))
	case <-time.After(stopWithin):
		t.Fatalf("run has not ended\n%s", last(stderr.String(), 2000))
	}
	var left []string
	for end := time.Now().Add(stopWithin); time.Now().Before(end); wait(t.Context(), 50*time.Millisecond) {
		left = nil
		for id, stack := range goroutines() {
			if _, old := before[id]; !old && !theirs.MatchString(stack) {
				left = append(left, stack)
			}
		}
		if len(left) == 0 {
			return
		}
	}
	t.Errorf("%d goroutines are left:\n%s", len(left), strings.Join(left, "\n\n"))
}

// theirs are goroutines of the runtime, of the test itself, and of the libraries' own process-wide helpers.
var theirs = regexp.MustCompile(`os/signal\.loop|runtime\.ensureSigM|testing\.\(\*T\)|created by stillwater/simulator/provider\.\(\*Server\)\.Run`)

var goroutineHead = regexp.MustCompile(`^goroutine (\d+) `)

// goroutines are all stacks by the number of their goroutine.
func goroutines() map[string]string {
	buf := make([]byte, 4<<20)
	stacks := map[string]string{}
	for _, stack := range strings.Split(string(buf[:runtime.Stack(buf, true)]), "\n\n") {
		if m := goroutineHead.FindStringSubmatch(stack); m != nil {
			stacks[m[1]] = stack
		}
	}
	return stacks
}

// TestTogether holds the one function that starts goroutines to what it says.
func TestTogether(t *testing.T) {
	broken := errors.New("broken")
	obedient := func(ctx context.Context) error { <-ctx.Done(); return nil }
	for _, c := range []struct {
		name  string
		tasks []task
		want  string // of the error; "": none
		after time.Duration
	}{
		{"all obey", []task{{"a", obedient}, {"b", obedient}}, "", time.Minute},
		{"one fails", []task{{"a", obedient}, {"b", func(context.Context) error { return broken }}}, "b: broken", 0},
		{"its name stands there already", []task{{"b", func(context.Context) error { return fmt.Errorf("b: %w", broken) }}}, "b: broken", 0},
		{"one is stubborn", []task{{"a", obedient}, {"b", func(context.Context) error { time.Sleep(time.Hour); return nil }}}, "not every part ended within 5s", time.Minute + stopWithin},
		{"all are stubborn", []task{{"b", func(context.Context) error { time.Sleep(time.Hour); return nil }}}, "not every part ended within 5s", time.Minute + stopWithin},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
				defer cancel()
				began := time.Now()
				err := together(ctx, c.tasks...)
				if took := time.Since(began); took != c.after {
					t.Errorf("it took %v, want %v", took, c.after)
				}
				if text := fmt.Sprint(err); err == nil && c.want != "" || err != nil && text != c.want {
					t.Errorf("%v, want %q", err, c.want)
				}
				time.Sleep(2 * time.Hour) // the stubborn have ended too
			})
		})
	}
}
