package incident

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"time"

	"stillwater"
	"stillwater/rules"
)

// A Case is what a step is about. It is never changed; a Result has the next incident.
type Case struct {
	Incident  stillwater.Incident  // as it stands, or fresh from New
	Household stillwater.Household // with the contacts as they are now
	Config    Config

	Calendar rules.Calendar                           // of the days that rungs are for; nil: the week alone counts
	OnDuty   func(stillwater.Contact, time.Time) bool // whether a contact may be told at a moment; nil: everybody always
	Channels []stillwater.Channel                     // those that there is a provider for; nil: all
}

// An Input is one thing that happened: a finding, an act or a receipt; with none of them, time passed.
type Input struct {
	Now     time.Time           // event clock
	Finding *stillwater.Finding // began; with Ended set it is over
	Act     *stillwater.Act
	Receipt *stillwater.Receipt

	// Life is the household's last sign of life, where the caller knows it: with it, an assumed outcome does not reopen
	// when she has been heard since.
	Life time.Time
}

// A Result is what a step calls for. Incident, Messages and Cancel belong into one transaction.
type Result struct {
	Incident stillwater.Incident
	Changed  bool                   // Incident differs from the one given
	Messages []stillwater.Message   // new, pending, without Text
	Cancel   []stillwater.MessageID // to become Cancelled if they are still Pending: nobody needs them any more
	Rearm    bool                   // it was closed: stillness counts anew from Now
}

// New is an incident without findings, for a finding that belongs to no current one. The finding is then fed to Step.
func New(number int64, f stillwater.Finding, now time.Time) stillwater.Incident {
	code := NewCode(number)
	return stillwater.Incident{
		ID: stillwater.IncidentID(code), Code: code,
		Household: f.Household, Group: groupOf(f), Kind: f.Kind, State: stillwater.Opened, Opened: now,
	}
}

// groupOf is the group of a finding that is about no household.
func groupOf(f stillwater.Finding) string {
	if f.Household != "" {
		return "" // a household's share in what befell its group is its own
	}
	return f.Group
}

// Belongs says whether the finding is about the household, or the group, of the incident and of its kind.
func Belongs(i stillwater.Incident, f stillwater.Finding) bool {
	return f.Household == i.Household && groupOf(f) == i.Group && (f.Kind == i.Kind || slices.Contains(i.Kinds, f.Kind)) &&
		(i.SplitOff == "" || Has(i, f))
}

// Has says whether the finding, or an earlier one of its key, is among those of the incident.
func Has(i stillwater.Incident, f stillwater.Finding) bool {
	return slices.ContainsFunc(i.Findings, func(g stillwater.Finding) bool { return g.Key() == f.Key() })
}

// Opens says whether a finding is people's business: a notice goes to the digest and a trial is only counted.
func Opens(f stillwater.Finding) bool { return !f.Trial && f.Severity.Above(stillwater.Notice) }

// Current says whether findings of its household and kind belong to an incident: it is open, or closed on an assumption
// that is still to be looked at. A household has at most one current incident of each kind, but for what was split off.
func Current(i stillwater.Incident) bool {
	return i.IsOpen() || i.Known == stillwater.Assumed && !i.Promise.IsZero()
}

// Lives says whether something can still happen to an incident without anybody doing anything: it is current, or a visit that its closing
// promised, or the end of somebody's quiet hours, is waited for.
func Lives(i stillwater.Incident) bool { return Current(i) || !i.Next.IsZero() }

// ErrNotCurrent is returned for a finding that begins when its incident is closed for good: it needs a new one.
var ErrNotCurrent = errors.New("incident is closed")

// Step takes an incident one input further. A *Refusal says that people may not do that now; any other error that the
// input does not belong to this incident. With an error nothing has changed.
func Step(c Case, in Input) (Result, error) {
	m := newMachine(c, in)
	if err := m.take(in); err != nil {
		return Result{Incident: c.Incident}, err
	}
	return m.finish(c), nil
}

// finish does what is due by now and gives the result.
func (m *machine) finish(c Case) Result {
	m.advance()
	if due := m.due(); !due.Equal(m.inc.Next) {
		m.inc.Next = due
	}
	if len(m.inc.Waiting) == 0 {
		m.inc.Waiting = nil
	}
	m.result.Incident = m.inc
	m.result.Changed = len(m.inc.Log) != len(c.Incident.Log) || !reflect.DeepEqual(m.inc, c.Incident)
	return m.result
}

// machine is one step under way.
type machine struct {
	inc    stillwater.Incident
	home   stillwater.Household
	cfg    Config
	now    time.Time
	life   time.Time
	result Result

	calendar rules.Calendar
	onDuty   func(stillwater.Contact, time.Time) bool
	channels []stillwater.Channel
	climbed  bool // this step has told a rung
}

