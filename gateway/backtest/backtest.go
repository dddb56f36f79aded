// Package backtest runs the engine over recorded readings and writes what it would have raised, for programs and for people. It is the
// same engine as live, given the same kind of journal. Several sets of rules can run side by side over one pass of the readings. It
// streams: its memory grows with the households, and not with the recording.
//
//	file ─ unpack ─▶ rows ─ read ─▶ batches ─ merge ─▶ houses (what readings say) ─ hold back ─▶ players (what rules say) ─▶ report
//
// Unpacking and reading have goroutines of their own, and so have each player while it plays a batch and the sentences of alerts.csv.
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
	"sync"
	"time"

	"stillwater"
	"stillwater/rules"
)

// Options are what a backtest is run with.
type Options struct {
	Readings  []string     // files or folders
	Rules     []rules.Rule // valid; presets not among them run on trial
	Calendar  rules.Calendar
	Variants  []Variant     // several sets of rules side by side; then Rules does not count
	Shadow    time.Duration // how often a row of shadow.csv is written, in whole hours; 0: not at all
	Arrive    Arrival       // when readings come to the gateway; the zero one is as recorded
	Actograms int           // how many homes are drawn day by hour
	Out       string        // folder for the results, made if it is not there

	// Why makes the sentence of a finding for alerts.csv. Each variant calls it from a goroutine of its own.
	Why func(stillwater.Finding, *time.Location) string
	// Progress is called now and then with the part of the recording that is read (0 to 1) and the readings so far; may be nil.
	Progress func(part float64, readings int64)
}

// Variant is one of several sets of rules.
type Variant struct {
	Name     string  // of its folder below Out
	Budget   float64 // that its rules were given; 0: their own
	Rules    []rules.Rule
	Calendar rules.Calendar
}

// progressEvery is how many readings pass between two calls of Progress.
const progressEvery = 20000

// candidates is how many homes are watched for each one that is drawn, so that those with the most to see can be chosen.
const candidates = 5

// pass is one pass over the readings.
type pass struct {
	Options
	files   []*recording
	numbers map[stillwater.HouseholdID]int32
	houses  []*house
	devices map[deviceKey]int32
	gauges  []gauge
	households
	absences map[stillwater.HouseholdID][][2]int64
	planned  []stillwater.Absence // by when they were said
	held     holding
	players  []*player
	silences silences
	readings int64
	room     []row // for batches that are put together
}

type deviceKey struct {
	home int32
	id   stillwater.DeviceID
}

// Run plays the recordings and writes alerts.csv, summary.json, report.md, report.html and with Shadow shadow.csv into Out. With Variants
// each has a folder of its own there, and the reports, in Out, compare them; the summary is that of the first.
func Run(ctx context.Context, o Options) (*Summary, error) {
	sums, err := Compare(ctx, o)
	if err != nil {
		return nil, err
	}
	return sums[0], nil
}

// Compare is Run with the summaries of all variants, in their order.
func Compare(ctx context.Context, o Options) ([]*Summary, error) {
	began := time.Now()
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	p := &pass{Options: o, numbers: map[stillwater.HouseholdID]int32{}, devices: map[deviceKey]int32{}, held: holding{Arrival: o.Arrive}}
	var wait sync.WaitGroup
	defer func() { // the files are closed when nobody reads them any more
		stop()
		wait.Wait()
		for _, f := range p.files {
			f.file.Close() //nolint:errcheck // read only
		}
	}()
	err := p.prepare()
	if err == nil {
		for _, f := range p.files {
			f.start(ctx, &wait)
		}
		err = p.play(ctx)
	}
	if err == nil {
		err = p.finish(time.Since(began))
	}
	for _, v := range p.players {
		err = errors.Join(err, v.alerts.end())
	}
	for _, v := range p.players {
		err = errors.Join(err, v.close(err == nil))
	}
	if err != nil {
		return nil, err
	}
	var sums []*Summary
	for _, v := range p.players {
		sums = append(sums, v.sum)
	}
	return sums, nil
}

