package words

import (
	"strings"
	"testing"

	"pgregory.net/rapid"

	"stillwater"
)

const (
	shortLink = "https://aj.cn/m/Ab3Kx9QrT2zW"
	relayLink = "https://relay.care.example.org/k7/m/Ab3Kx9QrT2zW#0123456789abcdef"
	deskPhone = stillwater.Phone("+8657486251234")
)

// TestAnswers: a text says one way to answer, the best there is room for.
func TestAnswers(t *testing.T) {
	w := newWords(t)
	silence := findings()[0]
	desk := wang()
	desk.Contacts = append(desk.Contacts, stillwater.Contact{ID: "desk", Role: stillwater.Community, Phone: "+8613805741234"})
	for _, c := range []struct {
		name     string
		ways     Ways
		link     string
		channel  stillwater.Channel
		home     stillwater.Household
		zh, en   string // in the text
		segments int    // of the Chinese one
	}{
		{"a link that fits", Ways{Digits: true, Duty: deskPhone}, shortLink, "", wang(), shortLink + " [", shortLink + " [", 1},
		{"a link that does not fit in Chinese", Ways{Digits: true}, relayLink, "", wang(), "回1我去", relayLink + " [", 1},
		{"a long link alone", Ways{Duty: deskPhone}, relayLink, "", wang(), relayLink + " [", relayLink + " [", 2},
		{"digits", Ways{Digits: true, Duty: deskPhone}, "", "", wang(), "回1我去", "Reply 1", 1},
		{"the duty telephone", Ways{Duty: deskPhone}, "", "", wang(), "请致电057486251234", "057486251234", 1},
		{"the home's own desk", Ways{Duty: deskPhone}, "", "", desk, "请致电13805741234", "13805741234", 1},
		{"nothing", Ways{}, "", "", wang(), "", "", 1},
		{"a call", Ways{Duty: deskPhone}, shortLink, stillwater.Voice, wang(), "请致电", "Call", 1},
	} {
		for lang, want := range map[string]string{"zh-CN": c.zh, "en": c.en} {
			m := messageOf(stillwater.Tell, lang)
			m.Link, m.Channel = c.link, c.channel
			text := w.SMSBy(c.ways, m, incidentOf(stillwater.Tell, silence), c.home)
			n, length := Segments(text)
			ways := 0
			for _, way := range []string{"https://", "回1我去", "Reply 1", "致电", "Call "} {
				if strings.Contains(text, way) {
					ways++
				}
			}
			if !strings.Contains(text, want) || ways > 1 || (want == "") != (ways == 0) || lang == "zh-CN" && n != c.segments {
				t.Errorf("%s: %d segments (%d): %s", c.name, n, length, text)
			}
		}
	}
}

// TestLinkAloneHasRoom: a link that is the only way to answer has a second segment, and what is usual stays beside it.
func TestLinkAloneHasRoom(t *testing.T) {
	m := messageOf(stillwater.Tell, "zh-CN")
	m.Link = relayLink
	if text := newWords(t).SMSBy(Ways{}, m, incidentOf(stillwater.Tell, findings()[0]), wang()); !strings.Contains(text, "9小时") || !strings.Contains(text, relayLink) {
		t.Error(text)
	}
}

// TestNoWayWhereNoneIsCalledFor: an outcome is told without a way to answer.
func TestNoWayWhereNoneIsCalledFor(t *testing.T) {
	w := newWords(t)
	for _, p := range []stillwater.Purpose{stillwater.Done, stillwater.Which} {
		m := messageOf(p, "zh-CN")
		m.Link = shortLink
		if text := w.SMSBy(Ways{Duty: deskPhone}, m, incidentOf(p, findings()[0]), wang()); strings.Contains(text, "http") || strings.Contains(text, "致电") {
			t.Error(text)
		}
	}
}

// TestLinkIsWhole: whatever the facts, a link stands in a text whole and by itself or not at all, and never costs who, what and since when.
func TestLinkIsWhole(t *testing.T) {
	w := newWords(t)
	rapid.Check(t, func(t *rapid.T) {
		inc, m := drawIncident(t), drawMessage(t)
		m.Link = rapid.SampledFrom([]string{shortLink, relayLink}).Draw(t, "link")
		digits := rapid.Bool().Draw(t, "digits")
		text := w.SMSBy(Ways{Digits: digits}, m, inc, wang())
		n, length := Segments(text)
		if n > 2 || strings.Contains(text, "http") && digits && n > 1 {
			t.Fatalf("%d segments, %d characters: %s", n, length, text)
		}
		if at := strings.Index(text, "https://"); at >= 0 && (!strings.HasPrefix(text[at:], m.Link+" ") || at == 0 || text[at-1] != ' ') {
			t.Fatalf("the link does not stand whole and by itself: %s", text)
		}
		if !strings.HasSuffix(text, "["+m.Code+"]") {
			t.Fatalf("the code is not at the end: %s", text)
		}
	})
}
