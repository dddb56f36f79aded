package pipeline

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"stillwater"
	"stillwater/gateway/drill"
	"stillwater/gateway/words"
	"stillwater/rules"
)

// DrillHome is the household of drills. It is there only while its meter is read; no register, page or report has it.
const DrillHome stillwater.HouseholdID = "drill"

const (
	drillSource = "drill/meter"
	drillEnds   = 24 * time.Hour   // after it was opened
	drillEvery  = 18 * time.Minute // between two readings
)

// drilling is what the pipeline knows of drills.
type drilling struct {
	on atomic.Bool // the virtual meter is being read
}

// Drill holds the month's drill, from the virtual meter on, unless it was held: its readings come in like others, the rules find a surge, and
// each of the people is told once. It says whether the drill is there then.
func (p *Pipeline) Drill(ctx context.Context, month drill.Month) (held bool, err error) {
	if _, held, err = p.Store.Incident(ctx, month.Incident()); held || err != nil {
		return held, err
	}
	s, now := p.shard(DrillHome), p.now()
	if p.DrillText == nil {
		return false, errNoDrills
	}
	if err := s.do(ctx, func(*stillwater.Batch) { s.enterDrill(month, now) }); err != nil {
		return false, err
	}
	p.drills.on.Store(true)
	taken := make(chan struct{})
	err = p.Emit(ctx, drillReadings(now), func() { close(taken) })
	if err == nil {
		select {
		case <-taken:
		case <-ctx.Done():
			err = ctx.Err()
		}
	}
	p.drills.on.Store(false)
	if err != nil {
		return false, err
	}
	if err := s.do(ctx, func(*stillwater.Batch) { s.leaveDrill() }); err != nil {
		return false, err
	}
	_, held, err = p.Store.Incident(ctx, month.Incident())
	return held, err
}

var errNoDrills = errors.New("drills are not set up; write drills in the configuration")

// drillReadings are a meter through which water runs as fast as it can, within the last hour, and then none, so that the rules believe it:
// 2.6 m³ in all, more than the rules of a surge allow.
func drillReadings(now time.Time) []stillwater.Reading {
	var list []stillwater.Reading
	for i, litres := range []float64{0, 1300, 2600, 2600} {
		at := now.Add(time.Duration(i-3) * drillEvery)
		list = append(list, stillwater.Reading{Source: drillSource, Quantity: stillwater.WaterTotal, Value: litres, At: at, Received: now})
	}
	return list
}

// drillHome is the household of drills as the engine knows it: nobody is told of it by a ladder.
func drillHome(now time.Time) stillwater.Household {
	return stillwater.Household{
		ID: DrillHome, Residents: 1, TimeZone: "UTC", Consent: stillwater.Consent{Given: now.Add(-4 * drillEvery)},
		Devices: []stillwater.Device{{ID: "meter", Kind: stillwater.Meter, Source: drillSource, Every: drillEvery}},
	}
}

// bySource finds the device of a source; the virtual meter's only while it is read.
func (p *Pipeline) bySource(source string) (stillwater.Household, stillwater.Device, bool) {
	if source == drillSource && p.drills.on.Load() {
		h := drillHome(p.now())
		return h, h.Devices[0], true
	}
	return p.Registry.BySource(source)
}

// enterDrill lets the engine know the home, with no memory of the last drill.
func (s *shard) enterDrill(month drill.Month, now time.Time) {
	h := drillHome(now)
	s.engine.Remove(h.ID)
	s.engine.Put(rules.Home{ID: h.ID, Location: h.Location(), Devices: h.Devices, Residents: h.Residents})
	s.homes[h.ID], s.drill = h, month
}

func (s *shard) leaveDrill() {
	s.engine.Remove(DrillHome)
	delete(s.homes, DrillHome)
	s.drill = ""
}

// drilled takes what the rules found in the drill home to the month's drill: it opens it, once, and tells the people. No ladder climbs.
func (s *shard) drilled(b *stillwater.Batch, f stillwater.Finding, now time.Time) {
	id := s.drill.Incident()
	if s.drill == "" || f.Kind != stillwater.Water || !f.Ended.IsZero() || s.incidents[id] != nil {
		return
	}
	i := stillwater.Incident{
		ID: id, Code: lifeCode(string(id)), Household: DrillHome, Kind: f.Kind, Severity: stillwater.Notice, State: stillwater.Opened, Opened: now,
		Findings: []stillwater.Finding{f}, Log: []stillwater.Event{{At: now, What: "opened"}},
	}
	s.keep(i)
	b.Incidents = append(b.Incidents, i)
	var homes []stillwater.Household
	for _, h := range s.homes {
		if h.ID != DrillHome {
			homes = append(homes, h)
		}
	}
	slices.SortFunc(homes, func(a, b stillwater.Household) int { return strings.Compare(string(a.ID), string(b.ID)) })
	for _, p := range drill.People(homes, now) {
		s.hand(b, s.train(id, p, now))
	}
}

