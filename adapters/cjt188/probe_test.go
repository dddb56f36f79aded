package cjt188

import (
	"strings"
	"testing"

	"stillwater"
	"stillwater/adapters/meterdial"
)

// A meter that nobody described is found, by its number or alone on the line, and what is to be pasted reads it.
func TestProbe(t *testing.T) {
	for _, c := range []struct {
		name, meter, dial string
		alone             bool
		want              Sighting
		layout            string
		litres            stillwater.Litres
		scale             stillwater.Litres
	}{
		{"alone", "78330011223344,order=901F,total=12.5", "", true, Sighting{Address: "78330011223344", Type: "cold", DataID: "901F"}, "a", 12500, 0},
		{"by its number", "5,layout=b,order=1F90,total=3.25", "3.25", false, Sighting{Address: "00000000000005", Type: "cold", DataID: "1F90"}, "b", 3250, 0},
		{"hot", "5,type=11,layout=c,total=123.45", "123.4", false, Sighting{Address: "00000000000005", Type: "hot", DataID: "1F90"}, "c", 123450, 0},
		{"wrong unit", "5,unit=29,total=123.45", "1234.5", false, Sighting{Address: "00000000000005", Type: "cold", DataID: "1F90"}, "a", 1234500, 100},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := start(t, "tcp", c.meter)
			digits := ""
			if !c.alone {
				digits = "5"
			}
			link := s.link()
			got, err := Probe(t.Context(), link, digits, c.alone, func(string) {})
			if err != nil || got.Address != c.want.Address || got.Type != c.want.Type || got.DataID != c.want.DataID {
				t.Fatalf("%+v, %v", got, err)
			}
			var dial *meterdial.Dial
			if c.dial != "" {
				d, err := meterdial.Parse(c.dial, "m3")
				if err != nil {
					t.Fatal(err)
				}
				dial = &d
			}
			list := got.Readings(dial)
			if len(list) == 0 || list[0].Layout != c.layout || list[0].Litres != c.litres || list[0].Scale != c.scale {
				t.Fatalf("%+v", list)
			}
			if text := got.YAML("riser", link, list[0]); !strings.Contains(text, "layout: "+c.layout+", data_id: "+c.want.DataID) {
				t.Error(text)
			}
			m := Meter{Address: got.Address, Type: got.Type, Layout: c.layout, DataID: got.DataID, Scale: list[0].Scale}
			r := run(t, Config{Name: "riser", Link: link, Meters: []Meter{m}})
			r.want("riser/"+got.Address, stillwater.WaterTotal, float64(c.litres))
			if !c.alone {
				for len(s.asked) > 0 {
					if asked := <-s.asked; asked != "00000000000005" {
						t.Errorf("asked %s", asked)
					}
				}
			}
		})
	}
}

// Two layouts that give the same length are told apart by the dial.
func TestProbeReadingsByDial(t *testing.T) {
	// whole 00001234 and a fraction of 2C0000 that is none: the bytes of layout a
	body := []byte{0x45, 0x23, 0x01, 0x00, 0x2C, 0x00, 0x01, 0x00, 0x00, 0x2C, 0x05, 0x04, 0x03, 0x02, 0x01, 0x26, 0x20, 0, 0}
	s := Sighting{Address: "1", Type: "cold", data: append([]byte{0x1F, 0x90, 0}, body...), body: body}
	for _, c := range []struct {
		dial   string
		litres stillwater.Litres
	}{{"123.4", 123450}, {"12.345", 12345}, {"1234.5", 1234500}} {
		d, err := meterdial.Parse(c.dial, "m3")
		if err != nil {
			t.Fatal(err)
		}
		list := s.Readings(&d)
		if len(list) == 0 || list[0].Litres != c.litres {
			t.Errorf("%s: %+v", c.dial, list)
		}
	}
	s.body[4], s.body[9], s.data[7], s.data[12] = 0x29, 0x29, 0x29, 0x29 // both layouts make sense: what the bytes look like comes first
	if list := s.Readings(nil); len(list) != 2 || list[0].Layout != "a" {
		t.Errorf("%+v", list)
	}
	if d := (meterdial.Dial{Volume: 777_777, Digit: 1}); len(s.Readings(&d)) != 0 {
		t.Error("a dial that no reading agrees with has some")
	}
}
