package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus/promhttp"

	"stillwater"
	"stillwater/adapters/broker"
	"stillwater/adapters/bus"
	"stillwater/adapters/cjt188"
	"stillwater/adapters/influx"
	"stillwater/adapters/modbus"
	"stillwater/adapters/mqtt"
	"stillwater/adapters/sms"
	"stillwater/adapters/sqlite"
	"stillwater/gateway/calendar"
	"stillwater/gateway/clock"
	"stillwater/gateway/console"
	"stillwater/gateway/delivery"
	"stillwater/gateway/duty"
	"stillwater/gateway/health"
	"stillwater/gateway/pipeline"
	"stillwater/gateway/registry"
	"stillwater/gateway/words"
)

// setting is what a gateway is made from besides its configuration.
type setting struct {
	clock   *clock.Clock
	log     *slog.Logger
	texts   func(stillwater.Message)  // is shown each text that the phones channel takes
	untaken func(stillwater.Incident) // is shown an incident at each change while people were told and nobody has taken it on; may be nil
	stage   console.Stage             // lets the console stage scenarios; may be nil
	zone    *time.Location            // of the clock on pages; nil: the machine's
}

// gateway is all the parts, wired. Nothing runs yet.
type gateway struct {
	setting
	config    *Config
	store     *sqlite.DB
	registry  *registry.Registry
	roster    atomic.Pointer[duty.Roster]
	words     *words.Words
	health    *health.Tracker
	devices   *health.Devices
	metrics   *metrics
	pipeline  *pipeline.Pipeline
	courier   *delivery.Courier
	phones    *sms.Phones
	hooks     map[string]http.Handler // what providers call back, by their names; for the public server
	answering answering
	programs  programs
	history   *influx.History
	console   *console.Console
	broker    *broker.Broker // nil: none built in
	buses     []*bus.Bus
	tasks     []task
}

// wire makes the parts and hands each what it needs. This function and those it calls are the only ones that know the adapters.
func wire(ctx context.Context, c *Config, s setting) (_ *gateway, err error) {
	g := &gateway{setting: s, config: c, registry: registry.New(), health: health.New(s.log), devices: health.NewDevices(), metrics: newMetrics()}
	if g.words, err = words.New(); err != nil {
		return nil, err
	}
	if g.store, err = sqlite.Open(ctx, c.Store, s.log); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, g.store.Close())
		}
	}()
	if err = g.store.Lock(); err != nil {
		return nil, fmt.Errorf("store %q: %w", c.Store.Path, err)
	}
	if err = g.readRegistry(ctx); err != nil {
		return nil, err
	}
	if err = g.openLinks(ctx); err != nil {
		return nil, err
	}
	g.wirePipeline()
	if err = g.pipeline.Load(ctx); err != nil {
		return nil, err
	}
	if err = g.wireDelivery(); err != nil {
		return nil, err
	}
	if err = g.wirePublic(); err != nil {
		return nil, err
	}
	if err = g.wireAPI(); err != nil {
		return nil, err
	}
	if err = g.wireConsole(); err != nil {
		return nil, err
	}
	if err = g.wireHistory(); err != nil {
		return nil, err
	}
	g.wireSources()
	if err = g.wirePlatforms(); err != nil {
		return nil, err
	}
	g.add("pipeline", g.pipeline.Run)
	g.add("registry", g.watchRegistry)
	g.add("upkeep", g.upkeep)
	if c.Drills != nil {
		g.add("drills", g.holdDrills)
	}
	return g, nil
}

func (g *gateway) add(name string, run func(context.Context) error) {
	g.tasks = append(g.tasks, task{name, run})
}

// healthOf gives a part its way to say how it is.
func (g *gateway) healthOf(part string) func(error) {
	return func(err error) { g.health.Report(part, err) }
}

// feedHealth is the same for feeds, which say their name.
func (g *gateway) feedHealth(feed string, err error) { g.health.Report("feed "+feed, err) }

// readRegistry puts together the households of the configuration and the imported ones.
func (g *gateway) readRegistry(ctx context.Context) error {
	imported, err := g.store.Households(ctx)
	if err != nil {
		return err
	}
	households, conflicts := registry.Merge(g.config.people(), imported)
	for _, c := range conflicts {
		g.log.Warn("imported household contradicts", "household", c.Household, "conflict", c.Text)
	}
	g.config.rollOver(households)
	if households, err = g.attachDuty(ctx, households); err != nil {
		return err
	}
	if err = g.store.MarkOptedOut(ctx, households); err != nil {
		return err
	}
	g.registry.Set(households)
	return nil
}

