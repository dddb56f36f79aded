package registry

import (
	"cmp"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"

	"stillwater"
)

// A Conflict is a contradiction between the configuration and what was imported.
type Conflict struct {
	Household stillwater.HouseholdID // the imported one
	Text      string                 // what contradicts, what was done, and how to mend it; without names and numbers
}

// String is the conflict as one line.
func (c Conflict) String() string { return fmt.Sprintf("household %s: %s", c.Household, c.Text) }

// Merge puts the households of the configuration and the imported ones together, by ID. Where they contradict each other the configuration
// counts. An imported device whose source is already used is left out, so that its home shows as blind rather than as another's.
func Merge(configured, imported []stillwater.Household) ([]stillwater.Household, []Conflict) {
	m := merger{homes: map[stillwater.HouseholdID]stillwater.Household{}, contacts: map[stillwater.ContactID]stillwater.Contact{}, sources: map[string]stillwater.HouseholdID{}}
	for _, h := range configured {
		m.take(h)
	}
	for _, h := range slices.SortedStableFunc(slices.Values(imported), byID) {
		m.consider(h)
	}
	slices.SortStableFunc(m.merged, byID)
	return m.merged, m.conflicts
}

type merger struct {
	merged    []stillwater.Household
	conflicts []Conflict
	homes     map[stillwater.HouseholdID]stillwater.Household
	contacts  map[stillwater.ContactID]stillwater.Contact
	sources   map[string]stillwater.HouseholdID
}

func (m *merger) conflict(h stillwater.HouseholdID, format string, args ...any) {
	m.conflicts = append(m.conflicts, Conflict{h, fmt.Sprintf(format, args...)})
}

// take enters a household as it is.
func (m *merger) take(h stillwater.Household) {
	m.merged = append(m.merged, h)
	m.homes[h.ID] = h
	for _, d := range h.Devices {
		m.sources[d.Source] = h.ID
	}
	for _, c := range h.Contacts {
		if _, ok := m.contacts[c.ID]; !ok {
			m.contacts[c.ID] = c
		}
	}
}

// consider enters an imported household as far as nothing contradicts it.
func (m *merger) consider(h stillwater.Household) {
	if other, ok := m.homes[h.ID]; ok {
		if !same(other, h) {
			m.conflict(h.ID, "stands in the configuration too, and differently; the configuration counts. Remove one of them")
		}
		return
	}
	devices := h.Devices
	h.Devices = nil
	for _, d := range devices {
		if owner, taken := m.sources[d.Source]; taken {
			m.conflict(h.ID, "device %q has the source %q, which belongs to household %s; the device was left out. Mend one of the sources", d.ID, d.Source, owner)
			continue
		}
		h.Devices = append(h.Devices, d)
	}
	h.Contacts = slices.Clone(h.Contacts)
	for i, c := range h.Contacts {
		if known, ok := m.contacts[c.ID]; ok && !alike(known, c) {
			m.conflict(h.ID, "contact %q is known with other particulars; those of the configuration, or of the household that comes first, count. Make them alike", c.ID)
			known.Key, known.Minutes = c.Key, c.Minutes
			h.Contacts[i] = known
		}
	}
	m.take(h)
}

// alike says whether two contacts are the same person with the same particulars, but for what is of one home.
func alike(a, b stillwater.Contact) bool {
	a.Key, a.Minutes = b.Key, b.Minutes
	return reflect.DeepEqual(a, b)
}

// same says whether two households are alike, in whatever zone their times are written.
func same(a, b stillwater.Household) bool {
	plain := func(h stillwater.Household) string {
		h.Consent.Given, h.Consent.Withdrawn = h.Consent.Given.UTC(), h.Consent.Withdrawn.UTC()
		h.Devices = slices.SortedFunc(slices.Values(h.Devices), func(a, b stillwater.Device) int { return cmp.Compare(a.ID, b.ID) })
		text, err := json.Marshal(h)
		if err != nil { // a household holds nothing that JSON cannot
			return err.Error()
		}
		return string(text)
	}
	return plain(a) == plain(b)
}
