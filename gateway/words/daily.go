package words

import (
	"strconv"
	"strings"
	"time"

	"stillwater"
)

// A DayKind is what a daily line says of how the day began in a home.
type DayKind string

// The kinds of daily line.
const (
	DayUsual   DayKind = "usual"   // the first use was about when it usually is
	DayLate    DayKind = "late"    // later than usual
	DayEarly   DayKind = "early"   // earlier
	DayUse     DayKind = "use"     // there was one, and what is usual is not known
	DayStirred DayKind = "stirred" // no first use is known, but a sign of life since midnight
	DayOverdue DayKind = "overdue" // no sign of life yet, and usually there is one by now
	DayNothing DayKind = "nothing" // no sign of life yet
	DayBlind   DayKind = "blind"   // there are no data: it cannot be known
	DayHole    DayKind = "hole"    // some are missing: it cannot be known
	DayCut     DayKind = "cut"     // the water is cut off: it cannot be known
	DayAway    DayKind = "away"    // she is away, as people said
)

// A Day is how the day began in a home, for who asked to be told of it daily.
type Day struct {
	Kind   DayKind
	At     time.Time // of the first use, or the last sign of life; zero: there is none
	DataTo time.Time // up to when there are data; zero: there never were any
}

// Daily is the daily line about a home: one segment. Of a home whose privacy asks for it, times of day are half-days.
func (w *Words) Daily(m stillwater.Message, d Day, h stillwater.Household) string {
	s := teller{w: w, lang: w.Language(m.Language), home: h, now: m.Created}
	data := map[string]any{"Name": w.ShortName(s.lang, h), "What": s.t("daily.what."+covering(h), nil), "At": s.half(d.At), "Data": s.half(d.DataTo)}
	return s.framed(always(s.t(d.key(), data)), m)
}

// key is the name of the line's text.
func (d Day) key() string {
	switch {
	case d.Kind == DayBlind && d.DataTo.IsZero():
		return "daily.blind.never"
	case (d.Kind == DayNothing || d.Kind == DayOverdue) && d.At.IsZero():
		return "daily.nothing.never"
	}
	return "daily." + string(d.Kind)
}

// covering is what shows how it is in a home: water, or what else is seen of her.
func covering(h stillwater.Household) string {
	for _, d := range h.Devices {
		if d.Kind == stillwater.Meter {
			return "water"
		}
	}
	return "seen"
}

// framed puts a sentence of a message of no incident between the sender's name and the code, in one segment.
func (s teller) framed(body piece, m stillwater.Message) string {
	data := map[string]any{"Repeat": "", "Urgent": "", "Code": m.Code}
	if m.Repeat {
		data["Repeat"] = s.t("sms.repeat", nil)
	}
	plain := plainLetters(s.t("sms.prefix", nil))
	return fit([]piece{body}, 1, s.w.joint(s.lang), func(body string) string {
		data["Body"] = body
		out := strings.Join(strings.Fields(s.t("sms.frame", data)), " ")
		if plain {
			out = ToGSM7(out)
		}
		return out
	})
}

// half is a moment as a home's privacy lets it be told: to five minutes, or by the half-day that it was in.
func (s teller) half(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	if !s.home.Coarse {
		return s.moment(t.Truncate(5 * time.Minute))
	}
	local, now := t.In(s.home.Location()), s.now.In(s.home.Location())
	part := "morning"
	if local.Hour() >= 12 {
		part = "afternoon"
	}
	if local.Year() == now.Year() && local.YearDay() == now.YearDay() {
		return s.t("daily.half.today."+part, nil)
	}
	return s.t("daily.half.day."+part, map[string]any{"Day": local.Day(), "Month": s.t("month."+strconv.Itoa(int(local.Month())), nil)})
}
