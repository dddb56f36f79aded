package words

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"stillwater"
)

// VarLimits is every variable that Vars may give, with how many characters it has at most. Approved templates take 35 of each at Aliyun;
// where one takes fewer, what is too long for it is told by the next template.
var VarLimits = map[string]int{
	"name":    28, // 王*家, 欧阳*家, a building: whom it is about
	"what":    28, // 一直无动静, 水流不停: what it is about; a channel may mark a repeat in it
	"since":   18, // 3日13:50: since when
	"span":    16, // 26小时: for how long, when it was raised
	"data":    18, // 16:00: up to when there is data
	"news":    34, // 仍无人处理, 已到现场: what has changed
	"who":     32, // 网格员李*: who has taken it on
	"outcome": 16, // 误报: how it ended
	"known":   20, // 已通过话: how that is known
	"code":    16, // K7M3
	"phone":   15, // of the desk on duty, as it is dialled in its country
	"token":   64, // the end of the message's own page, whose beginning stands in the approved text
}

// signsOfTemplates are what providers of approved templates refuse in a variable.
const signsOfTemplates = "【】『』「」〖〗[]{}<>#^$¥★※→•²…\"'\\|~`"

// Vars are the short variables of a message, for a channel that sends approved templates only. A variable that has nothing to say is not
// there, nor one that would be too long. They hold no digit to answer with: such channels take no answers.
func (w *Words) Vars(m stillwater.Message, inc stillwater.Incident, h stillwater.Household) map[string]string {
	s := text{teller: teller{w: w, lang: w.Language(m.Language), home: h, now: m.Created}, m: m, inc: inc}
	lead, found := Lead(inc)
	if !found {
		lead = stillwater.Finding{Kind: inc.Kind, Began: inc.Opened}
	}
	vars := map[string]string{"name": s.about(), "what": s.subject(lead), "since": s.t("sms.since.unknown", nil), "code": m.Code, "news": s.news(lead)}
	if since := began(lead); !since.IsZero() {
		vars["since"] = s.moment(since)
	}
	if d := lasted(lead); d > 0 {
		vars["span"] = s.span(d)
	}
	if to := lead.Facts.DataTo; !to.IsZero() {
		vars["data"] = s.moment(to)
	}
	if inc.Holder != "" {
		vars["who"] = s.who()
	}
	if m.Purpose == stillwater.Done {
		vars["outcome"] = w.Word(s.lang, "outcome", string(inc.Outcome))
		vars["known"] = w.Word(s.lang, "known", string(inc.Known))
	}
	_, vars["phone"] = w.DutyPhone(h, "", m.Contact)
	vars["token"], _, _ = strings.Cut(m.Link[strings.LastIndexByte(m.Link, '/')+1:], "#") // templates refuse the key that a relay's page is opened with
	return fitting(vars)
}

// subject is what a finding is about, in a few characters.
func (s text) subject(f stillwater.Finding) string {
	if s.m.Purpose == stillwater.Check {
		return s.t("var.what.check", nil)
	}
	return s.t("var.what."+s.trend(sentence(f), f.Facts.Trend, map[string]any{}), nil)
}

// news is what has changed since the reader was told, or why somebody is told once more; "" if it is the first word.
func (s text) news(lead stillwater.Finding) string {
	switch s.m.Purpose {
	case stillwater.Again:
		return s.t("var.news."+strings.TrimPrefix(strings.TrimPrefix(s.again(), "sms.again."), "sms."), nil)
	case stillwater.Update:
		switch s.lastOf("acknowledged", "on-site", "ended") {
		case "on-site":
			return s.t("var.news.on-site", nil)
		case "acknowledged":
			if c, ok := s.contact(stillwater.ContactID(s.inc.Holder)); ok && c.Remote {
				return s.t("var.news.calling", nil)
			}
			return s.t("var.news.going", nil)
		}
		if ended, ok := lastEnded(s.inc); ok {
			lead = ended
		}
		if lead.Facts.Absent {
			return s.t("var.news.absent", nil)
		}
		return s.t("var.news.ended", nil)
	}
	if s.lastOf("help", "acknowledged", "on-site", "closed") == "help" {
		return s.t("var.news.help", nil)
	}
	return ""
}

// fitting leaves out of every value what no template takes, and every value that has nothing in it or too much.
func fitting(vars map[string]string) map[string]string {
	for name, v := range vars {
		v = strings.Join(strings.Fields(strings.Map(func(r rune) rune {
			switch {
			case unicode.IsControl(r) || strings.ContainsRune(signsOfTemplates, r) || r > 0xFFFF:
				return -1
			}
			return r
		}, v)), " ")
		if v == "" || utf8.RuneCountInString(v) > VarLimits[name] {
			delete(vars, name)
			continue
		}
		vars[name] = v
	}
	return vars
}
