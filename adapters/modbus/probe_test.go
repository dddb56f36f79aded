package modbus

import (
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"log"
	"math"
	"net"
	"path/filepath"
	"strings"
	"testing"
	"time"

	peer "github.com/simonvetter/modbus"

	"stillwater"
	"stillwater/adapters/bus"
	"stillwater/adapters/meterdial"
)

// A shelf is a Modbus server by another hand: units with the registers they have, and how they answer for those they have not.
type shelf struct {
	units  map[uint8]*image
	zeros  bool // registers that are not there are zero, as in many boards; else they are refused
	most   uint16
	writes int
	asked  map[string]int // times each register was asked for, by unit, table and address
}

func (s *shelf) HandleCoils(r *peer.CoilsRequest) ([]bool, error) {
	if r.IsWrite {
		s.writes++
	}
	return nil, peer.ErrIllegalFunction
}
func (s *shelf) HandleDiscreteInputs(*peer.DiscreteInputsRequest) ([]bool, error) {
	return nil, peer.ErrIllegalFunction
}

func (s *shelf) HandleHoldingRegisters(r *peer.HoldingRegistersRequest) ([]uint16, error) {
	if r.IsWrite {
		s.writes++
		return nil, peer.ErrIllegalFunction
	}
	return s.get(r.UnitId, "holding", r.Addr, r.Quantity)
}

func (s *shelf) HandleInputRegisters(r *peer.InputRegistersRequest) ([]uint16, error) {
	return s.get(r.UnitId, "input", r.Addr, r.Quantity)
}

func (s *shelf) get(unit uint8, table string, at, n uint16) ([]uint16, error) {
	i := s.units[unit]
	switch {
	case unit == 0:
		s.writes++ // a broadcast
		return nil, peer.ErrIllegalFunction
	case i == nil:
		return nil, peer.ErrGWTargetFailedToRespond
	case s.most > 0 && n > s.most:
		return nil, peer.ErrIllegalDataValue
	}
	var regs []uint16
	for a := int(at); a < int(at)+int(n); a++ {
		raw := i.get(need{table, a, 1})
		if raw == nil && !s.zeros {
			return nil, peer.ErrIllegalDataAddress
		}
		if raw == nil {
			raw = []byte{0, 0}
		}
		regs = append(regs, binary.BigEndian.Uint16(raw))
	}
	for a := int(at); a < int(at)+int(n); a++ {
		s.asked[fmt.Sprint(unit, table, a)]++
	}
	return regs, nil
}

// start serves; nothing else asks meanwhile, so what it notes needs no lock after the probe has ended.
func (s *shelf) start(t testing.TB) string {
	s.asked = map[string]int{}
	address := freeAddress(t)
	server, err := peer.NewServer(&peer.ServerConfiguration{
		URL: "tcp://" + address, Timeout: time.Minute, MaxClients: 20, Logger: log.New(io.Discard, "", 0),
	}, s)
	if err == nil {
		err = server.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { server.Stop() })
	return address
}

func (r *recording) image() *image {
	i := newImage()
	for table, words := range r.dump {
		for at, word := range words {
			i.put(need{table, at, 1}, word[:])
		}
	}
	return i
}

func probeOf(t testing.TB, address string) *Probe {
	all, err := AllProfiles()
	if err != nil {
		t.Fatal(err)
	}
	p := NewProbe(ProbeOptions{Link: bus.Link{Address: address}, Profiles: all})
	t.Cleanup(p.Close)
	return p
}

// Every recording of every profile is served by another implementation, and found from what its dial shows: profile, counter, order and scale,
// first in the ranking. What is to be pasted gives the same value.
func TestProbeFindsEachRecording(t *testing.T) {
	files, err := filepath.Glob("testdata/*/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatal(err, "no recordings")
	}
	found := map[string]bool{}
	for _, file := range files {
		name := filepath.Base(filepath.Dir(file))
		for _, way := range []string{"refused", "zeros"} {
			t.Run(name+"/"+strings.TrimSuffix(filepath.Base(file), ".yaml")+"/"+way, func(t *testing.T) {
				r := readRecording(t, file)
				if r.Model != nil && !*r.Model {
					return // it is of another model, on purpose
				}
				for key, litres := range r.Values {
					quantity, counter, _ := strings.Cut(key, " ")
					if quantity == string(stillwater.WaterTotal) && litres > 1000 {
						found[name] = true
						probeRecording(t, r, name, counter, litres, way)
					}
				}
			})
		}
	}
	for _, name := range Profiles() {
		if !found[name] {
			t.Errorf("%s: no recording has a total to find", name)
		}
	}
}

