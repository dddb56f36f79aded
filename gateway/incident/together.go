package incident

import (
	"maps"
	"slices"

	"stillwater"
)

// Together is the household that stands for the members of a group in what befell it: it has those of their contacts who are sent there
// (grid workers), each once, and no family, whom the other homes do not concern. False: none of the members is known.
func Together(about []stillwater.Finding, home func(stillwater.HouseholdID) (stillwater.Household, bool)) (all stillwater.Household, ok bool) {
	contacts := map[stillwater.ContactID]stillwater.Contact{}
	for _, f := range about {
		for _, id := range f.Facts.Members {
			h, known := home(id)
			if !known {
				continue
			}
			if !ok {
				all.TimeZone, all.Place, ok = h.TimeZone, h.Place, true
			}
			for _, c := range h.Contacts {
				if c.Role != stillwater.Family {
					contacts[c.ID] = c
				}
			}
		}
	}
	for _, id := range slices.Sorted(maps.Keys(contacts)) {
		all.Contacts = append(all.Contacts, contacts[id])
	}
	return all, ok
}
