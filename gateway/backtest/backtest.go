// Package backtest runs the engine over recorded readings and writes what it would have raised. It is the same engine as
// live, given the same kind of journal; it streams, so that its memory does not grow with the recording.
package backtest

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"stillwater"
	"stillwater/rules"
)

// Options are what a backtest is run with.
type Options struct {
	Readings []string      // files or folders
	Rules    []rules.Rule  // valid; presets not among them run on trial
	Shadow   time.Duration // how often a row of shadow.csv is written, in whole hours; 0: not at all
	Out      string        // folder for the results, made if it is not there

	// Why makes the sentence of a finding for alerts.csv and the report.
	Why func(stillwater.Finding, *time.Location) string
	// Progress is called now and then with the part of the recording that is read (0 to 1) and the readings so far; may be nil.
	Progress func(part float64, readings int64)
}

// progressEvery is how many readings pass between two calls of Progress.
const progressEvery = 20000

// player is a backtest under way.
type player struct {
	Options
	engine  *rules.Engine
	zones   map[stillwater.HouseholdID]*time.Location
	homes   []stillwater.HouseholdID // in the order they came, as rows of shadow.csv
	seen    map[stillwater.HouseholdID]bool
	open    map[string]stillwater.Finding // findings that go on
	alerts  *table
	shadow  *table
	nextRow time.Time // of shadow.csv
	last    time.Time // when the last reading was received
	sum     *Summary
}

// Run plays the recordings and writes alerts.csv, summary.json, report.md and with Shadow shadow.csv into Out.
func Run(ctx context.Context, o Options) (*Summary, error) {
	began := time.Now()
	files, err := openAll(o.Readings)
	defer func() {
		for _, f := range files {
			f.file.Close() //nolint:errcheck // read only
		}
	}()
	if err != nil {
		return nil, err
	}
	p := &player{
		Options: o, engine: rules.New(append(slices.Clone(o.Rules), rules.OnTrial(o.Rules)...)),
		zones: map[stillwater.HouseholdID]*time.Location{}, seen: map[stillwater.HouseholdID]bool{},
		open: map[string]stillwater.Finding{}, sum: newSummary(o.Rules),
	}
	if err = p.prepare(files); err == nil {
		err = p.play(ctx, files)
	}
	if err == nil {
		err = p.finish(began)
	}
	if err = errors.Join(err, p.alerts.close(err == nil), p.shadow.close(err == nil)); err != nil {
		return nil, err
	}
	return p.sum, nil
}

func openAll(paths []string) ([]*recording, error) {
	var files []*recording
	for _, path := range paths {
		f, err := open(path)
		if err != nil {
			return files, err
		}
		files = append(files, f)
	}
	return files, nil
}

// prepare reads the households and opens the results.
func (p *player) prepare(files []*recording) error {
	for _, f := range files {
		zones, err := f.zones()
		if err != nil {
			return err
		}
		for id, zone := range zones {
			p.zones[id] = zone
		}
	}
	if err := os.MkdirAll(p.Out, 0o755); err != nil {
		return err
	}
	var err error
	p.alerts, err = newTable(filepath.Join(p.Out, "alerts.csv"), "household,rule,severity,began,ended,why")
	if err == nil && p.Shadow > 0 {
		p.shadow, err = newTable(filepath.Join(p.Out, "shadow.csv"), "household,at,alert_at,rule")
	}
	return err
}

// play steps the engine through the readings of all recordings in the order in which they were received.
func (p *player) play(ctx context.Context, files []*recording) error {
	var size int64
	for _, f := range files {
		size += f.size
	}
	for {
		f := earliest(files)
		if f == nil {
			return nil
		}
		if err := p.read(&f.next); err != nil {
			return err
		}
		if err := f.advance(); err != nil {
			return err
		}
		if p.sum.Readings%progressEvery == 0 {
			if err := ctx.Err(); err != nil {
				return err
			}
			if p.Progress != nil && size > 0 {
				var done int64
				for _, f := range files {
					done += f.read.Load()
				}
				p.Progress(float64(done)/float64(size), p.sum.Readings)
			}
		}
	}
}

