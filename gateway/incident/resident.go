package incident

import (
	"slices"

	"stillwater"
)

// checkOnHer has the resident called, where she agreed to it, at the same time as others are told. It is no rung: nothing waits for it, and
// if it cannot be done that is only shown. Where somebody called for help, and where it is a matter of devices or of many homes, she is not
// disturbed.
func (m *machine) checkOnHer() {
	mode := m.cfg.ResidentCall
	if m.inc.Severity != stillwater.Urgent || mode == callOff || m.inc.Household == "" || m.inc.Kind == stillwater.Equipment || m.lastOf("help", "closed") == "help" {
		return
	}
	for _, c := range m.home.Contacts {
		if c.Role != stillwater.Resident || m.written(c.ID) || m.checkedOn(c.Phone) {
			continue
		}
		f := m.reach(c, word{by: []stillwater.Channel{stillwater.Voice}})
		var connect stillwater.Address
		if mode != callSpeaks && f.why == "" {
			if connect = m.whoAnswers(f.to); connect == "" {
				f.why = nobodyToAnswer
			}
		}
		if f.why != "" {
			m.untold(c.ID, f.why)
			continue
		}
		m.write(c, word{purpose: stillwater.Check, rung: m.inc.Rung - 1}, f).Connect = connect
	}
}

// checkedOn says whether her telephone rang already, for her or for whom she lives with.
func (m *machine) checkedOn(number stillwater.Phone) bool {
	return slices.ContainsFunc(m.inc.Told, func(t stillwater.Told) bool {
		return t.Purpose == stillwater.Check && slices.ContainsFunc(m.home.Contacts, func(c stillwater.Contact) bool {
			return c.ID == t.Contact && c.Phone == number
		})
	})
}

// whoAnswers is the number that she is connected to: of the first worker on duty, else of the first of her family.
func (m *machine) whoAnswers(hers stillwater.Address) stillwater.Address {
	for _, role := range []stillwater.Role{stillwater.Worker, stillwater.Family} {
		for _, c := range m.home.Contacts {
			if c.Role != role || stillwater.Address(c.Phone) == hers {
				continue
			}
			if f := m.reach(c, word{by: []stillwater.Channel{stillwater.Voice}}); f.why == "" {
				return f.to
			}
		}
	}
	return ""
}
