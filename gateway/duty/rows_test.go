package duty

import (
	"strings"
	"testing"

	"stillwater"
)

// TestRows prints a night of hand-over, and the nights in which clocks are changed.
func TestRows(t *testing.T) {
	hours := func(text string) (h stillwater.Hours) {
		if err := h.UnmarshalText([]byte(text)); err != nil {
			t.Fatal(err)
		}
		return h
	}
	c := Config{Posts: []Post{{Name: "desk", Role: stillwater.Community, Shifts: []Shift{
		{Who: []stillwater.ContactID{"anna"}, Hours: []stillwater.Hours{hours("02:30-22:00")}, Handover: 1800e9},
		{Who: []stillwater.ContactID{"ben"}, Hours: []stillwater.Hours{hours("22:00-02:30")}, Handover: 900e9},
	}}}}
	r := New(c, []stillwater.Contact{{ID: "anna"}, {ID: "ben"}}, Calendar{})
	homes := r.Attach([]stillwater.Household{{ID: "h", TimeZone: "Europe/Berlin"}})
	var first Date
	if err := first.UnmarshalText([]byte("2026-03-28")); err != nil {
		t.Fatal(err)
	}
	got := r.Text(r.Rows(homes, stillwater.Place{}, first, 2), "en")
	want := `2026-03-28 Sat weekend
  desk  00:00-02:30  ben
        02:30-02:45  anna, ben
        02:45-22:00  anna
        22:00-22:30  anna, ben
        22:30-24:00  ben
2026-03-29 Sun weekend
  desk  00:00-03:00  ben
        03:00-03:15  anna, ben
        03:15-22:00  anna
        22:00-22:30  anna, ben
        22:30-24:00  ben
`
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if area := (stillwater.Place{Grid: "3"}); len(r.Rows(homes, area, first, 1)) == 0 {
		t.Error("a post of every home has no rows for a part of them")
	}
	two := r.Attach([]stillwater.Household{{ID: "h", TimeZone: "Europe/Berlin"}, {ID: "i", TimeZone: "Asia/Shanghai"}})
	if text := r.Text(r.Rows(two, stillwater.Place{}, first, 1), "en"); !strings.Contains(text, "Asia/Shanghai") || !strings.Contains(text, "Europe/Berlin") {
		t.Errorf("homes of two zones are not told apart:\n%s", text)
	}
}
