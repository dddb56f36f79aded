package devices_test

import (
	"context"
	"encoding/binary"
	"fmt"
	"log/slog"
	"net"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/goburrow/modbus"

	"stillwater"
	"stillwater/simulator/devices"
	"stillwater/simulator/world"
)

// start is the world's; two in the night in Shanghai.
var start = time.Date(2026, 3, 1, 18, 0, 0, 0, time.UTC)

func city(t *testing.T, homes int) *world.World {
	t.Helper()
	w, err := world.New(world.Options{Homes: homes, Seed: 7, Start: start})
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func stage(t *testing.T, w *world.World, name string, home int, at time.Time) world.Staged {
	t.Helper()
	s, err := world.FindScenario(name)
	if err != nil {
		t.Fatal(err)
	}
	staged, err := w.Stage(s, w.Home(home), at)
	if err != nil {
		t.Fatal(err)
	}
	return staged
}

// run runs the devices until the test ends and checks that they leave nothing behind.
func run(t *testing.T, o devices.Options) devices.Addresses {
	t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	ready, done := make(chan devices.Addresses, 1), make(chan error, 1)
	o.Ready = func(a devices.Addresses) { ready <- a }
	go func() { done <- devices.Run(ctx, o) }()
	t.Cleanup(func() {
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	select {
	case a := <-ready:
		return a
	case err := <-done:
		done <- err
		t.Fatal(err)
	case <-time.After(10 * time.Second):
		t.Fatal("not ready")
	}
	return devices.Addresses{}
}

// unitOf is the Modbus unit of a home, as its household says.
func unitOf(t *testing.T, w *world.World, home int) byte {
	t.Helper()
	var unit byte
	if _, err := fmt.Sscanf(w.Households()[home].Devices[0].Source, world.ModbusFeed+"/%d", &unit); err != nil {
		t.Fatal(err)
	}
	return unit
}

// ask reads registers with a client that is not by the server's authors.
func ask(t *testing.T, address string, unit byte, from, quantity uint16) ([]byte, error) {
	t.Helper()
	handler := modbus.NewTCPClientHandler(address)
	handler.SlaveId, handler.Timeout = unit, 500*time.Millisecond
	defer handler.Close()
	return modbus.NewClient(handler).ReadHoldingRegisters(from, quantity)
}

// TestMeters reads every unit back in all four orders of its bytes.
func TestMeters(t *testing.T) {
	w := city(t, 9)
	at := start.Add(50 * time.Hour)
	a := run(t, devices.Options{World: w, Clock: newClock(at, 0), ModbusListen: "127.0.0.1:0"})
	for i, h := range w.Households() {
		if !strings.HasPrefix(h.Devices[0].Source, world.ModbusFeed) {
			continue
		}
		b, err := ask(t, a.Modbus, unitOf(t, w, i), 0, 8)
		if err != nil {
			t.Fatalf("%s: %v", h.ID, err)
		}
		want := w.Counter(h.ID, at)
		if want == 0 {
			t.Fatalf("%s: the counter is zero; no order is told from another", h.ID)
		}
		got := map[string]uint32{
			"ABCD": binary.BigEndian.Uint32(b[0:4]),
			"CDAB": binary.BigEndian.Uint32([]byte{b[6], b[7], b[4], b[5]}),
			"BADC": binary.BigEndian.Uint32([]byte{b[9], b[8], b[11], b[10]}),
			"DCBA": binary.LittleEndian.Uint32(b[12:16]),
		}
		for order, value := range got {
			if value != want {
				t.Errorf("%s: %s is %d, want %d", h.ID, order, value, want)
			}
		}
	}
	if _, err := ask(t, a.Modbus, 1, 6, 4); err == nil || !strings.Contains(err.Error(), "illegal data address") {
		t.Errorf("beyond the last register: %v", err)
	}
	if _, err := ask(t, a.Modbus, 200, 0, 2); err == nil || !strings.Contains(err.Error(), "gateway target device failed to respond") {
		t.Errorf("a unit that is not there: %v", err)
	}
}

// TestDeadMeter: it does not answer, its neighbours do, and it is back afterwards.
func TestDeadMeter(t *testing.T) {
	w := city(t, 3)
	c := newClock(start.Add(time.Hour), 0)
	s := stage(t, w, "meter-dies", 0, start.Add(time.Hour))
	a := run(t, devices.Options{World: w, Clock: c, ModbusListen: "127.0.0.1:0"})
	c.mu.Lock()
	c.event = s.From
	c.mu.Unlock()
	if _, err := ask(t, a.Modbus, 1, 0, 2); err == nil || !strings.Contains(err.Error(), "timeout") {
		t.Errorf("a dead meter says %v", err)
	}
	if _, err := ask(t, a.Modbus, 2, 0, 2); err != nil {
		t.Errorf("its neighbour says %v", err)
	}
	c.mu.Lock()
	c.event = s.To
	c.mu.Unlock()
	if _, err := ask(t, a.Modbus, 1, 0, 2); err != nil {
		t.Errorf("mended, it says %v", err)
	}
}

// TestNothingIsLostAtAnySpeed plays most of a day at 3600 times the usual speed and faster, with the broker killed and started
// again in between and a staged restart besides: every event of every home arrives, in order.
func TestNothingIsLostAtAnySpeed(t *testing.T) {
	w := city(t, 20)
	end := start.Add(20 * time.Hour)
	stage(t, w, "broker-restarts", 0, start.Add(12*time.Hour))
	stage(t, w, "meter-dies", 3, start.Add(17*time.Hour)) // a pulse meter
	b := startBroker(t)
	heard := listen(t, b.url)
	c := newClock(start, 3600)
	c.end = end
	run(t, devices.Options{World: w, Clock: c, BrokerURL: b.url, From: start, Look: 20 * time.Millisecond})

	heard.until(t, func(m map[string][]said) bool { return len(m["stillwater/h001/door"]) > 4 })
	b.stop(t)
	c.set(20000)
	b.start(t)
	c.set(7200)
	heard.until(t, func(m map[string][]said) bool {
		last := m["stillwater/h020/door"]
		return c.Now().Equal(end) && len(last) > 0 && end.Sub(last[len(last)-1].at) < time.Hour
	})
	heard.until(t, func(m map[string][]said) bool { return complete(w, end, m) == "" })
	if missing := complete(w, end, heard.all()); missing != "" {
		t.Error(missing)
	}
}

// complete compares what was heard, less what came twice, with what the world says.
func complete(w *world.World, end time.Time, heard map[string][]said) string {
	for _, h := range w.Households() {
		want := map[string][]said{}
		for _, r := range w.Reports(h.ID, start, end) {
			topic, ok := strings.CutPrefix(r.Device.Source, world.MQTTFeed+"/")
			if !ok {
				continue
			}
			s := said{at: r.At, litres: r.Value}
			if r.Device.Kind == stillwater.DoorContact {
				s = said{at: r.At, open: w.DoorOpen(h.ID, r.At), door: true}
			}
			want[topic] = append(want[topic], s)
		}
		for topic, all := range want {
			if got := once(heard[topic]); fmt.Sprint(got) != fmt.Sprint(all) {
				return fmt.Sprintf("%s: heard %d, want %d\n%v\n%v", topic, len(got), len(all), got, all)
			}
		}
	}
	return ""
}

// once leaves out what was sent again after a lost connection: it is not newer than what is known.
func once(all []said) []said {
	var fresh []said
	for _, s := range all {
		if n := len(fresh); n == 0 || s.at.After(fresh[n-1].at) {
			fresh = append(fresh, s)
		}
	}
	return fresh
}

// TestAvailability: homes come and go with the sender, and the will speaks when it is torn away.
func TestAvailability(t *testing.T) {
	b := startBroker(t)
	heard := listen(t, b.url)
	w := city(t, 2)
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() {
		done <- devices.Run(ctx, devices.Options{World: w, Clock: newClock(start, 1), BrokerURL: b.url, Log: slog.New(slog.NewTextHandler(t.Output(), nil))})
	}()
	words := func(topic string, want ...string) {
		t.Helper()
		heard.until(t, func(m map[string][]said) bool {
			var got []string
			for _, s := range m[topic] {
				got = append(got, s.word)
			}
			return slices.Equal(got, want)
		})
	}
	words("stillwater/h002/availability", "online")
	words("stillwater/availability", "online")
	stop()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	words("stillwater/h001/availability", "online", "offline")
	words("stillwater/availability", "online", "offline")

	torn := newClock(start, 1)
	stage(t, w, "broker-restarts", 0, start.Add(time.Second))
	torn.end = start.Add(2 * time.Second) // the broker stays away
	run(t, devices.Options{World: w, Clock: torn, BrokerURL: b.url, ClientID: "another", Log: slog.New(slog.NewTextHandler(t.Output(), nil))})
	words("stillwater/availability", "online", "offline", "online", "offline")
	words("stillwater/h001/availability", "online", "offline", "online") // torn away, only the will can speak
}

// TestNoGoroutineIsLeft runs both wires and counts.
func TestNoGoroutineIsLeft(t *testing.T) {
	b := startBroker(t)
	before := runtime.NumGoroutine()
	ctx, stop := context.WithCancel(context.Background())
	ready, done := make(chan devices.Addresses, 1), make(chan error, 1)
	go func() {
		done <- devices.Run(ctx, devices.Options{World: city(t, 30), Clock: newClock(start, 3600), BrokerURL: b.url, ModbusListen: "127.0.0.1:0",
			Ready: func(a devices.Addresses) { ready <- a }})
	}()
	a := <-ready
	if _, err := ask(t, a.Modbus, 1, 0, 2); err != nil {
		t.Fatal(err)
	}
	if n := runtime.NumGoroutine() - before; n > 25 {
		t.Errorf("%d goroutines for 30 homes", n)
	}
	stop()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(5 * time.Second); runtime.NumGoroutine() > before; runtime.Gosched() {
		if time.Now().After(deadline) {
			t.Fatalf("%d goroutines more than before", runtime.NumGoroutine()-before)
		}
	}
}

// TestPortTaken: an address that cannot be listened on is an error with its name.
func TestPortTaken(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	err = devices.Run(context.Background(), devices.Options{World: city(t, 1), Clock: newClock(start, 1), ModbusListen: l.Addr().String()})
	if err == nil || !strings.Contains(err.Error(), l.Addr().String()) {
		t.Errorf("got %v", err)
	}
}
