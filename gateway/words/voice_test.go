package words

import (
	"regexp"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"stillwater"
)

// longestSaid is how much a call may say once: about 20 seconds, slowly.
var longestSaid = map[string]int{"zh-CN": 80, "en": 260}

// TestVoice says every finding for every purpose in both languages: short, with words for numbers, without marks a voice would spell, and
// never a whole name or a number.
func TestVoice(t *testing.T) {
	w := newWords(t)
	unspoken := regexp.MustCompile(`[⟦⟧*\[\]{}<>|#]|<no value>|[0-9]{3}`)
	at := time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)
	home := stillwater.Household{ID: "h-1", Name: "王秀英", Contacts: []stillwater.Contact{{ID: "w", Name: "李卫国", Role: stillwater.Worker, Phone: "+8613800138000"}}}
	for lang, most := range longestSaid {
		for _, rule := range detectorNames {
			for _, purpose := range []stillwater.Purpose{stillwater.Ask, stillwater.Tell, stillwater.Again, stillwater.Update, stillwater.Done, stillwater.Check} {
				f := stillwater.Finding{Rule: rule, Kind: stillwater.Welfare, Began: at, Facts: stillwater.Facts{Since: at.Add(-13 * time.Hour), Members: []stillwater.HouseholdID{"h-1", "h-2"}}}
				inc := stillwater.Incident{Kind: f.Kind, Findings: []stillwater.Finding{f}, Outcome: stillwater.Outcomes[0], Holder: "w"}
				if strings.HasPrefix(rule, "common-cause") {
					inc.Group, inc.Findings[0].Group = "building/3号楼", "building/3号楼"
				}
				m := stillwater.Message{Language: lang, Purpose: purpose, Severity: stillwater.Urgent, Created: at, Code: "A1", Repeat: true}
				said := w.Voice(m, inc, home)
				if n := utf8.RuneCountInString(said); n > most || unspoken.MatchString(said) || strings.Contains(said, "秀英") {
					t.Errorf("%s %s %s (%d): %s", lang, rule, purpose, n, said)
				}
			}
		}
	}
}

func TestWhatACallSays(t *testing.T) {
	w := newWords(t)
	at := time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)
	home := stillwater.Household{ID: "h-1", Name: "王秀英", Contacts: []stillwater.Contact{{ID: "w", Name: "李卫国", Role: stillwater.Worker}}}
	still := stillwater.Finding{Rule: "silence", Kind: stillwater.Welfare, Began: at, Facts: stillwater.Facts{Since: at.Add(-13*time.Hour - 20*time.Minute)}}
	over := still
	over.Ended = at
	log := func(what string) []stillwater.Event { return []stillwater.Event{{At: at, What: what}} }
	for _, c := range []struct {
		m        stillwater.Message
		inc      stillwater.Incident
		want, en string
	}{
		{stillwater.Message{Purpose: stillwater.Tell, Severity: stillwater.Urgent}, stillwater.Incident{Findings: []stillwater.Finding{still}},
			"您好，这里是安居水哨。情况紧急。王家已经十三个小时没有动静了。", "Hello, this is Stillwater. This is urgent. Wang: there has been no sign of life for thirteen hours."},
		{stillwater.Message{Purpose: stillwater.Tell, Repeat: true}, stillwater.Incident{Findings: []stillwater.Finding{over}},
			"您好，这里是安居水哨。这件事可能已经给您打过电话。王家的情况好像已经过去，还请您核实一下。", "Hello, this is Stillwater. You may have been called about this before. Wang: it seems to be over. Please still check."},
		{stillwater.Message{Purpose: stillwater.Ask}, stillwater.Incident{Findings: []stillwater.Finding{still}},
			"您好，这里是安居水哨。王家已经十三个小时没有动静了。她是出门了，还是和您在一起？", "Hello, this is Stillwater. Wang: there has been no sign of life for thirteen hours. Is she out, or with you?"},
		{stillwater.Message{Purpose: stillwater.Update}, stillwater.Incident{Findings: []stillwater.Finding{still}, Holder: "w", Log: log("acknowledged")},
			"您好，这里是安居水哨。网格员李已经接手王家的事。", "Hello, this is Stillwater. grid worker Li has taken on Wang."},
		{stillwater.Message{Purpose: stillwater.Check, Connect: "+8613800138000"}, stillwater.Incident{},
			"您好，这里是安居水哨。今天家里动静不多，想问问您好不好。请别挂电话，马上为您接通。", "Hello, this is Stillwater. We have heard little from your home today and would like to know how you are. Please hold the line, you are being connected."},
		{stillwater.Message{Purpose: stillwater.Again}, stillwater.Incident{Findings: []stillwater.Finding{still}, Log: log("help")},
			"您好，这里是安居水哨。现场需要帮助。王家已经十三个小时没有动静了。", "Hello, this is Stillwater. Help is asked for. Wang: there has been no sign of life for thirteen hours."},
	} {
		for lang, want := range map[string]string{"zh-CN": c.want, "en": c.en} {
			c.m.Language, c.m.Created = lang, at
			if got := w.Voice(c.m, c.inc, home); got != want {
				t.Errorf("said  %s\nwant  %s", got, want)
			}
		}
	}
}

func TestSpokenNumbers(t *testing.T) {
	w := newWords(t)
	for d, want := range map[time.Duration][2]string{
		30 * time.Second: {"一会儿", "a moment"}, time.Minute: {"一分钟", "one minute"}, 90 * time.Minute: {"九十分钟", "ninety minutes"},
		time.Hour: {"一个小时", "one hour"}, 2 * time.Hour: {"两个小时", "two hours"}, 22 * time.Hour: {"二十二个小时", "twenty-two hours"},
		10 * time.Hour: {"十个小时", "ten hours"}, 30 * time.Hour: {"三十个小时", "thirty hours"}, 48 * time.Hour: {"两天", "two days"}, 2400 * time.Hour: {"100天", "100 days"},
	} {
		for i, lang := range []string{"zh-CN", "en"} {
			if got := (voice{text{teller: teller{w: w, lang: lang}}}).length(d); got != want[i] {
				t.Errorf("%v: %q, want %q", d, got, want[i])
			}
		}
	}
}

// Keys are asked for where an answer is called for, and each has the digit of the SMS.
func TestVoicePhrases(t *testing.T) {
	w := newWords(t)
	for purpose, asked := range map[stillwater.Purpose]bool{
		stillwater.Tell: true, stillwater.Again: true, stillwater.Ask: true, stillwater.Check: true, stillwater.Update: false, stillwater.Done: false,
	} {
		for _, lang := range w.Languages() {
			p := w.VoicePhrases(stillwater.Message{Purpose: purpose, Language: lang})
			if (p.Keys != "") != asked || p.SeeText == "" || p.Thanks == "" || p.NoSuchKey == "" || p.Try == "" || p.After == "" {
				t.Errorf("%s %s: %+v", lang, purpose, p)
			}
		}
	}
}
