package words

import (
	"strings"
	"time"

	"stillwater"
)

// Why is the sentence of a finding on a page. Every moment stands with its date, so that it is true tomorrow too.
func (w *Words) Why(lang string, f stillwater.Finding, h stillwater.Household) string {
	lang = w.Language(lang)
	at := func(t time.Time) string { return w.Moment(lang, t, h.Location(), time.Time{}) }
	facts, name := f.Facts, sentence(f)
	s := text{w: w, lang: lang, home: h}
	data := map[string]any{
		"Device": s.device(f), "DeviceID": string(f.Device), "Rule": f.Rule,
		"Span": w.Span(lang, lasted(f)), "Limit": w.Span(lang, facts.Limit),
		"Litres": w.Volume(lang, facts.Litres), "Bound": w.Volume(lang, facts.Bound),
		"Times": facts.Count, "Since": w.T(lang, "why.since.unknown", nil), "Kind": w.Word(lang, "kind", string(f.Kind)), "Began": at(f.Began),
	}
	if since := began(f); !since.IsZero() {
		data["Since"] = at(since)
	}
	if f.Group != "" {
		data["Group"], data["Count"], data["Homes"] = w.Group(lang, f.Group), len(facts.Members), facts.Homes
		ids := make([]string, len(facts.Members))
		for i, id := range facts.Members {
			ids[i] = string(id)
		}
		data["Members"] = strings.Join(ids, w.T(lang, "why.life.comma", nil))
	}
	parts := []string{w.T(lang, "why."+name, data)}
	if name == "absence-use" && facts.Litres > 0 {
		parts = append(parts, w.T(lang, "why.absence-use.litres", data))
	}
	parts = append(parts, w.water(lang, f)...)
	if facts.Residents > 1 {
		parts = append(parts, w.T(lang, "why.together", map[string]any{"N": facts.Residents}))
	}
	if name == "silence" || name == "away" || name == "night-exit" {
		if facts.Usual > 0 {
			parts = append(parts, w.T(lang, "why.usual", map[string]any{"Usual": w.Span(lang, facts.Usual)}))
		} else {
			parts = append(parts, w.T(lang, "why.usual.unknown", nil))
		}
		if facts.Night {
			parts = append(parts, w.T(lang, "why.night", nil))
		}
		if life := w.life(lang, facts.Life, at); life != "" {
			parts = append(parts, life)
		}
	}
	if facts.Doubt != "" && f.Kind == stillwater.Welfare {
		parts = append(parts, w.T(lang, "why.doubt."+string(facts.Doubt), nil))
	}
	if !facts.DataTo.IsZero() && f.Kind != stillwater.Equipment {
		parts = append(parts, w.T(lang, "why.data", map[string]any{"At": at(facts.DataTo)}))
	}
	if !f.Ended.IsZero() {
		over := w.T(lang, "why.ended", map[string]any{"At": at(f.Ended)})
		if facts.Absent {
			over = w.T(lang, "why.ended.absent", map[string]any{"At": at(f.Ended)})
		}
		parts = append(parts, over)
	}
	return strings.Join(parts, w.joint(lang))
}

// water says what a leak, or a coarse meter, does to what is known of her.
func (w *Words) water(lang string, f stillwater.Finding) (parts []string) {
	if f.Facts.Base > 0 {
		parts = append(parts, w.T(lang, "why.base", map[string]any{"Base": w.Volume(lang, f.Facts.Base)}))
	}
	if f.Facts.Step >= coarseStep && f.Kind == stillwater.Welfare {
		parts = append(parts, w.T(lang, "why.step", map[string]any{"Step": w.Volume(lang, f.Facts.Step)}))
	}
	if f.Facts.Reduced && (f.Kind == stillwater.Welfare || f.Kind == stillwater.Water) {
		parts = append(parts, w.T(lang, "why.reduced", nil))
	}
	return parts
}

// coarseStep is the least resolution of a meter that hides signs of life: a cup of tea, a rinsed hand.
const coarseStep = 5

// life lists the last signs of life by kind.
func (w *Words) life(lang string, l stillwater.Life, at func(time.Time) string) string {
	var signs []string
	for _, sign := range []struct {
		kind string
		at   time.Time
	}{{"water", l.Water}, {"door", l.Door}, {"activity", l.Activity}} {
		if !sign.at.IsZero() {
			signs = append(signs, w.T(lang, "why.life."+sign.kind, map[string]any{"At": at(sign.at)}))
		}
	}
	if len(signs) == 0 {
		return ""
	}
	return w.T(lang, "why.life", map[string]any{"Signs": strings.Join(signs, w.T(lang, "why.life.comma", nil))})
}

// joint is what stands between sentences: a space, and nothing in Chinese.
func (w *Words) joint(lang string) string { return strings.Trim(w.T(lang, "joint", nil), "|") }
