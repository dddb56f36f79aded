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
)

// player is one set of rules with its results. Its engines are its lanes.
type player struct {
	*pass
	Variant
	out    string
	lanes  []*lane
	open   map[string]stillwater.Finding // findings that go on
	moves  []*move                       // of a load, to be put in order
	alerts *alertWriter
	shadow *table
	delays histogram
	sum    *Summary

	// When all is played:
	order   []*played // the homes as they came
	last    time.Time // when the last reading was received
	count   int64
	results []outcomeCount
}

// severities from most to least.
var severities = [4]stillwater.Severity{stillwater.Urgent, stillwater.Alert, stillwater.Question, stillwater.Notice}

func newPlayer(p *pass, v Variant, out string) (*player, error) {
	pl := &player{pass: p, Variant: v, out: out, open: map[string]stillwater.Finding{}, sum: newSummary(v)}
	for i := range p.laneCount() {
		pl.lanes = append(pl.lanes, newLane(pl, i))
	}
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

// file takes a finding that began or ended. Rows of alerts.csv are written when a finding ends, the rest at the end.
func (p *player) file(m *move) {
	f := &m.finding
	began := f.Ended.IsZero()
	if began {
		p.sum.count(*f)
	}
	switch {
	case f.Trial:
	case began:
		p.open[findingKey(*f)] = *f
	default:
		delete(p.open, findingKey(*f))
		p.alerts.rows <- alertRow{*f, m.zone}
	}
}

// known is the household of a finding; nil: the finding is of a group.
func (p *player) known(id stillwater.HouseholdID) *played {
	for _, l := range p.lanes {
		if h := l.byID[id]; h != nil {
			return h
		}
	}
	return nil
}

// drawn says whether the actograms show this player's findings: the first one's.
func (p *player) drawn() bool { return p.players[0] == p }

// finish writes what still goes on, and the summary.
func (p *player) finish(took time.Duration) error {
	if err := p.gather(); err != nil {
		return err
	}
	open := make([]stillwater.Finding, 0, len(p.open))
	for _, f := range p.open {
		open = append(open, f)
	}
	slices.SortFunc(open, func(a, b stillwater.Finding) int {
		return cmp.Or(a.Began.Compare(b.Began), strings.Compare(findingKey(a), findingKey(b)))
	})
	for _, f := range open {
		h, zone := p.known(f.Household), time.UTC
		if h != nil {
			zone = h.zone
		}
		p.alerts.rows <- alertRow{f, zone}
		if h != nil && h.blindness(&f) {
			f.Ended = p.last
			h.blinded(&f, false)
			if p.drawn() {
				h.drawBlind(&f)
			}
		}
	}
	for _, h := range p.order {
		h.protection.settle(h.house, p.last.Unix()/3600, &p.delays)
		first, covered := h.engine.Covered(h.id)
		p.sum.home(h, first, covered)
	}
	p.sum.finish(p, took)
	return writeJSON(filepath.Join(p.out, "summary.json"), p.sum)
}

// gather puts together what the lanes have.
func (p *player) gather() error {
	for _, l := range p.lanes {
		if l.last.After(p.last) {
			p.last = l.last
		}
	}
	var errs []error
	for _, l := range p.lanes {
		if !p.last.IsZero() {
			errs = append(errs, l.until(p.last.Add(1))) // the row of the hour at which the last reading came
		}
		p.collect(l.found)
		p.order = append(p.order, l.order...)
		p.count += l.count
		for _, o := range l.results {
			p.results = tally(p.results, o.outcome, o.n)
		}
	}
	p.fileAll()
	slices.SortFunc(p.order, func(a, b *played) int { return cmp.Compare(a.met, b.met) })
	return errors.Join(errs...)
}

// close ends the files, and keeps them if all is well.
func (p *player) close(whole bool) error {
	return errors.Join(p.alerts.table.close(whole), p.shadow.close(whole))
}

// findingKey names a finding among those of all households that go on.
func findingKey(f stillwater.Finding) string { return string(f.Household) + "/" + f.Key() }
