package words

import (
	"strings"

	"stillwater"
)

// Why is the long form: the sentences of a finding on a page, with what two SMS hold. Every moment stands with its date, so that it is
// true tomorrow too. Who it is about stands beside.
func (w *Words) Why(lang string, f stillwater.Finding, h stillwater.Household) string {
	s := teller{w: w, lang: w.Language(lang), home: h, long: true}
	pieces := s.pieces(f)
	if !f.Ended.IsZero() {
		key := map[string]any{"At": s.moment(f.Ended)}
		if f.Facts.Absent {
			pieces = append(pieces, always(s.t("why.ended.absent", key)))
		} else {
			pieces = append(pieces, always(s.t("why.ended", key)))
		}
	}
	return fit(pieces, 2, w.joint(s.lang), func(body string) string { return body })
}

// joint is what stands between sentences: a space, and nothing in Chinese.
func (w *Words) joint(lang string) string { return strings.Trim(w.T(lang, "joint", nil), "|") }
