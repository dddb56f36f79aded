package words

import (
	"strings"
	"time"

	"stillwater"
)

// teller puts findings into sentences, in one language and for one moment.
type teller struct {
	w    *Words
	lang string
	home stillwater.Household
	now  time.Time // when it is told; zero: it is read at any time, and every moment stands with its date
	long bool      // the long form

	others bool // a group's other homes are none of the reader's business
	asked  bool // the reader is asked whether she is out: it need not be said that this is not known
}

func (s teller) t(key string, data map[string]any) string { return s.w.T(s.lang, key, data) }

func (s teller) span(d time.Duration) string       { return s.w.span(s.lang, "sms.span", d) }
func (s teller) volume(l stillwater.Litres) string { return s.w.volume(s.lang, "sms.volume", l) }

func (s teller) moment(t time.Time) string {
	loc := s.home.Location()
	return s.w.moment(s.lang, "sms.moment", t.In(loc), s.now.In(loc))
}

// name is what the reader calls what a finding is about: a home, or a group of them.
func (s teller) name(f stillwater.Finding) string {
	if f.Group != "" {
		return s.w.Group(s.lang, f.Group)
	}
	return s.w.ShortName(s.lang, s.home)
}

// pieces are the sentences of a finding in the order in which they are read.
func (s teller) pieces(f stillwater.Finding) []piece {
	pieces := []piece{s.what(f)}
	if f.Group != "" && !s.others {
		pieces = append(pieces, s.members(f))
	}
	pieces = append(pieces, s.usual(f))
	if s.long {
		pieces = append(pieces, s.longOnly(f)...)
	}
	pieces = append(pieces, s.amounts(f)...)
	pieces = append(pieces, s.unknown(f)...)
	return append(pieces, s.data(f))
}

// what says who, what, since when and how long. The long form says it at more length, and no name: it stands beside.
func (s teller) what(f stillwater.Finding) piece {
	facts, name := f.Facts, sentence(f)
	data := map[string]any{
		"Name": s.name(f), "Device": s.device(f), "DeviceID": string(f.Device), "Rule": f.Rule, "Kind": s.w.Word(s.lang, "kind", string(f.Kind)),
		"At": s.t("sms.since.unknown", nil), "Span": s.span(lasted(f)), "Limit": s.span(facts.Limit),
		"Litres": s.volume(facts.Litres), "Bound": s.volume(facts.Bound),
		"Times": facts.Count, "Count": len(facts.Members), "Homes": facts.Homes,
	}
	if since := began(f); !since.IsZero() {
		data["At"] = s.moment(since)
	}
	name = s.trend(name, facts.Trend, data)
	if s.long {
		return always(s.t("why."+name, data) + "|" + s.t("sms.what."+name, data))
	}
	if f.Group != "" { // the homes it lists are worth more than some of its words
		p := always(s.t("sms.what."+name, data))
		p[0].yield = byLength
		return p
	}
	return always(s.t("sms.what."+name, data))
}

// members lists as many homes of a group as there is room for, longest silent first, and says how many more there are.
func (s teller) members(f stillwater.Finding) (p piece) {
	const most = 40
	ids := make([]string, len(f.Facts.Members))
	for i, id := range f.Facts.Members {
		ids[i] = string(id)
	}
	for n := min(len(ids), most); n > 0; n-- {
		data := map[string]any{"Members": strings.Join(ids[:n], s.t("sms.comma", nil)), "More": len(ids) - n}
		p = append(p, wording{s.t("sms.members", data), byMembers})
	}
	return append(p, wording{"", never})
}

// usual says what is usual here at such an hour, or that it is not known yet.
func (s teller) usual(f stillwater.Finding) piece {
	facts := f.Facts
	switch name := sentence(f); name {
	case "silence", silenceUnder, "away":
		return s.usualStillness(name, facts)
	case "door-open", "door-open-night":
		return s.usualSpan("sms.usual.open", facts.Usual)
	case "no-exit", "device-door-stuck":
		return s.usualSpan("sms.usual.unmoved", facts.Usual)
	case "device-silent", "device-blind":
		return s.usualSpan("sms.usual.reports", facts.Every)
	case "door-unusual":
		return unless(byUsual, s.t("sms.usual.night", map[string]any{"Times": s.times(facts.Rate)}))
	case "night-exit":
		if facts.Rate <= 0 {
			return nil // the sentence says that it hardly ever is
		}
		return unless(byUsual, s.t("sms.usual.exits", map[string]any{"Times": s.times(facts.Rate)}))
	case "leak-running":
		if facts.Bound > 0 && facts.Litres > facts.Bound {
			return unless(byUsual, s.t("sms.usual.draw", map[string]any{"Bound": s.volume(facts.Bound)}))
		}
	}
	return nil
}

