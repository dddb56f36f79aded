package words

import (
	"strings"

	"stillwater"
)

// answer is a way to answer a text, and in how many segments it may be offered.
type answer struct {
	say      piece
	segments int
}

// answers are the ways to answer a text, the best first; the last is the one that stays when none fits.
func (s text) answers(ways Ways) []answer {
	byDigit := s.reply()
	if len(byDigit) == 0 {
		return []answer{{nil, 1}} // no answer is called for
	}
	var list []answer
	if s.m.Link != "" && s.m.By() != stillwater.Voice {
		list = append(list, answer{always(s.t("sms.link", map[string]any{"Link": s.m.Link})), 1})
	}
	if ways.Digits {
		return append(list, answer{byDigit, 1})
	}
	if len(list) > 0 {
		list[0].segments = 2
		return list
	}
	if duty := s.duty(ways); duty != "" {
		return []answer{{always(s.t("sms.duty", map[string]any{"Phone": national(duty)})), 1}}
	}
	return []answer{{nil, 1}}
}

// duty is the telephone of the desk that serves the home; of the reader's own there is no need to tell.
func (s text) duty(ways Ways) stillwater.Phone {
	for _, c := range s.home.Contacts {
		if c.Role == stillwater.Community && c.Phone != "" && c.ID != s.m.Contact {
			return c.Phone
		}
	}
	return ways.Duty
}

// national is a number as it is dialled in China, one of elsewhere as it is.
func national(p stillwater.Phone) string {
	rest, ok := strings.CutPrefix(string(p), "+86")
	switch {
	case !ok:
		return string(p)
	case len(rest) == 11 && rest[0] == '1':
		return rest
	}
	return "0" + rest
}
