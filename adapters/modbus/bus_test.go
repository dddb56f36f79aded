package modbus

import (
	"context"
	"errors"
	"net"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"stillwater"
	"stillwater/adapters/bus"
)

// One unit is dead among three living ones. Their polls may each be late by one timeout at most, the dead one is probed
// ever more rarely but never left for longer than maxBackoff, and its return is noticed.
func TestDeadUnitAmongTheLiving(t *testing.T) {
	const dead, every, timeout = 2, 10 * time.Second, time.Second
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		var mu sync.Mutex
		var probes []time.Duration
		slave := &rawSlave{answer: func(conn net.Conn, request []byte, _ int) bool {
			if request[6] == dead {
				mu.Lock()
				probes = append(probes, time.Since(start))
				mu.Unlock()
				if time.Since(start) < time.Hour {
					return true
				}
			}
			conn.Write(good(request, 1))
			return true
		}}
		r := run(t, Config{
			Name: "b", Link: bus.Link{Address: "bus:502", Timeout: timeout}, Every: every,
			Units: []Unit{{Unit: 1}, {Unit: dead}, {Unit: 3}, {Unit: 4}},
		}, quick{start, 1}, slave.pipe)
		time.Sleep(time.Hour + time.Minute - time.Second)
		r.stop()
		slave.serving.Wait()

		living := map[string]int{}
		var back time.Duration
		close(r.readings)
		for got := range r.readings {
			at := got.At.Sub(start)
			if got.Source == "b/2" {
				if back == 0 {
					back = at
				}
				continue
			}
			if late := at - time.Duration(living[got.Source])*every; late > timeout+10*time.Millisecond {
				t.Fatalf("%s was read %v late", got.Source, late)
			}
			living[got.Source]++
		}
		for _, source := range []string{"b/1", "b/3", "b/4"} {
			if living[source] != 366 {
				t.Errorf("%s was read %d times in 61 minutes; want 366", source, living[source])
			}
		}
		if back < time.Hour || back > time.Hour+maxBackoff+timeout {
			t.Errorf("the dead unit came back after 1h and was read after %v", back)
		}
		for i := 1; i < len(probes); i++ {
			if gap := probes[i] - probes[i-1]; gap > maxBackoff+timeout+every {
				t.Errorf("%v between two probes", gap)
			}
		}
		if n := len(probes); n < 100 || n > 300 {
			t.Errorf("%d probes in an hour", n)
		}
		if got := r.tells(); got.err != nil || len(r.health) != 0 {
			t.Errorf("told %v and %d more; want only that the bus is well", got, len(r.health))
		}
	})
}

// Many dead units must not add up: between two polls of the living there is one probe at most.
func TestManyDeadUnits(t *testing.T) {
	const every, timeout = 3 * time.Second, time.Second
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		slave := &rawSlave{answer: func(conn net.Conn, request []byte, _ int) bool {
			if request[6] <= 2 {
				conn.Write(good(request, 1))
			}
			return true
		}}
		c := Config{Name: "b", Link: bus.Link{Address: "bus:502", Timeout: timeout}, Every: every}
		for u := range 40 {
			c.Units = append(c.Units, Unit{Unit: u + 1})
		}
		r := run(t, c, quick{start, 1}, slave.pipe)
		time.Sleep(10 * time.Minute)
		r.stop()
		close(r.readings)
		last := map[string]time.Duration{}
		for got := range r.readings {
			at := got.At.Sub(start)
			if before := last[got.Source]; at-before > every+timeout+10*time.Millisecond {
				t.Fatalf("%s was read %v after its last reading", got.Source, at-before)
			}
			last[got.Source] = at
		}
		for _, source := range []string{"b/1", "b/2"} {
			if last[source] < 10*time.Minute-every-timeout {
				t.Errorf("%s was last read after %v", source, last[source])
			}
		}
	})
}

// A bus with hardly any time to spare still gives the dead unit a chance.
func TestBusyBusSeesUnitReturn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		slave := &rawSlave{answer: func(conn net.Conn, request []byte, _ int) bool {
			if request[6] == 2 && time.Since(start) < 10*time.Minute {
				return true
			}
			time.Sleep(300 * time.Millisecond) // of fake time
			conn.Write(good(request, 1))
			return true
		}}
		r := run(t, Config{
			Name: "b", Link: bus.Link{Address: "bus:502"}, Every: 200 * time.Millisecond, // two living units take 600 ms
			Units: []Unit{{Unit: 1}, {Unit: 2}, {Unit: 3}},
		}, quick{start, 1}, slave.pipe)
		time.Sleep(12 * time.Minute)
		r.stop()
		slave.serving.Wait()
		close(r.readings)
		for got := range r.readings {
			if got.Source == "b/2" {
				return
			}
		}
		t.Error("unit 2 was never read again")
	})
}