func (s teller) usualStillness(name string, facts stillwater.Facts) piece {
	switch {
	case facts.Within > 0 && name == "away":
		return s.usualSpan("sms.usual.outing", facts.Within)
	case facts.Within > 0:
		return s.usualSpan("sms.usual.within", facts.Within)
	case facts.Usual > 0:
		return s.usualSpan("sms.usual.day", roughly(facts.Usual))
	case name == silenceUnder:
		return nil
	}
	return unless(byUsual, s.t("sms.usual.unknown", nil))
}

// roughly is in whole hours, and not less, what is several: nobody's usual longest is known to the minute.
func roughly(usual time.Duration) time.Duration {
	if usual < 2*time.Hour {
		return usual
	}
	return (usual + time.Hour - 1).Truncate(time.Hour)
}

func (s teller) usualSpan(key string, usual time.Duration) piece {
	if usual <= 0 {
		return nil
	}
	return unless(byUsual, s.t(key, map[string]any{"Usual": s.span(usual)}))
}

// times says how many times: "fewer than 1", "about 3".
func (s teller) times(n float64) string {
	if n < 0.75 {
		return s.t("sms.times.few", nil)
	}
	return s.t("sms.times", map[string]any{"N": trim(n, 0)})
}

// longOnly is what the short form never says.
func (s teller) longOnly(f stillwater.Finding) (pieces []piece) {
	facts, name := f.Facts, sentence(f)
	if facts.Within > 0 && facts.Usual > 0 && ofStillness(name) {
		pieces = append(pieces, unless(byDay, s.t("sms.usual.day", map[string]any{"Usual": s.span(roughly(facts.Usual))})))
	}
	switch {
	case facts.Rate <= 0:
	case ofStillness(name) && facts.Limit > 0:
		pieces = append(pieces, unless(byChance, s.t("why.chance", map[string]any{"Limit": s.span(facts.Limit), "Times": s.times(facts.Rate)})))
	case name == "surge-learned":
		pieces = append(pieces, unless(byChance, s.t("why.chance.surge", map[string]any{"Times": s.times(facts.Rate)})))
	}
	if f.Kind == stillwater.Welfare && f.Group == "" {
		pieces = append(pieces, unless(byLife, s.life(facts.Life)))
	}
	if facts.Night && f.Kind != stillwater.DoorKind && name != "night-exit" {
		pieces = append(pieces, unless(byNight, s.t("why.night", nil)))
	}
	return pieces
}

// ofStillness says whether a sentence is of a stillness in the home or after the door.
func ofStillness(name string) bool {
	return name == "silence" || name == silenceUnder || name == "away"
}

// life lists the last signs of life by kind.
func (s teller) life(l stillwater.Life) string {
	var signs []string
	for _, sign := range []struct {
		kind string
		at   time.Time
	}{{"water", l.Water}, {"door", l.Door}, {"activity", l.Activity}} {
		if !sign.at.IsZero() {
			signs = append(signs, s.t("why.life."+sign.kind, map[string]any{"At": s.moment(sign.at)}))
		}
	}
	if len(signs) == 0 {
		return ""
	}
	return s.t("why.life", map[string]any{"Signs": strings.Join(signs, s.t("sms.comma", nil))})
}

// amounts says how much water it was where the sentence does not, and how much an hour.
func (s teller) amounts(f stillwater.Finding) (pieces []piece) {
	facts := f.Facts
	data := map[string]any{"Litres": s.volume(facts.Litres), "Base": s.volume(facts.Base), "Limit": s.span(facts.Limit)}
	switch name := sentence(f); {
	case name == "leak-running" && facts.Litres > 0 && facts.Span >= time.Minute:
		data["Flow"] = s.volume(facts.Litres / stillwater.Litres(facts.Span.Hours()))
		pieces = append(pieces, unless(byAmount, s.t("sms.flow", data)))
	case (name == "leak" || name == "absence-use" || name == hospitalUse || name == "absence-back") && facts.Litres > 0:
		pieces = append(pieces, unless(byAmount, s.t("sms.amount", data)))
	case name == generic && facts.Litres > 0 && facts.Limit > 0:
		pieces = append(pieces, unless(byAmount, s.t("sms.amount.window", data)))
	}
	if facts.Base > 0 && f.Group == "" && (f.Kind == stillwater.Water || f.Kind == stillwater.Welfare) {
		pieces = append(pieces, unless(byAmount, s.t("sms.base", data)))
	}
	return pieces
}

