package incident

import (
	"slices"
	"time"

	"stillwater"
)

// startLadder begins the ladder of a severity at its foot.
func (m *machine) startLadder(s stillwater.Severity) {
	m.inc.Severity, m.inc.Rung = s, 0
	m.inc.Holder, m.inc.Handed, m.inc.Promise, m.inc.Held = "", "", time.Time{}, time.Time{}
	m.inc.Waiting = nil
	m.setDeadline()
	m.climb(climbing{})
	m.checkOnHer()
}

// climbing says how the next rung is told.
type climbing struct {
	broken bool                   // a promise was not kept: everybody is told Again …
	also   []stillwater.ContactID // … and so are these
}

// climb tells the next rung. One that has nobody who can be told is passed at once; beyond the last rung such a round
// waits for the next one, when there may be somebody.
func (m *machine) climb(how climbing) {
	m.climbed = true
	for last := false; !last; {
		rung := m.inc.Rung
		m.inc.Rung++
		last = m.tellRung(rung, how.broken)
		if !last {
			m.log(stillwater.Event{What: "untold", Note: m.whyNobody(rung)})
			last = rung >= len(m.ladder()) || m.inc.Severity == stillwater.Question
		}
	}
	for _, id := range how.also {
		m.tell(id, word{purpose: stillwater.Again, rung: m.inc.Rung - 1, known: true})
	}
}

// tellRung tells everybody of a rung and says whether there was anybody. Who stands in it twice, or shares a number with another, is
// told once, and rather called than written to.
func (m *machine) tellRung(rung int, again bool) bool {
	w := word{purpose: stillwater.Tell, rung: rung}
	switch {
	case m.inc.Severity == stillwater.Question:
		w.purpose, w.patient, w.cause = stillwater.Ask, true, "joined"
	case rung >= len(m.ladder()) || again:
		w.purpose = stillwater.Again
	}
	places := m.places(rung, w)
	slices.SortStableFunc(places, func(a, b place) int { return a.loudness() - b.loudness() })
	told := false
	for _, p := range places {
		told = m.do(p.contact, w, p.fit) == "" || told
	}
	for i, p := range places {
		again := slices.ContainsFunc(places[:i], func(q place) bool { return q.contact.ID == p.contact.ID })
		if p.fit.why != "" && !again && !m.written(p.contact.ID) {
			m.untold(p.contact.ID, p.fit.why)
		}
	}
	return told
}

func (m *machine) ladder() []Rung { return m.cfg.ladder(m.inc.Kind, m.inc.Severity) }

// place is a contact on a rung, and how that contact would be told.
type place struct {
	contact stillwater.Contact
	fit     fit
}

// loudness orders calls before texts.
func (p place) loudness() int {
	if p.fit.by == stillwater.Voice {
		return 0
	}
	return 1
}

// places are those who stand on a rung; beyond the ladder, on the last two that have somebody who can be told: as the later of them says,
// if that can be done.
func (m *machine) places(rung int, w word) []place {
	ladder := m.ladder()
	if rung < len(ladder) {
		return m.standing(&ladder[rung], w)
	}
	var round []place
	rungs := 0
	for i := len(ladder) - 1; i >= 0 && rungs < 2; i-- {
		w.by = nil
		standing := m.standing(&ladder[i], w)
		if !slices.ContainsFunc(standing, func(p place) bool { return p.fit.why == "" }) {
			continue
		}
		rungs++
		for _, p := range standing {
			j := slices.IndexFunc(round, func(q place) bool { return q.contact.ID == p.contact.ID && q.contact.Role == p.contact.Role })
			switch {
			case j < 0:
				round = append(round, p)
			case round[j].fit.why != "": // after those whom the later rung can tell: one of them may be the same person
				round = append(slices.Delete(round, j, j+1), p)
			}
		}
	}
	return round
}

// standing are those who stand on one rung.
func (m *machine) standing(r *Rung, w word) []place {
	if !r.holds(m.now.In(m.home.Location()), m.calendar) {
		return nil
	}
	var standing []place
	for _, c := range m.home.Contacts {
		if slices.Contains(r.To, c.Role) {
			w.by = r.ways(c)
			standing = append(standing, place{c, m.reach(c, w)})
		}
	}
	return standing
}

// whyNobody is why a rung was climbed past.
func (m *machine) whyNobody(rung int) string {
	if ladder := m.ladder(); rung < len(ladder) && !ladder[rung].holds(m.now.In(m.home.Location()), m.calendar) {
		return notAtThisHour
	}
	return nobodyToTell
}

// turnDue is when the ladder has something to do: a rung, a promise that lapses, a reminder, a second look.
func (m *machine) turnDue() time.Time {
	switch {
	case m.inc.State == stillwater.ClosedState:
		if m.inc.Known == stillwater.Assumed {
			return m.inc.Promise // see lookAgain
		}
		return time.Time{}
	case m.inc.State != stillwater.Opened:
		return m.unlessHeld(m.inc.Promise)
	case m.inc.Severity == stillwater.Question || len(m.inc.Findings) == 0:
		return time.Time{}
	case m.goesOn():
		return m.unlessHeld(m.rungDue())
	}
	return m.inc.Promise
}

