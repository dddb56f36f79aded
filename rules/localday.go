package rules

import "time"

// localDay is a day of the calendar of a time zone, kept so that most readings need not ask the zone. All homes of an engine in that zone
// share one.
type localDay struct {
	from, to instant
	number   int32 // the numbers of two days differ
}

// day is the local day of the moment.
func (h *home) day(at instant) *localDay {
	d := h.today
	if at < d.from || at >= d.to {
		year, month, day := at.time().In(h.location).Date()
		d.from = instantOf(time.Date(year, month, day, 0, 0, 0, 0, h.location))
		d.to = instantOf(time.Date(year, month, day+1, 0, 0, 0, 0, h.location))
		d.number = int32((year*12+int(month))*31 + day)
	}
	return d
}

// hour is the local hour of the moment.
func (h *home) hour(at instant) int {
	const hours = 60 * minute
	if d := h.today; at >= d.from && at < d.to && d.to-d.from == 24*hours {
		return int((at - d.from) / hours)
	}
	return at.time().In(h.location).Hour()
}

// festival says whether the moment is in a day whose hours do not teach.
func (h *home) festival(at instant) bool {
	return h.rules.calendar != nil && h.rules.calendar.Kind(at.time().In(h.location).Date()) == Festival
}