func probeRecording(t *testing.T, r *recording, name, counter string, litres float64, way string) {
	s := &shelf{units: map[uint8]*image{3: r.image()}, zeros: way == "zeros"}
	p := probeOf(t, s.start(t))
	answers, err := p.Scan(t.Context(), []int{1, 2, 3, 4})
	if err != nil || len(answers) != 1 || answers[0].Unit != 3 {
		t.Fatalf("found %v, %v; want unit 3", answers, err)
	}
	dial := &meterdial.Dial{Volume: stillwater.Litres(math.Floor(litres)), Digit: 1}
	for _, d := range []*meterdial.Dial{dial, nil} {
		if err := p.Look(t.Context(), 3, d); err != nil {
			t.Fatal(err)
		}
	}
	list := p.Rank(3)
	if len(list) == 0 || list[0].Profile != name || list[0].Counter != counter || math.Abs(float64(list[0].Litres)-litres) > 1e-9*litres || list[0].guess.order != r.Unit.Order {
		t.Fatalf("%s %v L: first is %+.200v", name, litres, list)
	}
	t.Logf("%s %s: %d requests, %d candidates, %.1f bits, %d as good: %s", name, counter, p.Requests, len(list), list[0].Bits, Rivals(list)-1, strings.Join(list[0].Why, "; "))
	checkPaste(t, p, list[0], r.image())
	if known := r.Model != nil; known && p.Requests > 25 || !known && list[0].plain() && p.Requests > 75 {
		t.Errorf("%d requests", p.Requests)
	}
	if s.writes > 0 {
		t.Error("it wrote, or asked everybody")
	}
	for register, times := range s.asked {
		if times > 4 { // to say hello, and in two looks
			t.Errorf("register %s was read %d times", register, times)
		}
	}
}

// checkPaste reads the image as the configuration to be pasted says.
func checkPaste(t *testing.T, p *Probe, c Candidate, i *image) {
	t.Helper()
	u := c.Unit(3)
	if own := c.Own(); own != "" {
		made, err := ParseProfile(OwnProfile+".yaml", []byte(own))
		if err != nil {
			t.Fatalf("the profile to paste: %v\n%s", err, own)
		}
		u.plan = made.plan()
	}
	config := Config{Name: "b", Link: p.options.Link, Every: time.Minute, Units: []Unit{u}}
	config.Validate(func(_ any, problem string) { t.Fatalf("%s: %s", u.line(), problem) })
	values, err := config.Units[0].withDefaults().values(i.get)
	if err != nil {
		t.Fatalf("%s: %v", u.line(), err)
	}
	for _, v := range values {
		if v.quantity == stillwater.WaterTotal && math.Abs(v.value-float64(c.Litres)) <= 1e-5*v.value {
			return
		}
	}
	t.Errorf("%s gives %v, want %v", u.line(), values, c.Litres)
}

// A device that no profile knows: the number is found where it is, in every type and order, and in two halves.
func TestProbeFindsUnknownDevices(t *testing.T) {
	const litres = 123456.789
	for _, kind := range []string{"uint32", "float32", "float64", "uint64"} {
		for _, order := range orders {
			f := &fake{profile: &Profile{Numbering: "address"}, words: map[string]map[int]uint16{}}
			n := math.Floor(litres)
			if strings.HasPrefix(kind, "float") {
				n = litres / 1000
			}
			f.write(Place{Table: "input", Register: 40, Type: kind, Order: order}, n)
			s := &shelf{units: map[uint8]*image{9: f.image(nil, "refused")}, zeros: true}
			p := probeOf(t, s.start(t))
			if err := p.Look(t.Context(), 9, &meterdial.Dial{Volume: 123456, Digit: 1}); err != nil {
				t.Fatal(err)
			}
			list := p.Rank(9)
			want := fmt.Sprintf("order %s", order)
			if len(list) == 0 || list[0].Profile != "" || list[0].guess.gauge.need.table != "input" || math.Abs(float64(list[0].Litres)-litres) > 1 {
				t.Errorf("%s %s: %.300v", kind, order, list)
				continue
			}
			if !strings.Contains(strings.Join(list[0].Why, " "), want) {
				t.Logf("%s %s: first is %v of %d", kind, order, list[0].Why, Rivals(list))
			}
			checkPaste(t, p, list[0], f.image(nil, "refused"))
		}
	}
}

