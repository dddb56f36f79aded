package console

import (
	"net/http"
	"slices"
	"strings"

	"stillwater"
)

// incidentBody is one incident: why, who was told, what happened, what can be done.
type incidentBody struct {
	incidentCard
	moreDeeds
	Whys     []whyLine
	Rungs    []rungLine
	Next     string
	NextIn   string
	Log      []logLine
	Open     bool
	CanTake  bool // nobody is on it
	CanCome  bool // nobody is on site
	Outcomes []stillwater.Outcome
	Knowns   []stillwater.Known
	Closed   string
	Title    string
}

func (b incidentBody) title() string { return b.Title }

type whyLine struct {
	Severity, Text string
	Over           bool
}

// rungLine is one contact told.
type rungLine struct {
	Who, Role, Purpose, At string
	State, Error, Text     string
	ID                     string
}

type logLine struct{ At, What, Who, Note, Icon string }

func (c *Console) incident(v *view, r *http.Request) (any, error) {
	id := stillwater.IncidentID(r.PathValue("id"))
	inc, ok, err := c.Incidents.Incident(r.Context(), id)
	if err != nil {
		return nil, err
	}
	if !ok {
		return nil, errNotFound
	}
	messages, err := c.Incidents.IncidentMessages(r.Context(), id)
	if err != nil {
		return nil, err
	}
	h := v.homeOf(inc)
	b := incidentBody{
		incidentCard: v.incidentCard(inc), moreDeeds: v.moreDeeds(inc, h), Open: inc.IsOpen(),
		CanTake: inc.State == stillwater.Opened, CanCome: inc.State == stillwater.Opened || inc.State == stillwater.Acknowledged,
		Outcomes: stillwater.Outcomes, Knowns: []stillwater.Known{stillwater.Seen, stillwater.Spoken, stillwater.Assumed},
		Rungs: v.rungs(inc, h, messages), Log: v.log(inc, h),
	}
	b.Title = b.Home + " · " + v.word("severity", b.Severity)
	if !inc.Closed.IsZero() {
		b.Closed = v.moment(inc.Closed, h.Location())
	}
	b.Whys = v.whys(inc.Findings, h)
	b.Next, b.NextIn = v.next(inc, h)
	return b, nil
}

// whys are the sentences of findings. Of rules that say the same of the same moment (still for 12 hours, still for 24) the most
// severe one speaks.
func (v *view) whys(findings []stillwater.Finding, h stillwater.Household) []whyLine {
	said := map[string]int{} // by kind of sentence and moment: the line
	var lines []whyLine
	for _, f := range findings {
		if f.Trial {
			continue
		}
		line := whyLine{string(f.Severity), v.c.Words.Why(v.lang, f, h), !f.Ended.IsZero()}
		detector, _, _ := strings.Cut(f.Rule, "-")
		about := detector + string(f.Device) + f.Facts.Since.String()
		i, again := said[about]
		switch {
		case !again:
			said[about] = len(lines)
			lines = append(lines, line)
		case f.Severity.Above(stillwater.Severity(lines[i].Severity)):
			lines[i] = line
		}
	}
	return lines
}

// next says who is told next unless somebody takes it on.
func (v *view) next(inc stillwater.Incident, h stillwater.Household) (text, in string) {
	if !inc.IsOpen() {
		return "", ""
	}
	if inc.State == stillwater.Opened {
		return v.turn(inc, h)
	}
	if inc.Promise.IsZero() {
		return "", ""
	}
	return v.t("ladder.lapse", "At", v.moment(inc.Promise, h.Location())), v.away(inc.Promise)
}

// rungs lists who was told, in order, as it stands with the courier.
func (v *view) rungs(inc stillwater.Incident, h stillwater.Household, messages []stillwater.Message) []rungLine {
	byID := map[stillwater.MessageID]stillwater.Message{}
	for _, m := range messages {
		byID[m.ID] = m
	}
	var lines []rungLine
	for _, told := range inc.Told {
		line := rungLine{
			ID: string(told.Message), Who: v.who(string(told.Contact), h), Role: string(told.Role), Purpose: string(told.Purpose),
			At: v.moment(told.At, h.Location()), State: string(told.State), Error: told.Error,
		}
		if m, ok := byID[told.Message]; ok {
			line.Text = m.Text
			line.State, line.Error = string(m.State), m.Error
		}
		if line.State != string(stillwater.Failed) {
			line.Error = "" // an attempt that went wrong and was made good is the courier's business
		}
		lines = append(lines, line)
	}
	return lines
}

// log puts what happened into words, the latest first.
func (v *view) log(inc stillwater.Incident, h stillwater.Household) []logLine {
	var lines []logLine
	for _, e := range slices.Backward(inc.Log) {
		line := logLine{At: v.moment(e.At, h.Location()), What: v.word("event", e.What), Note: v.note(e), Icon: eventIcon(e.What)}
		if e.Who != "" {
			line.Who = v.who(e.Who, h)
		}
		if e.What == "handed-over" {
			line.Note = v.who(e.Note, h)
		}
		lines = append(lines, line)
	}
	return lines
}

// note puts the notes that incidents write into words; a person's own are left as they are.
func (v *view) note(e stillwater.Event) string {
	first, rest, _ := strings.Cut(e.Note, " ")
	switch e.What {
	case "told":
		return v.word("purpose", first)
	case "receipt":
		return v.word("delivery", e.Note)
	case "opened", "joined":
		if rest != "" {
			return v.word("severity", rest)
		}
	case "ended":
		return ""
	case "quiet-over":
		return v.word("event", e.Note)
	case "untold", "reopened":
		return v.ownNote(e.Note)
	case "closed":
		how, own, _ := strings.Cut(e.Note, ": ")
		outcome, known, ok := strings.Cut(how, ", ")
		if !ok {
			return v.ownNote(e.Note)
		}
		text := v.word("outcome", outcome) + v.t("turn.comma") + v.word("known", known)
		if own != "" {
			text += " · " + own
		}
		return text
	}
	return e.Note
}

// ownNote puts a note of ours into words; one that is not is left as it is.
func (v *view) ownNote(note string) string {
	slug := strings.ReplaceAll(note, " ", "-")
	if text := v.word("note", slug); text != slug {
		return text
	}
	return note
}

func eventIcon(what string) string {
	switch what {
	case "told", "receipt":
		return "message"
	case "untold", "promise-lapsed", "outcome-due", "overdue", "follow-up-due":
		return "warn"
	case "acknowledged", "handed-over", "held":
		return "hand"
	case "on-site":
		return "home"
	case "ended", "closed", "followed-up":
		return "check"
	case "help", "reopened", "joined", "opened", "escalated":
		return "bell"
	}
	return "dot"
}
