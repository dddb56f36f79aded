package words

import (
	"math"
	"strconv"
	"time"

	"stillwater"
)

// Span says how long, rounded down, so that neither a stillness nor the time left is overstated: "45 min", "2 h 10 min", "14 h", "3 days".
func (w *Words) Span(lang string, d time.Duration) string { return w.span(lang, "span", d) }

// span says it with the units under one key, which an SMS has shorter.
func (w *Words) span(lang, units string, d time.Duration) string {
	unit := func(name string, n time.Duration) string {
		return w.count(lang, units+"."+name, int(n))
	}
	pair := func(a, b string) string { return w.T(lang, units+".pair", map[string]any{"First": a, "Second": b}) }
	days, hours, minutes := d/(24*time.Hour), d/time.Hour, d/time.Minute
	switch {
	case minutes < 1:
		return w.T(lang, units+".moment", nil)
	case hours < 1:
		return unit("minutes", minutes)
	case hours < 10 && minutes%60 != 0:
		return pair(unit("hours", hours), unit("minutes", minutes%60))
	case hours < 48:
		return unit("hours", hours)
	case days < 7 && hours%24 != 0:
		return pair(unit("days", days), unit("hours", hours%24))
	}
	return unit("days", days)
}

// Moment says when, as the clocks of a place show it: "14:05" today, "3 Nov 14:05" on another day. With now zero the date always stands.
func (w *Words) Moment(lang string, t time.Time, loc *time.Location, now time.Time) string {
	return w.moment(lang, "moment", t.In(loc), now.In(loc))
}

func (w *Words) moment(lang, form string, t, now time.Time) string {
	clock := t.Format("15:04")
	year, month, day := t.Date()
	if y, m, d := now.Date(); !now.IsZero() && y == year && m == month && d == day {
		return clock
	}
	// A day of the month says which day it was as long as no other has the same number.
	recent := t.Before(now) && now.Sub(t) < 27*24*time.Hour
	data := map[string]any{"Clock": clock, "Day": day, "Year": year, "Month": w.T(lang, "month."+strconv.Itoa(int(month)), nil)}
	switch {
	case now.IsZero():
	case recent:
		return w.T(lang, form+".day", data)
	case now.Year() != year:
		return w.T(lang, form+".year", data)
	}
	return w.T(lang, form+".date", data)
}

// Volume says how much water: "850 L", "1.2 m³".
func (w *Words) Volume(lang string, l stillwater.Litres) string { return w.volume(lang, "volume", l) }

func (w *Words) volume(lang, units string, l stillwater.Litres) string {
	switch {
	case l >= 10_000:
		return w.T(lang, units+".cubic", map[string]any{"N": trim(float64(l)/1000, 1)})
	case l >= 1000:
		return w.T(lang, units+".cubic", map[string]any{"N": trim(float64(l)/1000, 2)})
	case l >= 10:
		return w.T(lang, units+".litres", map[string]any{"N": trim(float64(l), 0)})
	}
	return w.T(lang, units+".litres", map[string]any{"N": trim(float64(l), 1)})
}

// trim writes a number with at most so many decimals and no zeros at the end.
func trim(x float64, decimals int) string {
	p := math.Pow10(decimals)
	return strconv.FormatFloat(math.Round(x*p)/p, 'f', -1, 64)
}