// registryEvery is how often an import by another process is looked for.
const registryEvery = 2 * time.Second

// watchRegistry takes in what an import changed while the gateway runs, and consents that were withdrawn or began.
func (g *gateway) watchRegistry(ctx context.Context) error {
	last, err := g.store.RegistryVersion(ctx)
	if err != nil {
		return err
	}
	for minute := time.Now(); ; {
		if !wait(ctx, registryEvery) {
			return nil
		}
		version, err := g.store.RegistryVersion(ctx)
		if err != nil {
			g.health.Report("registry", err)
			continue
		}
		if version == last && time.Since(minute) < time.Minute {
			continue
		}
		if version != last {
			if err := g.readRegistry(ctx); err != nil {
				g.health.Report("registry", err)
				continue
			}
			g.log.Info("households changed", "households", len(g.registry.All()))
		}
		g.health.Report("registry", nil)
		last, minute = version, time.Now()
		if err := g.pipeline.Reload(ctx); err != nil {
			return ignoreDone(ctx, err)
		}
	}
}

// upkeep drops journal entries past their time.
func (g *gateway) upkeep(ctx context.Context) error {
	for wait(ctx, time.Hour) {
		_, err := g.store.Prune(ctx, g.clock.Now().Add(-g.config.Store.KeepJournal))
		g.health.Report("upkeep", ignoreDone(ctx, err))
	}
	return nil
}

// wait lets wall time go by; false: ctx is done.
func wait(ctx context.Context, d time.Duration) bool {
	select {
	case <-time.After(d):
		return true
	case <-ctx.Done():
		return false
	}
}

// ignoreDone makes the end of ctx no error.
func ignoreDone(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return nil
	}
	return err
}

func (g *gateway) wirePipeline() {
	g.pipeline = pipeline.New(pipeline.Options{
		Rules: g.config.on(), Calendar: g.config.days(), Ladders: g.config.Ladders, Registry: g.registry, Store: g.store, Outbox: g.store, Clock: g.clock, Log: g.log,
		Text: g.text, LifeText: g.lifeText, Spring: calendar.Spring(g.config.Calendar), Link: g.link, OptOut: g.store.OptOut, Heard: g.metrics.heard, Count: g.counted, Committed: g.committed, Health: g.healthOf("store"), OnDuty: g.onDuty,
		Channels: g.config.channels(), Vars: g.words.Vars, Daily: g.words.Daily, DrillText: g.words.Drill,
	})
}

// counted passes on what became of a reading. It must not block.
func (g *gateway) counted(r *stillwater.Reading, outcome string) {
	g.metrics.reading(outcome)
	g.devices.Took(r, outcome)
}

// committed passes on what a shard has committed. It must not block.
func (g *gateway) committed(b *stillwater.Batch) {
	for _, m := range b.Messages {
		if m.State == stillwater.Pending {
			g.courier.Wake()
		}
	}
	for _, i := range b.Incidents {
		if g.untaken != nil && i.State == stillwater.Opened && len(i.Told) > 0 {
			g.untaken(i)
		}
	}
	for _, f := range b.Findings {
		g.metrics.finding(f)
	}
	if g.programs.notifier != nil {
		g.programs.notifier.Committed(b)
	}
	if g.history != nil {
		g.history.Committed(b)
	}
}

// wireDelivery makes the providers, the ways they open, and the courier.
func (g *gateway) wireDelivery() error {
	g.courier = &delivery.Courier{
		Config: g.config.Delivery, Clock: g.clock, Outbox: g.store, Record: g.store, Sink: g, Mark: g.markRepeat, Health: g.health.Report, Log: g.log,
		Segments: smsSegments, Count: g.metrics.attempt,
	}
	g.hooks = map[string]http.Handler{}
	var closers []func()
	for _, p := range g.config.providers() {
		close, err := g.addProvider(p)
		if err != nil {
			return fmt.Errorf("provider %q: %w", p.Name, err)
		}
		closers = append(closers, close)
	}
	g.add("courier", func(ctx context.Context) error {
		for _, close := range closers {
			defer close() // idle connections have goroutines
		}
		return g.courier.Run(ctx)
	})
	return nil
}

