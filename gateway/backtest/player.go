package backtest

import (
	"cmp"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"stillwater"
	"stillwater/rules"
)

// player is one engine with its results.
type player struct {
	*pass
	Variant
	out      string
	engine   *rules.Engine
	absences []stillwater.Absence // not played yet
	entry    stillwater.Entry
	homes    []*played                     // by number; nil: not heard of yet
	order    []*played                     // as they came, as rows of shadow.csv
	open     map[string]stillwater.Finding // findings that go on
	alerts   *alertWriter
	shadow   *table
	nextRow  time.Time   // of shadow.csv
	last     time.Time   // when the last reading was received
	rest     []row       // of the rows that have arrived: not played yet
	counts   []lastCount // by device
	delays   histogram
	sum      *Summary
	results  []outcomeCount
	count    int64
}

// played is one household under the player's rules.
type played struct {
	*house
	raised     map[string]int // by rule
	severe     [4]int         // by severity, as severities lists them; trials not counted
	falses     int            // after learning, as houses counts them
	questions  int
	protection protection
	coming     []row // see foresight.go
	blind      time.Duration
	blindOpen  int // findings of a blind home that go on
	blindFrom  time.Time
}

// severities from most to least.
var severities = [4]stillwater.Severity{stillwater.Urgent, stillwater.Alert, stillwater.Question, stillwater.Notice}

// outcomeCount counts one outcome of readings. There are few: a list is quicker than a map.
type outcomeCount struct {
	outcome rules.Outcome
	n       int64
}

func newPlayer(p *pass, v Variant, out string) (*player, error) {
	pl := &player{
		pass: p, Variant: v, out: out, engine: rules.New(append(slices.Clone(v.Rules), rules.OnTrial(v.Rules)...)),
		absences: p.planned, open: map[string]stillwater.Finding{}, sum: newSummary(v),
	}
	pl.engine.Keep(v.Calendar)
	if err := os.MkdirAll(out, 0o755); err != nil {
		return nil, err
	}
	alerts, err := newTable(filepath.Join(out, "alerts.csv"), "household,rule,severity,began,ended,why")
	if err != nil {
		return nil, err
	}
	pl.alerts = newAlertWriter(alerts, p.Why)
	if p.Shadow > 0 {
		pl.shadow, err = newTable(filepath.Join(out, "shadow.csv"), "household,at,alert_at,rule")
	}
	return pl, err
}

// play steps the engine through the rows.
func (p *player) play(list []row) error {
	for i := range list {
		p.rest = list[i:]
		if err := p.read(&list[i]); err != nil {
			return err
		}
		if p.foresees() {
			p.remember(&list[i])
		}
	}
	p.rest = nil
	return nil
}

// read lets the time pass to the reading and steps the engine with it.
func (p *player) read(r *row) error {
	if err := p.until(r.Received); err != nil {
		return err
	}
	p.last = r.Received
	p.count++
	if r.implausible {
		p.outcome("implausible")
		return nil
	}
	if int(r.home) >= len(p.homes) || p.homes[r.home] == nil {
		p.meet(r.home)
	}
	p.entry.Reading = &r.Reading
	found, outcome := p.engine.Step(&p.entry)
	p.outcome(outcome)
	p.file(found)
	return nil
}

// meet tells the engine of a household that it has not heard of.
func (p *player) meet(number int32) {
	for int(number) >= len(p.homes) {
		p.homes = append(p.homes, nil)
	}
	h := &played{house: p.houses[number], raised: map[string]int{}}
	p.homes[number] = h
	p.order = append(p.order, h)
	p.engine.Locate(h.id, h.zone)
	p.engine.Share(h.id, p.groups[h.id])
	p.engine.Inhabit(h.id, p.people[h.id])
}

func (p *player) outcome(o rules.Outcome) {
	for i := range p.results {
		if p.results[i].outcome == o {
			p.results[i].n++
			return
		}
	}
	p.results = append(p.results, outcomeCount{o, 1})
}

// until lets the time pass up to now: ticks where something falls due, and the rows of shadow.csv.
func (p *player) until(now time.Time) error {
	for {
		tick, row, said := p.engine.Next(), p.nextRow, p.said()
		due := !said.IsZero() && !said.After(now) && (tick.IsZero() || tick.After(said))
		switch {
		case due && (row.IsZero() || !row.Before(said)):
			p.say()
		case !row.IsZero() && row.Before(now) && (tick.IsZero() || tick.After(row)):
			if err := p.shadowRow(row); err != nil {
				return err
			}
			p.nextRow = row.Add(p.Shadow)
		case !tick.IsZero() && !tick.After(now):
			found, _ := p.engine.Step(&stillwater.Entry{Tick: tick})
			p.file(found)
		default:
			if row.IsZero() && p.Shadow > 0 {
				p.nextRow = now.Truncate(time.Hour).Add(time.Hour)
			}
			return nil
		}
	}
}

// shadowRow writes for each household when its first alert would be raised had life stopped at that moment.
func (p *player) shadowRow(at time.Time) error {
	stamp := at.Format(time.RFC3339)
	if p.foresees() {
		p.await(at)
	}
	for _, h := range p.order {
		alert, rule, err := p.protection(h, at)
		if err != nil {
			return err
		}
		when, delay := "", delayCap
		if !alert.IsZero() {
			when, delay = alert.Format(time.RFC3339), alert.Sub(at).Hours()
		}
		h.protection.add(h.house, delayAt{hour: at.Unix() / 3600, delay: delay}, &p.delays)
		if err := p.shadow.row(string(h.id), stamp, when, rule); err != nil {
			return err
		}
	}
	return nil
}

