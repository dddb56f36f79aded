package drill

import (
	"testing"
	"time"

	"stillwater"
)

// TestIn: the days of months, against counting through the month.
func TestIn(t *testing.T) {
	names := map[string]time.Weekday{"monday": 1, "tuesday": 2, "sunday": 0, "saturday": 6}
	for _, zone := range []string{"Asia/Shanghai", "Europe/Berlin", "America/Los_Angeles"} {
		for year := 2024; year < 2030; year++ {
			for month := time.January; month <= time.December; month++ {
				for name, weekday := range names {
					var days []int
					for d := 1; d <= 31; d++ {
						if at := time.Date(year, month, d, 12, 0, 0, 0, time.UTC); at.Month() == month && at.Weekday() == weekday {
							days = append(days, d)
						}
					}
					for which, want := range map[string]int{"first": days[0], "second": days[1], "third": days[2], "fourth": days[3], "last": days[len(days)-1]} {
						c := Config{Day: which + "-" + name, At: "10:00", TimeZone: zone}
						at := c.In(year, month)
						if at.Day() != want || at.Month() != month || at.Hour() != 10 || at.Location().String() != zone {
							t.Errorf("%s of %d-%d is %v, want the %d", c.Day, year, month, at, want)
						}
					}
				}
			}
		}
	}
}

// TestDueOnce: over three years, minute by minute at the times that matter, each month has one drill, on its day; also where a clock is put on or back.
func TestDueOnce(t *testing.T) {
	for _, c := range []Config{{"first-tuesday", "10:00", "Asia/Shanghai"}, {"28", "20:00", "Pacific/Auckland"}, {"last-sunday", "08:00", "Europe/Berlin"}, {"1", "8:00", "Pacific/Kiritimati"}} {
		seen := map[Month]time.Time{}
		for at := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC); at.Year() < 2029; at = at.Add(10 * time.Minute) {
			month, due := c.Due(at)
			if _, had := seen[month]; due && !had {
				seen[month] = at
				if want := c.In(at.In(c.In(2026, 1).Location()).Year(), at.In(c.In(2026, 1).Location()).Month()); !at.Equal(want) {
					t.Errorf("%+v: %s is first due at %v, want %v", c, month, at, want)
				}
			}
			if next := c.Next(at); !next.After(at) || next.Sub(at) > 36*24*time.Hour {
				t.Fatalf("%+v: next after %v is %v", c, at, next)
			}
		}
		if len(seen) < 35 || len(seen) > 37 {
			t.Errorf("%+v: %d drills in 36 months", c, len(seen))
		}
	}
}

// TestConfig: what cannot be meant is said.
func TestConfig(t *testing.T) {
	for _, c := range []struct {
		c    Config
		want int
	}{
		{Config{"first-tuesday", "10:00", "Asia/Shanghai"}, 0}, {Config{"28", "8:00", "Europe/Berlin"}, 0},
		{Config{"29", "10:00", "Asia/Shanghai"}, 1}, {Config{"fifth-monday", "10:00", "Asia/Shanghai"}, 1}, {Config{"first", "10:00", "Asia/Shanghai"}, 1},
		{Config{"", "3:00", "Mars/Base"}, 3}, {Config{"1", "25:00", "Local"}, 2},
	} {
		n := 0
		c.c.Validate(func(any, string) { n++ })
		if n != c.want {
			t.Errorf("%+v has %d mistakes, want %d", c.c, n, c.want)
		}
	}
}

// TestPeople: a contact of ten homes is told once; nobody who withdrew, nor the resident herself, by whatever name, nor of a home that withdrew.
func TestPeople(t *testing.T) {
	now := time.Date(2026, 3, 3, 2, 0, 0, 0, time.UTC)
	given := stillwater.Consent{Given: now.Add(-time.Hour)}
	worker := stillwater.Contact{ID: "worker", Role: stillwater.Worker, Phone: "+8613800000001"}
	var homes []stillwater.Household
	for i := range 10 {
		homes = append(homes, stillwater.Household{ID: stillwater.HouseholdID(rune('a' + i)), Consent: given, Contacts: []stillwater.Contact{
			worker, {ID: "self", Role: stillwater.Resident, Phone: "+8613800000002"}, {ID: "same-telephone", Role: stillwater.Family, Phone: "+8613800000002"},
			{ID: "withdrew", Role: stillwater.Family, Phone: "+8613800000003", Agreed: stillwater.Consent{Given: given.Given, Withdrawn: now}},
			{ID: "daughter", Role: stillwater.Family, Phone: "+8613800000004"},
		}})
	}
	homes = append(homes, stillwater.Household{ID: "gone", Consent: stillwater.Consent{Given: given.Given, Withdrawn: now}, Contacts: []stillwater.Contact{{ID: "of-gone", Role: stillwater.Family}}})
	var ids []stillwater.ContactID
	for _, p := range People(homes, now) {
		ids = append(ids, p.Contact.ID)
	}
	if len(ids) != 2 || ids[0] != "daughter" || ids[1] != "worker" {
		t.Errorf("%v are told", ids)
	}
}

// TestLost: who failed is lost at once; who was only not reached, after two drills running; who answered is not.
func TestLost(t *testing.T) {
	at := time.Date(2026, 3, 3, 2, 0, 0, 0, time.UTC)
	told := func(states ...string) (list []Told) {
		for i, s := range states {
			x := Told{Contact: stillwater.ContactID(rune('a' + i)), State: stillwater.DeliveryState(s)}
			if s == "answered" {
				x.State, x.Answered = stillwater.Accepted, at
			}
			list = append(list, x)
		}
		return list
	}
	march := Result{Month: "2026-03", Closed: at, Told: told("delivered", "failed", "accepted", "accepted", "answered", "cancelled")}
	february := Result{Month: "2026-02", Closed: at, Told: told("failed", "delivered", "accepted", "delivered", "accepted", "accepted")}
	ids := ""
	for _, l := range Lost([]Result{march, february}) {
		ids += string(l.Contact)
	}
	if ids != "bcf" {
		t.Errorf("%s are lost", ids)
	}
	march.Closed = time.Time{}
	if lost := Lost([]Result{march, february}); len(lost) != 1 {
		t.Errorf("while it goes on %v", lost)
	}
	if told, reached, answered := march.Counts(); told != 6 || reached != 2 || answered != 1 {
		t.Errorf("%d, %d, %d", told, reached, answered)
	}
}
