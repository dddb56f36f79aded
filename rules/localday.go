package rules

import "time"

// localDay is a day of the calendar of a time zone, kept so that most readings need not ask the zone. All homes of an engine in that zone
// share one.
type localDay struct {
	zone     *time.Location
	from, to instant
	number   int32 // the numbers of two days differ
	civil    int32 // see civilDay
	before   int32 // the same of the day before
}

// day is the local day of the moment.
func (h *home) day(at instant) *localDay {
	d := h.today
	if at < d.from || at >= d.to {
		year, month, day := at.time().In(h.today.zone).Date()
		d.from = instantOf(time.Date(year, month, day, 0, 0, 0, 0, h.today.zone))
		d.to = instantOf(time.Date(year, month, day+1, 0, 0, 0, 0, h.today.zone))
		d.number = int32((year*12+int(month))*31 + day)
		d.civil, d.before = civilDay(d.from, h.today.zone), civilDay(d.from-1, h.today.zone)
	}
	return d
}

// civilDay numbers local days, one after the other.
func civilDay(at instant, zone *time.Location) int32 {
	t := at.time().In(zone)
	_, offset := t.Zone()
	day, second := (t.Unix()+int64(offset))/86400, (t.Unix()+int64(offset))%86400
	if second < 0 {
		day--
	}
	return int32(day)
}

// civil is the number of the local day of the moment.
func (h *home) civil(at instant) int32 {
	const most = 12 * 60 * minute // that every day lasts
	switch d := h.today; {
	case at >= d.from && at < d.to:
		return d.civil
	case at >= d.from-most && at < d.from:
		return d.before
	}
	return civilDay(at, h.today.zone)
}

// hour is the local hour of the moment.
func (h *home) hour(at instant) int {
	const hours = 60 * minute
	if d := h.today; at >= d.from && at < d.to && d.to-d.from == 24*hours {
		return int((at - d.from) / hours)
	}
	return at.time().In(h.today.zone).Hour()
}

// festival says whether the moment is in a day whose hours do not teach.
func (h *home) festival(at instant) bool {
	return h.rules.calendar != nil && h.rules.calendar.Kind(at.time().In(h.today.zone).Date()) == Festival
}
