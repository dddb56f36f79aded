package incident

import (
	"fmt"
	"slices"
	"time"

	"stillwater"
)

// oracle is the slow and obvious account of who must be told what at each moment. It sees the same inputs as the code and the messages that leave,
// and knows nothing else of it: it keeps every message for ever, looks at the whole pile each minute, and says exactly what must leave now.
type oracle struct {
	world *world
	now   time.Time

	severity stillwater.Severity
	state    stillwater.IncidentState
	on       map[string]stillwater.Severity // rules whose finding goes on
	began    bool
	helped   bool // somebody called for help, or opened it again by hand: only people end that
	byHand   bool
	holder   string
	actors   []stillwater.ContactID // who acted on it
	handed   stillwater.ContactID
	until    time.Time // a promise, a reminder or a second look is due
	held     time.Time
	due      time.Time // the deadline
	overdue  bool
	closed   time.Time
	assumed  bool
	visit    time.Time
	reminded bool      // of the visit
	turn     int       // of the rung that comes next
	round    time.Time // when the last rung was told, or found empty
	pile     []*letter
	owed     []debt
	climbed  bool // in this step
	wants    []*want
	cancels  int // of this step
}

// letter is a message and what became of it.
type letter struct {
	stillwater.Message
	cause     string
	round     bool // belongs to the round the ladder waits for
	rank      int  // of the last word of the courier that was believed
	cancelled bool
	lost      bool
	reached   time.Time
}

// want is a message that must leave in this step.
type want struct {
	key      string // the telephone or address
	contacts []stillwater.ContactID
	purpose  stillwater.Purpose
	call     bool
	either   bool // by a call or a text
	cause    string
	beside   bool
	connect  stillwater.Address
	left     bool
}

// debt is what somebody will be told when quiet hours are over.
type debt struct {
	contact stillwater.ContactID
	purpose stillwater.Purpose
	cause   string
	until   time.Time
}

// after is told everything, each minute at least, and complains when what left is not exactly what must.
func (o *oracle) after(now time.Time, in Input, r Result, err error) string {
	if err != nil {
		if len(r.Messages)+len(r.Cancel) > 0 || r.Changed {
			return "a refused input changed something"
		}
		return ""
	}
	back := now.Before(o.now)
	o.now, o.wants, o.climbed, o.cancels = now, nil, false, 0
	if back {
		o.mend()
	}
	switch {
	case in.Finding != nil && in.Finding.Ended.IsZero():
		o.begins(in.Finding)
	case in.Finding != nil:
		o.ends(in.Finding)
	case in.Act != nil:
		o.act(in.Act)
	case in.Receipt != nil:
		o.receipt(in.Receipt)
	}
	if o.began {
		o.timePasses()
	}
	if o.cancels != len(r.Cancel) {
		return fmt.Sprintf("%d messages are not sent any more, and %d must not be", len(r.Cancel), o.cancels)
	}
	return o.compare(r.Messages)
}

// mend: after a clock was set back, nothing of the past lies in the future.
func (o *oracle) mend() {
	back := func(t *time.Time, limit time.Duration) {
		if t.After(o.now.Add(limit)) {
			*t = o.now.Add(limit)
		}
	}
	c := &o.world.config
	for _, l := range o.pile {
		back(&l.Created, 0)
		back(&l.reached, max(c.Grace, c.GraceUrgent))
	}
	for i := range o.owed {
		back(&o.owed[i].until, 48*time.Hour)
	}
	back(&o.round, 0)
	back(&o.closed, 0)
	back(&o.held, 4*time.Hour)
	back(&o.due, c.Deadlines.Water)
	back(&o.until, map[stillwater.IncidentState]time.Duration{
		stillwater.Opened: c.OutcomeDue, stillwater.Acknowledged: max(c.Promise, c.RemotePromise),
		stillwater.OnSite: c.OnSite, stillwater.ClosedState: c.AssumedReopens,
	}[o.state])
}

func (o *oracle) goesOn() bool { return len(o.on) > 0 || o.helped || o.byHand }

func (o *oracle) question() bool { return o.severity == stillwater.Question }

