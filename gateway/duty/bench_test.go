package duty

import (
	"fmt"
	"testing"
	"time"

	"stillwater"
)

// BenchmarkOnDuty asks about a worker of a post with a month's roster by date, in a zone with and without summer time, and about family.
func BenchmarkOnDuty(b *testing.B) {
	p := Post{Name: "grid 3", Role: stillwater.Worker}
	var contacts []stillwater.Contact
	for i := range 8 {
		contacts = append(contacts, stillwater.Contact{ID: stillwater.ContactID(fmt.Sprint("w", i))})
	}
	first := DateOf(time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC))
	for d := range 30 {
		day := first + Date(d)
		p.Shifts = append(p.Shifts, Shift{Who: []stillwater.ContactID{contacts[d%8].ID}, Hours: []stillwater.Hours{{From: 8 * time.Hour, To: 8 * time.Hour}}, From: day, To: day, Handover: 15 * time.Minute})
	}
	r := New(Config{Posts: []Post{p}}, contacts, Calendar{})
	for _, zone := range []string{"Asia/Shanghai", "Europe/Berlin"} {
		home := r.Attach([]stillwater.Household{{ID: "h", TimeZone: zone, Contacts: []stillwater.Contact{{ID: "daughter", Role: stillwater.Family}}}})[0]
		at := time.Date(2026, 11, 22, 3, 0, 0, 0, time.UTC)
		for i, name := range []string{"family", "staff"} {
			b.Run(zone+"/"+name, func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					r.OnDuty(home, home.Contacts[i], at)
				}
			})
		}
	}
}
