package words

import (
	"strconv"
	"strings"
	"time"

	"stillwater"
)

// Voice is what a call says about an incident of a household: the facts of the SMS, short enough to be said twice, without marks that a voice
// would spell, with numbers as words. What is said before and after it stands in VoicePhrases.
func (w *Words) Voice(m stillwater.Message, inc stillwater.Incident, h stillwater.Household) string {
	v := voice{text{teller{w: w, lang: w.Language(m.Language), home: h, now: m.Created}, m, inc}}
	said := []string{v.t("voice.hello", nil)}
	if m.Repeat {
		said = append(said, v.t("voice.repeat", nil))
	}
	if m.Severity == stillwater.Urgent && (m.Purpose == stillwater.Tell || m.Purpose == stillwater.Again) {
		said = append(said, v.t("voice.urgent", nil))
	}
	return strings.Join(append(said, v.body()...), w.joint(v.lang))
}

// VoicePhrases is what a call says around a message's text, in the message's language.
type VoicePhrases struct {
	Keys      string // which key means what; empty: no key is asked for
	SeeText   string // that the SMS takes the answer
	Thanks    string // a key was taken
	NoSuchKey string // the key means nothing
	Try       string // a key could not be taken
	After     string // to the resident, after she was connected, or nobody answered
}

// VoicePhrases gives what is said around a message's text. Only its purpose and its language count.
func (w *Words) VoicePhrases(m stillwater.Message) VoicePhrases {
	t := func(key string, data map[string]any) string { return w.T(w.Language(m.Language), key, data) }
	p := VoicePhrases{
		SeeText: t("voice.see-text", nil), Thanks: t("voice.thanks", nil), NoSuchKey: t("voice.no-such-key", nil),
		Try: t("voice.try", nil), After: t("voice.after", nil),
	}
	switch m.Purpose {
	case stillwater.Tell, stillwater.Again:
		p.Keys = t("voice.keys", nil)
	case stillwater.Ask:
		p.Keys = t("voice.keys.ask", nil)
	case stillwater.Check:
		p.Keys, p.SeeText = t("voice.keys.check", nil), t("voice.goodbye", nil)
	}
	return p
}

// voice is one call in the making.
type voice struct{ text }

func (v voice) body() []string {
	lead, found := Lead(v.inc)
	if !found {
		lead = stillwater.Finding{Kind: v.inc.Kind, Began: v.inc.Opened}
	}
	switch v.m.Purpose {
	case stillwater.Check:
		if v.m.Connect != "" {
			return []string{v.t("voice.check.connect", nil)}
		}
		return []string{v.t("voice.check", nil)}
	case stillwater.Ask:
		if question(lead) == string(stillwater.Welfare) {
			return []string{v.says(lead), v.t("voice.ask", nil)}
		}
		return []string{v.says(lead), v.t("voice.ask.well", nil)}
	case stillwater.Again:
		return []string{v.t(v.whyAgain(), nil), v.says(lead)}
	case stillwater.Update:
		return []string{v.news(lead)}
	case stillwater.Done:
		outcome := v.w.Word(v.lang, "outcome", string(v.inc.Outcome))
		return []string{v.t("voice.done", map[string]any{"Name": aloud(v.about()), "Outcome": outcome})}
	}
	if v.lastOf("help", "acknowledged", "on-site", "closed") == "help" {
		return []string{v.t("voice.help", nil), v.says(lead)}
	}
	return []string{v.says(lead)}
}

// whyAgain is the key of why somebody is called once more.
func (v voice) whyAgain() string {
	switch v.again() {
	case "sms.again.nobody":
		return "voice.again.nobody"
	case "sms.help":
		return "voice.help"
	}
	return "voice.again.due"
}

// news is what has changed since who is called was told.
func (v voice) news(lead stillwater.Finding) string {
	data := map[string]any{"Name": aloud(v.about()), "Who": aloud(v.who())}
	switch v.lastOf("acknowledged", "on-site", "ended") {
	case "on-site":
		return v.t("voice.there", data)
	case "acknowledged":
		return v.t("voice.going", data)
	}
	return v.t("voice.over", data)
}

// says is what a finding says, or that it is over.
func (v voice) says(f stillwater.Finding) string {
	data := map[string]any{
		"Name": aloud(v.name(f)), "Span": v.length(lasted(f)), "Homes": v.number(len(f.Facts.Members)), "Count": len(f.Facts.Members),
	}
	if f.Group != "" && v.inc.Group == "" { // of what befell a group, who is called about one home hears of her home
		data["Name"] = aloud(v.about())
		return v.t("voice.blind", data)
	}
	if !f.Ended.IsZero() {
		return v.t("voice.over", data)
	}
	return v.t(v.key(f), data)
}

// key is the key of what a finding says.
func (v voice) key(f stillwater.Finding) string {
	switch sentence(f) {
	case "silence":
		return "voice.silence"
	case silenceUnder:
		return "voice.little"
	case "away", "night-exit":
		return "voice.away"
	case "leak-running":
		return "voice.running"
	case "surge", "surge-learned":
		return "voice.surge"
	case "leak", "leak-night":
		return "voice.leak"
	case "door-open", "door-open-night":
		return "voice.door"
	case "absence-use", hospitalUse, "absence-back":
		return "voice.absence"
	case "device-blind":
		return "voice.blind"
	case "common-cause-water":
		return "voice.group.water"
	case "common-cause-blind":
		return "voice.group.blind"
	}
	return "voice.other"
}

// length is a span in words, in its largest unit and rounded down; nothing of it is exact to the ear anyway.
func (v voice) length(d time.Duration) string {
	counted := func(n time.Duration) map[string]any { return map[string]any{"N": v.number(int(n)), "Count": int(n)} }
	switch {
	case d < time.Minute:
		return v.t("voice.span.moment", nil)
	case d < 2*time.Hour && d%time.Hour >= time.Minute:
		return v.t("voice.span.minutes", counted(d/time.Minute))
	case d < 48*time.Hour:
		return v.t("voice.span.hours", counted(d/time.Hour))
	}
	return v.t("voice.span.days", counted(d/(24*time.Hour)))
}

// number is a number before what it counts, in words up to 99.
func (v voice) number(n int) string {
	switch {
	case n < 0 || n > 99:
		return strconv.Itoa(n)
	case strings.HasPrefix(v.lang, "zh"):
		return hanNumber(n)
	}
	return englishNumber(n)
}

var (
	hanDigits = strings.Split("零一二三四五六七八九", "")
	small     = strings.Fields("no one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen")
	tens      = strings.Fields("- - twenty thirty forty fifty sixty seventy eighty ninety")
)

func hanNumber(n int) string {
	switch {
	case n == 2: // what is counted is 两, not 二
		return "两"
	case n < 10:
		return hanDigits[n]
	}
	out := "十"
	if n >= 20 {
		out = hanDigits[n/10] + out
	}
	if n%10 > 0 {
		out += hanDigits[n%10]
	}
	return out
}

func englishNumber(n int) string {
	switch {
	case n < 20:
		return small[n]
	case n%10 == 0:
		return tens[n/10]
	}
	return tens[n/10] + "-" + small[n%10]
}

// aloud is a shortened name without the mark of what was left out, which a voice would spell.
func aloud(name string) string {
	return strings.Join(strings.Fields(strings.ReplaceAll(name, "*", "")), " ")
}