func (o *oracle) begins(f *stillwater.Finding) {
	reopened := o.state == stillwater.ClosedState
	if reopened {
		o.reopen()
	}
	resumed := o.began && !o.goesOn()
	was, going := o.on[f.Rule]
	news := !going || f.Severity.Above(was)
	if news {
		o.on[f.Rule] = f.Severity
	}
	o.began = true
	switch {
	case !news && !reopened:
	case f.Severity.Above(o.severity):
		o.start(f.Severity)
	case o.question():
		o.askAgain()
	case reopened:
		o.againTo(o.everTold(), "")
	case resumed:
		if o.state == stillwater.Opened {
			o.until = time.Time{}
		}
		o.againTo(o.misled(), "")
	}
}

func (o *oracle) ends(f *stillwater.Finding) {
	if _, going := o.on[f.Rule]; !going {
		return
	}
	delete(o.on, f.Rule)
	if o.goesOn() || o.state == stillwater.ClosedState {
		return
	}
	for _, id := range o.knowing() {
		said := slices.ContainsFunc(o.pile, func(l *letter) bool {
			return l.Contact == id && l.cause == "ended" && o.now.Sub(l.Created) < o.world.config.Quiet
		})
		if !said {
			o.news(id, stillwater.Update, "ended")
		}
	}
	if o.state == stillwater.Opened && !o.question() {
		o.until = o.now.Add(o.world.config.OutcomeDue)
	}
}

// start is the foot of a ladder.
func (o *oracle) start(s stillwater.Severity) {
	o.severity, o.state, o.turn = s, stillwater.Opened, 0
	o.holder, o.handed, o.until, o.held, o.owed = "", "", time.Time{}, time.Time{}, nil
	o.deadline()
	o.nextRung(false)
	if s == stillwater.Urgent && !o.helped {
		o.callHer()
	}
}

func (o *oracle) deadline() {
	if span := o.world.config.Deadlines.Water; span > 0 && o.due.IsZero() && o.severity.Above(stillwater.Question) {
		o.due = o.now.Add(span)
	}
}

func (o *oracle) reopen() {
	o.state, o.holder, o.until, o.owed = stillwater.Opened, "", time.Time{}, nil
	o.visit, o.due, o.overdue = time.Time{}, time.Time{}, false
	o.deadline()
}

func (o *oracle) act(a *stillwater.Act) {
	c := &o.world.config
	switch a.Deed {
	case stillwater.Acknowledge:
		hold := c.Promise
		if a.Remote {
			hold = c.RemotePromise
		}
		o.takenOn(a, stillwater.Acknowledged, hold)
	case stillwater.ArriveThere:
		o.takenOn(a, stillwater.OnSite, c.OnSite)
	case stillwater.CallHelp:
		o.actors = append(o.actors, stillwater.ContactID(a.Who))
		o.helped = true
		o.start(stillwater.Urgent)
	case stillwater.Close:
		o.close(a)
	case stillwater.HandOver:
		o.handed = a.To
		o.say(a.To, want{purpose: stillwater.Tell, beside: true}, saying{})
	case stillwater.Escalate:
		o.nextRung(false)
	case stillwater.Hold:
		o.held = a.Until
	case stillwater.Reopen:
		o.reopen()
		o.byHand = true
		if o.question() {
			o.askAgain()
			return
		}
		o.againTo(o.everTold(), stillwater.ContactID(a.Who))
	case stillwater.FollowedUp:
		o.visit = time.Time{}
	}
}

func (o *oracle) takenOn(a *stillwater.Act, state stillwater.IncidentState, hold time.Duration) {
	known := o.holder == a.Who && o.state == state
	o.state, o.holder, o.handed, o.until, o.held = state, a.Who, "", o.now.Add(hold), time.Time{}
	o.actors = append(o.actors, stillwater.ContactID(a.Who))
	o.stop(func(l *letter) bool {
		return slices.Contains([]stillwater.Purpose{stillwater.Ask, stillwater.Tell, stillwater.Again, stillwater.Check}, l.Purpose)
	})
	if known {
		return
	}
	for _, id := range o.knowing() {
		if string(id) != a.Who {
			o.news(id, stillwater.Update, string(state))
		}
	}
}

func (o *oracle) close(a *stillwater.Act) {
	o.state, o.holder, o.handed, o.until, o.held, o.owed = stillwater.ClosedState, a.Who, "", time.Time{}, time.Time{}, nil
	o.closed, o.helped, o.byHand, o.assumed = o.now, false, false, a.Known == stillwater.Assumed
	o.visit, o.reminded = a.Until, false
	if o.assumed {
		o.until = o.now.Add(o.world.config.AssumedReopens)
	}
	o.stop(func(*letter) bool { return true })
	for _, id := range o.knowing() {
		if string(id) != a.Who {
			o.news(id, stillwater.Done, "closed")
		}
	}
}