// A pulse counter that was not set to the dial is found by how far both ran.
func TestProbePulseCounterNotSet(t *testing.T) {
	board := newImage()
	s := &shelf{units: map[uint8]*image{5: board}}
	p := probeOf(t, s.start(t))
	put := func(n uint16) { board.put(need{"holding", 5300, 4}, []byte{0, 7, byte(n >> 8), byte(n), 0, 9, 1, 1}) }
	put(812)
	if err := p.Look(t.Context(), 5, &meterdial.Dial{Volume: 4_567_890, Digit: 1}); err != nil {
		t.Fatal(err)
	}
	if list := p.Rank(5); len(list) > 0 && list[0].Bits > 0 {
		t.Errorf("before water was drawn: %+v", list[0])
	}
	put(817)
	if err := p.Look(t.Context(), 5, &meterdial.Dial{Volume: 4_567_940, Digit: 1}); err != nil {
		t.Fatal(err)
	}
	list := p.Rank(5)
	if len(list) == 0 || list[0].Profile != "hardwario-gauger" || list[0].Counter != "2" || list[0].guess.scale != "10 L" || !list[0].Offset {
		t.Errorf("%+.300v", list)
	}
}

// What ran back between two looks is no counter.
func TestProbeDropsWhatRunsBack(t *testing.T) {
	device := newImage()
	s := &shelf{units: map[uint8]*image{1: device}, zeros: true}
	p := probeOf(t, s.start(t))
	device.put(need{"holding", 0, 2}, []byte{0, 1, 0xe2, 0x40})
	device.put(need{"input", 2, 2}, []byte{0, 1, 0xe2, 0x40})
	dial := &meterdial.Dial{Volume: 123456, Digit: 1}
	if err := p.Look(t.Context(), 1, dial); err != nil {
		t.Fatal(err)
	}
	if n := Rivals(p.Rank(1)); n < 2 {
		t.Fatalf("%d candidates give the dial's value, want 2 at least", n)
	}
	device.put(need{"holding", 0, 2}, []byte{0, 1, 0xe2, 0x3f})
	if err := p.Look(t.Context(), 1, nil); err != nil {
		t.Fatal(err)
	}
	for _, c := range p.Rank(1) {
		if c.guess.gauge.need.table == "holding" && c.guess.gauge.need.first == 0 && c.guess.gauge.main.kind == "uint32" && c.guess.gauge.main.order == "ABCD" {
			t.Errorf("%+v is still there", c)
		}
	}
	if list := p.Rank(1); len(list) == 0 || list[0].Profile != "dynasonics-fusion" {
		t.Errorf("%+.200v; want dynasonics-fusion first", list)
	}
}

// A probe ends at once when it is told to, also while nobody answers.
func TestProbeStops(t *testing.T) {
	box := &rawSlave{}
	asked := make(chan struct{}, 100)
	box.answer = func(_ net.Conn, _ []byte, _ int) bool { asked <- struct{}{}; return true }
	p := NewProbe(ProbeOptions{Link: bus.Link{Address: box.listen(t), Timeout: 30 * time.Second}})
	defer p.Close()
	ctx, cancel := context.WithCancel(t.Context())
	go func() { <-asked; cancel() }()
	began := time.Now()
	if _, err := p.Scan(ctx, []int{1, 2, 3}); err == nil || time.Since(began) > 5*time.Second {
		t.Errorf("ended after %v with %v", time.Since(began), err)
	}
}

// The same against Python's pymodbus, which says nothing at all for units it does not have.
func TestProbeAgainstPymodbus(t *testing.T) {
	address := freeAddress(t)
	_, port, _ := net.SplitHostPort(address)
	startSlave(t, python(t), port, 0, 350, 0, 321, 9, 0xfbf1) // an ultraD with 321.654321 m³ and a flow of 350 L/h
	all, _ := AllProfiles()
	p := NewProbe(ProbeOptions{Link: bus.Link{Address: address, Timeout: 300 * time.Millisecond}, Profiles: all})
	defer p.Close()
	var answers []Answer
	for range 50 { // until it has started
		if answers, _ = p.Scan(t.Context(), []int{1, 2, 7}); len(answers) > 0 {
			break
		}
		<-time.After(100 * time.Millisecond)
	}
	if len(answers) != 2 || answers[0].Unit != 1 || answers[1].Unit != 7 {
		t.Fatalf("found %v; want units 1 and 7", answers)
	}
	if err := p.Look(t.Context(), 7, &meterdial.Dial{Volume: 321654, Digit: 1}); err != nil {
		t.Fatal(err)
	}
	list := p.Rank(7)
	if len(list) == 0 || list[0].name() != "dynaflox-ultrad" || Rivals(list) != 1 {
		t.Errorf("%+.300v", list)
	}
	if err := p.Look(t.Context(), 1, nil); err != nil {
		t.Fatal(err)
	}
	t.Logf("%d requests", p.Requests)
}

