package words

import (
	"testing"

	"stillwater"
)

func TestSubject(t *testing.T) {
	w := newWords(t)
	for _, c := range []struct {
		purpose  stillwater.Purpose
		severity stillwater.Severity
		zh, en   string
	}{
		{stillwater.Tell, stillwater.Urgent, "安居水哨：紧急，请马上查看 A12", "Stillwater: urgent, please look at once, A12"},
		{stillwater.Again, stillwater.Alert, "安居水哨：请查看 A12", "Stillwater: please look, A12"},
		{stillwater.Ask, stillwater.Question, "安居水哨：有一个问题请回答 A12", "Stillwater: a question, A12"},
		{stillwater.Update, stillwater.Urgent, "安居水哨：有新情况 A12", "Stillwater: news, A12"},
	} {
		for lang, want := range map[string]string{"zh-CN": c.zh, "en": c.en} {
			if got := w.Subject(stillwater.Message{Purpose: c.purpose, Severity: c.severity, Language: lang, Code: "A12"}); got != want {
				t.Errorf("%q, want %q", got, want)
			}
		}
	}
}