// stop: what has not left must never leave.
func (o *oracle) stop(which func(*letter) bool) {
	for _, l := range o.pile {
		if l.rank == 0 && !l.cancelled && which(l) {
			l.cancelled = true
			o.cancels++
		}
	}
}

// receipt: a later word is believed unless it says less.
func (o *oracle) receipt(r *stillwater.Receipt) {
	ranks := map[stillwater.DeliveryState]int{stillwater.Accepted: 1, stillwater.Failed: 2, stillwater.Delivered: 3}
	for _, l := range o.pile {
		if l.ID != r.Message || ranks[r.State] <= l.rank {
			continue
		}
		overtaken := l.cancelled && r.State != stillwater.Failed
		l.rank, l.cancelled, l.lost = ranks[r.State], false, r.State == stillwater.Failed
		grace := o.world.config.Grace
		if o.severity == stillwater.Urgent {
			grace = o.world.config.GraceUrgent
		}
		switch {
		case r.State == stillwater.Accepted:
			l.reached = o.now.Add(grace)
		case r.State == stillwater.Delivered && (l.reached.IsZero() || o.now.Before(l.reached)):
			l.reached = o.now
		}
		if overtaken && l.Purpose != stillwater.Check && string(l.Contact) != o.holder {
			o.overtaken(l.Contact)
		}
	}
}

// overtaken is somebody whose text left although it was to be stopped: they must hear why it was.
func (o *oracle) overtaken(id stillwater.ContactID) {
	switch {
	case o.state == stillwater.ClosedState && o.lastTo(id).Purpose != stillwater.Done:
		o.news(id, stillwater.Done, "closed")
	case o.state == stillwater.Acknowledged || o.state == stillwater.OnSite:
		o.news(id, stillwater.Update, string(o.state))
	}
}

// timePasses is what must happen because the time has come.
func (o *oracle) timePasses() {
	for range 2 {
		if due := o.turnComes(); !due.IsZero() && !o.now.Before(due) {
			o.takeTurn()
		}
	}
	late := o.due
	if o.held.After(late) {
		late = o.held
	}
	if o.state != stillwater.ClosedState && !o.overdue && !o.question() && !o.due.IsZero() && !o.now.Before(late) {
		o.overdue = true
		if o.goesOn() && !o.climbed && o.rungLeft() {
			o.nextRung(false)
		}
	}
	if o.state == stillwater.ClosedState && !o.reminded && !o.visit.IsZero() && !o.now.Before(o.visit) {
		o.remindOfVisit()
	}
	for _, d := range slices.Clone(o.owed) {
		if o.now.Before(d.until) {
			continue
		}
		o.owed = slices.DeleteFunc(o.owed, func(e debt) bool { return e.contact == d.contact })
		if o.stillTrue(d.cause) && !o.saidTo(d.contact) {
			o.news(d.contact, d.purpose, d.cause)
		}
	}
}

func (o *oracle) stillTrue(cause string) bool {
	open := o.state != stillwater.ClosedState
	switch cause {
	case "joined":
		return o.state == stillwater.Opened && o.question() && o.goesOn()
	case "ended":
		return open && !o.goesOn()
	case "outcome-due":
		return o.state == stillwater.Opened && !o.goesOn()
	case "acknowledged", "on-site":
		return open && o.state != stillwater.Opened
	}
	return !open
}

// remindOfVisit: whoever promised it, and the workers on duty.
func (o *oracle) remindOfVisit() {
	o.reminded = true
	o.news(stillwater.ContactID(o.holder), stillwater.Visit, "follow-up-due")
	for _, c := range o.world.home.Contacts {
		if c.Role == stillwater.Worker && string(c.ID) != o.holder {
			o.sayTo(c, want{purpose: stillwater.Visit, cause: "follow-up-due"}, saying{patient: true})
		}
	}
}

func (o *oracle) turnComes() time.Time {
	switch {
	case o.state == stillwater.ClosedState:
		if !o.assumed {
			return time.Time{}
		}
		return o.until
	case o.state != stillwater.Opened:
		return o.later(o.until)
	case o.question():
		return time.Time{}
	case o.goesOn():
		return o.later(o.rungComes())
	}
	return o.until
}

func (o *oracle) later(due time.Time) time.Time {
	if !due.IsZero() && o.held.After(due) {
		return o.held
	}
	return due
}

