package incident

import (
	"slices"
	"time"

	"stillwater"
)

// Why somebody cannot be told, as the log says it.
const (
	withdrew       = "withdrew agreement"
	offDuty        = "off duty"
	quietHours     = "quiet hours"
	optedOut       = "opted out"
	noNumber       = "no number"
	noAddress      = "no address"
	notAgreed      = "not agreed to"
	noProvider     = "no provider"
	nobodyToTell   = "nobody to tell"
	notAtThisHour  = "not at this hour"
	nobodyToAnswer = "nobody to connect"
)

// A word is a message in the making.
type word struct {
	purpose stillwater.Purpose
	rung    int
	by      []stillwater.Channel // the dearest first; empty: the contact's own choice
	known   bool                 // who was told before hears it, on duty or not
	patient bool                 // it waits for the end of quiet hours; without, they make the contact one who cannot be told
	beside  bool                 // the ladder does not wait for it
	cause   string               // the event that a patient word tells of
}

// fit is how a contact is told; with why set, not at all.
type fit struct {
	by    stillwater.Channel
	to    stillwater.Address
	until time.Time // when quiet hours are over that it must wait for; zero: now
	why   string
}

// reach finds how a contact is told something now.
func (m *machine) reach(c stillwater.Contact, w word) fit {
	if !c.Agreed.Withdrawn.IsZero() && !m.now.Before(c.Agreed.Withdrawn) {
		return fit{why: withdrew}
	}
	if !w.known && m.onDuty != nil && !m.onDuty(c, m.now) {
		return fit{why: offDuty}
	}
	f := m.channel(c, w.by)
	if f.why != "" || m.inc.Severity == stillwater.Urgent || len(c.Quiet) == 0 {
		return f
	}
	local := m.now.In(m.zoneOf(c))
	if !inQuiet(c.Quiet, local) {
		return f
	}
	if w.patient {
		f.until = quietUntil(c.Quiet, local).UTC()
	}
	if !w.patient || f.until.IsZero() {
		f.why = quietHours
	}
	return f
}

// channel is the first of some channels that the contact has, agreed to, and there is a provider for; if there is none, why not the first.
func (m *machine) channel(c stillwater.Contact, wanted []stillwater.Channel) fit {
	if len(wanted) == 0 {
		wanted = preferred(c)
	}
	why := ""
	for _, by := range wanted {
		f := m.over(c, by)
		if f.why == "" {
			return f
		}
		if why == "" {
			why = f.why
		}
	}
	return fit{why: why}
}

// preferred are a contact's own channels; a call only if there is nothing else.
func preferred(c stillwater.Contact) []stillwater.Channel {
	var quiet []stillwater.Channel
	for _, by := range c.Channels {
		if by != stillwater.Voice {
			quiet = append(quiet, by)
		}
	}
	switch {
	case len(c.Channels) == 0:
		return []stillwater.Channel{stillwater.SMS}
	case len(quiet) == 0:
		return c.Channels
	}
	return quiet
}

// over says how a contact is reached over one channel.
func (m *machine) over(c stillwater.Contact, by stillwater.Channel) fit {
	telephone := by == stillwater.SMS || by == stillwater.Voice
	to := c.AddressOf(by)
	switch {
	case len(c.Channels) == 0 && !telephone, len(c.Channels) > 0 && !slices.Contains(c.Channels, by):
		return fit{why: notAgreed}
	case to == "" && telephone:
		return fit{why: noNumber}
	case to == "":
		return fit{why: noAddress}
	case telephone && m.optedOut(c.Phone):
		return fit{why: optedOut}
	case m.channels != nil && !slices.Contains(m.channels, by):
		return fit{why: noProvider}
	}
	return fit{by: by, to: to}
}

// optedOut says whether a number wants no more texts and calls, whoever of the home's contacts it is the number of.
func (m *machine) optedOut(number stillwater.Phone) bool {
	return slices.ContainsFunc(m.home.Contacts, func(c stillwater.Contact) bool {
		return c.Phone == number && !c.OptedOut.IsZero() && !m.now.Before(c.OptedOut)
	})
}

// zoneOf is the time zone of a contact's quiet hours.
func (m *machine) zoneOf(c stillwater.Contact) *time.Location {
	if c.TimeZone == "" {
		return m.home.Location()
	}
	return stillwater.Household{TimeZone: c.TimeZone}.Location()
}

// quietUntil is when quiet hours are over that hold at a moment: the moment itself if none do, zero if they do not end for two days. It
// goes minute by minute, because spans follow on each other and clocks are put forward and back.
func quietUntil(quiet []stillwater.Hours, local time.Time) time.Time {
	at := local
	for range 48 * 60 {
		if !inQuiet(quiet, at) {
			return at
		}
		at = at.Truncate(time.Minute).Add(time.Minute)
	}
	return time.Time{}
}

func inQuiet(quiet []stillwater.Hours, local time.Time) bool {
	return slices.ContainsFunc(quiet, func(h stillwater.Hours) bool { return h.Contains(local) })
}
