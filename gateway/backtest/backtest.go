// Package backtest runs the engine over recorded readings and writes what it would have raised, for programs and for people. It is the
// same engine as live, given the same kind of journal. Several sets of rules can run side by side over one pass of the readings. It
// streams: its memory grows with the households, and not with the recording.
//
//	file ─ unpack ─▶ rows ─ read ─▶ batches ─ merge ─▶ loads ─┬▶ lane: houses (what readings say), engine (what rules say) ─┬▶ players ─▶ report
//	                                                          └▶ lane: the same of other homes                             ─┘
//
// Unpacking, reading, each lane and the sentences of alerts.csv have goroutines of their own, and none waits for another as long as there
// is room between them: see lanes.go. Where readings are held back, with a shadow, and with sets of rules side by side, the houses note a
// load before the lanes play it, and the next waits for them.
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
	Lanes     int           // how many engines share the homes; 0: as many as there are processors. The results are the same

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
	devices map[deviceKey]*gauge
	households
	units    units // which homes share a lane
	absences map[stillwater.HouseholdID][][2]int64
	planned  []stillwater.Absence // by when they were said
	held     holding
	players  []*player
	convoy   // the lanes of all players, and what is on its way through them
	silences silences
	readings int64
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
	p := &pass{Options: o, numbers: map[stillwater.HouseholdID]int32{}, devices: map[deviceKey]*gauge{}, held: holding{Arrival: o.Arrive}}
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
		p.setOut(&wait)
		err = errors.Join(p.play(ctx), p.arrive())
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
	p.units = newUnits(p.laneCount(), p.groups)
	for i := range p.planned {
		p.units.early(p.planned[i].Household)
	}
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
		l, done, err := p.next(ctx)
		if err != nil {
			return err
		}
		before := p.readings
		p.readings += int64(len(l.rows))
		if err := p.take(l); err != nil {
			return err
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

// next gives the next rows of all recordings, numbered across them.
func (p *pass) next(ctx context.Context) (l *load, done bool, err error) {
	l = p.empty()
	if len(p.files) == 1 { // as they are
		f := p.files[0]
		if err = f.advance(ctx); err != nil || f.done {
			return l, f.done, err
		}
		l.batch, l.home = f.hand(), f.stream.free
		l.rows = l.batch.rows
		for i := range l.rows {
			p.number(f, &l.rows[i])
		}
		return l, false, nil
	}
	for len(l.room) < batch {
		f, err := earliest(ctx, p.files)
		if err != nil {
			return nil, false, err
		}
		if f == nil {
			done = true
			break
		}
		l.room = append(l.room, f.batch.rows[f.at])
		p.number(f, &l.room[len(l.room)-1])
		f.at++
	}
	l.rows = l.room
	return l, done, nil
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

// number gives the row its household and device among those of all recordings.
func (p *pass) number(f *recording, r *row) {
	for int(r.home) >= len(f.houses) {
		f.houses = append(f.houses, nil)
	}
	if f.houses[r.home] == nil {
		f.houses[r.home] = p.house(r.Household)
	}
	r.house = f.houses[r.home]
	for int(r.device) >= len(f.gauges) {
		f.gauges = append(f.gauges, nil)
	}
	if f.gauges[r.device] == nil {
		key := deviceKey{r.house.number, r.Device}
		if p.devices[key] == nil {
			p.devices[key] = &gauge{number: int32(len(p.devices))}
		}
		f.gauges[r.device] = p.devices[key]
	}
	r.gauge = f.gauges[r.device]
}

// house is the household, made when it is first heard of.
func (p *pass) house(id stillwater.HouseholdID) *house {
	n, ok := p.numbers[id]
	if !ok {
		n = int32(len(p.houses))
		h := &house{id: id, number: n, unit: p.units.of(id), zone: cmp.Or(p.zones[id], time.UTC), away: p.absences[id]}
		if len(p.houses) < candidates*p.Actograms {
			h.raster = &raster{zone: h.zone}
		}
		p.numbers[id] = n
		p.houses = append(p.houses, h)
	}
	return p.houses[n]
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

// take hands the load on when the gateway could know of its rows.
func (p *pass) take(l *load) error {
	if p.flows() {
		return p.send(l)
	}
	for list := l.rows; len(list) > 0; {
		n := p.together(list)
		if err := p.hold(list[:n]); err != nil {
			return err
		}
		list = list[n:]
	}
	p.free(l)
	return nil
}

// flows says whether the lanes can note what readings say by themselves, for each row is noted when it is played.
func (p *pass) flows() bool {
	return len(p.players) == 1 && p.Shadow == 0 && (p.Arrive.kind == asRecorded || p.Arrive.kind == delayed)
}

// hold notes the rows in their houses, and hands them to the players when the gateway could know of them.
func (p *pass) hold(list []row) error {
	if err := p.release(list[0].Received); err != nil {
		return err
	}
	if p.Shadow > 0 { // time passes before what comes after it is noted
		for _, v := range p.crew {
			if v.count == 0 {
				continue
			}
			if err := v.until(list[0].Received); err != nil {
				return err
			}
		}
	}
	p.units.share(list)
	for i := range list {
		list[i].house.note(&list[i])
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
		p.held.take(&list[i], list[i].house.zone)
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

// each lets all players play the rows, and waits for them.
func (p *pass) each(list []row) error {
	l := p.empty()
	l.rows = list
	return errors.Join(p.send(l), p.settle(0))
}

// finish writes what goes on at the end, the summaries and the reports.
func (p *pass) finish(took time.Duration) error {
	for i := range p.units.silences {
		p.silences.merge(&p.units.silences[i])
	}
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