// train is what a contact is told in a drill. Who cannot be told is noted, with why.
func (s *shard) train(id stillwater.IncidentID, p drill.Person, now time.Time) stillwater.Message {
	c := p.Contact
	by, reached := s.channelOf(c)
	m := stillwater.Message{
		ID: s.drill.Message(c.ID), Incident: id, Household: DrillHome, Contact: c.ID, Purpose: stillwater.Train, Severity: stillwater.Notice,
		Channel: by, To: c.AddressOf(by), Language: c.Language, Code: lifeCode(string(s.drill.Message(c.ID))), Created: now, Changed: now, State: stillwater.Pending,
	}
	switch {
	case !reached:
		m.State, m.Error = stillwater.Failed, "no way to reach this contact"
	case quiet(c, p.Home, now):
		m.State, m.Error = stillwater.Cancelled, "quiet hours"
	default:
		m.Link = s.p.link(m)
	}
	m.Text = s.p.DrillText(m)
	return m
}

// endDrills closes drills whose time is over.
func (s *shard) endDrills(b *stillwater.Batch, now time.Time) {
	for _, i := range s.incidents {
		if i.Household != DrillHome || !i.IsOpen() || now.Sub(i.Opened) < drillEnds {
			continue
		}
		closed := *i
		closed.State, closed.Outcome, closed.Known, closed.Closed = stillwater.ClosedState, stillwater.Drill, stillwater.Seen, now
		closed.Log = append(slices.Clone(i.Log), stillwater.Event{At: now, What: "closed", Note: string(stillwater.Drill)})
		s.keep(closed)
		b.Incidents = append(b.Incidents, closed)
	}
}

// openDrill is the drill that goes on; "": none does.
func (s *shard) openDrill() drill.Month {
	for id, i := range s.incidents {
		if i.Household == DrillHome && i.IsOpen() {
			return drill.Month(strings.TrimPrefix(string(id), "drill-"))
		}
	}
	return ""
}

// drillReply notes an answer to a drill; false: it is none. One that may be about a real incident is about that.
func (p *Pipeline) drillReply(ctx context.Context, senders []stillwater.Contact, command words.Command, r stillwater.Reply) (answered bool, err error) {
	s := p.shard(DrillHome)
	err = s.do(ctx, func(b *stillwater.Batch) {
		month := s.openDrill()
		if month == "" || command.Deed != stillwater.Acknowledge {
			return
		}
		for _, c := range senders {
			m, known := s.stored(month.Message(c.ID))
			if known && (command.Code == "" || command.Code == m.Code) {
				answered = true
				s.confirm(b, m)
			}
		}
		if answered {
			b.Replies = append(b.Replies, r)
			p.Heard(Commanded)
		}
	})
	return answered, err
}

// stored is a message under way, or of the store.
func (s *shard) stored(id stillwater.MessageID) (stillwater.Message, bool) {
	if m, ok := s.messages[id]; ok {
		return m, true
	}
	ctx, cancel := context.WithTimeout(context.Background(), lookPatience)
	defer cancel()
	m, known, err := s.p.Store.Message(ctx, id)
	return m, known && err == nil
}

// confirm notes that a contact answered. Who answered has it: a provider that did not say so yet need not.
func (s *shard) confirm(b *stillwater.Batch, m stillwater.Message) {
	if !m.Answered.IsZero() {
		return
	}
	m.Answered = s.p.now()
	if _, under := s.messages[m.ID]; under {
		s.messages[m.ID] = m
	}
	b.Messages = append(b.Messages, m)
}

// pressDrill notes an answer by a link or a card, while the drill goes on.
func (s *shard) pressDrill(b *stillwater.Batch, id stillwater.MessageID, command words.Command, r stillwater.Reply) {
	b.Replies = append(b.Replies, r)
	m, known := s.stored(id)
	if i := s.incidents[m.Incident]; !known || i == nil || !i.IsOpen() || command.Deed != stillwater.Acknowledge {
		s.p.Heard(Refused)
		return
	}
	s.confirm(b, m)
	s.p.Heard(Commanded)
}

// butOfDrills counts readings, but none of the virtual meter.
func butOfDrills(count func(*stillwater.Reading, string)) func(*stillwater.Reading, string) {
	return func(r *stillwater.Reading, outcome string) {
		if r.Source != drillSource {
			count(r, outcome)
		}
	}
}

// isDrill says whether a finding is of the drill home.
func isDrill(f stillwater.Finding) bool { return f.Household == DrillHome }
