package pipeline

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"stillwater"
	"stillwater/adapters/sqlite"
	"stillwater/gateway/incident"
	"stillwater/gateway/registry"
	"stillwater/rules"
)

// bubbleClock is the time of a synctest bubble: event time passes when everybody waits.
type bubbleClock struct{}

func (bubbleClock) Now() time.Time { return time.Now() }

func (bubbleClock) Sleep(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// disk is a real database whose commits can be made to fail.
type disk struct {
	*sqlite.DB
	mu       sync.Mutex                    // guards everything below
	fail     func(*stillwater.Batch) error // asked before each commit; nil: it goes on
	findings []stillwater.Finding          // committed, as they began or ended
}

var errDiskFull = errors.New("no space left on device")

func (d *disk) Commit(ctx context.Context, b *stillwater.Batch) error {
	d.mu.Lock()
	fail := d.fail
	d.mu.Unlock()
	if fail != nil {
		if err := fail(b); err != nil {
			return err
		}
	}
	if err := d.DB.Commit(ctx, b); err != nil {
		return err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.findings = append(d.findings, b.Findings...)
	return nil
}

func (d *disk) breaks(fail func(*stillwater.Batch) error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.fail = fail
}

// town is a pipeline on a database, in a synctest bubble, with the test as its sources, its courier and its people.
type town struct {
	t        testing.TB
	disk     *disk
	registry *registry.Registry
	rules    []rules.Rule
	pipeline *Pipeline
	cancel   context.CancelFunc
	ended    chan error

	mu     sync.Mutex // guards everything below
	counts map[string]int
	health []string
	told   []stillwater.Reading // what devices said of themselves
}

// begun is when the people of the tests gave their consent: a day before the first moment of a bubble.
var begun = time.Date(1999, 12, 31, 0, 0, 0, 0, time.UTC)

// home is a household with a meter, a door, a daughter and a worker. The contacts of all homes are the same two people.
func home(id stillwater.HouseholdID) stillwater.Household {
	return stillwater.Household{
		ID: id, Name: "王秀英", Residents: 1, TimeZone: "Asia/Shanghai", Consent: stillwater.Consent{Given: begun},
		Devices: []stillwater.Device{
			{ID: "meter", Kind: stillwater.Meter, Source: "f/" + string(id) + "/meter", Every: 15 * time.Minute},
			{ID: "door", Kind: stillwater.DoorContact, Source: "f/" + string(id) + "/door"},
		},
		Contacts: []stillwater.Contact{
			{ID: "daughter", Name: "王梅", Role: stillwater.Family, Phone: "+8613900000001", Language: "zh-CN"},
			{ID: "worker", Name: "李强", Role: stillwater.Worker, Phone: "+8613800000001", Language: "zh-CN"},
		},
	}
}

// homesOf gives n names of homes, of one row of them: those of two rows differ.
func homesOf(row, n int) []stillwater.HouseholdID {
	var ids []stillwater.HouseholdID
	for i := range n {
		ids = append(ids, stillwater.HouseholdID(fmt.Sprintf("h%d%02d", row, i)))
	}
	return ids
}

// newTown opens a database with the homes and starts a pipeline on it.
func newTown(t testing.TB, homes ...stillwater.Household) *town {
	t.Helper()
	w := &town{t: t, registry: registry.New(), rules: rules.Defaults(), counts: map[string]int{}}
	cfg := sqlite.Defaults()
	cfg.Path = filepath.Join(t.TempDir(), "town.db")
	db, err := sqlite.Open(t.Context(), cfg, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	w.disk = &disk{DB: db}
	w.registry.Set(homes)
	w.start()
	return w
}

// start loads a pipeline from what is stored and runs it.
func (w *town) start() {
	w.t.Helper()
	w.pipeline = New(Options{
		Rules: w.rules, Ladders: incident.Defaults(), Registry: w.registry, Store: w.disk, Outbox: w.disk, Clock: bubbleClock{},
		Log: slog.New(slog.DiscardHandler),
		Text: func(m stillwater.Message, i stillwater.Incident, _ stillwater.Household) string {
			return string(m.Purpose) + " " + m.Code
		},
		Daily: lineText, DrillText: drillText, Count: w.count, Health: w.healthy,
	})
	if err := w.pipeline.Load(context.Background()); err != nil {
		w.t.Fatal(err)
	}
	w.run()
}

func (w *town) run() {
	ctx, cancel := context.WithCancel(context.Background())
	w.cancel, w.ended = cancel, make(chan error, 1)
	p, ended := w.pipeline, w.ended
	go func() { ended <- p.Run(ctx) }()
	synctest.Wait()
}

// stop ends the pipeline in good order.
func (w *town) stop() {
	w.t.Helper()
	w.cancel()
	if err := <-w.ended; err != nil {
		w.t.Fatalf("the pipeline ended with %v", err)
	}
}

// crash ends the pipeline with nothing more written, as a power cut does.
func (w *town) crash() {
	w.disk.breaks(func(*stillwater.Batch) error { return errDiskFull })
	w.cancel()
	<-w.ended
	w.disk.breaks(nil)
}

// close ends everything; a bubble must be empty at its end.
func (w *town) close() {
	w.t.Helper()
	w.stop()
	if err := w.disk.Close(); err != nil {
		w.t.Fatal(err)
	}
}

func (w *town) count(r *stillwater.Reading, outcome string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.counts[outcome]++
	if outcome == OfDevice {
		w.told = append(w.told, *r)
	}
}

// counted gives the outcomes counted since the last call.
func (w *town) counted() map[string]int {
	w.mu.Lock()
	defer w.mu.Unlock()
	counts := w.counts
	w.counts = map[string]int{}
	return counts
}

func (w *town) healthy(err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.health = append(w.health, fmt.Sprint(err))
}

// findings are those committed, as they began or ended.
func (w *town) findings() []stillwater.Finding {
	w.disk.mu.Lock()
	defer w.disk.mu.Unlock()
	return slices.Clone(w.disk.findings)
}

// meter and door are readings of now, true now.
func meter(id stillwater.HouseholdID, litres float64) stillwater.Reading {
	now := time.Now()
	return stillwater.Reading{Source: "f/" + string(id) + "/meter", Quantity: stillwater.WaterTotal, Value: litres, At: now, Received: now}
}

func door(id stillwater.HouseholdID, value float64) stillwater.Reading {
	now := time.Now()
	return stillwater.Reading{Source: "f/" + string(id) + "/door", Quantity: stillwater.Door, Value: value, At: now, Received: now}
}

// emit hands readings over and waits until they are committed or refused.
func (w *town) emit(readings ...stillwater.Reading) {
	w.t.Helper()
	done := make(chan struct{})
	if err := w.pipeline.Emit(context.Background(), readings, func() { close(done) }); err != nil {
		w.t.Fatal(err)
	}
	<-done
}

// still lets a meter report no use for so long, each quarter of an hour.
func (w *town) still(id stillwater.HouseholdID, litres float64, d time.Duration) {
	w.t.Helper()
	for end := time.Now().Add(d); time.Now().Before(end); {
		time.Sleep(15 * time.Minute)
		w.emit(meter(id, litres))
	}
}

// lives lets a home use water for so long.
func (w *town) lives(id stillwater.HouseholdID, litres float64, d time.Duration) float64 {
	w.t.Helper()
	for end := time.Now().Add(d); time.Now().Before(end); {
		litres += 8
		w.emit(meter(id, litres))
		time.Sleep(15 * time.Minute)
	}
	w.emit(meter(id, litres))
	return litres
}

// messages are all texts, the oldest first.
func (w *town) messages() []stillwater.Message {
	w.t.Helper()
	list, err := w.disk.Messages(context.Background(), sqlite.MessageQuery{})
	if err != nil {
		w.t.Fatal(err)
	}
	slices.Reverse(list)
	return list
}

// messagesOf are the texts about a household.
func (w *town) messagesOf(id stillwater.HouseholdID) []stillwater.Message {
	w.t.Helper()
	return slices.DeleteFunc(w.messages(), func(m stillwater.Message) bool { return m.Household != id })
}

// incidents are all incidents of a household, the oldest first.
func (w *town) incidents(id stillwater.HouseholdID) []stillwater.Incident {
	w.t.Helper()
	list, err := w.disk.Incidents(context.Background(), sqlite.IncidentQuery{Household: id})
	if err != nil {
		w.t.Fatal(err)
	}
	slices.Reverse(list)
	return list
}

// incident is the only incident of a household of a kind.
func (w *town) incident(id stillwater.HouseholdID, kind stillwater.Kind) stillwater.Incident {
	w.t.Helper()
	var of []stillwater.Incident
	for _, i := range w.incidents(id) {
		if i.Kind == kind {
			of = append(of, i)
		}
	}
	if len(of) != 1 {
		w.t.Fatalf("%s has %d %s incidents: %+v", id, len(of), kind, of)
	}
	return of[0]
}

// entries is the journal.
func (w *town) entries() []stillwater.Entry {
	w.t.Helper()
	var all []stillwater.Entry
	if err := w.disk.Entries(context.Background(), 0, func(e stillwater.Entry) error { all = append(all, e); return nil }); err != nil {
		w.t.Fatal(err)
	}
	return all
}

// journaled are the readings in the journal.
func (w *town) journaled() []stillwater.Reading {
	var all []stillwater.Reading
	for _, e := range w.entries() {
		if e.Reading != nil {
			all = append(all, *e.Reading)
		}
	}
	return all
}

// reply lets a text come in from a number.
func (w *town) reply(id string, from stillwater.Phone, text string) {
	w.t.Helper()
	err := w.pipeline.Reply(context.Background(), phones{w.registry}, stillwater.Reply{ID: id, From: from, Text: text, At: time.Now()})
	if err != nil {
		w.t.Fatal(err)
	}
}

// phones finds people in the registry as main does.
type phones struct{ *registry.Registry }

func (p phones) ByPhone(number stillwater.Phone) []stillwater.Contact {
	var contacts []stillwater.Contact
	for _, k := range p.Registry.ByPhone(number) {
		contacts = append(contacts, k.Contact)
	}
	return contacts
}

// deliver is a courier that hands every pending text over, with the state it reaches.
func (w *town) deliver(state stillwater.DeliveryState) {
	w.t.Helper()
	for _, m := range w.messages() {
		if m.State == stillwater.Pending {
			w.receipt(m.ID, state)
		}
	}
}

func (w *town) receipt(id stillwater.MessageID, state stillwater.DeliveryState) {
	w.t.Helper()
	err := w.pipeline.Receipt(context.Background(), stillwater.Receipt{Message: id, State: state, Attempts: 1, Provider: "p", ProviderID: "x-" + string(id)})
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *town) standing(id stillwater.HouseholdID) stillwater.Standing {
	w.t.Helper()
	all, err := w.pipeline.Standings(context.Background())
	if err != nil {
		w.t.Fatal(err)
	}
	for _, s := range all {
		if s.Household == id {
			return s
		}
	}
	w.t.Fatalf("no standing of %s", id)
	return stillwater.Standing{}
}

// reload takes the households as they are now.
func (w *town) reload(homes ...stillwater.Household) {
	w.t.Helper()
	w.registry.Set(homes)
	if err := w.pipeline.Reload(context.Background()); err != nil {
		w.t.Fatal(err)
	}
}
