package modbus

import (
	"fmt"
	"io"
	"log"
	"math"
	"path/filepath"
	"strings"
	"testing"
	"time"

	peer "github.com/simonvetter/modbus"

	"stillwater"
)

// A museum is a server by another hand, in which every recording stands as a unit of its own. It refuses what a device has no
// register for, and requests that are longer than its maker allows.
type museum struct {
	meterBox
	recordings []*recording
	most       []int
}

func (m *museum) HandleHoldingRegisters(r *peer.HoldingRegistersRequest) ([]uint16, error) {
	if r.IsWrite {
		return nil, peer.ErrIllegalFunction
	}
	return m.table("holding", r.UnitId, r.Addr, r.Quantity)
}

func (m *museum) HandleInputRegisters(r *peer.InputRegistersRequest) ([]uint16, error) {
	return m.table("input", r.UnitId, r.Addr, r.Quantity)
}

func (m *museum) table(table string, unit uint8, at, n uint16) ([]uint16, error) {
	if int(n) > m.most[unit-1] {
		return nil, peer.ErrIllegalDataValue
	}
	var registers []uint16
	for i := range int(n) {
		word, ok := m.recordings[unit-1].dump[table][int(at)+i]
		if !ok {
			return nil, peer.ErrIllegalDataAddress
		}
		registers = append(registers, uint16(word[0])<<8|uint16(word[1]))
	}
	return registers, nil
}

// Every recording of every profile, read over the wire by one bus: what comes out are readings, each of its own source.
func TestProfilesOverTheWire(t *testing.T) {
	m := &museum{}
	c := Config{Name: "m", Every: time.Hour}
	want := map[string]float64{}
	for _, name := range Profiles() {
		cases, _ := filepath.Glob("testdata/" + name + "/*.yaml")
		for _, file := range cases {
			r := readRecording(t, file)
			u := Unit{Unit: len(m.recordings) + 1, Profile: name, Order: r.Unit.Order, Counter: r.Unit.Counter}
			if r.Unit.Scale != "" {
				_ = u.Scale.UnmarshalText([]byte(r.Unit.Scale)) // the other test has told
			}
			p, err := FindProfile(name, "", "")
			if err != nil {
				t.Fatal(err)
			}
			c.Units = append(c.Units, u)
			m.recordings, m.most = append(m.recordings, r), append(m.most, p.most())
			for key, value := range r.Values {
				quantity, counter, _ := strings.Cut(key, " ")
				source := fmt.Sprintf("m/%d", u.Unit)
				if counter != "" {
					source += "-" + counter
				}
				q := stillwater.Quantity(quantity)
				if (stillwater.Reading{Quantity: q, Value: value, At: time.Now()}).Validate() == nil { // else no home has so much
					want[source+" "+quantity] = value
				}
			}
		}
	}
	c.Address = serve(t, m)
	r := run(t, c, quick{time.Now(), 6000}, nil)
	for limit := time.After(60 * time.Second); len(want) > 0; {
		select {
		case got := <-r.readings:
			key := got.Source + " " + string(got.Quantity)
			value, known := want[key]
			if !known {
				if got.Quantity == stillwater.WaterTotal && m.recordings[unitOf(got.Source)-1].Error != "" && !strings.Contains(got.Source, "-") {
					t.Errorf("%s is %v of a recording that has no total", key, got.Value)
				}
				continue
			}
			if math.Abs(got.Value-value) > 1e-9*math.Abs(value) {
				t.Errorf("%s is %v, want %v", key, got.Value, value)
			}
			delete(want, key)
		case <-limit:
			t.Fatalf("not read within a minute: %v", want)
		}
	}
}

func unitOf(source string) (n int) {
	fmt.Sscanf(source, "m/%d", &n)
	return n
}

func serve(t *testing.T, h peer.RequestHandler) string {
	address := freeAddress(t)
	server, err := peer.NewServer(&peer.ServerConfiguration{
		URL: "tcp://" + address, Timeout: time.Minute, MaxClients: 20, Logger: log.New(io.Discard, "", 0),
	}, h)
	if err != nil {
		t.Fatal(err)
	}
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { server.Stop() })
	return address
}
