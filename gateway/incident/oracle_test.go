package incident

import (
	"slices"
	"time"

	"pgregory.net/rapid"

	"stillwater"
)

// oracle is the slow and obvious account of whose turn it is. It sees the same inputs as the code, and the messages that
// leave; it keeps every message for ever and looks at the whole pile each minute.
type oracle struct {
	t        *rapid.T
	config   Config
	contacts []stillwater.Contact

	severity stillwater.Severity
	on       map[string]bool // rules whose finding goes on
	began    bool
	state    stillwater.IncidentState
	holder   string
	until    time.Time // a promise, a reminder or a second look is due
	turn     int       // of the rung that comes next
	round    time.Time // when the last rung was told, or found empty
	pile     []*letter
}

// letter is a message and what became of it.
type letter struct {
	stillwater.Message
	round                     bool // belongs to the round the ladder waits for
	calming                   bool // says that it is over, or only asks how it ended
	accepted, delivered, lost time.Time
}

// after is told everything, each minute at least, and fails when somebody who must have been told was not.
func (o *oracle) after(now time.Time, in Input, written []stillwater.Message, err error) {
	if err != nil {
		if len(written) > 0 {
			o.t.Fatal("a refused input wrote messages")
		}
		return
	}
	var must []stillwater.ContactID // who must have been told of it at this moment
	var may bool                    // others may have been
	quiet := o.began && len(o.on) == 0
	reopened := false
	switch {
	case in.Finding != nil && in.Finding.Ended.IsZero():
		f := in.Finding
		reopened = o.state == stillwater.ClosedState
		o.on[f.Rule], o.began = true, true
		switch {
		case f.Severity.Above(o.severity):
			o.start(f.Severity)
			must, may = o.nextRung(now), true
		case o.severity == stillwater.Question:
			may = true
		case reopened:
			must = o.everTold()
		case quiet:
			must = o.calmed()
		}
		if reopened || quiet {
			o.until = map[bool]time.Time{true: o.until}[o.state == stillwater.Acknowledged || o.state == stillwater.OnSite]
		}
		if reopened {
			o.state, o.holder = stillwater.Opened, ""
		}
	case in.Finding != nil:
		was := len(o.on) > 0
		delete(o.on, in.Finding.Rule)
		if was && len(o.on) == 0 && o.state == stillwater.Opened {
			o.until = now.Add(o.config.OutcomeDue)
		}
	case in.Act != nil && in.Act.Deed == stillwater.CallHelp:
		o.start(stillwater.Urgent)
		o.on["help"] = true // only people end that
		must = o.nextRung(now)
	case in.Act != nil:
		o.act(now, in.Act)
	case in.Receipt != nil:
		o.receipt(now, in.Receipt)
	}
	if !o.began {
		return
	}
	if len(must) == 0 {
		must = o.due(now)
	}
	o.post(now, written, must, may)
	for _, l := range o.pile[len(o.pile)-len(written):] {
		ending := in.Finding != nil && !in.Finding.Ended.IsZero()
		reminder := in == Input{Now: in.Now} && len(o.on) == 0 && l.Purpose == stillwater.Again
		l.calming = ending || reminder
	}
}

// start is the foot of a ladder.
func (o *oracle) start(s stillwater.Severity) {
	o.severity, o.turn, o.state, o.holder, o.until = s, 0, stillwater.Opened, "", time.Time{}
}

func (o *oracle) act(now time.Time, a *stillwater.Act) {
	o.holder = a.Who
	switch a.Deed {
	case stillwater.Acknowledge:
		o.state, o.until = stillwater.Acknowledged, now.Add(o.config.Promise)
		if a.Remote {
			o.until = now.Add(o.config.RemotePromise)
		}
	case stillwater.ArriveThere:
		o.state, o.until = stillwater.OnSite, now.Add(o.config.OnSite)
	case stillwater.Close:
		o.state, o.until = stillwater.ClosedState, time.Time{}
		delete(o.on, "help")
		if a.Known == stillwater.Assumed {
			o.until = now.Add(o.config.AssumedReopens)
		}
	}
}

// receipt: a later word is believed unless it says less.
func (o *oracle) receipt(now time.Time, r *stillwater.Receipt) {
	for _, l := range o.pile {
		if l.ID != r.Message || !l.delivered.IsZero() {
			continue
		}
		switch r.State {
		case stillwater.Accepted:
			if l.accepted.IsZero() && l.lost.IsZero() {
				l.accepted = now
			}
		case stillwater.Delivered:
			l.delivered, l.lost = now, time.Time{}
		case stillwater.Failed:
			l.lost = now
		}
	}
}

