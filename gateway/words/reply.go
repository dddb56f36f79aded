package words

import (
	"regexp"
	"slices"
	"strings"
	"unicode"

	"stillwater"
)

// A Command is what a reply asks for. A Code that fits no incident of the sender may have been a word ("1 there"): the
// others may then be done as if none was written, but a Close must not.
type Command struct {
	Deed    stillwater.Deed
	Outcome stillwater.Outcome // of Close
	Known   stillwater.Known   // of Close
	Code    string             // in capitals; "" if none was written
}

// commands is what each digit means.
var commands = map[byte]Command{
	'1': {Deed: stillwater.Acknowledge},
	'2': {Deed: stillwater.Close, Outcome: stillwater.FalseAlarm, Known: stillwater.Spoken},
	'3': {Deed: stillwater.Close, Outcome: stillwater.AwayFrom, Known: stillwater.Spoken},
	'4': {Deed: stillwater.CallHelp},
	'5': {Deed: stillwater.Close, Outcome: stillwater.FalseAlarm, Known: stillwater.Assumed},
}

// phrases are the words that may follow a digit directly or alone, in the languages of the catalogues and as the texts have them.
// A digit that closes takes no others: "5分钟到" (there in 5 minutes) must not close as a false alarm.
var phrases = map[byte][]string{
	'1': {"我去", "我来", "我联系", "马上", "好", "on my way", "going", "coming", "ok", "yes", "i call", "calling"},
	'2': {"已见到", "见到", "看到", "当面", "已通过话", "通过话", "seen", "i saw her", "i saw him", "spoken", "都平安", "平安", "没事", "安好", "一切都好", "很好", "正常", "all well", "all is well", "all fine", "well", "fine", "ok", "okay", "safe", "she is fine", "he is fine"},
	'3': {"外出", "不在家", "出门", "出去", "在我这", "在我家", "away", "out", "with me", "with us", "until", "till"},
	'4': {"求助", "需要帮助", "帮忙", "救命", "need help", "help"},
	'5': {"误报", "虚惊", "false alarm", "false"},
}

// seen are those of the words of 2 that say that somebody was there: without one she was spoken to.
var seen = []string{"见到", "看到", "当面", "seen", "i saw"}

// courtesies may stand anywhere.
var courtesies = []string{"谢谢", "了", "thanks", "thank you", "please"}

// signs carry no meaning in a reply.
const signs = " .,:;!?()[]'\"-*#~"

// units show that the digit counted something: minutes, hours, people, a floor, a day.
var units = regexp.MustCompile(`^(?i:mins?|minutes?|m|h|hrs?|hours?|d|days?|weeks?|am|pm|o'?clock|st|nd|rd|th|of|or|and|people|persons?|times?|x|km)\b|^(?i:[点點时時分秒小个個号號楼层層天日月年周人次位名米公里块元刻半多几第到至或和])`)

// optOut are the words carriers act on themselves; they are never commands, whatever stands before them.
var optOut = []string{"STOP", "STOPALL", "UNSUBSCRIBE", "CANCEL", "END", "QUIT", "REVOKE", "OPTOUT", "T", "TD", "N"}

var (
	leading   = regexp.MustCompile(`^(?i:回复|回覆|回|reply)?[\s:]*([1-5])`)
	codeToken = regexp.MustCompile(`[A-Z0-9]+`)
	codeShape = regexp.MustCompile(`^[2-9A-HJKMNP-Z]{3,8}$`) // codes have no 0, 1, I, L and O
	bracketed = regexp.MustCompile(`\[\s*([A-Z0-9]{3,8})\s*\]`)
)

// dayOnly is a day that stands by itself after the digit and a blank: "3 周六" is away until then, "3周" three weeks of something.
var dayOnly = regexp.MustCompile(`^ +[到至]?(?:\d{4}[-/.年]\d{1,2}[-/.月]\d{1,2}[日号號]?|\d{1,2}[-/月]\d{1,2}[日号號]?|(?:周|星期|礼拜)[一二三四五六日天])(?:回来?)?[ .!]*$`)

// longestReply bounds what is looked at; an answer is a few words.
const longestReply = 500

// ParseReply reads a text that came in: the digit 1 to 5 first, then perhaps a code and words. Full-width letters and
// Chinese punctuation count as plain ones. Where it is not plainly a command it is none, and the ladder goes on climbing: a
// wrong "all well" is worse than one more question.
func ParseReply(reply string) (Command, bool) {
	first, rest := lines(reply)
	m := leading.FindStringSubmatch(first)
	if m == nil {
		return Command{}, false
	}
	digit := m[1][0]
	c := commands[digit]
	tail := first[len(m[0]):]
	if tail != "" && tail[0] >= '0' && tail[0] <= '9' {
		return Command{}, false // a longer number
	}
	for _, token := range codeToken.FindAllString(asciiUpper(tail), -1) {
		if slices.Contains(optOut, token) {
			return Command{}, false
		}
	}
	if strings.Contains(reply, "退订") {
		return Command{}, false
	}
	c.Code, tail = takeCode(tail)
	if c.Code == "" {
		if q := bracketed.FindStringSubmatch(strings.ToUpper(rest)); q != nil {
			c.Code = q[1] // the text it answers, quoted below
		}
	}
	if !says(digit, tail, c.Deed == stillwater.Close) {
		return Command{}, false
	}
	inPerson := func(word string) bool { return strings.Contains(strings.ToLower(tail), word) }
	if digit == '2' && slices.ContainsFunc(seen, inPerson) {
		c.Known = stillwater.Seen
	}
	return c, true
}

