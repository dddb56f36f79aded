package cjt188

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"stillwater"
	"stillwater/adapters/bus"
)

// A quick clock runs the event clock at a multiple of the wall clock.
type quick struct {
	start time.Time
	rate  int
}

func (q quick) Now() time.Time { return q.start.Add(time.Since(q.start) * time.Duration(q.rate)) }

func (q quick) Sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(max(1, d/time.Duration(q.rate)))
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// A slave is the program in testdata: meters by another hand, in another language.
type slave struct {
	address string
	asked   chan string // addresses, as they were asked
}

func python(t *testing.T) string {
	for _, p := range []string{"/usr/bin/python3", "python3"} {
		if exec.Command(p, "-c", "import tty, socket").Run() == nil {
			return p
		}
	}
	t.Skip("left out: needs python3 (make test installs it)")
	return ""
}

// start runs the slave, on a port or on a terminal.
func start(t *testing.T, place string, meters ...string) *slave {
	t.Helper()
	s := &slave{asked: make(chan string, 10_000)}
	if place == "tcp" {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		s.address = l.Addr().String()
		l.Close()
		_, port, _ := net.SplitHostPort(s.address)
		place = "tcp:" + port
	}
	cmd := exec.Command(python(t), append([]string{"testdata/slave.py", place}, meters...)...)
	if testing.Verbose() {
		cmd.Stderr = os.Stderr
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	if !lines.Scan() || lines.Text() != "ready" {
		t.Fatalf("the slave says %q", lines.Text())
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for lines.Scan() {
			select {
			case s.asked <- lines.Text():
			default: // enough is known
			}
		}
	}()
	t.Cleanup(func() { cmd.Process.Kill(); <-ended; cmd.Wait() })
	return s
}

// A rig is a running bus and what came out of it.
type rig struct {
	t        *testing.T
	readings chan stillwater.Reading
	health   chan error
	bus      *bus.Bus
}

func run(t *testing.T, c Config) *rig {
	t.Helper()
	if c.Name == "" {
		c.Name = "r"
	}
	c.Validate(func(_ any, problem string) { t.Fatal("configuration of the test:", problem) })
	r := &rig{t: t, readings: make(chan stillwater.Reading, 100_000), health: make(chan error, 1000)}
	r.bus = New(Options{
		Config: c, Clock: quick{time.Now(), 6000}, Log: slog.New(slog.NewTextHandler(t.Output(), nil)),
		Health: func(_ string, err error) { r.health <- err },
	})
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() {
		err := r.bus.Run(ctx, func(_ context.Context, rs []stillwater.Reading, done func()) error {
			for _, reading := range rs {
				r.readings <- reading
			}
			return nil
		})
		if err != nil {
			t.Errorf("Run ended with %v", err)
		}
	})
	t.Cleanup(func() { cancel(); wg.Wait() })
	return r
}

// want waits for a quantity from a source.
func (r *rig) want(source string, q stillwater.Quantity, value float64) {
	r.t.Helper()
	limit := time.After(30 * time.Second)
	for {
		select {
		case got := <-r.readings:
			if got.Source == source && got.Quantity == q {
				if got.Value != value {
					r.t.Errorf("%s %s is %v, want %v", source, q, got.Value, value)
				}
				return
			}
		case <-limit:
			r.t.Fatalf("no %s from %s within 30 s", q, source)
		}
	}
}

// link is a serial server on a line.
func (s *slave) link() bus.Link {
	return bus.Link{Address: s.address, Timeout: 250 * time.Millisecond, Baud: 115200}
}

