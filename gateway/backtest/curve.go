package backtest

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"
)

// curve is the picture of delay against false alerts: what a budget buys.
type curve struct {
	Width, Height            float64
	Left, Top, Right, Bottom float64
	Points                   []curvePoint
	Line, P90, Plain         string // paths; "" is none
	PlainX, PlainY           float64
	XTicks, YTicks           []tick
}

type curvePoint struct {
	X, Y, P90Y float64
	Name       string
	Title      string
}

type tick struct {
	At    float64
	Label string
}

// curve draws the variants; nil: without delays there is nothing to draw.
func (p *pass) curve() *curve {
	c := &curve{Width: 480, Height: 330, Left: 42, Top: 30, Right: 464, Bottom: 286}
	var most, slowest float64
	var known []*player
	for _, v := range p.players {
		if s := v.sum.Silence; s.Hours > 0 {
			known = append(known, v)
			most, slowest = max(most, s.AlertsPerHomeYear), max(slowest, s.P90Delay)
		}
	}
	if len(known) == 0 {
		return nil
	}
	slices.SortStableFunc(known, func(a, b *player) int {
		return cmp.Compare(a.sum.Silence.AlertsPerHomeYear, b.sum.Silence.AlertsPerHomeYear)
	})
	stepX, topX := nice(max(most*1.15, 4))
	stepY, topY := nice(min(delayCap, max(slowest, 12)*1.05))
	x := func(v float64) float64 { return c.Left + (c.Right-c.Left)*min(1, v/topX) }
	y := func(v float64) float64 { return c.Bottom - (c.Bottom-c.Top)*min(1, v/topY) }
	for v := 0.0; v <= topX+1e-9; v += stepX {
		c.XTicks = append(c.XTicks, tick{x(v), fmt.Sprintf("%g", v)})
	}
	for v := 0.0; v <= topY+1e-9; v += stepY {
		c.YTicks = append(c.YTicks, tick{y(v), fmt.Sprintf("%g", v)})
	}
	budgets := len(known) > 1
	var mean, p90 path
	for _, v := range known {
		s := v.sum.Silence
		name := cmp.Or(v.Name, "these rules")
		if v.Budget > 0 {
			name = fmt.Sprintf("%g", v.Budget)
		}
		budgets = budgets && v.Budget > 0
		px, py, pp := x(s.AlertsPerHomeYear), y(s.MeanDelay), y(s.P90Delay)
		c.Points = append(c.Points, curvePoint{px, py, pp, name, fmt.Sprintf("%s: %.1f silence alerts per home-year, mean delay %.1f h, 90 %% within %.1f h",
			cmp.Or(v.Name, "these rules"), s.AlertsPerHomeYear, s.MeanDelay, s.P90Delay)})
		mean.to(px, py)
		p90.to(px, pp)
	}
	if budgets { // only budgets lie on one line
		c.Line, c.P90 = mean.String(), p90.String()
	}
	c.plain(p, known[0], x, y, topX, topY)
	return c
}

// plain draws what the plain rule 'no sign of life for T' does, for T from long to short.
func (c *curve) plain(p *pass, v *player, x, y func(float64) float64, topX, topY float64) {
	var line path
	n := 0
	for m := len(p.silences.minutes) - 1; m > window*60; m-- {
		if p.silences.minutes[m] == 0 {
			continue
		}
		n += p.silences.minutes[m]
		rate, delay := float64(n)/v.sum.Silence.HomeYears, v.delays.plainDelay(float64(m)/60)
		if rate > topX {
			break
		}
		if delay <= topY {
			line.to(x(rate), y(delay))
			c.PlainX, c.PlainY = x(rate), y(delay)
		}
	}
	c.Plain = line.String()
}

// nice is a round step, and the end of an axis that reaches v in at most eight of them.
func nice(v float64) (step, end float64) {
	step = math.Pow(10, math.Floor(math.Log10(v/4)))
	for _, m := range []float64{1, 2, 2.5, 4, 5, 10} {
		if v/(step*m) <= 8 && (step >= 1 || m != 2.5) {
			step *= m
			break
		}
	}
	return step, step * math.Ceil(v/step)
}

// path writes the d of an SVG path.
type path struct {
	strings.Builder
	n int
}

func (p *path) to(x, y float64) {
	letter := "L"
	if p.n == 0 {
		letter = "M"
	}
	p.n++
	fmt.Fprintf(p, "%s%.1f %.1f", letter, x, y)
}
