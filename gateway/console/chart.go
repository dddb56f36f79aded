package console

import (
	"math"
	"slices"
	"strconv"
	"time"

	"stillwater"
)

// A bucket of the picture is half an hour. To know the first, readings from a little before are needed.
const (
	bucket   = 30 * time.Minute
	lookBack = time.Hour
	buckets  = int(shown / bucket)
)

// days is a home's last two days, ready to be drawn.
type days struct {
	start  time.Time // of the first bucket
	end    time.Time
	litres [buckets]float64
	blind  [buckets]bool // nothing vouches for any of it
	doors  []mark
	total  float64
}

type mark struct {
	at   time.Time
	open bool
}

// history counts readings into buckets. Water that a counter noticed late is spread over the time it may have run in; where
// no meter vouches for the time, it is blind and not empty.
func history(readings []stillwater.Reading, dataTo, now time.Time) days {
	end := now.Truncate(bucket).Add(bucket)
	d := days{start: end.Add(-shown), end: end}
	for i := range d.blind {
		d.blind[i] = true
	}
	readings = slices.Clone(readings)
	slices.SortStableFunc(readings, func(a, b stillwater.Reading) int { return a.At.Compare(b.At) })
	last := map[string]stillwater.Reading{}
	for _, r := range readings {
		if r.Undated || r.At.After(now) {
			continue
		}
		key := string(r.Device) + " " + string(r.Quantity)
		before, ok := last[key]
		last[key] = r
		switch {
		case r.Quantity == stillwater.Door && ok && before.Value != r.Value && !r.At.Before(d.start):
			d.doors = append(d.doors, mark{r.At, r.Value == stillwater.Open})
		case r.Quantity == stillwater.WaterTotal && ok:
			d.add(before.At, r.At, max(0, r.Value-before.Value))
		case r.Quantity == stillwater.WaterFlow && ok:
			d.add(before.At, r.At, max(0, before.Value)*r.At.Sub(before.At).Hours())
		case r.Quantity == stillwater.Activity:
			d.see(r.At.Add(-bucket), r.At)
		}
	}
	if !dataTo.IsZero() {
		d.see(dataTo.Add(-time.Second), dataTo)
	}
	return d
}

// add spreads litres evenly from one moment to another, and marks that time as seen.
func (d *days) add(from, to time.Time, litres float64) {
	if !to.After(from) {
		return
	}
	span := to.Sub(from)
	for i := d.index(from); i <= d.index(to.Add(-1)); i++ {
		if i < 0 || i >= buckets {
			continue
		}
		at := d.start.Add(time.Duration(i) * bucket)
		share := min(to.Sub(from), to.Sub(at), at.Add(bucket).Sub(from), bucket)
		part := litres * float64(share) / float64(span)
		d.litres[i] += part
		d.total += part
	}
	d.see(from, to)
}

func (d *days) see(from, to time.Time) {
	for i := max(0, d.index(from)); i <= d.index(to.Add(-1)) && i < buckets; i++ {
		d.blind[i] = false
	}
}

// index is the bucket a moment is in; below 0 before the first.
func (d *days) index(t time.Time) int {
	return int(math.Floor(float64(t.Sub(d.start)) / float64(bucket)))
}

// shape is the size of a picture. A phone gets one of its own, so that its letters stay legible.
type shape struct {
	width, height float64
	hours         int // between two labels
}

var (
	wide   = shape{1040, 240, 6}
	narrow = shape{340, 210, 12}
)

// chart is a picture as numbers, for the template to draw.
type chart struct {
	Width, Height, Left, Right, Top, Base, Lane float64
	Name                                        string // which of the two, for the names of its parts
	Label                                       string // all of it in words
	Bars                                        []bar
	Blind                                       []bar
	Doors                                       []doorMark
	Ticks                                       []tick
	Levels                                      []level
}

type bar struct {
	X, Y, W, H float64
	Title      string
}

type doorMark struct {
	X     float64
	Open  bool
	Title string
}

type tick struct {
	X     float64
	Text  string
	Day   string // at midnight
	First bool
}

type level struct {
	Y    float64
	Text string
}