// All layouts, both orders of the identifier, units and states, over a serial server and over a serial port.
func TestMetersByAnotherHand(t *testing.T) {
	meters := []string{
		"78330011223344,total=556677.00",
		"11,order=1F90,total=12.34,status=0400",
		"12,order=901F,total=0.01,status=0300",
		"13,order=901F,layout=b,total=321.654321",
		"14,layout=c,total=7.5",
		"15,unit=29,total=99.5,status=FFFF",
		"16,type=11,total=1",
		"17,fault=swapped,total=17",
		"18,status=2000,total=18",
	}
	config := Config{Every: time.Hour, Meters: []Meter{
		{Address: "78330011223344"}, {Address: "11", Point: "kitchen"}, {Address: "00000000000012"}, {Address: "13"}, {Address: "14"}, {Address: "15"},
		{Address: "16", Type: "hot"}, {Address: "17"}, {Address: "18", Status: "reversed"},
	}}
	check := func(t *testing.T, c Config) {
		r := run(t, c)
		r.want("r/78330011223344", stillwater.WaterTotal, 556677000)
		r.want("r/kitchen", stillwater.WaterTotal, 12340)
		r.want("r/kitchen", stillwater.BatteryLow, 1)
		r.want("r/00000000000012", stillwater.WaterTotal, 10)
		r.want("r/00000000000012", stillwater.Broken, 1)
		r.want("r/13", stillwater.WaterTotal, 321654.321)
		r.want("r/14", stillwater.WaterTotal, 7500)
		r.want("r/15", stillwater.WaterTotal, 99.5)
		r.want("r/16", stillwater.WaterTotal, 1000)
		r.want("r/17", stillwater.WaterTotal, 17000)
		r.want("r/18", stillwater.BatteryLow, 1)
		for len(r.readings) > 0 {
			if got := <-r.readings; got.Source == "r/15" && got.Quantity != stillwater.WaterTotal {
				t.Errorf("a meter that does not watch its battery: %+v", got)
			}
		}
	}
	t.Run("serial server", func(t *testing.T) {
		c := config
		c.Link = start(t, "tcp", meters...).link()
		check(t, c)
	})
	t.Run("serial port", func(t *testing.T) {
		if _, err := exec.LookPath("socat"); err != nil {
			t.Skip("left out: needs socat (make test installs it)")
		}
		dir := t.TempDir()
		ours, theirs := filepath.Join(dir, "ours"), filepath.Join(dir, "theirs")
		pair := exec.Command("socat", "pty,raw,echo=0,link="+ours, "pty,raw,echo=0,link="+theirs)
		if err := pair.Start(); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { pair.Process.Kill(); pair.Wait() })
		for {
			_, one := os.Stat(ours)
			if _, other := os.Stat(theirs); one == nil && other == nil {
				break
			}
			if pair.ProcessState != nil {
				t.Fatal("socat ended")
			}
			<-time.After(5 * time.Millisecond)
		}
		start(t, "tty:"+theirs, meters...)
		c := config
		c.Link = bus.Link{Serial: ours, Timeout: 250 * time.Millisecond, Baud: 38400}
		check(t, c)
	})
}

// Whatever a meter, an adapter or the line does wrong: no reading comes of it, the others are read meanwhile, and it is read when it behaves.
func TestFaults(t *testing.T) {
	meters := []string{"1,total=1", "2,total=2"}
	c := Config{Every: time.Hour, Meters: []Meter{{Address: "1"}, {Address: "2"}}}
	faults := []string{
		"silent", "truncated", "garbled", "garbage", "wrong-meter", "wrong-type", "wrong-control", "wrong-identifier", "wrong-serial",
		"no-digits", "no-unit", "refuses", "long", "empty",
	}
	for _, fault := range faults { // a meter each
		address := fmt.Sprint(100 + len(meters))
		meters = append(meters, address+",total=777,fault="+fault+":2")
		c.Meters = append(c.Meters, Meter{Address: address, Point: fault})
	}
	c.Link = start(t, "tcp", meters...).link()
	r := run(t, c)
	seen := map[string]int{}
	for limit := time.After(60 * time.Second); len(seen) < len(c.Meters); {
		select {
		case got := <-r.readings:
			want, good := map[string]float64{"r/1": 1000, "r/2": 2000}[got.Source]
			if !good {
				want = 777000
			}
			if got.Quantity == stillwater.WaterTotal && got.Value != want {
				t.Fatalf("%s is %v", got.Source, got.Value)
			}
			seen[got.Source]++
		case <-limit:
			t.Fatalf("read within a minute: %v", seen)
		}
	}
	if seen["r/1"] < 3 || seen["r/2"] < 3 {
		t.Errorf("the good ones were read %d and %d times meanwhile", seen["r/1"], seen["r/2"])
	}
	for _, u := range r.bus.Stats()[1:] {
		if (u.Unit == "1" || u.Unit == "2") && u.Refusals+u.Timeouts+u.BadFrames > 0 {
			t.Errorf("unit %s: %+v", u.Unit, u)
		}
	}
}

