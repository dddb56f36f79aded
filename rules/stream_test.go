package rules

import (
	"encoding/binary"
	"math"
	"testing"
	"time"

	"stillwater"
)

// FuzzStream feeds the engine any readings at all that pass their own validation. It must not panic, say anything that is not a number, or
// raise a silence that no reading vouches for; and a reading that is not valid is for the pipeline to refuse.
func FuzzStream(f *testing.F) {
	f.Add([]byte{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24})
	f.Add([]byte("0000000000000000000000000000000011111111111111111111111111111111aaaaaaaaaaaaaaaabbbbbbbbbbbbbbbb"))
	all := append(quantities[1:len(quantities):len(quantities)], stillwater.Gone)
	f.Fuzz(func(t *testing.T, data []byte) {
		e := New(townRules(1))
		now := monday.UTC()
		var latest time.Time
		for ; len(data) >= 8; data = data[8:] {
			what, gap, age := data[0], binary.LittleEndian.Uint16(data[1:]), binary.LittleEndian.Uint16(data[3:])
			now = now.Add(time.Duration(gap) * time.Second)
			r := stillwater.Reading{Household: "h", Device: stillwater.DeviceID('a' + rune(what>>4&3)), Quantity: all[int(what&15)%len(all)], At: now, Received: now, Undated: what&0x80 != 0}
			if what&0x40 != 0 {
				r.At = now.Add(-time.Duration(age) * time.Second)
			}
			switch r.Value = float64(binary.LittleEndian.Uint16(data[5:])); {
			case data[7] >= 0xf0:
				r.Value = math.Float64frombits(binary.LittleEndian.Uint64(data))
			case data[7] >= 0x80:
				r.Value /= 7
			}
			if r.Quantity == stillwater.Door || r.Quantity == stillwater.Gone {
				r.Value = float64(data[5] & 1)
			}
			if r.Validate() != nil {
				continue
			}
			if r.At.After(latest) {
				latest = r.At
			}
			found, _ := e.Step(&stillwater.Entry{Reading: &r})
			sane(t, found, latest)
			found, _ = e.Step(&stillwater.Entry{Tick: now.Add(time.Duration(data[7]) * time.Minute)})
			sane(t, found, latest)
			e.Protection("h", now)
		}
		if err := e.Restore("h", snapshots(t, e)["h"]); err != nil && e.homes.of("h") != nil && e.homes.of("h").First != 0 {
			t.Errorf("what was written is not read: %v", err)
		}
	})
}

// sane holds findings against what was read.
func sane(t *testing.T, found []stillwater.Finding, latest time.Time) {
	for _, f := range found {
		if l := float64(f.Facts.Litres); math.IsNaN(l) || math.IsInf(l, 0) || l < 0 {
			t.Errorf("%s says %v L", f.Rule, l)
		}
		if f.Facts.DataTo.After(latest) && f.Kind != stillwater.DoorKind {
			t.Errorf("%s says data to %v, the latest reading is of %v", f.Rule, f.Facts.DataTo, latest)
		}
		if f.Facts.Span < 0 && f.Kind == stillwater.Welfare {
			t.Errorf("%s says %v", f.Rule, f.Facts.Span)
		}
	}
}