// due is who must be told because time has passed.
func (o *oracle) due(now time.Time) []stillwater.ContactID {
	late := !o.until.IsZero() && !now.Before(o.until)
	switch {
	case o.state == stillwater.ClosedState:
		if !late {
			return nil
		}
		o.until = time.Time{}
		if len(o.on) == 0 {
			return nil
		}
		o.state, o.holder = stillwater.Opened, ""
		if o.severity == stillwater.Question {
			return nil
		}
		return o.everTold()
	case o.state != stillwater.Opened:
		if !late {
			return nil
		}
		holder := stillwater.ContactID(o.holder)
		o.state, o.holder, o.until = stillwater.Opened, "", time.Time{}
		if o.severity == stillwater.Question {
			return nil
		}
		if len(o.on) == 0 {
			o.until = now.Add(o.config.OutcomeDue)
			return nil
		}
		return o.nextRung(now, holder)
	case o.severity == stillwater.Question:
		return nil
	case len(o.on) == 0:
		if !late {
			return nil
		}
		o.until = now.Add(o.config.OutcomeDue)
		return o.everTold()
	}
	if now.Before(o.deadline(now)) {
		return nil
	}
	return o.nextRung(now)
}

// deadline is when the next rung's turn comes, from what became of the last round.
func (o *oracle) deadline(now time.Time) time.Time {
	ladder := o.config.ladder(o.severity)
	if o.turn > len(ladder) {
		return o.round.Add(o.config.Repeat)
	}
	grace, within := o.config.Grace, o.config.TellWithin
	if o.severity == stillwater.Urgent {
		grace, within = o.config.GraceUrgent, o.config.TellWithinUrgent
	}
	var reached time.Time
	hope := false
	for _, l := range o.pile {
		if !l.round || !l.lost.IsZero() {
			continue
		}
		hope = true
		var at time.Time
		switch {
		case !l.delivered.IsZero() && (l.accepted.IsZero() || l.delivered.Before(l.accepted.Add(grace))):
			at = l.delivered
		case !l.accepted.IsZero():
			at = l.accepted.Add(grace)
		default:
			continue
		}
		if reached.IsZero() || at.Before(reached) {
			reached = at
		}
	}
	switch {
	case !hope:
		return now
	case reached.IsZero():
		return o.round.Add(within)
	}
	return reached.Add(ladder[o.turn-1].Wait)
}

// nextRung is who stands on the next rung that has anybody; beyond the ladder stand its last two rungs.
func (o *oracle) nextRung(now time.Time, also ...stillwater.ContactID) (who []stillwater.ContactID) {
	ladder := o.config.ladder(o.severity)
	o.round = now
	for len(who) == 0 && o.turn <= len(ladder) || o.turn > len(ladder) && o.round.IsZero() {
		who = o.standing(ladder, o.turn)
		o.turn++
		if o.severity == stillwater.Question {
			break
		}
	}
	if len(who) == 0 && o.turn > len(ladder) {
		who = o.standing(ladder, len(ladder))
	} else if o.turn > len(ladder)+1 {
		who = o.standing(ladder, len(ladder))
	}
	for _, l := range o.pile {
		l.round = false
	}
	for _, c := range o.contacts {
		if slices.Contains(also, c.ID) && c.Phone != "" && !slices.Contains(who, c.ID) {
			who = append(who, c.ID)
		}
	}
	return who
}

func (o *oracle) standing(ladder []Rung, rung int) (who []stillwater.ContactID) {
	for _, c := range o.contacts {
		stands := rung < len(ladder) && slices.Contains(ladder[rung].To, c.Role)
		if rung >= len(ladder) {
			for _, r := range ladder[max(0, len(ladder)-2):] {
				stands = stands || slices.Contains(r.To, c.Role)
			}
		}
		if stands && c.Phone != "" {
			who = append(who, c.ID)
		}
	}
	return who
}

func (o *oracle) everTold() (who []stillwater.ContactID) {
	for _, l := range o.pile {
		if !slices.Contains(who, l.Contact) {
			who = append(who, l.Contact)
		}
	}
	return who
}

// calmed are those whose last message made them believe that it is over.
func (o *oracle) calmed() (who []stillwater.ContactID) {
	for _, id := range o.everTold() {
		for _, l := range slices.Backward(o.pile) {
			if l.Contact == id {
				if l.calming {
					who = append(who, id)
				}
				break
			}
		}
	}
	return who
}

// post compares what must have been written with what was, and puts it on the pile.
func (o *oracle) post(now time.Time, written []stillwater.Message, must []stillwater.ContactID, may bool) {
	var loud []stillwater.ContactID
	for _, m := range written {
		isLoud := m.Purpose == stillwater.Ask || m.Purpose == stillwater.Tell || m.Purpose == stillwater.Again
		if isLoud {
			loud = append(loud, m.Contact)
		}
		if o.state == stillwater.ClosedState && m.Purpose != stillwater.Done {
			o.t.Fatalf("%s: %s to %s after the closing", now.Format("2 15:04"), m.Purpose, m.Contact)
		}
		if isLoud && !may && !slices.Contains(must, m.Contact) {
			o.t.Fatalf("%s: %s to %s, whose turn it is not", now.Format("2 15:04"), m.Purpose, m.Contact)
		}
	}
	for _, id := range must {
		if !slices.Contains(loud, id) {
			o.t.Fatalf("%s: %s is forgotten", now.Format("2 15:04"), id)
		}
	}
	for _, l := range o.pile {
		if len(loud) > 0 {
			l.round = false
		}
	}
	if len(loud) > 0 {
		o.round = now
	}
	for _, m := range written {
		o.pile = append(o.pile, &letter{Message: m, round: slices.Contains(loud, m.Contact)})
	}
}
