package words

import (
	"strings"

	"stillwater"
)

// text is one SMS in the making.
type text struct {
	teller
	m   stillwater.Message
	inc stillwater.Incident
}

// Ways are the ways to answer that texts offer besides the link of their message.
type Ways struct {
	Digits bool             // texts that come in are read
	Duty   stillwater.Phone // of a home without a community desk of its own; may be empty
}

// SMS is the text of a message that can be answered by text; see SMSBy.
func (w *Words) SMS(m stillwater.Message, inc stillwater.Incident, h stillwater.Household) string {
	return w.SMSBy(Ways{Digits: true}, m, inc, h)
}

// SMSBy is the text of a message about an incident of a household, in the short form: one segment, with all that stands around the
// sentences. How to answer it is said in one way: by the message's link where there is room for it, else by the digits, else by the duty
// telephone; a link that is the only way to answer may take a second segment. The text depends on nothing else, so that the same
// message always reads the same.
func (w *Words) SMSBy(ways Ways, m stillwater.Message, inc stillwater.Incident, h stillwater.Household) (out string) {
	s := text{teller{w: w, lang: w.Language(m.Language), home: h, now: m.Created}, m, inc}
	for _, a := range s.answers(ways) {
		out = s.fitted(a.say, a.segments)
		if n, _ := Segments(out); n <= a.segments {
			break
		}
	}
	return out
}

// fitted is the text with one way to answer, in so many segments if it can be.
func (s text) fitted(answer piece, segments int) string {
	data := map[string]any{"Repeat": "", "Urgent": "", "Code": s.m.Code}
	if s.m.Repeat {
		data["Repeat"] = s.t("sms.repeat", nil)
	}
	if s.m.Severity == stillwater.Urgent && (s.m.Purpose == stillwater.Tell || s.m.Purpose == stillwater.Again) {
		data["Urgent"] = s.t("sms.urgent", nil)
	}
	plain := plainLetters(s.t("sms.prefix", nil))
	return fit(append(s.body(), answer), segments, s.w.joint(s.lang), func(body string) string {
		data["Body"] = body
		out := strings.Join(strings.Fields(s.t("sms.frame", data)), " ")
		if plain {
			out = ToGSM7(out)
		}
		return out
	})
}

// body is everything between the sender's name and how to reply.
func (s text) body() []piece {
	lead, found := Lead(s.inc)
	if !found {
		lead = stillwater.Finding{Kind: s.inc.Kind, Began: s.inc.Opened}
	}
	switch s.m.Purpose {
	case stillwater.Ask:
		s.asked = true
		return append(s.state(lead), hardly(s.t("sms.ask."+question(lead), nil)))
	case stillwater.Again:
		return append([]piece{hardly(s.t(s.again(), nil))}, s.state(lead)...)
	case stillwater.Update:
		return []piece{always(s.update(lead))}
	case stillwater.Done:
		data := map[string]any{"Name": s.about(), "Outcome": s.w.Word(s.lang, "outcome", string(s.inc.Outcome)), "Known": ""}
		if s.inc.Known != "" {
			data["Known"] = s.t("sms.known", map[string]any{"Known": s.w.Word(s.lang, "known", string(s.inc.Known))})
		}
		return []piece{always(s.t("sms.done", data))}
	case stillwater.Which:
		return []piece{always(s.t("sms.which", nil))}
	case stillwater.Visit:
		return []piece{always(s.t("sms.visit", map[string]any{"Name": s.about()}))}
	}
	if s.lastOf("help", "acknowledged", "on-site", "closed") == "help" {
		return append([]piece{always(s.t("sms.help", nil))}, s.state(lead)...)
	}
	return s.state(lead)
}

// again is the key of why somebody is told once more.
func (s text) again() string {
	if lead, ok := Lead(s.inc); ok && !lead.Ended.IsZero() {
		return "sms.again.due"
	}
	switch s.lastOf("promise-lapsed", "acknowledged", "on-site", "reopened", "help") {
	case "promise-lapsed":
		return "sms.again.lapsed"
	case "reopened":
		return "sms.again.reopened"
	case "help":
		return "sms.help"
	}
	return "sms.again.nobody"
}

// state is what the finding says, or, once it is over, that it is. Of what befell a group, the reader of one home's incident is told of her
// home first, and not which others.
func (s text) state(f stillwater.Finding) []piece {
	if !f.Ended.IsZero() {
		return []piece{always(s.over(f))}
	}
	if f.Group == "" || s.inc.Group != "" {
		return s.pieces(f)
	}
	s.others = true
	return append([]piece{always(s.t("sms.unseen-home", map[string]any{"Name": s.about()}))}, s.pieces(f)...)
}

