package words

import (
	"regexp"
	"strconv"
	"strings"

	"github.com/nicksnyder/go-i18n/v2/i18n"
)

// A phrase is a text of a catalogue that has nothing in it but words and places for data, as nearly all have: it is put together here, many
// times as quickly as a template runs. What is not so plain, and whatever does not fit, is left to the template: the text is the same.
type phrase struct {
	one   wordsAndPlaces // in English, where the count is one; without words: as any other
	other wordsAndPlaces
}

// wordsAndPlaces stand in turn, words first.
type wordsAndPlaces struct {
	words, places []string
}

// place is where data goes.
var place = regexp.MustCompile(`\{\{\.([A-Za-z]+)\}\}`)

// phrasesOf are those of a catalogue, by key.
func phrasesOf(lang string, messages []*i18n.Message) map[string]phrase {
	plain := map[string]phrase{}
	for _, m := range messages {
		if m.Zero+m.Two+m.Few+m.Many != "" || m.One != "" && lang != "en" || m.Other == "" || m.LeftDelim != "" {
			continue // how to choose is the library's to know
		}
		one, ok1 := apart(m.One)
		other, ok2 := apart(m.Other)
		if ok1 && ok2 {
			plain[m.ID] = phrase{one, other}
		}
	}
	return plain
}

// apart takes a text apart; false: there is more in it than words and places.
func apart(text string) (p wordsAndPlaces, plain bool) {
	if text == "" {
		return p, true
	}
	at := 0
	for _, m := range place.FindAllStringSubmatchIndex(text, -1) {
		p.words, p.places = append(p.words, text[at:m[0]]), append(p.places, text[m[2]:m[3]])
		at = m[1]
	}
	p.words = append(p.words, text[at:])
	return p, !strings.Contains(strings.Join(p.words, ""), "{{")
}

// counting is the text where nothing but the count is to be filled in, once; false: there is more.
func (p *phrase) counting(n int) (string, bool) {
	from := &p.other
	if n == 1 && p.one.words != nil {
		from = &p.one
	}
	if len(from.places) != 1 || from.places[0] != "Count" {
		return "", false
	}
	return from.words[0] + strconv.Itoa(n) + from.words[1], true
}

// with is the text with the data filled in; false: it does not fit.
func (p *phrase) with(data map[string]any) (string, bool) {
	from := &p.other
	if count, counts := data["Count"]; counts {
		n, ok := count.(int)
		if !ok {
			return "", false
		}
		if n == 1 && p.one.words != nil {
			from = &p.one
		}
	}
	if len(from.places) == 0 {
		return from.words[0], true
	}
	var b strings.Builder
	for i, name := range from.places {
		b.WriteString(from.words[i])
		switch v := data[name].(type) {
		case string:
			b.WriteString(v)
		case int:
			b.WriteString(strconv.Itoa(v))
		default:
			return "", false
		}
	}
	b.WriteString(from.words[len(from.places)])
	return b.String(), true
}