// markRepeat writes the text of a message that may have been sent before.
func (g *gateway) markRepeat(m stillwater.Message) string {
	if m.Incident == "" {
		return g.words.Repeated(m)
	}
	i, ok, err := g.store.Incident(context.Background(), m.Incident)
	if err != nil || !ok {
		return m.Text
	}
	h, known := g.registry.Household(m.Household)
	if !known && i.Group != "" {
		h = g.pipeline.Together(i)
	}
	return g.text(m, i, h)
}

// lifeText is the text of a message about the life of a home.
func (g *gateway) lifeText(m stillwater.Message, e stillwater.LifeEvent, h stillwater.Household) string {
	return g.words.Life(g.ways(m), m, e, h)
}

// Receipt takes what became of a text to its incident; the courier calls it.
func (g *gateway) Receipt(ctx context.Context, r stillwater.Receipt) error {
	g.metrics.text(r.State)
	return g.pipeline.Receipt(ctx, r)
}

// Reply takes a text that came in to what it answers; the courier calls it.
func (g *gateway) Reply(ctx context.Context, r stillwater.Reply) error {
	return g.pipeline.Reply(ctx, directory{g.registry}, r)
}

// directory finds people by their phone.
type directory struct{ *registry.Registry }

// ByPhone gives the contacts with the number.
func (d directory) ByPhone(p stillwater.Phone) []stillwater.Contact {
	var contacts []stillwater.Contact
	for _, k := range d.Registry.ByPhone(p) {
		contacts = append(contacts, k.Contact)
	}
	return contacts
}

// wireSources makes the built-in broker and the feeds.
func (g *gateway) wireSources() {
	if g.config.Broker != nil {
		g.broker = broker.New(broker.Options{Config: *g.config.Broker, Log: g.log})
	}
	for _, c := range g.config.MQTT {
		source := mqtt.New(mqtt.Options{Config: c, Clock: g.clock, Health: g.feedHealth, Log: g.log, Reject: g.metrics.rejected})
		g.addSource("mqtt "+c.Name, source)
	}
	for _, c := range g.config.Modbus {
		g.addBus("modbus "+c.Name, modbus.New(modbus.Options{Config: c, Clock: g.clock, Health: g.feedHealth, Log: g.log}))
	}
	for _, c := range g.config.CJT188 {
		g.addBus("cjt188 "+c.Name, cjt188.New(cjt188.Options{Config: c, Clock: g.clock, Health: g.feedHealth, Log: g.log}))
	}
}

// source is a feed of readings.
type source interface {
	Run(ctx context.Context, emit func(ctx context.Context, readings []stillwater.Reading, done func()) error) error
}

// addBus adds a feed that tells how it fares.
func (g *gateway) addBus(name string, b *bus.Bus) {
	g.buses = append(g.buses, b)
	g.addSource(name, b)
}

func (g *gateway) addSource(name string, s source) {
	g.add(name, func(ctx context.Context) error { return ignoreDone(ctx, s.Run(ctx, g.pipeline.Emit)) })
}

// run works until ctx is done, the more tasks beside the gateway's own. The broker is there before and after all that use it.
func (g *gateway) run(ctx context.Context, more ...task) error {
	tasks := append(g.tasks, more...)
	if g.broker == nil {
		return together(ctx, tasks...)
	}
	return upon(ctx, task{"broker", g.broker.Run}, g.broker.Ready(), tasks...)
}

// close lets go of the store, after every task has ended.
func (g *gateway) close() error { return g.store.Close() }

// wireConsole makes the pages.
func (g *gateway) wireConsole() error {
	view := &view{g}
	if err := g.metrics.registry.Register(newGear(view)); err != nil {
		return err
	}
	o := console.Options{
		Config: g.config.Console, Words: g.words, Clock: g.clock, Log: g.log,
		Standings: view, Households: g.registry, Incidents: view, Readings: view, Acts: view, Absences: view, Cuts: view, Lives: view.pipeline, Health: view, Turns: view, Devices: view,
		Metrics: promhttp.HandlerFor(g.metrics.registry, promhttp.HandlerOpts{}), Refused: refused,
		Stage: g.stage, Demo: g.stage != nil, Zone: g.zone,
	}
	if g.phones != nil {
		o.Phones = phonesView{g}
	}
	if g.programs.api != nil {
		o.API = g.programs.api
	}
	var err error
	g.console, err = console.New(o)
	if err != nil {
		return err
	}
	g.add("console", g.console.Run)
	return nil
}
