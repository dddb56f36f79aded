package words

import (
	"slices"
	"time"

	"stillwater"
)

// Head is what a page says first of an incident, at a moment: the sentences that stay in its SMS whatever else has to go. What else is known
// stands below it.
func (w *Words) Head(lang string, m stillwater.Message, inc stillwater.Incident, h stillwater.Household, now time.Time) string {
	m.Created = now
	if m.Purpose != stillwater.Ask {
		m.Purpose = stillwater.Tell
	}
	s := text{teller{w: w, lang: w.Language(lang), home: h, now: now}, m, inc}
	goes := func(p piece) bool { return len(p) == 0 || p[len(p)-1].text == "" }
	return join(slices.DeleteFunc(s.body(), goes), w.joint(s.lang))
}

// Holder is who has taken an incident on, as the others may be told.
func (w *Words) Holder(lang string, inc stillwater.Incident, h stillwater.Household) string {
	return text{teller{w: w, lang: w.Language(lang), home: h}, stillwater.Message{}, inc}.who()
}

// DutyPhone is the telephone of the desk that serves a home, or the one of all homes, as it is dialled and as it is read.
func (w *Words) DutyPhone(h stillwater.Household, all stillwater.Phone, reader stillwater.ContactID) (dial stillwater.Phone, read string) {
	s := text{teller{home: h}, stillwater.Message{Contact: reader}, stillwater.Incident{}}
	dial = s.duty(Ways{Duty: all})
	return dial, national(dial)
}
