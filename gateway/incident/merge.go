package incident

import (
	"fmt"
	"slices"

	"stillwater"
)

// Merge closes an incident into another open one of the same household, because they are one matter: its findings and its kind go on there,
// and whoever was told of it hears once, by the other's code. It has no outcome of its own. in.Act is a stillwater.Merge. A *Refusal says why it
// cannot be done.
func Merge(from, into Case, in Input) (closed, joined Result, err error) {
	if in.Act == nil || in.Act.Deed != stillwater.Merge {
		return closed, joined, fmt.Errorf("merge of incident %q without the deed", from.Incident.ID)
	}
	f, t := newMachine(from, in), newMachine(into, in)
	err = f.allowed(*in.Act)
	oneHome := f.inc.Household != "" && f.inc.Household == t.inc.Household && f.inc.ID != t.inc.ID
	if err == nil && (!oneHome || !t.inc.IsOpen()) {
		err = &Refusal{Deed: in.Act.Deed, State: f.inc.State, Reason: NotOneMatter}
	}
	if err != nil {
		return Result{Incident: from.Incident}, Result{Incident: into.Incident}, err
	}
	hear := f.told(func(s stillwater.Told) bool { return s.State != stillwater.Failed })
	for _, w := range f.inc.Waiting {
		if w.Purpose == stillwater.Ask && !slices.Contains(hear, w.Contact) {
			hear = append(hear, w.Contact) // was to be asked in the morning
		}
	}
	called := f.called()
	f.inc.State, f.inc.Closed, f.inc.Into = next[f.inc.State][move(stillwater.Merge)], f.now, t.inc.ID
	f.letGo(in.Act.Who)
	f.log(stillwater.Event{What: "merged", Who: in.Act.Who, Note: t.inc.Code})
	t.takeIn(f.inc, in.Act.Who, called)
	for _, id := range hear {
		t.tell(id, word{purpose: stillwater.Tell, rung: t.inc.Rung - 1, known: true, patient: true, beside: true, cause: "merged"})
	}
	return f.finish(from), t.finish(into), nil
}

// takeIn goes on with what another incident was about.
func (m *machine) takeIn(other stillwater.Incident, who string, called bool) {
	resumed := !m.goesOn()
	for _, k := range append([]stillwater.Kind{other.Kind}, other.Kinds...) {
		if k != m.inc.Kind && !slices.Contains(m.inc.Kinds, k) {
			m.inc.Kinds = append(m.inc.Kinds, k)
		}
	}
	for _, f := range other.Findings {
		i := slices.IndexFunc(m.inc.Findings, func(g stillwater.Finding) bool { return g.Key() == f.Key() })
		switch {
		case i < 0:
			m.inc.Findings = append(m.inc.Findings, f)
		case f.Ended.IsZero():
			m.inc.Findings[i] = f
		}
	}
	if called {
		m.log(stillwater.Event{What: "help", Who: who})
	}
	m.log(stillwater.Event{What: "merged", Who: who, Note: other.Code})
	switch {
	case other.Severity.Above(m.inc.Severity):
		m.inc.State = next[m.inc.State][worse]
		m.startLadder(other.Severity)
	case resumed && m.goesOn() && m.inc.Severity != stillwater.Question:
		m.resume()
	}
}

// SplitOff takes a finding out of an incident, because it is another matter, and opens an incident of its own for it, with the number given. Its
// ladder begins at the foot, and whoever was told of the first incident hears once of the new one. Other findings of the kind go on belonging to
// the first. in.Act is a stillwater.Split. A *Refusal says why it cannot be done.
func SplitOff(c Case, number int64, in Input) (rest, own Result, err error) {
	if in.Act == nil || in.Act.Deed != stillwater.Split {
		return rest, own, fmt.Errorf("split of incident %q without the deed", c.Incident.ID)
	}
	m := newMachine(c, in)
	err = m.allowed(*in.Act)
	i := slices.IndexFunc(m.inc.Findings, func(f stillwater.Finding) bool { return f.Key() == in.Act.Finding && f.Ended.IsZero() })
	if err == nil && (i < 0 || len(m.inc.Findings) < 2) {
		err = &Refusal{Deed: in.Act.Deed, State: m.inc.State, Reason: NothingToSplit}
	}
	if err != nil {
		return Result{Incident: c.Incident}, own, err
	}
	f := m.inc.Findings[i]
	hear := m.told(reached)
	m.takeOut(i, in.Act.Who)

	fresh := c
	fresh.Incident = New(number, f, in.Now)
	if f.Kind == m.inc.Kind || slices.Contains(m.inc.Kinds, f.Kind) {
		fresh.Incident.SplitOff = m.inc.ID
	}
	n := newMachine(fresh, in)
	n.join(f)
	n.startLadder(f.Severity)
	n.log(stillwater.Event{What: "split", Who: in.Act.Who, Note: m.inc.Code})
	for _, id := range hear {
		n.tell(id, word{purpose: stillwater.Tell, rung: n.inc.Rung - 1, known: true, patient: true, beside: true, cause: "split"})
	}
	return m.finish(c), n.finish(fresh), nil
}

// takeOut leaves a finding to another incident. If nothing goes on without it, the outcome is still due.
func (m *machine) takeOut(i int, who string) {
	f := m.inc.Findings[i]
	m.inc.Findings = slices.Delete(m.inc.Findings, i, i+1)
	if !slices.ContainsFunc(m.inc.Findings, func(g stillwater.Finding) bool { return g.Kind == f.Kind }) {
		m.inc.Kinds = slices.DeleteFunc(m.inc.Kinds, func(k stillwater.Kind) bool { return k == f.Kind })
	}
	if len(m.inc.Kinds) == 0 {
		m.inc.Kinds = nil
	}
	m.log(stillwater.Event{What: "split", Who: who, Note: f.Rule})
	if !m.goesOn() && m.inc.State == stillwater.Opened && m.inc.Severity != stillwater.Question {
		m.inc.Promise = m.now.Add(m.cfg.OutcomeDue)
	}
}