// update says what has changed since the reader was told: somebody has taken it on, or what it was about is over.
func (s text) update(lead stillwater.Finding) string {
	data := map[string]any{"Name": s.about(), "Who": s.who()}
	switch s.lastOf("acknowledged", "on-site", "ended") {
	case "on-site":
		return s.t("sms.update.on-site", data)
	case "acknowledged":
		if c, ok := s.contact(stillwater.ContactID(s.inc.Holder)); ok && c.Remote {
			return s.t("sms.update.calling", data)
		}
		return s.t("sms.update.going", data)
	}
	if ended, ok := lastEnded(s.inc); ok {
		lead = ended
	}
	return s.over(lead)
}

// over says that what a finding was about has passed; whether all is well, somebody must still find out.
func (s text) over(f stillwater.Finding) string {
	at := f.Ended
	if at.IsZero() {
		at = s.m.Created
	}
	data := map[string]any{"Name": s.name(f), "Device": s.device(f), "At": s.moment(at), "Count": len(f.Facts.Members)}
	switch name := sentence(f); {
	case f.Facts.Absent:
		return s.t("sms.update.ended.absent", data)
	case strings.HasPrefix(name, "device-door"):
		return s.t("sms.update.ended.device-door", data)
	case f.Kind == stillwater.Equipment && f.Group == "" && f.Device == "":
		return s.t("sms.update.ended.blind", data)
	case name == "common-cause-water", name == "common-cause-blind", name == "door-unusual":
		return s.t("sms.update.ended."+name, data)
	}
	return s.t("sms.update.ended."+question(f), data)
}

// question names what a finding asks people: by its kind, but for an absence.
func question(f stillwater.Finding) string {
	if sentence(f) == hospitalUse {
		return "hospital"
	}
	if strings.HasPrefix(sentence(f), "absence") {
		return "absence"
	}
	return string(known(f.Kind))
}

// reply says which digit means what; nothing where no answer is called for.
func (s text) reply() piece {
	switch s.m.Purpose {
	case stillwater.Ask:
		return digits(s.t("sms.reply.ask", nil))
	case stillwater.Done, stillwater.Which, stillwater.Visit:
		return nil
	case stillwater.Update:
		if s.lastOf("acknowledged", "on-site", "ended") != "ended" && s.inc.State != stillwater.Opened {
			return nil
		}
	}
	if c, ok := s.contact(s.m.Contact); ok && c.Remote {
		return digits(s.t("sms.reply.remote", nil))
	}
	return digits(s.t("sms.reply", nil))
}

// digits are a line of digits in its wordings. That the first two stand is the last that yields.
func digits(text string) piece {
	p := always(text)
	for i := range p[:len(p)-1] {
		p[i].yield = byReply
	}
	if len(p) > 1 {
		p[0].yield = byDigits
	}
	return p
}

// who has taken it on, as the others may be told.
func (s text) who() string {
	if c, ok := s.contact(stillwater.ContactID(s.inc.Holder)); ok {
		return s.w.Person(s.lang, c)
	}
	return s.t("sms.desk", nil)
}

func (s text) contact(id stillwater.ContactID) (stillwater.Contact, bool) {
	for _, c := range s.home.Contacts {
		if c.ID == id && id != "" {
			return c, true
		}
	}
	return stillwater.Contact{}, false
}

// lastOf is the latest event of the log among those named.
func (s text) lastOf(names ...string) string {
	for i := len(s.inc.Log) - 1; i >= 0; i-- {
		for _, name := range names {
			if s.inc.Log[i].What == name {
				return name
			}
		}
	}
	return ""
}

// about is what the reader calls what the incident is about.
func (s text) about() string { return s.name(stillwater.Finding{Group: s.inc.Group}) }

// lastEnded is the finding of an incident that was over last.
func lastEnded(inc stillwater.Incident) (last stillwater.Finding, ok bool) {
	for _, f := range inc.Findings {
		if !f.Trial && f.Ended.After(last.Ended) {
			last, ok = f, true
		}
	}
	return last, ok
}

// known gives kinds nobody has words for those of a welfare finding.
func known(k stillwater.Kind) stillwater.Kind {
	switch k {
	case stillwater.Water, stillwater.DoorKind, stillwater.Equipment:
		return k
	}
	return stillwater.Welfare
}
