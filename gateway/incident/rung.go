package incident

import (
	"fmt"
	"slices"
	"time"

	"stillwater"
	"stillwater/rules"
)

// A Rung is one step of a ladder.
type Rung struct {
	To    []stillwater.Role    `yaml:"to" doc:"who is told, together: resident, family, neighbour, worker, building-head, grid-head, community, street"`
	By    []stillwater.Channel `yaml:"by,omitempty" doc:"how: sms, voice, wecom, email, webhook, of several the first that each of them has; empty: as each of them prefers, without a call"`
	Call  []stillwater.Role    `yaml:"call,omitempty" doc:"which of them are called instead"`
	Wait  time.Duration        `yaml:"wait,omitempty" doc:"how long they have, once reached, before the next rung is told; a question needs none"`
	Days  []Day                `yaml:"days,omitempty" doc:"the days it holds on, like [mon, tue], or workday, restday, festival by the calendar; empty: every day; on others it is climbed past"`
	Hours []stillwater.Hours   `yaml:"hours,omitempty" doc:"the hours it holds in, by the clock of the home, like [22:00-06:00]; empty: all"`
}

// A Day is a day of the week ("mon"), or a kind of day by the calendar ("workday").
type Day string

// weekdays and dayKinds are what a Day can be.
var (
	weekdays = map[Day]time.Weekday{
		"mon": time.Monday, "tue": time.Tuesday, "wed": time.Wednesday, "thu": time.Thursday, "fri": time.Friday, "sat": time.Saturday, "sun": time.Sunday,
	}
	dayKinds = map[Day][]rules.DayKind{
		"workday": {rules.Workday}, "restday": {rules.Restday, rules.Festival}, "festival": {rules.Festival},
	}
)

// holds says whether the rung is for a moment, by the clock of the home. An hour after midnight belongs to its own date.
func (r *Rung) holds(local time.Time, calendar rules.Calendar) bool {
	day := len(r.Days) == 0
	for _, d := range r.Days {
		weekday, named := weekdays[d]
		day = day || named && weekday == local.Weekday() ||
			slices.Contains(dayKinds[d], calendar.Kind(local.Year(), local.Month(), local.Day()))
	}
	return day && (len(r.Hours) == 0 || slices.ContainsFunc(r.Hours, func(h stillwater.Hours) bool { return h.Contains(local) }))
}

// ways are the channels that the rung has for a contact, the dearest first; empty: the contact's own choice.
func (r *Rung) ways(c stillwater.Contact) []stillwater.Channel {
	if slices.Contains(r.Call, c.Role) {
		return []stillwater.Channel{stillwater.Voice}
	}
	return r.By
}

// maxRungs bounds a ladder; more than this is a mistake in the file, not a policy.
const maxRungs = 20

// validate reports the mistakes of a kind's own ladders.
func (l *Ladder) validate(report func(field any, problem string)) {
	if !slices.Contains(kinds, l.Kind) {
		report(&l.Kind, fmt.Sprintf("%q is no kind of incident; write welfare, water, door or device", l.Kind))
	}
	if len(l.Question)+len(l.Alert)+len(l.Urgent) == 0 {
		report(&l.Kind, fmt.Sprintf("%q gets no ladder of its own here; add question, alert or urgent, or remove the entry", l.Kind))
	}
	l.validateQuestion(&l.Question, false, report)
	validateLadder(&l.Alert, false, report)
	validateLadder(&l.Urgent, false, report)
}

func (l *Ladder) validateQuestion(ladder *[]Rung, needed bool, report func(field any, problem string)) {
	validateRungs(ladder, needed, report)
	if len(*ladder) > 1 {
		report(ladder, fmt.Sprintf("a question is asked once and not climbed, but it has %d rungs; leave one", len(*ladder)))
	}
}

// validateLadder is for a ladder that is climbed.
func validateLadder(ladder *[]Rung, needed bool, report func(field any, problem string)) {
	validateRungs(ladder, needed, report)
	always := len(*ladder) == 0
	for i := range *ladder {
		rung := &(*ladder)[i]
		within{&rung.Wait, time.Minute, 24 * time.Hour, "15m"}.check(report)
		always = always || len(rung.Days) == 0 && len(rung.Hours) == 0
	}
	if !always {
		report(ladder, "every rung of this ladder holds on some days or hours only, so that nobody would be told at other times; leave one without days and hours")
	}
}

func validateRungs(ladder *[]Rung, needed bool, report func(field any, problem string)) {
	switch {
	case len(*ladder) == 0 && needed:
		report(ladder, "this ladder has no rung, so nobody would be told; write like - {to: [family], wait: 15m}")
	case len(*ladder) > maxRungs:
		report(ladder, fmt.Sprintf("this ladder has %d rungs; %d is the most", len(*ladder), maxRungs))
	}
	for i := range *ladder {
		(*ladder)[i].validate(report)
	}
}

func (r *Rung) validate(report func(field any, problem string)) {
	if len(r.To) == 0 {
		report(&r.To, "this rung tells nobody; write to: [family], [worker] or [family, worker]")
	}
	for i, role := range r.To {
		if !slices.Contains(stillwater.Roles, role) {
			report(&r.To[i], fmt.Sprintf("%q is not somebody who can be told; write %s", role, orList(stillwater.Roles)))
		}
		if slices.Contains(r.To[:i], role) {
			report(&r.To[i], fmt.Sprintf("%q stands twice in this rung; leave one", role))
		}
	}
	for i, role := range r.Call {
		if !slices.Contains(r.To, role) {
			report(&r.Call[i], fmt.Sprintf("%q is to be called but is not told by this rung; add it to its to", role))
		}
	}
	for i, by := range r.By {
		if !slices.Contains(stillwater.Channels, by) {
			report(&r.By[i], fmt.Sprintf("%q is no channel; write %s", by, orList(stillwater.Channels)))
		}
		if slices.Contains(r.By[:i], by) {
			report(&r.By[i], fmt.Sprintf("%q stands twice in this rung; leave one", by))
		}
	}
	for i, d := range r.Days {
		if _, named := weekdays[d]; !named && dayKinds[d] == nil {
			report(&r.Days[i], fmt.Sprintf("%q is no day; write mon, tue, wed, thu, fri, sat, sun, workday, restday or festival", d))
		}
	}
}

// orList is "a, b or c".
func orList[T ~string](all []T) string {
	text := string(all[0])
	for i, one := range all[1:] {
		sep := ", "
		if i == len(all)-2 {
			sep = " or "
		}
		text += sep + string(one)
	}
	return text
}