func TestWholeBusSilent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		slave := &rawSlave{answer: func(conn net.Conn, request []byte, _ int) bool {
			if m := time.Since(start) / time.Minute; m < 10 || m >= 20 {
				conn.Write(good(request, 1))
			}
			return true
		}}
		r := run(t, Config{Name: "b", Link: bus.Link{Address: "bus:502"}, Every: time.Minute, Units: []Unit{{Unit: 1}, {Unit: 2}}}, quick{start, 1}, slave.pipe)
		time.Sleep(30 * time.Minute)
		r.stop()
		if a, b, c := r.tells(), r.tells(), r.tells(); a.err != nil || b.err == nil || c.err != nil || len(r.health) != 0 {
			t.Errorf("told %v, %v, %v and %d more; want well, ill, well", a.err, b.err, c.err, len(r.health))
		}
	})
}

// A value that no meter gives is not emitted, costs no connection, and does not hide the good ones after it.
func TestInvalidValuesAreNotEmitted(t *testing.T) {
	bad := []uint32{0x7fc00000, 0x7f800000, 0xffffffff, 0xc2f70000} // NaN, infinity, nothing, minus 123.5
	slave := &rawSlave{answer: func(conn net.Conn, request []byte, n int) bool {
		value := uint32(0x42f70000)
		if n <= len(bad) {
			value = bad[n-1]
		}
		conn.Write(good(request, value))
		return true
	}}
	synctest.Test(t, func(t *testing.T) {
		r := run(t, Config{
			Name: "b", Link: bus.Link{Address: "bus:502"}, Units: []Unit{{Unit: 5, Type: "float32", Scale: 1000}},
		}, quick{time.Now(), 1}, slave.pipe)
		got := r.reading("b/5")
		r.stop()
		want := stillwater.Reading{Source: "b/5", Quantity: stillwater.WaterTotal, Value: 123500, At: got.At, Received: got.At}
		if got != want || got.At.IsZero() {
			t.Errorf("%+v; want %+v", got, want)
		}
		if dials, asked := slave.counts(); dials != 1 || asked != 5 {
			t.Errorf("%d dials for %d questions", dials, asked)
		}
	})
}

// Polls follow the event clock, also when it is set back or jumps ahead.
type steppedClock struct {
	quick
	step time.Duration
}

func (s *steppedClock) Now() time.Time { return s.quick.Now().Add(s.step) }

func TestEventClockSteps(t *testing.T) {
	for _, step := range []time.Duration{-24 * time.Hour, 24 * time.Hour} {
		synctest.Test(t, func(t *testing.T) {
			clock := &steppedClock{quick: quick{time.Now(), 1}}
			slave := &rawSlave{answer: func(conn net.Conn, request []byte, n int) bool {
				if n == 3 {
					clock.step = step
				}
				conn.Write(good(request, 1))
				return true
			}}
			r := run(t, Config{Name: "b", Link: bus.Link{Address: "bus:502"}, Every: time.Minute, Units: []Unit{{Unit: 1}}}, clock, slave.pipe)
			time.Sleep(10*time.Minute + time.Second)
			r.stop()
			if n := len(r.readings); n < 10 || n > 12 {
				t.Errorf("%d readings in 10 minutes with a step of %v", n, step)
			}
		})
	}
}

func TestEveryUnitAtItsOwnPace(t *testing.T) {
	slave := &rawSlave{answer: func(conn net.Conn, request []byte, _ int) bool { conn.Write(good(request, 1)); return true }}
	synctest.Test(t, func(t *testing.T) {
		r := run(t, Config{Name: "b", Link: bus.Link{Address: "bus:502"}, Units: []Unit{
			{Unit: 1}, {Unit: 2, Every: time.Minute}, {Unit: 3, Disabled: true}, {Unit: 4, Point: "4-kitchen", Every: time.Hour},
		}}, quick{time.Now(), 60}, slave.pipe)
		time.Sleep(time.Minute - time.Millisecond) // an hour of event time
		r.stop()
		close(r.readings)
		n := map[string]int{}
		for got := range r.readings {
			n[got.Source]++
		}
		if len(n) != 3 || n["b/1"] != 12 || n["b/2"] != 60 || n["b/4-kitchen"] != 1 {
			t.Errorf("%v; want b/1 12, b/2 60, b/4-kitchen 1", n)
		}
	})
}