// unlessHeld is a moment, or when a hold ends that lasts longer.
func (m *machine) unlessHeld(due time.Time) time.Time {
	if !due.IsZero() && m.inc.Held.After(due) {
		return m.inc.Held
	}
	return due
}

// rungDue is when the next rung is told if nobody acts.
func (m *machine) rungDue() time.Time {
	batch := m.batch()
	repeating := m.inc.Rung > len(m.ladder())
	switch {
	case repeating && len(batch) > 0 && batch[0].At.After(m.lastUntold()):
		return batch[0].At.Add(m.cfg.Repeat)
	case repeating:
		return m.lastUntold().Add(m.cfg.Repeat)
	case len(batch) == 0 || m.inc.Rung == 0:
		return m.now
	}
	var reached time.Time
	failed := 0
	for _, t := range batch {
		switch {
		case t.State == stillwater.Failed || t.State == stillwater.Cancelled:
			failed++
		case !t.Reached.IsZero() && (reached.IsZero() || t.Reached.Before(reached)):
			reached = t.Reached
		}
	}
	switch {
	case failed == len(batch):
		return m.now
	case reached.IsZero():
		return batch[0].At.Add(m.cfg.tellWithin(m.inc.Severity))
	}
	return reached.Add(m.ladder()[m.inc.Rung-1].Wait)
}

// batch are the messages the ladder waits for: those of the rung told last, written together.
func (m *machine) batch() []stillwater.Told {
	var batch []stillwater.Told
	for _, t := range slices.Backward(m.inc.Told) {
		if t.Purpose != stillwater.Tell && t.Purpose != stillwater.Again || t.Beside {
			continue
		}
		if t.Rung != m.inc.Rung-1 || len(batch) > 0 && !m.together(t, batch[0]) {
			break
		}
		batch = append(batch, t)
	}
	return batch
}

// together says whether two messages were written by the same step.
func (m *machine) together(a, b stillwater.Told) bool {
	return a.At.Equal(b.At) && m.causeLine(a) == m.causeLine(b)
}

// lastUntold is when a rung had nobody to tell; zero: none had.
func (m *machine) lastUntold() time.Time {
	for _, e := range slices.Backward(m.inc.Log) {
		if e.What == "untold" && e.Who == "" {
			return e.At
		}
	}
	return time.Time{}
}

// promiseLapsed is an acknowledgement without an outcome in time. If the finding has ended meanwhile the ladder holds on. Whose text was not
// sent because of the promise is told now.
func (m *machine) promiseLapsed() {
	also := m.passedOver()
	if m.inc.Holder != "" {
		also = append(also, stillwater.ContactID(m.inc.Holder))
	}
	m.log(stillwater.Event{What: "promise-lapsed", Who: m.inc.Holder})
	m.inc.State = next[m.inc.State][lapse]
	m.inc.Holder, m.inc.Handed, m.inc.Promise, m.inc.Held = "", "", time.Time{}, time.Time{}
	switch {
	case m.inc.Severity == stillwater.Question:
	case m.goesOn():
		m.climb(climbing{broken: true, also: also})
	default:
		m.inc.Promise = m.now.Add(m.cfg.OutcomeDue)
	}
}

// passedOver are those whose turn had come, but whose text was cancelled before it left.
func (m *machine) passedOver() []stillwater.ContactID {
	var ids []stillwater.ContactID
	for _, id := range m.told(everybody) {
		if m.lastTold(id).State == stillwater.Cancelled {
			ids = append(ids, id)
		}
	}
	return ids
}

// remind asks those told for an outcome, long after the finding ended by itself.
func (m *machine) remind() {
	m.log(stillwater.Event{What: "outcome-due"})
	m.inc.Promise = m.now.Add(m.cfg.OutcomeDue)
	for _, id := range m.told(everybody) {
		m.tell(id, word{purpose: stillwater.Again, rung: m.inc.Rung - 1, known: true, patient: true, cause: "outcome-due"})
	}
}

// tellAgain tells everybody who was told, but for whoever brought it about.
func (m *machine) tellAgain(but stillwater.ContactID) {
	for _, id := range m.told(everybody) {
		if id == but {
			continue
		}
		m.tell(id, word{purpose: stillwater.Again, rung: m.inc.Rung - 1})
	}
}

// news tells those who know of it what has changed.
func (m *machine) news(cause string, which func(stillwater.ContactID) bool) {
	for _, id := range m.knowing() {
		if which(id) {
			m.tell(id, word{purpose: stillwater.Update, rung: m.inc.Rung - 1, known: true, patient: true, cause: cause})
		}
	}
}