// prepare opens the recordings, reads the households and opens the results.
func (p *pass) prepare() error {
	for _, path := range p.Readings {
		f, err := open(path)
		if err != nil {
			return err
		}
		p.files = append(p.files, f)
	}
	p.households = newHouseholds()
	p.absences = map[stillwater.HouseholdID][][2]int64{}
	for _, f := range p.files {
		if err := p.households.read(filepath.Dir(f.name)); err != nil {
			return err
		}
		away, err := absences(filepath.Dir(f.name))
		if err != nil {
			return err
		}
		for id, spans := range away {
			p.absences[id] = spans
		}
		planned, err := plannedAbsences(filepath.Dir(f.name))
		if err != nil {
			return err
		}
		p.planned = append(p.planned, planned...)
	}
	inOrder(p.planned)
	if err := os.MkdirAll(p.Out, 0o755); err != nil {
		return err
	}
	variants, nested := p.Variants, true
	if len(variants) == 0 {
		variants, nested = []Variant{{Rules: p.Rules, Calendar: p.Calendar}}, false
	}
	for _, v := range variants {
		out := p.Out
		if nested {
			out = filepath.Join(p.Out, v.Name)
		}
		pl, err := newPlayer(p, v, out)
		if pl != nil {
			p.players = append(p.players, pl)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// play takes the readings of all recordings in the order in which they were received, and gives them to the players in the order in which
// they would have come.
func (p *pass) play(ctx context.Context) error {
	for {
		list, done, err := p.next(ctx)
		if err != nil {
			return err
		}
		before := p.readings
		p.readings += int64(len(list))
		for len(list) > 0 {
			n := p.together(list)
			if err := p.take(list[:n]); err != nil {
				return err
			}
			list = list[n:]
		}
		if done {
			return p.release(time.Time{})
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		if before/progressEvery != p.readings/progressEvery {
			p.progress()
		}
	}
}

func (p *pass) progress() {
	var size, read int64
	for _, f := range p.files {
		size += f.size
		read += f.read.Load()
	}
	if p.Progress != nil && size > 0 {
		p.Progress(float64(read)/float64(size), p.readings)
	}
}

// next gives the next rows of all recordings, numbered across them. They are valid until the next call.
func (p *pass) next(ctx context.Context) (list []row, done bool, err error) {
	if len(p.files) == 1 { // as they are
		f := p.files[0]
		if err = f.advance(ctx); err != nil || f.done {
			return nil, f.done, err
		}
		list = f.batch.rows
		f.at = len(list)
		for i := range list {
			p.number(f, &list[i])
		}
		return list, false, nil
	}
	p.room = p.room[:0]
	for len(p.room) < batch {
		f, err := earliest(ctx, p.files)
		if err != nil {
			return nil, false, err
		}
		if f == nil {
			return p.room, true, nil
		}
		p.room = append(p.room, f.batch.rows[f.at])
		p.number(f, &p.room[len(p.room)-1])
		f.at++
	}
	return p.room, false, nil
}

// earliest is the recording whose next reading was received first; nil: all are done.
func earliest(ctx context.Context, files []*recording) (first *recording, err error) {
	for _, f := range files {
		if err := f.advance(ctx); err != nil {
			return nil, err
		}
		if !f.done && (first == nil || f.batch.rows[f.at].Received.Before(first.batch.rows[first.at].Received)) {
			first = f
		}
	}
	return first, nil
}

// number gives the row the numbers of its household and device among all recordings.
func (p *pass) number(f *recording, r *row) {
	for int(r.home) >= len(f.homeNumbers) {
		f.homeNumbers = append(f.homeNumbers, -1)
	}
	if f.homeNumbers[r.home] < 0 {
		f.homeNumbers[r.home] = p.house(r.Household)
	}
	r.home = f.homeNumbers[r.home]
	for int(r.device) >= len(f.deviceNumbers) {
		f.deviceNumbers = append(f.deviceNumbers, -1)
	}
	if f.deviceNumbers[r.device] < 0 {
		key := deviceKey{r.home, r.Device}
		n, ok := p.devices[key]
		if !ok {
			n = int32(len(p.gauges))
			p.devices[key] = n
			p.gauges = append(p.gauges, gauge{})
		}
		f.deviceNumbers[r.device] = n
	}
	r.device = f.deviceNumbers[r.device]
}

// house is the number of the household.
func (p *pass) house(id stillwater.HouseholdID) int32 {
	n, ok := p.numbers[id]
	if !ok {
		n = int32(len(p.houses))
		h := &house{id: id, zone: cmp.Or(p.zones[id], time.UTC), away: p.absences[id], silences: &p.silences}
		if len(p.houses) < candidates*p.Actograms {
			h.raster = &raster{zone: h.zone}
		}
		p.numbers[id] = n
		p.houses = append(p.houses, h)
	}
	return n
}

// mostAhead is how far the houses may be ahead of the players: further, and what delays need of a house is forgotten before they are certain.
const mostAhead = 24 * time.Hour

// together is how many of the rows can be taken at once.
func (p *pass) together(list []row) int {
	if p.Shadow == 0 || list[len(list)-1].Received.Sub(list[0].Received) <= mostAhead {
		return len(list)
	}
	n, _ := slices.BinarySearchFunc(list, list[0].Received.Add(mostAhead), func(r row, end time.Time) int { return r.Received.Compare(end) })
	return max(1, n)
}

// take notes the rows in their houses, and hands them to the players when the gateway could know of them.
func (p *pass) take(list []row) error {
	if err := p.release(list[0].Received); err != nil {
		return err
	}
	if p.Shadow > 0 { // time passes before what comes after it is noted
		for _, v := range p.players {
			if v.count == 0 {
				continue
			}
			if err := v.until(list[0].Received); err != nil {
				return err
			}
		}
	}
	for i := range list {
		r := &list[i]
		p.houses[r.home].note(r, &p.gauges[r.device])
	}
	switch p.Arrive.kind {
	case asRecorded:
		return p.each(list)
	case delayed:
		for i := range list {
			list[i].Received = list[i].Received.Add(p.Arrive.delay)
		}
		return p.each(list)
	}
	for i := range list {
		if err := p.release(list[i].Received); err != nil {
			return err
		}
		p.held.take(&list[i], p.houses[list[i].home].zone)
	}
	return nil
}

// release hands on what was held back and has arrived before now; a zero now: all of it.
func (p *pass) release(now time.Time) error {
	for gone := p.held.gone(now); gone != nil; gone = p.held.gone(now) {
		if err := p.each(gone); err != nil {
			return err
		}
	}
	return nil
}

// each lets all players play the rows.
func (p *pass) each(list []row) error {
	if len(p.players) == 1 {
		return p.players[0].play(list)
	}
	var wait sync.WaitGroup
	errs := make([]error, len(p.players))
	for i, v := range p.players {
		wait.Go(func() { errs[i] = v.play(list) })
	}
	wait.Wait()
	return errors.Join(errs...)
}

// finish writes what goes on at the end, the summaries and the reports.
func (p *pass) finish(took time.Duration) error {
	for _, v := range p.players {
		if err := v.finish(took); err != nil {
			return err
		}
	}
	return p.report()
}

// Describe names the results, for the end of a run.
func Describe(o Options) string {
	files := []string{"alerts.csv", "summary.json"}
	if o.Shadow > 0 {
		files = append(files, "shadow.csv")
	}
	if len(o.Variants) == 0 {
		return fmt.Sprintf("%s, report.md, report.html in %s", strings.Join(files, ", "), o.Out)
	}
	return fmt.Sprintf("report.md, report.html in %s, and %s of each variant in a folder there", o.Out, strings.Join(files, ", "))
}