// What adapters and makers add is no fault.
func TestQuirks(t *testing.T) {
	var meters []string
	c := Config{Every: time.Hour}
	for i, quirk := range []string{"bare", "awake", "echo", "noise", "swapped"} {
		meters = append(meters, fmt.Sprintf("%d,total=%d,fault=%s", i+1, i+1, quirk))
		c.Meters = append(c.Meters, Meter{Address: fmt.Sprint(i + 1)})
	}
	c.Link = start(t, "tcp", meters...).link()
	r := run(t, c)
	for range 2 {
		for i, m := range c.Meters {
			r.want("r/"+m.Address, stillwater.WaterTotal, float64(1000*(i+1)))
		}
	}
	for _, u := range r.bus.Stats() {
		if u.BadFrames > 0 || u.Timeouts > 0 {
			t.Errorf("unit %s: %+v", u.Unit, u)
		}
	}
}

// Nobody but the meters of the configuration is ever asked, and nobody all at once.
func TestNeverEverybody(t *testing.T) {
	s := start(t, "tcp", "1,total=1", "2,total=2,fault=silent")
	r := run(t, Config{Link: s.link(), Every: time.Hour, Meters: []Meter{{Address: "1"}, {Address: "2"}, {Address: "3", Disabled: true}}})
	for range 5 {
		r.want("r/1", stillwater.WaterTotal, 1000)
	}
	for len(s.asked) > 0 {
		if asked := <-s.asked; asked != "00000000000001" && asked != "00000000000002" {
			t.Errorf("asked %s", asked)
		}
	}
}

// A canned wire gives what it holds.
type canned []byte

func (c canned) Exchange(_ context.Context, _ []byte, read func(io.Reader) error) error {
	return read(strings.NewReader(string(c)))
}

// A meter that says no is there; what it says is passed on.
func TestRefusal(t *testing.T) {
	m := newMeter(Meter{Address: "1"}, 0, "r/1", slog.New(slog.DiscardHandler))
	no := frame{kind: 0x10, meter: m.question.meter, control: 0xC1, data: []byte{0x1F, 0x90, 0, 2}}
	_, err := m.ask(context.Background(), canned(no.pack()))
	if _, refused := errors.AsType[*bus.Refusal](err); !refused || !strings.Contains(err.Error(), "says no") {
		t.Errorf("%v", err)
	}
	if m.order != 1 {
		t.Error("the other order is not tried after a no")
	}
}

func TestConfigMistakes(t *testing.T) {
	good := Config{Name: "r", Link: bus.Link{Address: "10.0.0.5:4001"}, Meters: []Meter{{Address: "12345678"}}}
	for _, c := range []struct {
		change func(*Config)
		want   string
	}{
		{func(c *Config) {}, ""},
		{func(c *Config) { c.Name = "a/b" }, `"a/b" is not a name for a bus`},
		{func(c *Config) { c.Wake = new(99) }, "99 bytes wake no meter"},
		{func(c *Config) { c.Address = "10.0.0.5" }, "write host and port"},
		{func(c *Config) { c.Every = -1 }, "below zero"},
		{func(c *Config) { c.Meters = nil }, "no meters"},
		{func(c *Config) { c.Meters[0].Address = "AAAAAAAAAAAAAA" }, `"AAAAAAAAAAAAAA" is no address`},
		{func(c *Config) { c.Meters[0].Address = "" }, `"" is no address`},
		{func(c *Config) { c.Meters = append(c.Meters, Meter{Address: "0012345678"}) }, "meter 0012345678 is there twice"},
		{func(c *Config) { c.Meters = append(c.Meters, Meter{Address: "1", Point: "12345678"}) }, `"12345678" is there twice`},
		{func(c *Config) { c.Meters[0].Point = "a b" }, "has spaces"},
		{func(c *Config) { c.Meters[0].Type = "warm" }, `"warm" is no kind of water`},
		{func(c *Config) { c.Meters[0].Layout = "d" }, `"d" is no layout; write auto, a, b, c`},
		{func(c *Config) { c.Meters[0].DataID = "1f90" }, `"1f90" is no order`},
		{func(c *Config) { c.Meters[0].Status = "x" }, `"x" is no status`},
		{func(c *Config) { c.Meters[0].Scale = -1 }, "is no scale"},
		{func(c *Config) { c.Meters[0].Every = -1 }, "below zero"},
	} {
		config := good
		config.Meters = append([]Meter(nil), good.Meters...)
		c.change(&config)
		var problems []string
		config.Validate(func(_ any, problem string) { problems = append(problems, problem) })
		if got := strings.Join(problems, "\n"); c.want == "" && got != "" || !strings.Contains(got, c.want) {
			t.Errorf("%q, want %q", got, c.want)
		}
	}
}
