// Package words is every text that people read, in each language from one catalogue: the SMS, the sentences why, and
// what stands on the pages. A third language is one more file in catalogue/.
//
// A finding is told in two forms. The short one is an SMS: one segment, with the sender, how to reply and the code. The long one stands on
// pages: as much as two segments hold. Both say who, what and since when, and up to when there is data; then what is not known, what is
// usual, and more, as far as there is room: fit.go states in which order sentences go. No sentence is cut, no address and no whole
// name stands in one. The package decides nothing, keeps nothing and opens nothing.
//
// Where a catalogue lacks a text, the English one stands in; where that lacks it too, the key is shown between ⟦ and ⟧,
// and a test looks for those marks.
package words

import (
	"embed"
	"fmt"
	"path"
	"strings"

	"github.com/nicksnyder/go-i18n/v2/i18n"
	"golang.org/x/text/language"
	"gopkg.in/yaml.v3"
)

//go:embed catalogue/*.yaml
var catalogues embed.FS

// Words gives texts in the languages of the catalogues. It is safe for use by several goroutines.
type Words struct {
	bundle    *i18n.Bundle
	languages []string // as their files are named, English first
	matcher   language.Matcher
	in        map[string]*i18n.Localizer // by file name
	plain     map[string]map[string]phrase
}

// New reads the embedded catalogues.
func New() (*Words, error) {
	w := &Words{bundle: i18n.NewBundle(language.English), languages: []string{"en"}, in: map[string]*i18n.Localizer{}, plain: map[string]map[string]phrase{}}
	w.bundle.RegisterUnmarshalFunc("yaml", yaml.Unmarshal)
	files, err := catalogues.ReadDir("catalogue")
	if err != nil {
		return nil, fmt.Errorf("catalogues: %w", err)
	}
	for _, f := range files {
		text, err := catalogues.ReadFile(path.Join("catalogue", f.Name()))
		if err != nil {
			return nil, fmt.Errorf("catalogue %q: %w", f.Name(), err)
		}
		parsed, err := w.bundle.ParseMessageFileBytes(text, f.Name())
		if err != nil {
			return nil, fmt.Errorf("catalogue %q: %w", f.Name(), err)
		}
		lang := strings.TrimSuffix(f.Name(), path.Ext(f.Name()))
		if lang != "en" {
			w.languages = append(w.languages, lang)
		}
		w.plain[lang] = phrasesOf(lang, parsed.Messages)
	}
	tags := make([]language.Tag, len(w.languages))
	for i, lang := range w.languages {
		tags[i] = language.Make(lang)
		w.in[lang] = i18n.NewLocalizer(w.bundle, lang)
	}
	w.matcher = language.NewMatcher(tags)
	return w, nil
}

// Languages is every language there is a catalogue for, English first.
func (w *Words) Languages() []string { return append([]string(nil), w.languages...) }

// Language is the catalogue that fits best. Each wish is a language tag or an Accept-Language header, the dearest first.
func (w *Words) Language(wishes ...string) string {
	for _, wish := range wishes {
		if _, ok := w.in[wish]; ok {
			return wish
		}
		tags, _, err := language.ParseAcceptLanguage(wish)
		if err != nil || len(tags) == 0 {
			continue
		}
		if _, i, sure := w.matcher.Match(tags...); sure != language.No {
			return w.languages[i]
		}
	}
	return "en"
}

// T is the text of a key with data filled in. A count under "Count" chooses the plural form.
func (w *Words) T(lang, key string, data map[string]any) string {
	if text, ok := w.find(lang, key, data); ok {
		return text
	}
	return "⟦" + key + "⟧"
}

// count is the text of a key that says how many.
func (w *Words) count(lang, key string, n int) string {
	if p, ok := w.plain[lang][key]; ok {
		if text, ok := p.counting(n); ok {
			return text
		}
	}
	return w.T(lang, key, map[string]any{"Count": n})
}

// Word is what a value of a family is called ("state" and "blind": 数据中断); a value without a word stands for itself.
func (w *Words) Word(lang, family, value string) string {
	if text, ok := w.find(lang, family+"."+value, nil); ok {
		return text
	}
	return value
}

// find looks a text up; an unfinished catalogue answers in English.
func (w *Words) find(lang, key string, data map[string]any) (string, bool) {
	if _, ok := w.in[lang]; !ok {
		lang = w.Language(lang)
	}
	if p, ok := w.plain[lang][key]; ok {
		if text, ok := p.with(data); ok && text != "" {
			return text, true
		}
	}
	return w.template(lang, key, data)
}

// template looks a text up that is more than a phrase, or that is not in the language.
func (w *Words) template(lang, key string, data map[string]any) (string, bool) {
	c := &i18n.LocalizeConfig{MessageID: key, TemplateData: data}
	if count, ok := data["Count"]; ok {
		c.PluralCount = count
	}
	text, _ := w.in[lang].Localize(c) // with an error the text may still be the English one
	return text, text != ""
}
