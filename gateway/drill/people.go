package drill

import (
	"slices"
	"strings"
	"time"

	"stillwater"
)

// A Person is a contact who is told in a drill, with a home that the contact belongs to.
type Person struct {
	Contact stillwater.Contact
	Home    stillwater.Household
}

// People are those who are told in a drill, each once, by their IDs: the staff and family of all homes, but nobody who withdrew, nor the resident
// herself, nor who shares her telephone.
func People(homes []stillwater.Household, now time.Time) []Person {
	residents, seen := map[stillwater.Phone]bool{}, map[stillwater.ContactID]bool{}
	for _, h := range homes {
		for _, c := range h.Contacts {
			if c.Role == stillwater.Resident {
				residents[c.Phone] = true
			}
		}
	}
	var list []Person
	for _, h := range homes {
		if !h.Consent.Covers(now, now) {
			continue
		}
		for _, c := range h.Contacts {
			withdrew := !c.Agreed.Withdrawn.IsZero() && !now.Before(c.Agreed.Withdrawn)
			if seen[c.ID] || withdrew || c.Role == stillwater.Resident || c.Phone != "" && residents[c.Phone] {
				continue
			}
			seen[c.ID] = true
			list = append(list, Person{c, h})
		}
	}
	slices.SortFunc(list, func(a, b Person) int { return strings.Compare(string(a.Contact.ID), string(b.Contact.ID)) })
	return list
}
