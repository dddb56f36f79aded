package backtest

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// actogram is one home drawn day by hour: each row is a day, midnight to midnight.
type actogram struct {
	Household                  string
	Zone                       string
	Urgent, Alert, Question    int // as the first variant raised them
	Blind, Delay               string
	Width, Height, Left, Top   float64
	Right, Bottom              float64
	Shades                     [shades]string // paths of draws, by how much
	Stirs, Blinds, Doors       string
	Questions, Alerts, Urgents []spot
	Hours, Dates               []tick
	Days                       int
}

type spot struct{ X, Y float64 }

// shades are the litres in half an hour from which a draw is drawn darker.
const shades = 4

var shadeFrom = [shades]float32{0, 2, 10, 50}

// The measures of an actogram.
const (
	cellWidth  = 11.0
	rowsHeight = 560.0 // in which short recordings are drawn larger
	leastRow   = 3.0
	mostRow    = 13.0
)

// actograms draws the homes that differ most, or with the most alerts, of those that were watched.
func (p *pass) actograms(homes []homeRow) (list []actogram, watched int) {
	for _, h := range homes {
		if h.raster == nil {
			continue
		}
		watched++
		if len(list) < p.Actograms && len(h.raster.days) > 0 {
			list = append(list, h.raster.picture(h))
		}
	}
	return list, watched
}

// picture draws the home.
func (r *raster) picture(h homeRow) actogram {
	row := min(mostRow, max(leastRow, rowsHeight/float64(len(r.days))))
	a := actogram{
		Household: h.Household, Zone: r.zone.String(), Urgent: h.Cells[0].Urgent, Alert: h.Cells[0].Alert, Question: h.Cells[0].Question,
		Blind: h.BlindFor(), Delay: h.Cells[0].Delay, Left: 96, Top: 26, Days: len(r.days),
	}
	a.Right, a.Bottom = a.Left+cells*cellWidth, a.Top+row*float64(len(r.days))
	a.Width, a.Height = a.Right+16, a.Bottom+8
	for hour := 0; hour <= 24; hour += 6 {
		a.Hours = append(a.Hours, tick{a.Left + float64(2*hour)*cellWidth, fmt.Sprintf("%02d", hour%24)})
	}
	a.Dates = r.dates(a.Top, row)
	var shade [shades]strings.Builder
	var stirs, blinds, doors strings.Builder
	for i := range r.days {
		d, y := &r.days[i], a.Top+row*float64(i)
		for s := range shade {
			boxes(&shade[s], a.Left, y, row, func(c int) bool { return shadeOf(d.litres[c]) == s })
		}
		boxes(&stirs, a.Left, y, row, func(c int) bool { return d.stirs&(1<<c) != 0 })
		boxes(&blinds, a.Left, y, row, func(c int) bool { return d.blind&(1<<c) != 0 })
		for c := range cells {
			at := spot{a.Left + (float64(c)+0.5)*cellWidth, y + row/2}
			if d.doors&(1<<c) != 0 {
				fmt.Fprintf(&doors, "M%.1f %.1fv%.1f", at.X, y, row)
			}
			switch d.marks[c] {
			case questionMark:
				a.Questions = append(a.Questions, at)
			case alertMark:
				a.Alerts = append(a.Alerts, at)
			case urgentMark:
				a.Urgents = append(a.Urgents, at)
			}
		}
	}
	for s := range shade {
		a.Shades[s] = shade[s].String()
	}
	a.Stirs, a.Blinds, a.Doors = stirs.String(), blinds.String(), doors.String()
	return a
}

// shadeOf is how dark a draw is; -1: nothing was drawn.
func shadeOf(litres float32) int {
	if litres <= 0 {
		return -1
	}
	for s := shades - 1; s > 0; s-- {
		if litres >= shadeFrom[s] {
			return s
		}
	}
	return 0
}

// boxes adds the runs of cells of a day to a path.
func boxes(to *strings.Builder, left, y, row float64, in func(cell int) bool) {
	for c := 0; c < cells; c++ {
		if !in(c) {
			continue
		}
		from := c
		for c+1 < cells && in(c+1) {
			c++
		}
		width := float64(c+1-from) * cellWidth
		fmt.Fprintf(to, "M%g %.1fh%gv%.1fh-%gz", left+float64(from)*cellWidth, y, width, row, width)
	}
}

// dates are the days that are named at the left: the first, and as many as there is room for, at the beginnings of months or weeks.
func (r *raster) dates(top, row float64) []tick {
	var list []tick
	last := -100.0
	for i := range r.days {
		day := time.Unix((r.first+int64(i))*daySeconds, 0).UTC()
		starts := i == 0 || day.Day() == 1 || len(r.days) <= 62 && day.Weekday() == time.Monday || len(r.days) <= 21
		y := top + row*(float64(i)+0.5)
		if !starts || y-last < 24 {
			continue
		}
		format := "2 Jan"
		switch {
		case i == 0 || day.Month() == time.January && day.Day() == 1:
			format = "Jan 2006"
		case len(r.days) > 62:
			format = "Jan"
		}
		list = append(list, tick{y, day.Format(format)})
		last = y
	}
	return slices.Clip(list)
}
