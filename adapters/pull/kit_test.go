package pull

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"stillwater"
	"stillwater/adapters/platform"
)

// today is when the tests take place, by the event clock.
var today = time.Date(2026, 11, 22, 2, 0, 0, 0, time.UTC)

type movable struct {
	mu  sync.Mutex
	now time.Time
}

func (m *movable) Now() time.Time { m.mu.Lock(); defer m.mu.Unlock(); return m.now }

func (m *movable) set(now time.Time) { m.mu.Lock(); defer m.mu.Unlock(); m.now = now }

func secret(value string) stillwater.Secret {
	s := stillwater.Secret{Env: "TEST"}
	s.Set(value)
	return s
}

// A rig is a puller and what it emitted.
type rig struct {
	t      *testing.T
	puller *Puller
	clock  *movable
	log    *bytes.Buffer

	mu       sync.Mutex // guards everything below
	emitted  []stillwater.Reading
	hold     bool // nothing is committed
	rejected map[string]int
	told     []string
}

// table is a layout of rows with a number, a time in Shanghai and cubic metres.
func table() platform.Layout {
	return platform.Layout{
		Device: []string{"表号", "no"}, Time: []string{"时间", "time"}, Zone: "Asia/Shanghai",
		Values: []platform.Value{{Value: []string{"读数", "m3"}, Quantity: stillwater.WaterTotal, Scale: 1000}},
	}
}

func newRig(t *testing.T, c Config, change func(*Options)) *rig {
	t.Helper()
	r := &rig{t: t, clock: &movable{now: today}, log: &bytes.Buffer{}, rejected: map[string]int{}}
	if c.Name = "city"; len(c.Values) == 0 {
		c.Layout = table()
	}
	o := Options{
		Config: c, Clock: r.clock, Log: slog.New(slog.NewTextHandler(r.log, &slog.HandlerOptions{Level: slog.LevelDebug})),
		Reject: func(_, reason string) { r.mu.Lock(); r.rejected[reason]++; r.mu.Unlock() },
		Health: func(feed string, err error) {
			r.mu.Lock()
			r.told = append(r.told, fmt.Sprint(feed, ": ", err))
			r.mu.Unlock()
		},
	}
	if change != nil {
		change(&o)
	}
	var err error
	if r.puller, err = New(o); err != nil {
		t.Fatal(err)
	}
	r.puller.watch = platform.NewWatch(c.Expect, today)
	return r
}

func (r *rig) emit(_ context.Context, readings []stillwater.Reading, done func()) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.hold {
		r.emitted = append(r.emitted, readings...)
		go done()
	}
	return nil
}

// once fetches once, and gives what was emitted, one line for each reading.
func (r *rig) once() ([]string, error) {
	r.t.Helper()
	_, err := r.puller.once(r.t.Context(), r.emit)
	return r.take(), err
}

func (r *rig) take() (lines []string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, one := range r.emitted {
		lines = append(lines, fmt.Sprintf("%s %g %s", one.Source, one.Value, one.At.UTC().Format("02T15:04")))
	}
	r.emitted = nil
	return lines
}

// want fetches once and compares.
func (r *rig) want(what string, lines ...string) {
	r.t.Helper()
	if got, err := r.once(); err != nil || !slices.Equal(got, lines) {
		r.t.Errorf("%s: %q, %v; want %q", what, got, err, lines)
	}
}

// run runs the puller until the test stops it.
func (r *rig) run() (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- r.puller.Run(ctx, r.emit) }()
	return sync.OnceFunc(func() {
		cancel()
		select {
		case err := <-ended:
			if err != nil {
				r.t.Errorf("it ended with %v", err)
			}
		case <-time.After(10 * time.Second):
			r.t.Error("it did not end")
		}
	})
}

func (r *rig) tellings() []string { r.mu.Lock(); defer r.mu.Unlock(); return slices.Clone(r.told) }

func (r *rig) refusals() map[string]int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return maps.Clone(r.rejected)
}

// until waits for something to become true.
func until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); !ok(); <-time.After(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("not seen: %s", what)
		}
	}
}

// rows writes a table of readings of one meter at these hours of the day in Shanghai.
func rows(number string, hours ...int) string {
	var text strings.Builder
	text.WriteString("表号,时间,读数\n")
	for _, h := range hours {
		fmt.Fprintf(&text, "%s,2026-11-21 %02d:00:00,%d.5\n", number, h, h)
	}
	return text.String()
}