func (o *oracle) takeTurn() {
	c := &o.world.config
	switch {
	case o.state == stillwater.ClosedState:
		o.until = time.Time{}
		if len(o.on) == 0 {
			return
		}
		o.reopen()
		if o.question() {
			o.askAgain()
			return
		}
		o.againTo(o.everTold(), "")
	case o.state != stillwater.Opened:
		o.lapse()
	case o.goesOn():
		o.nextRung(false)
	default:
		o.until = o.now.Add(c.OutcomeDue)
		for _, id := range o.everTold() {
			o.say(id, want{purpose: stillwater.Again, cause: "outcome-due"}, saying{known: true, patient: true})
		}
	}
}

// lapse is a promise that was not kept: the next rung, whoever gave it, and those who were not told because of it.
func (o *oracle) lapse() {
	var also []stillwater.ContactID
	for _, id := range o.everTold() {
		if o.lastTo(id).cancelled {
			also = append(also, id)
		}
	}
	also = append(also, stillwater.ContactID(o.holder))
	o.state, o.holder, o.handed, o.until, o.held = stillwater.Opened, "", "", time.Time{}, time.Time{}
	switch {
	case o.question():
	case !o.goesOn():
		o.until = o.now.Add(o.world.config.OutcomeDue)
	default:
		o.nextRung(true)
		for _, id := range also {
			o.say(id, want{purpose: stillwater.Again}, saying{known: true})
		}
	}
}

// rungComes is when the next rung's turn comes, from what became of the last round.
func (o *oracle) rungComes() time.Time {
	hope := slices.ContainsFunc(o.wants, o.calls) // of this step
	if hope {
		o.newRound()
	}
	ladder := o.world.ladder(o.severity)
	if o.turn > len(ladder) {
		return o.round.Add(o.world.config.Repeat)
	}
	within := o.world.config.TellWithin
	if o.severity == stillwater.Urgent {
		within = o.world.config.TellWithinUrgent
	}
	var reached time.Time
	for _, l := range o.pile {
		if !l.round || l.lost || l.cancelled {
			continue
		}
		hope = true
		if !l.reached.IsZero() && (reached.IsZero() || l.reached.Before(reached)) {
			reached = l.reached
		}
	}
	switch {
	case !hope:
		return o.now
	case reached.IsZero():
		return o.round.Add(within)
	}
	return reached.Add(ladder[o.turn-1].Wait)
}

// compare holds what left against what must have left, and puts it on the pile.
func (o *oracle) compare(written []stillwater.Message) string {
	loud := false
	for _, m := range written {
		i := slices.IndexFunc(o.wants, func(w *want) bool {
			return w.key == keyOf(m.Channel, m.To, m.Purpose) && !w.left && slices.Contains(w.contacts, m.Contact)
		})
		switch {
		case i < 0:
			return fmt.Sprintf("%s %s to %s, whose turn it is not", m.Channel, m.Purpose, m.Contact)
		case o.wants[i].purpose != m.Purpose:
			return fmt.Sprintf("%s to %s instead of %s", m.Purpose, m.Contact, o.wants[i].purpose)
		case !o.wants[i].either && o.wants[i].call != (m.Channel == stillwater.Voice):
			return fmt.Sprintf("%s to %s, which is the wrong way", m.Channel, m.Contact)
		case o.wants[i].connect != m.Connect:
			return fmt.Sprintf("the call to %s connects %q instead of %q", m.Contact, m.Connect, o.wants[i].connect)
		}
		o.wants[i].left = true
		o.owed = slices.DeleteFunc(o.owed, func(d debt) bool { return d.contact == m.Contact })
		loud = loud || o.calls(o.wants[i])
	}
	for _, w := range o.wants {
		if !w.left {
			return fmt.Sprintf("%s is forgotten: %s", w.contacts, w.purpose)
		}
	}
	if loud {
		o.newRound()
	}
	for _, m := range written {
		w := o.wants[slices.IndexFunc(o.wants, func(w *want) bool {
			return w.key == keyOf(m.Channel, m.To, m.Purpose) && slices.Contains(w.contacts, m.Contact)
		})]
		o.pile = append(o.pile, &letter{Message: m, cause: w.cause, round: o.calls(w)})
	}
	return ""
}

func (o *oracle) calls(w *want) bool {
	return !w.beside && (w.purpose == stillwater.Tell || w.purpose == stillwater.Again)
}

func (o *oracle) newRound() {
	o.round = o.now
	for _, l := range o.pile {
		l.round = false
	}
}
