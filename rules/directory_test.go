package rules

import (
	"strconv"
	"testing"

	"pgregory.net/rapid"

	"stillwater"
)

// TestDirectory: whatever comes and goes, a home is found as long as it is there.
func TestDirectory(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d, want := newDirectory(), map[stillwater.HouseholdID]*home{}
		for range rapid.IntRange(0, 300).Draw(t, "steps") {
			id := stillwater.HouseholdID("h" + strconv.Itoa(rapid.IntRange(0, 60).Draw(t, "home")))
			switch h := d.of(id); {
			case h != want[id]:
				t.Fatalf("%q is %p, want %p", id, h, want[id])
			case h == nil:
				want[id] = &home{id: id}
				d.add(want[id])
			case rapid.Bool().Draw(t, "goes"):
				d.remove(h)
				delete(want, id)
			}
		}
		all := 0
		for h := range d.all() {
			if want[h.id] != h || d.of(h.id) != h {
				t.Fatalf("%q is %p, want %p", h.id, h, want[h.id])
			}
			all++
		}
		if all != len(want) || d.count != all {
			t.Errorf("holds %d and counts %d homes, want %d", all, d.count, len(want))
		}
	})
}

// TestOverlap: what is drawn since a moment is the same by the way that is shorter, also where a draw of another meter began long before.
func TestOverlap(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		h := &home{}
		for to := instant(0); to < 40*minute; {
			to += minute * instant(rapid.IntRange(1, 5).Draw(t, "later"))
			w := draw{From: to - minute*instant(rapid.IntRange(1, 30).Draw(t, "span")), To: to, ML: 1000}
			h.overlap = h.overlap || w.From < h.Draws.Last.To
			h.Draws.add(w, drawsMerge)
			if h.overlap != h.Draws.overlap() && !h.overlap {
				t.Fatalf("draws overlap, and the home does not know")
			}
		}
		from := minute * instant(rapid.IntRange(-40, 40).Draw(t, "from"))
		if got, want := h.drawnSince(from), h.Draws.since(from); got != want {
			t.Errorf("since %d: %d, want %d", from/minute, got, want)
		}
	})
}
