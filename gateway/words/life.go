package words

import (
	"regexp"
	"strings"
	"time"

	"stillwater"
)

// Life is the text of a message that belongs to no incident: a question about the life of a home, and what staff must know. No day on which
// nobody is in stands in it.
func (w *Words) Life(ways Ways, m stillwater.Message, e stillwater.LifeEvent, h stillwater.Household) string {
	s := text{teller{w: w, lang: w.Language(m.Language), home: h, now: m.Created}, m, stillwater.Incident{}}
	data := map[string]any{"Name": w.ShortName(s.lang, h), "Days": int(stillwater.UndoWithin.Hours() / 24)}
	return s.framed([]piece{always(s.t("life.text."+string(e.Kind), data)), s.lifeReply(ways, e)}, lifeSegments)
}

// lifeSegments is how many SMS such a text may take: they are rare, and how they are said matters.
const lifeSegments = 2

// lifeReply says how to answer.
func (s text) lifeReply(ways Ways, e stillwater.LifeEvent) piece {
	asked := e.Kind.Stays() || e.Kind == stillwater.AskedFestival
	duty := s.duty(ways)
	switch {
	case !asked:
		return nil
	case ways.Digits:
		return always(s.t("life.reply."+string(e.Kind), nil))
	case duty != "":
		return always(s.t("sms.duty", map[string]any{"Phone": national(duty)}))
	}
	return nil
}

// framed puts pieces between the sender's name and the code.
func (s text) framed(pieces []piece, segments int) string {
	data := map[string]any{"Repeat": "", "Urgent": "", "Code": s.m.Code}
	if s.m.Repeat {
		data["Repeat"] = s.t("sms.repeat", nil)
	}
	plain := plainLetters(s.t("sms.prefix", nil))
	return fit(pieces, segments, s.w.joint(s.lang), func(body string) string {
		data["Body"] = body
		out := strings.Join(strings.Fields(s.t("sms.frame", data)), " ")
		if plain {
			out = ToGSM7(out)
		}
		return out
	})
}

// Repeated is the text of a message that belongs to no incident, marked as one that may have been sent before.
func (w *Words) Repeated(m stillwater.Message) string {
	lang := w.Language(m.Language)
	prefix, mark := w.T(lang, "sms.prefix", nil), w.T(lang, "sms.repeat", nil)
	rest, ok := strings.CutPrefix(m.Text, prefix)
	switch {
	case strings.Contains(m.Text, mark):
		return m.Text
	case !ok:
		return mark + m.Text
	case strings.HasPrefix(rest, " "):
		return prefix + " " + mark + rest
	}
	return prefix + mark + rest
}

// An Answer is a reply to a question about the life of a home.
type Answer struct {
	Digit byte   // '1' as it was, '2' she is home, '3' away until a day
	Code  string // in capitals; "" if none was written
}

// ParseAnswer reads a text that may answer such a question. "She is home" is taken in any words, for it means that she is watched; that she still is
// away only where it is plain.
func ParseAnswer(reply string) (Answer, bool) {
	first, rest := lines(reply)
	m := leading.FindStringSubmatch(first)
	if m == nil {
		return Answer{}, false
	}
	tail := first[len(m[0]):]
	if tail != "" && tail[0] >= '0' && tail[0] <= '9' {
		return Answer{}, false // a longer number
	}
	a := Answer{Digit: m[1][0]}
	a.Code, tail = takeCode(tail)
	if q := bracketed.FindStringSubmatch(strings.ToUpper(rest)); a.Code == "" && q != nil {
		a.Code = q[1] // the text it answers, quoted below
	}
	said := strings.ToLower(strings.Trim(tail, signs))
	switch a.Digit {
	case '1':
		return a, !negated(said) && !units.MatchString(said)
	case '2':
		return a, said == "" || !negated(said) && !units.MatchString(said)
	case '3':
		return a, !negated(said)
	}
	return Answer{}, false
}

// someDay is a day as people write it, where it can be told from another beside it.
var someDay = regexp.MustCompile(`\d{4}\s*[-/.年]\s*\d{1,2}\s*[-/.月]\s*\d{1,2}|\d{1,2}\s*[-/月]\s*\d{1,2}`)

// AwaySpan is from when until when an answer says that she is away: "3 2月4日到2月20日", "3 2-20". From is zero where it names one day
// alone, which is the one on which she is back.
func AwaySpan(reply string, now time.Time) (from, until time.Time, ok bool) {
	line, _ := lines(reply)
	tail := leading.ReplaceAllString(line, "")
	if days := someDay.FindAllString(tail, 3); len(days) == 2 {
		from, ok = AwayUntil("3 "+days[0], now)
		if until, sure := AwayUntil("3 "+days[1], now); ok && sure && from.Before(until) {
			return from.Add(noon - backBy*time.Hour), until, true
		}
		return time.Time{}, time.Time{}, false
	}
	until, ok = AwayUntil(reply, now)
	return time.Time{}, until, ok
}

// noon is the hour at which somebody who leaves on a day is taken to have left.
const noon = 12 * time.Hour
