package words

import (
	"strings"
	"time"

	"stillwater"
)

// text is one SMS in the making.
type text struct {
	w    *Words
	lang string
	loc  *time.Location
	m    stillwater.Message
	inc  stillwater.Incident
	home stillwater.Household
}

// SMS is the text of a message about an incident of a household. It depends on nothing else, so that the same message always reads the same.
func (w *Words) SMS(m stillwater.Message, inc stillwater.Incident, h stillwater.Household) string {
	s := text{w: w, lang: w.Language(m.Language), loc: h.Location(), m: m, inc: inc, home: h}
	data := map[string]any{"Repeat": "", "Urgent": "", "Body": s.body(), "Reply": s.reply(), "Code": m.Code}
	if m.Repeat {
		data["Repeat"] = s.t("sms.repeat", nil)
	}
	if m.Severity == stillwater.Urgent && (m.Purpose == stillwater.Tell || m.Purpose == stillwater.Again) {
		data["Urgent"] = s.t("sms.urgent", nil)
	}
	out := strings.Join(strings.Fields(s.t("sms.frame", data)), " ")
	if plainLetters(s.t("sms.prefix", nil)) {
		out = ToGSM7(out)
	}
	return out
}

func (s text) t(key string, data map[string]any) string { return s.w.T(s.lang, key, data) }

// body is everything between the sender's name and how to reply.
func (s text) body() string {
	lead, found := Lead(s.inc)
	if !found {
		lead = stillwater.Finding{Kind: s.inc.Kind, Began: s.inc.Opened}
	}
	switch s.m.Purpose {
	case stillwater.Ask:
		return s.now(lead) + s.w.joint(s.lang) + s.t("sms.ask."+question(lead), nil)
	case stillwater.Again:
		return s.t(s.again(), nil) + s.w.joint(s.lang) + s.now(lead)
	case stillwater.Update:
		return s.update(lead)
	case stillwater.Done:
		data := map[string]any{"Name": s.name(), "Outcome": s.w.Word(s.lang, "outcome", string(s.inc.Outcome)), "Known": ""}
		if s.inc.Known != "" {
			data["Known"] = s.t("sms.known", map[string]any{"Known": s.w.Word(s.lang, "known", string(s.inc.Known))})
		}
		return s.t("sms.done", data)
	case stillwater.Which:
		return s.t("sms.which", map[string]any{"Name": s.name()})
	}
	if s.lastOf("help", "acknowledged", "on-site", "closed") == "help" {
		return s.t("sms.help", nil) + s.w.joint(s.lang) + s.now(lead)
	}
	return s.now(lead)
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

// now is what the finding says, or, once it is over, that it is.
func (s text) now(f stillwater.Finding) string {
	if !f.Ended.IsZero() {
		return s.over(f)
	}
	return s.what(f)
}

// what says who, what, since when, how long, what is usual and up to when there is data.
func (s text) what(f stillwater.Finding) string {
	facts, name := f.Facts, sentence(f)
	data := map[string]any{
		"Name": s.name(), "Device": s.device(f), "Times": facts.Count, "Count": len(facts.Members), "Homes": facts.Homes,
		"Span": s.span(lasted(f)), "Limit": s.span(facts.Limit),
		"Litres": s.w.volume(s.lang, "sms.volume", facts.Litres), "Bound": s.w.volume(s.lang, "sms.volume", facts.Bound),
		"Since": s.t("sms.since.unknown", nil), "Usual": s.usual(f), "Data": "", "Kind": s.w.Word(s.lang, "kind", string(f.Kind)),
	}
	if since := began(f); !since.IsZero() {
		data["Since"] = s.t("sms.since", map[string]any{"At": s.moment(since)})
	}
	if !facts.DataTo.IsZero() && !strings.HasPrefix(name, "device-door") && name != "device-silent" && name != "device-blind" && name != "common-cause-blind" {
		data["Data"] = s.t("sms.data", map[string]any{"At": s.moment(facts.DataTo)})
	}
	return s.t("sms.what."+name, data)
}

// usual says what this home's usual is, or that it is not known yet.
func (s text) usual(f stillwater.Finding) string {
	if f.Facts.Usual <= 0 {
		return s.t("sms.usual.unknown", nil)
	}
	return s.t("sms.usual", map[string]any{"Usual": s.span(f.Facts.Usual)})
}

// update says what has changed since the reader was told: somebody has taken it on, or what it was about is over.
func (s text) update(lead stillwater.Finding) string {
	data := map[string]any{"Name": s.name(), "Who": s.who()}
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
	data := map[string]any{"Name": s.name(), "Device": s.device(f), "At": s.moment(at)}
	if name := sentence(f); name == "common-cause-water" || name == "common-cause-blind" {
		data["Count"] = len(f.Facts.Members)
		return s.t("sms.update.ended."+name, data)
	} else if name == "door-unusual" {
		return s.t("sms.update.ended.door-unusual", data)
	} else if strings.HasPrefix(name, "device-door") {
		return s.t("sms.update.ended.device-door", data)
	} else if name == "device-silent" || name == "device-blind" {
		return s.t("sms.update.ended.device", data)
	}
	if f.Facts.Absent {
		return s.t("sms.update.ended.absent", data)
	}
	return s.t("sms.update.ended."+question(f), data)
}

// question names what a finding asks people: by its kind, but for an absence.
func question(f stillwater.Finding) string {
	if strings.HasPrefix(sentence(f), "absence") {
		return "absence"
	}
	return string(known(f.Kind))
}

// reply says which digit means what; nothing where no answer is called for.
func (s text) reply() string {
	switch s.m.Purpose {
	case stillwater.Ask:
		return s.t("sms.reply.ask", nil)
	case stillwater.Done, stillwater.Which:
		return ""
	case stillwater.Update:
		if s.lastOf("acknowledged", "on-site", "ended") != "ended" && s.inc.State != stillwater.Opened {
			return ""
		}
	}
	if c, ok := s.contact(s.m.Contact); ok && c.Remote {
		return s.t("sms.reply.remote", nil)
	}
	return s.t("sms.reply", nil)
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

// device is what the finding's device is; its number is no use to the reader.
func (s text) device(f stillwater.Finding) string {
	for _, d := range s.home.Devices {
		if d.ID == f.Device {
			return s.w.Word(s.lang, "device", string(d.Kind))
		}
	}
	return s.t("device.any", nil)
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

func (s text) name() string {
	if s.inc.Group != "" {
		return s.w.Group(s.lang, s.inc.Group)
	}
	return s.w.ShortName(s.lang, s.home)
}
func (s text) span(d time.Duration) string { return s.w.span(s.lang, "sms.span", d) }
func (s text) moment(t time.Time) string {
	return s.w.moment(s.lang, "sms.moment", t.In(s.loc), s.m.Created.In(s.loc))
}

// began is since when what a finding is about has been so.
func began(f stillwater.Finding) time.Time {
	if !f.Facts.Since.IsZero() {
		return f.Facts.Since
	}
	if f.Facts.Span > 0 && !f.Began.IsZero() {
		return f.Began.Add(-f.Facts.Span)
	}
	return time.Time{}
}

// lasted is how long that was when the finding was raised. It does not grow afterwards: what has come since is not vouched for.
func lasted(f stillwater.Finding) time.Duration {
	if f.Facts.Span > 0 || f.Facts.Since.IsZero() {
		return f.Facts.Span
	}
	return max(0, f.Began.Sub(f.Facts.Since))
}

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