// earliest is the recording whose next reading was received first; nil: all are done.
func earliest(files []*recording) *recording {
	var first *recording
	for _, f := range files {
		if !f.done && (first == nil || f.next.Received.Before(first.next.Received)) {
			first = f
		}
	}
	return first
}

// read lets the time pass to the reading and steps the engine with it.
func (p *player) read(r *stillwater.Reading) error {
	if err := p.pass(r.Received); err != nil {
		return err
	}
	p.last = r.Received
	p.sum.Readings++
	if err := r.Validate(); err != nil {
		p.sum.Outcomes["implausible"]++
		return nil
	}
	if !p.seen[r.Household] {
		p.seen[r.Household] = true
		p.homes = append(p.homes, r.Household)
		p.engine.Locate(r.Household, p.zone(r.Household))
	}
	found, outcome := p.engine.Step(&stillwater.Entry{Reading: r})
	p.sum.Outcomes[string(outcome)]++
	return p.file(found)
}

// zone is the household's time zone.
func (p *player) zone(id stillwater.HouseholdID) *time.Location {
	if z := p.zones[id]; z != nil {
		return z
	}
	return time.UTC
}

// pass lets the time pass up to now: ticks where something falls due, and the rows of shadow.csv.
func (p *player) pass(now time.Time) error {
	for {
		tick := p.engine.Next()
		row := p.nextRow
		switch {
		case !row.IsZero() && row.Before(now) && (tick.IsZero() || tick.After(row)):
			if err := p.shadowRow(row); err != nil {
				return err
			}
			p.nextRow = row.Add(p.Shadow)
		case !tick.IsZero() && !tick.After(now):
			found, _ := p.engine.Step(&stillwater.Entry{Tick: tick})
			if err := p.file(found); err != nil {
				return err
			}
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
	for _, id := range p.homes {
		alert, rule := p.engine.Protection(id, at)
		when := ""
		if !alert.IsZero() {
			when = alert.Format(time.RFC3339)
		}
		if err := p.shadow.row(string(id), at.Format(time.RFC3339), when, rule); err != nil {
			return err
		}
	}
	return nil
}

// file takes findings that began or ended. Rows of alerts.csv are written when a finding ends, the rest at the end.
func (p *player) file(found []stillwater.Finding) error {
	for _, f := range found {
		key := findingKey(f)
		if f.Ended.IsZero() {
			p.sum.count(f)
			if !f.Trial {
				p.open[key] = f
			}
			continue
		}
		delete(p.open, key)
		if err := p.alertRow(f); err != nil {
			return err
		}
	}
	return nil
}

func (p *player) alertRow(f stillwater.Finding) error {
	if f.Trial {
		return nil
	}
	ended := ""
	if !f.Ended.IsZero() {
		ended = f.Ended.Format(time.RFC3339)
	}
	return p.alerts.row(string(f.Household), f.Rule, string(f.Severity), f.Began.Format(time.RFC3339), ended, p.Why(f, p.zone(f.Household)))
}

// finish writes what still goes on, the summary and the report.
func (p *player) finish(began time.Time) error {
	if !p.last.IsZero() {
		if err := p.pass(p.last.Add(1)); err != nil { // the row of the hour at which the last reading came
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
		if err := p.alertRow(f); err != nil {
			return err
		}
	}
	for _, id := range p.homes {
		first, covered := p.engine.Covered(id)
		p.sum.home(id, first, covered)
	}
	p.sum.finish(time.Since(began))
	if err := writeJSON(filepath.Join(p.Out, "summary.json"), p.sum); err != nil {
		return err
	}
	return writeReport(filepath.Join(p.Out, "report.md"), p.sum, p.Readings)
}

// findingKey names a finding among those of all households that go on.
func findingKey(f stillwater.Finding) string { return string(f.Household) + "/" + f.Key() }

// Describe names the results, for the end of a run.
func Describe(o Options) string {
	files := "alerts.csv, summary.json, report.md"
	if o.Shadow > 0 {
		files += ", shadow.csv"
	}
	return fmt.Sprintf("%s in %s", files, o.Out)
}