// newMachine copies what a step writes to: the caller's incident stays as it was.
func newMachine(c Case, in Input) *machine {
	m := &machine{
		inc: c.Incident, home: c.Household, cfg: c.Config, now: in.Now, life: in.Life,
		calendar: c.Calendar, onDuty: c.OnDuty, channels: c.Channels,
	}
	m.inc.Findings = slices.Clone(c.Incident.Findings)
	m.inc.Told = slices.Clone(c.Incident.Told)
	m.inc.Log = slices.Clone(c.Incident.Log)
	m.inc.Waiting = slices.Clone(c.Incident.Waiting)
	m.inc.Kinds = slices.Clone(c.Incident.Kinds)
	m.mendClock()
	return m
}

// mendClock is for a clock that was ahead and has been set back: no moment of the past may lie in the future, or the ladder
// would wait for it.
func (m *machine) mendClock() {
	back := func(t *time.Time, limit time.Duration) {
		if latest := m.now.Add(limit); t.After(latest) {
			*t = latest
		}
	}
	for i := range m.inc.Told {
		back(&m.inc.Told[i].At, 0)
		back(&m.inc.Told[i].Reached, max(m.cfg.Grace, m.cfg.GraceUrgent))
	}
	for i := range m.inc.Log {
		back(&m.inc.Log[i].At, 0)
	}
	for i := range m.inc.Waiting {
		back(&m.inc.Waiting[i].Until, longestQuiet)
	}
	back(&m.inc.Closed, 0)
	back(&m.inc.Held, maxHold)
	back(&m.inc.Due, m.cfg.deadline(m.inc.Kind))
	back(&m.inc.Overdue, 0)
	back(&m.inc.Promise, m.longestPromise())
}

// longestPromise is how long a promise, a reminder or a second look can be ahead as things stand.
func (m *machine) longestPromise() time.Duration {
	switch m.inc.State {
	case stillwater.Acknowledged:
		return max(m.cfg.Promise, m.cfg.RemotePromise)
	case stillwater.OnSite:
		return m.cfg.OnSite
	case stillwater.ClosedState:
		return m.cfg.AssumedReopens
	}
	return m.cfg.OutcomeDue
}

// take applies what happened.
func (m *machine) take(in Input) error {
	switch {
	case m.inc.ID == "":
		if in.Act != nil {
			return &Refusal{Deed: in.Act.Deed, Reason: NoIncident}
		}
		return errors.New("step without an incident")
	case in.Finding != nil:
		f := *in.Finding
		if !Belongs(m.inc, f) {
			return fmt.Errorf("finding %q of %q/%q does not belong to incident %q of %q/%q",
				f.Rule, f.Household, f.Kind, m.inc.ID, m.inc.Household, m.inc.Kind)
		}
		if f.Ended.IsZero() {
			return m.begin(f)
		}
		m.end(f)
	case in.Act != nil:
		if in.Act.Incident != "" && in.Act.Incident != m.inc.ID {
			return fmt.Errorf("act on incident %q was given to %q", in.Act.Incident, m.inc.ID)
		}
		return m.act(*in.Act)
	case in.Receipt != nil:
		m.receipt(*in.Receipt)
	}
	return nil
}

// advance does what is due by now. What reopens with nobody left who was told climbs in the same step.
func (m *machine) advance() {
	m.heard()
	past := func(due time.Time) bool { return !due.IsZero() && !due.After(m.now) }
	for range 2 {
		if past(m.turnDue()) {
			m.takeTurn()
		}
	}
	if past(m.overdueAt()) {
		m.isOverdue()
	}
	if past(m.followUpDue()) {
		m.remindOfVisit()
	}
	if past(m.waitingDue()) {
		m.quietOver()
	}
}

// takeTurn does what the ladder has to do.
func (m *machine) takeTurn() {
	switch {
	case m.inc.State == stillwater.ClosedState:
		m.lookAgain()
	case m.inc.State != stillwater.Opened:
		m.promiseLapsed()
	case m.goesOn():
		m.climb(climbing{})
	default:
		m.remind()
	}
}

// due is when advance has something to do; zero: never.
func (m *machine) due() time.Time {
	return earlier(earlier(m.turnDue(), m.waitingDue()), earlier(m.overdueAt(), m.followUpDue()))
}

// goesOn says whether a finding goes on, or somebody called for help or opened it again: that no sensor ends.
func (m *machine) goesOn() bool {
	return slices.ContainsFunc(m.inc.Findings, func(f stillwater.Finding) bool { return f.Ended.IsZero() }) || m.called()
}

// called says whether a person, and no sensor, says that it is not settled.
func (m *machine) called() bool {
	for _, e := range slices.Backward(m.inc.Log) {
		switch {
		case e.What == "closed":
			return false
		case e.What == "help", e.What == "reopened" && e.Note == byHand:
			return true
		}
	}
	return false
}
