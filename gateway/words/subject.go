package words

import "stillwater"

// Subject is the subject of a mail that bears a message: how pressing it is and the code, and nothing of whom it is about, for it shows on locked
// screens and in lists.
func (w *Words) Subject(m stillwater.Message) string {
	lang, data := w.Language(m.Language), map[string]any{"Code": m.Code}
	told := m.Purpose == stillwater.Tell || m.Purpose == stillwater.Again
	switch {
	case told && m.Severity == stillwater.Urgent:
		return w.T(lang, "mail.urgent", data)
	case told:
		return w.T(lang, "mail.alert", data)
	case m.Purpose == stillwater.Ask || m.Purpose == stillwater.Check:
		return w.T(lang, "mail.ask", data)
	}
	return w.T(lang, "mail.news", data)
}