// file takes findings that began or ended. Rows of alerts.csv are written when a finding ends, the rest at the end.
func (p *player) file(found []stillwater.Finding) {
	for _, f := range found {
		began := f.Ended.IsZero()
		h := p.known(f.Household)
		if began {
			p.sum.count(f)
		}
		if h != nil {
			p.about(h, &f, began)
		}
		if f.Trial {
			continue
		}
		if began {
			p.open[findingKey(f)] = f
			continue
		}
		delete(p.open, findingKey(f))
		p.alertRow(f)
	}
}

// known is the household of a finding; nil: the finding is of a group.
func (p *player) known(id stillwater.HouseholdID) *played {
	if n, ok := p.numbers[id]; ok && int(n) < len(p.homes) {
		return p.homes[n]
	}
	return nil
}

// about counts what a finding means for its household.
func (p *player) about(h *played, f *stillwater.Finding, began bool) {
	if began {
		h.raised[f.Rule]++
	}
	if f.Trial {
		return
	}
	if p.blindness(f) {
		h.blinded(f, began)
		if !began && p.drawn() {
			h.drawBlind(f)
		}
	}
	if !began {
		return
	}
	h.severe[slices.Index(severities[:], f.Severity)]++
	if p.drawn() && f.Began.Unix() < h.last+int64(drawnAfter/time.Second) {
		h.raster.mark(f.Began, f.Severity)
	}
	if h.first == 0 || f.Began.Unix() < h.learned() {
		return
	}
	switch {
	case f.Severity == stillwater.Question:
		h.questions++
	case f.Severity.Above(stillwater.Question) && aboutStillness(f.Rule):
		h.falses++
	}
}

// drawn says whether the actograms show this player's findings: the first one's.
func (p *player) drawn() bool { return p.players[0] == p }

// aboutStillness says whether the rule is one that the budget of false alerts is for.
func aboutStillness(rule string) bool {
	return strings.HasPrefix(rule, "silence") || strings.HasPrefix(rule, "away")
}

// blindness says whether the finding is that nothing is known of the home: a meter that is silent, and not a door contact.
func (p *player) blindness(f *stillwater.Finding) bool {
	switch {
	case strings.HasPrefix(f.Rule, "device-blind"):
		return true
	case strings.HasPrefix(f.Rule, "device-silent"):
		n, ok := p.devices[deviceKey{p.numbers[f.Household], f.Device}]
		return ok && p.gauges[n].meter
	}
	return false
}

// blinded adds up the time in which at least one finding says that the home is blind.
func (h *played) blinded(f *stillwater.Finding, began bool) {
	if began {
		if h.blindOpen++; h.blindOpen == 1 {
			h.blindFrom = f.Facts.Since
		}
		return
	}
	if h.blindOpen--; h.blindOpen == 0 {
		h.blind += f.Ended.Sub(h.blindFrom)
	}
}

// drawnAfter is how long after a home's last reading it is still drawn: long enough that a dead meter shows, short enough that it does not
// push everything else out of the picture.
const drawnAfter = 14 * 24 * time.Hour

func (h *played) drawBlind(f *stillwater.Finding) {
	to := f.Ended
	if end := time.Unix(h.last, 0).Add(drawnAfter); to.After(end) {
		to = end
	}
	h.raster.blind(f.Facts.Since, to)
}

func (p *player) alertRow(f stillwater.Finding) {
	zone := time.UTC
	if h := p.known(f.Household); h != nil {
		zone = h.zone
	}
	p.alerts.rows <- alertRow{f, zone}
}

// finish writes what still goes on, and the summary.
func (p *player) finish(took time.Duration) error {
	if !p.last.IsZero() {
		if err := p.until(p.last.Add(1)); err != nil { // the row of the hour at which the last reading came
			return err
		}
	}
	open := make([]stillwater.Finding, 0, len(p.open))
	for _, f := range p.open {
		open = append(open, f)
	}
	slices.SortFunc(open, func(a, b stillwater.Finding) int {
		return cmp.Or(a.Began.Compare(b.Began), strings.Compare(findingKey(a), findingKey(b)))
	})
	for _, f := range open {
		p.alertRow(f)
		if h := p.known(f.Household); h != nil && p.blindness(&f) {
			f.Ended = p.last
			h.blinded(&f, false)
			if p.drawn() {
				h.drawBlind(&f)
			}
		}
	}
	for _, h := range p.order {
		h.protection.settle(h.house, p.last.Unix()/3600, &p.delays)
		first, covered := p.engine.Covered(h.id)
		p.sum.home(h, first, covered)
	}
	p.sum.finish(p, took)
	return writeJSON(filepath.Join(p.out, "summary.json"), p.sum)
}

// close ends the files, and keeps them if all is well.
func (p *player) close(whole bool) error {
	return errors.Join(p.alerts.table.close(whole), p.shadow.close(whole))
}

// findingKey names a finding among those of all households that go on.
func findingKey(f stillwater.Finding) string { return string(f.Household) + "/" + f.Key() }
