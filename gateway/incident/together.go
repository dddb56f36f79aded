package incident

import (
	"cmp"
	"maps"
	"slices"

	"stillwater"
)

// Together is the household that stands for the members of a group in what befell it: it has those of their contacts who are sent there
// (grid workers and who stands above them), each once, and no family, whom the other homes do not concern. False: none of the members is known.
func Together(about []stillwater.Finding, home func(stillwater.HouseholdID) (stillwater.Household, bool)) (all stillwater.Household, ok bool) {
	type desk struct {
		id   stillwater.ContactID
		role stillwater.Role
		post string
	}
	contacts := map[desk]stillwater.Contact{} // whoever serves two desks stands here twice, and is told by step once
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
				if c.Role.Staff() {
					contacts[desk{c.ID, c.Role, c.Post}] = c
				}
			}
		}
	}
	byName := func(a, b desk) int {
		return cmp.Or(cmp.Compare(a.id, b.id), cmp.Compare(a.role, b.role), cmp.Compare(a.post, b.post))
	}
	for _, at := range slices.SortedFunc(maps.Keys(contacts), byName) {
		all.Contacts = append(all.Contacts, contacts[at])
	}
	return all, ok
}