// draw lays a picture out.
func (v *view) draw(d days, loc *time.Location, s shape) chart {
	const left, top, lane, labels = 34.0, 14.0, 22.0, 34.0
	c := chart{Width: s.width, Height: s.height, Left: left, Right: s.width - 6, Top: top, Base: s.height - labels - lane, Lane: s.height - labels - lane/2, Name: "wide"}
	if s.width < 600 {
		c.Name = "narrow"
	}
	x := func(t time.Time) float64 {
		return round(c.Left + (c.Right-c.Left)*float64(t.Sub(d.start))/float64(shown))
	}
	most := niceCeiling(slices.Max(d.litres[:]))
	unit := (c.Base - c.Top) / most
	for i, litres := range d.litres {
		from := d.start.Add(time.Duration(i) * bucket)
		to := from.Add(bucket)
		if litres > 0 {
			h := max(1.5, litres*unit)
			gap := 0.16 * (x(to) - x(from))
			c.Bars = append(c.Bars, bar{round(x(from) + gap/2), round(c.Base - h), round(x(to) - x(from) - gap), round(h), v.moment(from, loc) + " · " + v.c.Words.Volume(v.lang, stillwater.Litres(litres))})
		}
	}
	c.Blind = v.blinds(d, x, c, loc)
	for _, m := range d.doors {
		what := v.t("chart.closed")
		if m.open {
			what = v.t("chart.open")
		}
		c.Doors = append(c.Doors, doorMark{x(m.at), m.open, what + " " + v.moment(m.at, loc)})
	}
	c.Ticks = v.ticks(d, x, loc, s.hours)
	for _, part := range []float64{0.5, 1} {
		c.Levels = append(c.Levels, level{round(c.Base - (c.Base-c.Top)*part), strconv.FormatFloat(most*part, 'f', -1, 64)})
	}
	c.Label = v.t("chart.label", "Litres", v.c.Words.Volume(v.lang, stillwater.Litres(d.total)), "Doors", len(d.doors))
	return c
}

// blinds joins neighbouring buckets that nothing vouches for.
func (v *view) blinds(d days, x func(time.Time) float64, c chart, loc *time.Location) []bar {
	var list []bar
	for i := 0; i < buckets; i++ {
		if !d.blind[i] {
			continue
		}
		from := i
		for i < buckets && d.blind[i] {
			i++
		}
		start, end := d.start.Add(time.Duration(from)*bucket), d.start.Add(time.Duration(i)*bucket)
		if from == buckets-1 {
			continue // only the half hour that has just begun
		}
		list = append(list, bar{x(start), c.Top, round(x(end) - x(start)), round(c.Base - c.Top), v.t("chart.blind", "From", v.moment(start, loc), "To", v.moment(end, loc))})
	}
	return list
}

// ticks labels the hours, on the home's own clock.
func (v *view) ticks(d days, x func(time.Time) float64, loc *time.Location, hours int) []tick {
	var list []tick
	local := d.start.In(loc)
	at := time.Date(local.Year(), local.Month(), local.Day(), local.Hour(), 0, 0, 0, loc)
	for ; !at.After(d.end); at = at.Add(time.Hour) {
		if at.Before(d.start) || at.Hour()%hours != 0 || at.Minute() != 0 {
			continue
		}
		t := tick{X: x(at), Text: at.Format("15:04")}
		if at.Hour() == 0 {
			t.Day = v.t("clock.day", "Month", v.word("month", strconv.Itoa(int(at.Month()))), "Day", at.Day())
		}
		list = append(list, t)
	}
	return list
}

// niceCeiling is the top of a scale that people like to read.
func niceCeiling(x float64) float64 {
	if x <= 4 {
		return 4 // a picture of a few drops must not look like a flood
	}
	magnitude := math.Pow10(int(math.Floor(math.Log10(x))))
	for _, step := range []float64{1, 2, 4, 5, 8, 10} {
		if x <= step*magnitude {
			return step * magnitude
		}
	}
	return 10 * magnitude
}

// round keeps a tenth of a pixel.
func round(x float64) float64 { return math.Round(x*10) / 10 }
