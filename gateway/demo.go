package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"stillwater"
	"stillwater/adapters/broker"
	"stillwater/adapters/modbus"
	"stillwater/adapters/mqtt"
	"stillwater/adapters/sqlite"
	"stillwater/gateway/clock"
	"stillwater/gateway/console"
	"stillwater/simulator/devices"
	"stillwater/simulator/world"
)

// What the demo is, unless flags say otherwise.
const (
	demoHomes   = 12
	demoSeed    = 7
	demoSpeed   = 3600.0           // an hour in a second
	followSpeed = 60.0             // a minute in a second, while people have something to do
	followFor   = 45 * time.Second // wall time after which it runs fast again
	demoHistory = 28 * 24 * time.Hour
	demoReport  = 15 * time.Minute             // how often pulse meters report
	demoPoll    = 5 * time.Minute              // how often Modbus meters are read: close enough to see that a tap does not stop
	demoStart   = 8*time.Hour + 20*time.Minute // local time of the day at which the demo begins …
	demoFall    = 20 * time.Minute             // … and how much later the staged fall is
)

// demoOptions are the flags of the demo.
type demoOptions struct {
	listen string
	homes  int
	seed   uint64
	speed  float64
	quiet  bool
}

func demoCommand() *cobra.Command {
	o := demoOptions{}
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "Everything in one process, with simulated homes and phones",
		Long: `Runs the gateway beside a small simulated city: meters on real Modbus TCP, door contacts on real MQTT, the built-in
broker, a database in a temporary folder, and phones that show on a page. Homes have four weeks of history, so that what is
usual is known. Soon after the start one resident falls in her bathroom: watch her home go still, the family being
asked, and the alert climb. Each text is also a line on standard output.

Time runs fast and slows down when there is something for people to do; the console shows and changes the speed.
Ctrl-C ends it and leaves nothing behind.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return runDemo(cmd.Context(), o, cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	cmd.Flags().StringVar(&o.listen, "listen", "127.0.0.1:8080", "address of the console")
	cmd.Flags().IntVar(&o.homes, "homes", demoHomes, "how many homes")
	cmd.Flags().Uint64Var(&o.seed, "seed", demoSeed, "another number, another city")
	cmd.Flags().Float64Var(&o.speed, "speed", demoSpeed, "seconds of event time in one second")
	cmd.Flags().BoolVar(&o.quiet, "quiet", false, "only the texts, no log of what the parts do")
	return cmd
}

// runDemo is the command demo.
func runDemo(ctx context.Context, o demoOptions, stdout, stderr io.Writer) (err error) {
	if o.homes < 1 || o.homes > 200 {
		return fmt.Errorf("--homes %d is out of range; write a number from 1 to 200", o.homes)
	}
	if !(o.speed >= 1 && o.speed <= 36000) {
		return fmt.Errorf("--speed %v is out of range; write a number from 1 to 36000", o.speed)
	}
	folder, err := os.MkdirTemp("", "stillwater-demo-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(folder)) }()
	log := slog.New(slog.NewTextHandler(stderr, &slog.HandlerOptions{Level: slog.LevelError}))
	if o.quiet {
		log = slog.New(slog.DiscardHandler)
	}
	d, err := newDemo(o, folder, log)
	if err != nil {
		return err
	}
	d.stdout, d.stderr = stdout, stderr
	fmt.Fprintf(stderr, "stillwater demo: %d homes, four weeks of history …\n", o.homes)
	if err := d.enrol(ctx); err != nil {
		return ignoreDone(ctx, err)
	}
	g, err := wire(ctx, d.config, setting{clock: d.clock, log: log, texts: d.text, untaken: d.follow, stage: d, zone: d.world.Location()})
	if err != nil {
		return ignoreDone(ctx, err)
	}
	defer func() { err = errors.Join(err, g.close()) }()
	if err := g.pipeline.Teach(ctx, d.history(ctx)); err != nil {
		return ignoreDone(ctx, err)
	}
	d.gateway = g
	if err := d.stageFall(); err != nil {
		return err
	}
	return g.run(ctx, task{"devices", d.runDevices}, task{"pace", d.pace}, task{"greeting", d.greet})
}

// demo is the simulated city and the pace of its time.
type demo struct {
	demoOptions
	config  *Config
	world   *world.World
	clock   *clock.Clock
	begin   time.Time // event time at which the demo begins
	gateway *gateway
	stdout  io.Writer
	stderr  io.Writer
	log     *slog.Logger
	slow    chan struct{} // an incident opened
}

// newDemo makes the city and the configuration that fits it.
func newDemo(o demoOptions, folder string, log *slog.Logger) (*demo, error) {
	zone, err := time.LoadLocation("Asia/Shanghai")
	if err != nil {
		return nil, fmt.Errorf("time zones: %w", err)
	}
	year, month, day := time.Now().In(zone).Date()
	begin := time.Date(year, month, day, 0, 0, 0, 0, zone).Add(demoStart)
	city, err := world.New(world.Options{Homes: o.homes, Seed: o.seed, Start: begin.Add(-demoHistory).Add(-24 * time.Hour), TimeZone: zone.String(), MeterEvery: demoReport})
	if err != nil {
		return nil, err
	}
	d := &demo{
		demoOptions: o, world: city, begin: begin.UTC(), log: log, slow: make(chan struct{}, 1),
		clock: clock.NewFast(begin, 1),
	}
	d.config, err = d.configure(folder)
	return d, err
}

// configure writes the configuration of the demo: what a user would write in a file for these homes.
func (d *demo) configure(folder string) (*Config, error) {
	ports, err := freePorts(2)
	if err != nil {
		return nil, err
	}
	c := defaults()
	c.Store.Path = filepath.Join(folder, "stillwater.db")
	c.Console.Listen = d.listen
	c.SMS.Phones = true
	c.Delivery.Poll = time.Second
	b := broker.Defaults()
	b.Listen, b.Folder = fmt.Sprintf("127.0.0.1:%d", ports[0]), filepath.Join(folder, "broker")
	c.Broker = &b
	bus := modbus.Defaults()
	bus.Name, bus.Address, bus.Every = "sim-modbus", fmt.Sprintf("127.0.0.1:%d", ports[1]), demoPoll
	c.MQTT = []mqtt.Config{demoMQTT(b.Listen)}
	for _, h := range d.world.Households() {
		for _, dev := range h.Devices {
			var unit int
			if n, _ := fmt.Sscanf(dev.Source, "sim-modbus/%d", &unit); n == 1 {
				bus.Units = append(bus.Units, modbus.Unit{Unit: unit})
			}
		}
	}
	c.Modbus = []modbus.Config{bus}
	return c, nil
}

// demoMQTT reads what the simulated sensors send.
func demoMQTT(listen string) mqtt.Config {
	c := mqtt.Defaults()
	c.Name, c.URL, c.ClientID = world.MQTTFeed, "tcp://"+listen, "stillwater-demo"
	battery := []mqtt.Value{{Quantity: stillwater.Battery, Value: "battery"}}
	c.Topics = []mqtt.Topic{
		{Filter: "stillwater/+/door", Quantity: stillwater.Door, Value: "contact", Open: "false", Time: "ts", Also: battery},
		{Filter: "stillwater/+/meter", Quantity: stillwater.WaterTotal, Value: "litres", Scale: 1, Time: "ts"},
		{Filter: "stillwater/+/availability", Device: "stillwater/{1}/door", Quantity: stillwater.Alive, Gone: "offline"},
	}
	return c
}

// freePorts finds ports of this machine that nobody listens on now.
func freePorts(n int) ([]int, error) {
	var ports []int
	for range n {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return nil, err
		}
		defer l.Close() //nolint:errcheck // only its number was wanted
		ports = append(ports, l.Addr().(*net.TCPAddr).Port)
	}
	return ports, nil
}

// enrol puts the simulated households into the store, as an import would.
func (d *demo) enrol(ctx context.Context) error {
	db, err := sqlite.Open(ctx, d.config.Store, d.log)
	if err != nil {
		return err
	}
	return errors.Join(db.PutHouseholds(ctx, d.world.Households()), db.Close())
}

// history is what the homes did before the demo. It ends early when ctx is done: nobody waits for four weeks to be read after Ctrl-C.
func (d *demo) history(ctx context.Context) iter.Seq[stillwater.Reading] {
	return func(yield func(stillwater.Reading) bool) {
		for r := range d.world.Readings(d.begin.Add(-demoHistory), d.begin) {
			if ctx.Err() != nil || !yield(r) {
				return
			}
		}
	}
}

// stageFall plans the fall that the demo shows.
func (d *demo) stageFall() error {
	return d.stageAt("fall-in-bathroom", "", d.begin.Add(demoFall))
}

func (d *demo) stageAt(name string, id stillwater.HouseholdID, at time.Time) error {
	s, err := world.FindScenario(name)
	if err != nil {
		return err
	}
	_, err = d.world.Stage(s, id, at)
	return err
}

// Scenarios are what the console can stage.
func (d *demo) Scenarios() []console.Scenario {
	all, err := world.Scenarios()
	if err != nil {
		return nil
	}
	var list []console.Scenario
	for _, s := range all {
		list = append(list, console.Scenario{Name: s.Name, Titles: map[string]string{"zh-CN": s.Title.Zh, "en": s.Title.En}})
	}
	return list
}

// Stage lets a scenario begin in a home now.
func (d *demo) Stage(_ context.Context, name string, id stillwater.HouseholdID) error {
	return d.stageAt(name, id, d.clock.Now())
}

// runDevices puts the city on the wire.
func (d *demo) runDevices(ctx context.Context) error {
	return devices.Run(ctx, devices.Options{
		World: d.world, Clock: d.clock, From: d.begin, ModbusListen: d.config.Modbus[0].Address,
		BrokerURL: d.config.MQTT[0].URL, Log: d.log,
	})
}

// text shows a text as it goes to a phone.
func (d *demo) text(m stillwater.Message) { printText(d.stdout, m) }

// follow slows the time down while somebody is to be sent and nobody has taken it on.
func (d *demo) follow(i stillwater.Incident) {
	if !i.Severity.Above(stillwater.Question) || !i.IsOpen() {
		return
	}
	select {
	case d.slow <- struct{}{}:
	default:
	}
}

// pace runs the time fast, and slowly for a while when there is something for people to do. A speed that somebody chose on
// the console stays until the next incident.
func (d *demo) pace(ctx context.Context) error {
	select {
	case <-d.gateway.console.Ready():
	case <-ctx.Done():
		return nil
	}
	for end := time.Now().Add(feedsWithin); !d.allHeard() && time.Now().Before(end); {
		if !wait(ctx, 50*time.Millisecond) {
			return nil
		}
	}
	d.clock.SetSpeed(d.speed)
	var fast <-chan time.Time
	for {
		select {
		case <-d.slow:
			if d.clock.Speed() > followSpeed {
				d.clock.SetSpeed(followSpeed)
				fast = time.After(followFor)
			}
		case <-fast:
			if fast = nil; d.clock.Speed() == followSpeed {
				d.clock.SetSpeed(d.speed)
			}
		case <-ctx.Done():
			return nil
		}
	}
}

// feedsWithin bounds how long the demo waits for its feeds before time runs fast.
const feedsWithin = 10 * time.Second

// allHeard says whether every feed has been heard of: until then an hour in a second would be an hour in which nobody listened.
func (d *demo) allHeard() bool {
	return d.gateway.health.Well("feed "+world.MQTTFeed) && d.gateway.health.Well("feed "+world.ModbusFeed)
}

// greet says where to look once there is something to see.
func (d *demo) greet(ctx context.Context) error {
	select {
	case <-d.gateway.console.Ready():
		fmt.Fprintf(d.stderr, "console http://%s   phones http://%s/phones   (Ctrl-C ends it)\n", d.gateway.console.Addr(), d.gateway.console.Addr())
	case <-ctx.Done():
	}
	<-ctx.Done()
	return nil
}