// unknown says what is not known, and what the reader must not take it for.
func (s teller) unknown(f stillwater.Finding) (pieces []piece) {
	if f.Group != "" {
		return nil
	}
	facts, still := f.Facts, f.Kind == stillwater.Welfare
	if still {
		pieces = s.doubt(f)
	}
	if facts.Residents > 1 {
		pieces = append(pieces, unless(byTogether, s.t("sms.together", map[string]any{"N": facts.Residents})))
	} else if sentence(f) == "away" && !s.long && !s.asked { // the long sentence has it
		pieces = append(pieces, unless(byTogether, s.t("sms.who-left", nil)))
	}
	if facts.Unseen >= unseenTold {
		pieces = append(pieces, unless(byHole, s.t("sms.unseen", map[string]any{"Unseen": s.span(facts.Unseen)})))
	}
	if facts.Every >= everyTold && f.Kind != stillwater.Equipment && f.Kind != stillwater.DoorKind {
		pieces = append(pieces, unless(byCadence, s.t("sms.cadence", map[string]any{"Every": s.span(facts.Every.Round(time.Hour))})))
	}
	if facts.Step >= coarseStep && still {
		pieces = append(pieces, unless(byStep, s.t("sms.step", map[string]any{"Step": s.volume(facts.Step)})))
	}
	if facts.Reduced && (still || f.Kind == stillwater.Water) {
		pieces = append(pieces, unless(byLeak, s.t("sms.reduced", nil)))
	}
	return pieces
}

// From how much on it is told that data are missing, come seldom, or are coarse: a cup of tea, a rinsed hand.
const (
	unseenTold = 30 * time.Minute
	everyTold  = 6 * time.Hour
	coarseStep = 5
)

// doubt says why out or in cannot be told.
func (s teller) doubt(f stillwater.Finding) []piece {
	switch name := sentence(f); {
	case f.Facts.Doubt != "":
		return []piece{unless(byDoubt, s.t("sms.doubt."+string(f.Facts.Doubt), nil))}
	case f.Facts.Doorless && ofStillness(name):
		return []piece{unless(byNoDoor, s.t("sms.doorless", nil))}
	}
	return nil
}

// data says up to when there is data, where the sentence does not. A device that is silent is not all there is of a home.
func (s teller) data(f stillwater.Finding) piece {
	to := f.Facts.DataTo
	if said := f.Kind == stillwater.Equipment && sentence(f) != "device-door-inverted" && to.Equal(f.Facts.Since); said || to.IsZero() {
		return nil
	}
	data := map[string]any{"At": s.moment(to)}
	if sentence(f) == "device-silent" && to.After(f.Facts.Since) {
		return always(s.t("sms.data.others", data))
	}
	return always(s.t("sms.data", data))
}

// device is what the finding's device is; its number is no use to the reader of an SMS.
func (s teller) device(f stillwater.Finding) string {
	for _, d := range s.home.Devices {
		if d.ID == f.Device {
			return s.w.Word(s.lang, "device", string(d.Kind))
		}
	}
	if strings.HasPrefix(sentence(f), "device-door") {
		return s.w.Word(s.lang, "device", string(stillwater.DoorContact))
	}
	return s.t("device.any", nil)
}

// began is since when what a finding is about has been so.
func began(f stillwater.Finding) time.Time {
	if !f.Facts.Since.IsZero() {
		return f.Facts.Since
	}
	if f.Facts.Span > 0 && !f.Began.IsZero() {
		return f.Began.Add(-f.Facts.Span)
	}
	return time.Time{}
}

// lasted is how long that was when the finding was raised. It does not grow afterwards: what has come since is not vouched for.
func lasted(f stillwater.Finding) time.Duration {
	if f.Facts.Span > 0 || f.Facts.Since.IsZero() {
		return f.Facts.Span
	}
	return max(0, f.Began.Sub(f.Facts.Since))
}