// Servers by other hands, over the network and over a serial line: a number that stands there in four orders is found in each, the usual
// one first.
func TestProbeOtherServers(t *testing.T) {
	all, err := AllProfiles()
	if err != nil {
		t.Fatal(err)
	}
	for _, server := range peers {
		t.Run(server.String(), func(t *testing.T) {
			link, theirs := server.link(t)
			server.start(t, link, theirs)
			p := NewProbe(ProbeOptions{Link: link, Profiles: all})
			defer p.Close()
			if answers, err := p.Scan(t.Context(), []int{1}); err != nil || len(answers) != 1 {
				t.Fatal(answers, err)
			}
			if err := p.Look(t.Context(), 1, &meterdial.Dial{Volume: 98_765_437, Digit: 1}); err != nil {
				t.Fatal(err)
			}
			list := p.Rank(1)
			places := map[string]int{}
			for _, c := range list {
				if g := c.guess.gauge; g.main.kind == "float32" && c.guess.scale == "1 m³" {
					places[g.main.order] = g.need.first
				}
			}
			if len(list) == 0 || math.Abs(float64(list[0].Litres)-98_765_437.5) > 1e-6 || list[0].guess.gauge.main.order != "ABCD" {
				t.Fatalf("%+.300v", list)
			}
			for i, order := range orders {
				if places[order] != 6+20*i {
					t.Errorf("order %s at register %d, want %d", order, places[order], 6+20*i)
				}
			}
			if Rivals(list) < 2 {
				t.Error("that there are several is not said")
			}
			t.Logf("%d requests", p.Requests)
		})
	}
}

// A device whose registers all lie one further than its document says is still found, with its settings; what is to be pasted is a profile of
// one's own then.
func TestProbeFindsShifted(t *testing.T) {
	all, err := AllProfiles()
	if err != nil {
		t.Fatal(err)
	}
	for file, litres := range map[string]float64{
		"tuf-2000m/tens-of-litres": 123456.25, "arad-octave/gallons-and-alarms": 3785.412, "dynaflox-ultrad/split": 321654.321,
	} {
		name, _, _ := strings.Cut(file, "/")
		shifted := newImage()
		for table, words := range readRecording(t, "testdata/"+file+".yaml").dump {
			for at, word := range words {
				shifted.put(need{table, at + 1, 1}, word[:])
			}
		}
		list := rank(all, []look{{shifted, &meterdial.Dial{Volume: stillwater.Litres(math.Floor(litres)), Digit: 1}}})
		if len(list) == 0 || list[0].Profile != name || !list[0].guess.moved() || list[0].Own() == "" || list[0].guess.scale != "" {
			t.Errorf("%s: %+.300v", file, list)
			continue
		}
		checkPaste(t, probeOf(t, "127.0.0.1:502"), list[0], shifted)
	}
}

// A dial in another unit than the device says of itself: the scale is written at the unit, in place of what the device says.
func TestProbeFindsAnotherUnit(t *testing.T) {
	image := readRecording(t, "testdata/arad-octave/gallons-and-alarms.yaml").image()
	image.put(need{"input", 0x17, 1}, []byte{0, 0}) // it says cubic metres, and counts gallons
	all, err := AllProfiles()
	if err != nil {
		t.Fatal(err)
	}
	dial, err := meterdial.Parse("1000.0", "gal")
	if err != nil {
		t.Fatal(err)
	}
	list := rank(all, []look{{image, &dial}})
	if len(list) == 0 || list[0].Profile != "arad-octave" || list[0].guess.scale != "3.785411784 L" || math.Abs(float64(list[0].Litres)-3785.41) > 0.01 {
		t.Errorf("%+.300v", list)
	}
}

// A new meter whose dial is about zero agrees with every register that is zero: nothing is likelier than chance.
func TestRankOfNothing(t *testing.T) {
	all, err := AllProfiles()
	if err != nil {
		t.Fatal(err)
	}
	image := newImage()
	for _, table := range []string{"holding", "input"} {
		image.put(need{table, 0, 60}, make([]byte, 120))
	}
	if list := rank(all, []look{{image, &meterdial.Dial{Volume: 172, Digit: 1}}}); len(list) == 0 || list[0].Bits > -4.5 {
		t.Errorf("%+.300v", list)
	}
}
