package words

import (
	"math/rand/v2"
	"testing"
)

// TestPhrases: a phrase reads as the template does, whatever is filled in.
func TestPhrases(t *testing.T) {
	w, err := New()
	if err != nil {
		t.Fatal(err)
	}
	chance := rand.New(rand.NewPCG(1, 2))
	values := []any{"", "10 L", "王*家", "<a & b>", "{{.At}}", 0, 1, 2, 21, -3}
	n := 0
	for _, lang := range w.Languages() {
		for key, p := range w.plain[lang] {
			n++
			for range 40 {
				data := map[string]any{}
				for _, name := range append(append([]string{"Count"}, p.one.places...), p.other.places...) {
					if chance.IntN(10) > 0 {
						data[name] = values[chance.IntN(len(values))]
					}
				}
				if c, ok := data["Count"]; ok && chance.IntN(4) > 0 {
					if _, isText := c.(string); isText {
						data["Count"] = 1
					}
				}
				text, ok := p.with(data)
				if want, _ := w.template(lang, key, data); ok && text != want {
					t.Errorf("%s %s with %v: %q, the template says %q", lang, key, data, text, want)
				}
			}
		}
	}
	for _, key := range []string{"span.minutes", "span.days", "sms.span.hours"} {
		for _, lang := range w.Languages() {
			for n := range 3 {
				if want, _ := w.template(lang, key, map[string]any{"Count": n}); w.count(lang, key, n) != want {
					t.Errorf("%s %s of %d: %q, the template says %q", lang, key, n, w.count(lang, key, n), want)
				}
			}
		}
	}
	if n < 500 {
		t.Errorf("only %d texts are phrases", n)
	}
}
