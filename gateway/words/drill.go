package words

import "stillwater"

// Drill is what a contact is told in an exercise: that it is one, and how to say that it arrived. It tells of no home.
func (w *Words) Drill(m stillwater.Message) string {
	lang := w.Language(m.Language)
	data := map[string]any{"Code": m.Code, "Link": m.Link}
	if m.Link != "" && m.By() != stillwater.Voice {
		return w.T(lang, "drill.text.link", data)
	}
	return w.T(lang, "drill.text", data)
}
