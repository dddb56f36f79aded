// Package registry knows who is known: the households, which device speaks under which source, and whose telephone number
// an answer comes from. Households come from the configuration (Config) and from tables people keep (Import); both pass the same
// checks, and every mistake is told at once with its place.
//
// A Registry promises that a look-up sees one whole state of affairs, never half of a change, and costs a map access. It keeps
// households whose consent is missing or withdrawn: whether something may be recorded is asked of stillwater.Consent.
//
// It never stores anything, never keeps a column it does not know (a table from an office may hold identity card numbers), and takes in
// a faulty table not at all rather than in part.
package registry

import (
	"cmp"
	"maps"
	"slices"
	"sync/atomic"

	"stillwater"
)

// A Registry is the households known at this moment. It is safe for concurrent use. What it returns is shared: it may be kept, but
// not changed.
type Registry struct {
	now atomic.Pointer[snapshot]
}

// A snapshot is one state of affairs; it never changes.
type snapshot struct {
	households []stillwater.Household // by ID
	byID       map[stillwater.HouseholdID]*stillwater.Household
	bySource   map[string]spot
	byPhone    map[stillwater.Phone][]Known
}

// A spot is a device in its household.
type spot struct {
	household *stillwater.Household
	device    *stillwater.Device
}

// Known is a contact behind a telephone number, and the households where this person is told, by ID.
type Known struct {
	Contact    stillwater.Contact
	Households []stillwater.HouseholdID
}

// New knows nobody.
func New() *Registry {
	r := &Registry{}
	r.Set(nil)
	return r
}

// Set replaces everything that is known. Of two households with one ID, or two devices with one source, the first in the
// order of IDs counts: Validate, Import and Merge keep such out.
func (r *Registry) Set(households []stillwater.Household) {
	s := &snapshot{
		households: make([]stillwater.Household, 0, len(households)),
		byID:       make(map[stillwater.HouseholdID]*stillwater.Household, len(households)),
		bySource:   make(map[string]spot, 2*len(households)),
		byPhone:    make(map[stillwater.Phone][]Known, 2*len(households)),
	}
	for _, h := range households {
		h.Devices, h.Contacts = slices.Clone(h.Devices), slices.Clone(h.Contacts)
		s.households = append(s.households, h)
	}
	slices.SortStableFunc(s.households, byID)
	s.households = slices.CompactFunc(s.households, func(a, b stillwater.Household) bool { return a.ID == b.ID })
	for i := range s.households {
		s.add(&s.households[i])
	}
	r.now.Store(s)
}

func byID(a, b stillwater.Household) int { return cmp.Compare(a.ID, b.ID) }

// add enters a household into the look-ups.
func (s *snapshot) add(h *stillwater.Household) {
	s.byID[h.ID] = h
	for i := range h.Devices {
		d := &h.Devices[i]
		if _, taken := s.bySource[d.Source]; !taken {
			s.bySource[d.Source] = spot{h, d}
		}
	}
	for _, c := range h.Contacts {
		if c.Phone == "" {
			continue
		}
		known := s.byPhone[c.Phone]
		i := slices.IndexFunc(known, func(k Known) bool { return k.Contact.ID == c.ID })
		if i < 0 {
			known = append(known, Known{Contact: c})
			i = len(known) - 1
		}
		if homes := known[i].Households; len(homes) == 0 || homes[len(homes)-1] != h.ID { // one contact may belong to all homes
			known[i].Households = append(homes, h.ID)
		}
		s.byPhone[c.Phone] = known
	}
}

// BySource finds the device that speaks under a source, and its household.
func (r *Registry) BySource(source string) (stillwater.Household, stillwater.Device, bool) {
	at, ok := r.now.Load().bySource[source]
	if !ok {
		return stillwater.Household{}, stillwater.Device{}, false
	}
	return *at.household, *at.device, true
}

// Household finds a household.
func (r *Registry) Household(id stillwater.HouseholdID) (stillwater.Household, bool) {
	h, ok := r.now.Load().byID[id]
	if !ok {
		return stillwater.Household{}, false
	}
	return *h, true
}

// All lists the households by ID.
func (r *Registry) All() []stillwater.Household { return r.now.Load().households }

// ByPhone finds the contacts with a telephone number. There may be several: a grid worker can be somebody's daughter.
func (r *Registry) ByPhone(phone stillwater.Phone) []Known { return r.now.Load().byPhone[phone] }

// Sources lists every source a device speaks under, in order.
func (r *Registry) Sources() []string {
	return slices.Sorted(maps.Keys(r.now.Load().bySource))
}
