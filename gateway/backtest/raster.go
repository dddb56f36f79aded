package backtest

import (
	"time"

	"stillwater"
)

// raster is what the actogram of a household shows: half-hours of local days. It keeps the last days only.
type raster struct {
	zone  *time.Location
	first int64 // the local day of days[0], since 1970
	days  []dayCells
}

// cells of a day, and the most days that are kept.
const (
	cells      = 48
	cellTime   = 30 * time.Minute
	cellLength = int64(cellTime / time.Second)
	rasterDays = 400
)

// dayCells is one local day.
type dayCells struct {
	litres [cells]float32
	doors  uint64 // a bit for each cell
	stirs  uint64 // activity
	blind  uint64
	marks  [cells]mark // the most severe finding that began then
}

// mark is a finding's severity in an actogram.
type mark uint8

const (
	noMark mark = iota
	questionMark
	alertMark
	urgentMark
)

func markOf(s stillwater.Severity) mark {
	switch s {
	case stillwater.Question:
		return questionMark
	case stillwater.Alert:
		return alertMark
	case stillwater.Urgent:
		return urgentMark
	}
	return noMark
}

// at is the local day and cell of a moment; nil: it is before what is kept.
func (r *raster) at(seconds int64) (*dayCells, int64) {
	_, offset := time.Unix(seconds, 0).In(r.zone).Zone()
	local := seconds + int64(offset)
	day := local / daySeconds
	if len(r.days) == 0 {
		r.first = day
	}
	if day < r.first {
		return nil, 0
	}
	if day-r.first >= 2*rasterDays { // nothing of what there is would be kept
		r.first, r.days = day, r.days[:0]
	}
	for day >= r.first+int64(len(r.days)) {
		if len(r.days) == rasterDays {
			copy(r.days, r.days[1:])
			r.days[rasterDays-1] = dayCells{}
			r.first++
		} else {
			r.days = append(r.days, dayCells{})
		}
	}
	return &r.days[day-r.first], local % daySeconds / cellLength
}

// draw takes water that ran at an unknown moment between two readings. It is spread over that time, unless that is long: then it stands
// where it was seen.
func (r *raster) draw(from, to int64, litres float64) {
	if r == nil {
		return
	}
	if to-from > 65*60 || to <= from {
		from = to - 1
	}
	for at := from; at < to; {
		next := min(to, at-at%cellLength+cellLength) // offsets of zones are whole quarters: near enough
		if day, cell := r.at(at); day != nil {
			day.litres[cell] += float32(litres * float64(next-at) / float64(to-from))
		}
		at = next
	}
}

func (r *raster) door(at int64) {
	if r == nil {
		return
	}
	if day, cell := r.at(at); day != nil {
		day.doors |= 1 << cell
	}
}

func (r *raster) stir(at int64) {
	if r == nil {
		return
	}
	if day, cell := r.at(at); day != nil {
		day.stirs |= 1 << cell
	}
}

// blind takes a span without data. Days that no reading has reached are not made.
func (r *raster) blind(from, to time.Time) {
	if r == nil {
		return
	}
	for at := from.Unix(); at < to.Unix(); at += cellLength {
		if day, cell := r.at(at); day != nil {
			day.blind |= 1 << cell
		}
	}
}

func (r *raster) mark(at time.Time, s stillwater.Severity) {
	if m := markOf(s); r != nil && m != noMark {
		if day, cell := r.at(at.Unix()); day != nil {
			day.marks[cell] = max(day.marks[cell], m)
		}
	}
}