func TestEmitErrorEndsRun(t *testing.T) {
	slave := &rawSlave{answer: func(conn net.Conn, request []byte, _ int) bool { conn.Write(good(request, 1)); return true }}
	synctest.Test(t, func(t *testing.T) {
		o := Options{Config: Config{Name: "b", Link: bus.Link{Address: "bus:502"}, Units: []Unit{{Unit: 1}}}, Clock: quick{time.Now(), 1}}.bus()
		o.Dial = slave.pipe
		b := bus.New(o)
		full := errors.New("disk full")
		err := b.Run(context.Background(), func(context.Context, []stillwater.Reading, func()) error { return full })
		if !errors.Is(err, full) {
			t.Errorf("Run ended with %v", err)
		}
	})
}

func TestValidate(t *testing.T) {
	whole := Config{Name: "cupboard-1", Link: bus.Link{Address: "10.0.0.5:502"}, Units: []Unit{{Unit: 1}, {Unit: 247, Register: 65534}}}
	for _, c := range []struct {
		spoil func(*Config)
		field func(*Config) any
	}{
		{func(c *Config) {}, nil},
		{func(c *Config) { *c = Defaults(); c.Name, c.Address, c.Units = "b", "[::1]:502", []Unit{{Unit: 1}} }, nil},
		{func(c *Config) { c.Name = "a/b" }, func(c *Config) any { return &c.Name }},
		{func(c *Config) { c.Address = "10.0.0.5" }, func(c *Config) any { return &c.Address }},
		{func(c *Config) { c.Address = "tcp://10.0.0.5:502" }, func(c *Config) any { return &c.Address }},
		{func(c *Config) { c.Timeout = -1 }, func(c *Config) any { return &c.Timeout }},
		{func(c *Config) { c.Pause = time.Minute }, func(c *Config) any { return &c.Pause }},
		{func(c *Config) { c.Pause, c.Every = time.Second, time.Second }, func(c *Config) any { return &c.Pause }},
		{func(c *Config) { c.Every = -1 }, func(c *Config) any { return &c.Every }},
		{func(c *Config) { c.Address, c.Serial, c.Baud, c.Parity = "", "/dev/ttyUSB0", 2400, "even" }, nil},
		{func(c *Config) { c.Serial = "/dev/ttyUSB0" }, func(c *Config) any { return &c.Serial }},
		{func(c *Config) { c.Framing = "rtu" }, nil},
		{func(c *Config) { c.Framing = "ascii" }, func(c *Config) any { return &c.Framing }},
		{func(c *Config) { c.Address, c.Serial, c.Framing = "", "/dev/ttyUSB0", "tcp" }, func(c *Config) any { return &c.Framing }},
		{func(c *Config) { c.MaxRegisters = 126 }, func(c *Config) any { return &c.MaxRegisters }},
		{func(c *Config) { c.MaxHole = new(0) }, nil},
		{func(c *Config) { c.MaxHole = new(-1) }, func(c *Config) any { return &c.MaxHole }},
		{func(c *Config) { c.Units = nil }, func(c *Config) any { return &c.Units }},
		{func(c *Config) { c.Units[1].Unit = 248 }, func(c *Config) any { return &c.Units[1].Unit }},
		{func(c *Config) { c.Units[1].Unit = 1 }, func(c *Config) any { return &c.Units[1].Unit }},
		{func(c *Config) { c.Units[1].Unit, c.Units[1].Point = 1, "1b" }, nil},
		{func(c *Config) { c.Units[1].Register = 65535 }, func(c *Config) any { return &c.Units[1].Register }},
		{func(c *Config) { c.Units[1].Function = "coil" }, func(c *Config) any { return &c.Units[1].Function }},
		{func(c *Config) { c.Units[1].Type = "bcd" }, func(c *Config) any { return &c.Units[1].Type }},
		{func(c *Config) { c.Units[1].Order = "DABC" }, func(c *Config) any { return &c.Units[1].Order }},
		{func(c *Config) { c.Units[1].Scale = -1 }, func(c *Config) any { return &c.Units[1].Scale }},
		{func(c *Config) { c.Units[1].Every = -1 }, func(c *Config) any { return &c.Units[1].Every }},
	} {
		config := whole
		config.Units = slices.Clone(whole.Units)
		c.spoil(&config)
		var fields []any
		var problems []string
		config.Validate(func(field any, problem string) { fields, problems = append(fields, field), append(problems, problem) })
		if c.field == nil && len(fields) != 0 || c.field != nil && !slices.Contains(fields, c.field(&config)) {
			t.Errorf("%+v: reported %q", config, problems)
		}
	}
}