// lines gives the first line with something in it and what comes after, in plain letters.
func lines(reply string) (first, rest string) {
	if r := []rune(reply); len(r) > longestReply {
		reply = string(r[:longestReply])
	}
	plain := strings.Map(plainRune, reply)
	first, rest, _ = strings.Cut(strings.TrimLeft(plain, " \n\"'.,"), "\n")
	return strings.TrimSpace(first), rest
}

// plainRune turns full-width and Chinese signs into plain ones, drops what cannot be seen, and makes every blank a space.
func plainRune(r rune) rune {
	switch {
	case r == '\n' || r == '\r':
		return '\n'
	case r >= '！' && r <= '～':
		return r - 0xFEE0
	case r == '。' || r == '、' || r == '·' || r == '…':
		return '.'
	case r == '【' || r == '「' || r == '〔':
		return '['
	case r == '】' || r == '」' || r == '〕':
		return ']'
	case r == '“' || r == '”' || r == '‘' || r == '’':
		return '\''
	case unicode.IsSpace(r):
		return ' '
	case r == '\uFE0F' || r == '\u20E3' || unicode.Is(unicode.Cf, r) || unicode.IsControl(r):
		return -1 // a digit drawn as a key is that digit
	}
	return r
}

// takeCode finds the code after the digit and gives what remains. A code is three to eight letters and digits of the
// alphabet of codes: in brackets, or with a digit among them, or in capitals, or the only Latin word.
func takeCode(tail string) (code, remains string) {
	upper := asciiUpper(tail)
	if m := bracketed.FindStringSubmatchIndex(upper); m != nil {
		return upper[m[2]:m[3]], tail[:m[0]] + " " + tail[m[1]:]
	}
	tokens := codeToken.FindAllStringIndex(upper, -1)
	for _, at := range tokens {
		token := upper[at[0]:at[1]]
		digits := strings.ContainsAny(token, "0123456789")
		only := len(tokens) == 1
		capitals := token == tail[at[0]:at[1]] && tail != upper
		if codeShape.MatchString(token) && !isPhrase(token) && (only || capitals || digits && strings.ContainsFunc(token, unicode.IsLetter)) {
			return token, tail[:at[0]] + " " + tail[at[1]:]
		}
	}
	return "", tail
}

// asciiUpper raises plain letters only, so that the length stays.
func asciiUpper(s string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' {
			return r - 'a' + 'A'
		}
		return r
	}, s)
}

// isPhrase says whether a word answers by itself, so that "1 coming" has no code.
func isPhrase(token string) bool {
	for _, list := range phrases {
		if slices.Contains(list, strings.ToLower(token)) {
			return true
		}
	}
	return slices.Contains([]string{"YES", "THANKS", "NOW", "SURE", "OKAY", "PLEASE"}, token) || units.MatchString(token)
}

// says judges the words after the digit.
func says(digit byte, tail string, closes bool) bool {
	words := strings.ToLower(strings.Trim(tail, signs))
	if words == "" {
		return true
	}
	if digit == '3' && dayOnly.MatchString(tail) {
		return true
	}
	if strings.ContainsAny(words, "0123456789") && digit != '3' {
		return false // "1 or 2", "2, 3 times"
	}
	rest, answered := afterPhrases(words, digit)
	if answered && (rest == "" || !closes || digit == '3') {
		return !negated(rest)
	}
	separated := strings.ContainsAny(tail[:1], " .,:;!-")
	return !closes && separated && !units.MatchString(words) && !negated(words)
}

// afterPhrases takes the digit's own words off the beginning, and says whether there were any.
func afterPhrases(words string, digit byte) (rest string, any bool) {
	for {
		words = strings.Trim(words, signs)
		longest := ""
		for _, p := range slices.Concat(phrases[digit], courtesies) {
			if strings.HasPrefix(words, p) && len(p) > len(longest) {
				longest = p
			}
		}
		if longest == "" {
			return words, any
		}
		words, any = words[len(longest):], true
	}
}

// negated says whether words turn the digit's meaning round: "1 cannot", "2 不".
func negated(words string) bool {
	for _, no := range []string{"not", "n't", "cannot", "can t", "no ", "不", "没", "无法", "别"} {
		if strings.Contains(words, no) {
			return true
		}
	}
	return words == "no"
}
