package main

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	paho "github.com/eclipse/paho.mqtt.golang"

	"stillwater"
	"stillwater/adapters/broker"
	"stillwater/adapters/modbus"
	"stillwater/adapters/mqtt"
	"stillwater/adapters/sms"
	"stillwater/adapters/sqlite"
	"stillwater/adapters/templatesms"
	"stillwater/gateway/clock"
	"stillwater/gateway/config"
	"stillwater/gateway/delivery"
	"stillwater/gateway/pipeline"
	"stillwater/rules"
	"stillwater/simulator/devices"
	"stillwater/simulator/provider"
	"stillwater/simulator/world"
)

const (
	killSpeed   = 1200.0 // event seconds in one
	killDefault = 20     // kills where STILLWATER_KILLS does not say; make test wants 200
)

// rig is a gateway process with everything real around it, in the test's own process: a broker, meters, sensors and a provider
// that records what it accepts.
type rig struct {
	t        *testing.T
	folder   string
	clock    *clock.Clock
	begin    time.Time
	world    *world.World
	provider *provider.Server // can be asked what it has; of family
	city     *provider.Server // cannot; of the grid's staff
	config   *Config
	path     string
	process  *os.Process // the last one started
}

// TestKillAtAnyMoment kills the gateway again and again at random moments, and then holds it to laws 2, 3 and 4: every reading
// that a broker was told is taken is in the journal, once; the silence clocks and findings are those of a gateway that was never
// killed; every incident was told; and nobody was told twice by a provider that can be asked, nor without being told so by one that cannot. All
// the while both fail in every way that providers do.
func TestKillAtAnyMoment(t *testing.T) {
	kills := killDefault
	if n, err := strconv.Atoi(os.Getenv("STILLWATER_KILLS")); err == nil {
		kills = n
	} else {
		t.Logf("%d kills; make test does 200 (STILLWATER_KILLS)", kills)
	}
	if testing.Short() {
		t.Skip("left out: takes minutes (without -short it runs)")
	}
	r := newRig(t)
	ctx, stop := context.WithCancel(t.Context())
	city := make(chan error, 1)
	go func() {
		city <- devices.Run(ctx, devices.Options{World: r.world, Clock: r.clock, From: r.begin, ModbusListen: r.config.Modbus[0].Address, BrokerURL: r.config.MQTT[0].URL})
	}()
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 0))
	for i := range kills {
		if i%5 == 3 {
			r.trouble(rng)
		}
		p := r.start()
		if i%4 != 0 { // most get to work; the rest may die while they start
			r.listening()
		}
		wait(t.Context(), time.Duration(rng.IntN(800))*time.Millisecond)
		if err := p.Process.Signal(syscall.SIGKILL); err != nil {
			t.Fatalf("kill %d: %v: the gateway had ended by itself: %v\n%s", i, err, p.Wait(), r.log())
		}
		if err := p.Wait(); !killed(err) {
			t.Fatalf("kill %d: the gateway ended by itself: %v\n%s", i, err, r.log())
		}
	}
	last := r.clock.Now().Add(-30 * time.Minute) // what is newer may not be on its way yet
	r.provider.Mend()
	r.city.Mend()
	p := r.start()
	r.listening()
	r.settle(last)
	stop()
	if err := <-city; err != nil {
		t.Errorf("devices: %v", err)
	}
	r.end(p)
	r.examine(last, kills)
}

// troubles are how providers fail, each a few times.
var troubles = []provider.Fault{
	{DropAnswer: true}, // the text went out, and the gateway does not know
	{HangAfter: true},  // nor here
	{HangBefore: true}, // it did not, and the gateway does not know
	{Status: http.StatusTooManyRequests},
	{Status: http.StatusInternalServerError},
	{Status: http.StatusServiceUnavailable},
	{DropAnswer: true, BreakReads: true}, // nor can it be asked for a while
}

// trouble lets both providers fail in some way for a text or two.
func (r *rig) trouble(rng *rand.Rand) {
	for _, p := range []*provider.Server{r.provider, r.city} {
		f := troubles[rng.IntN(len(troubles))]
		f.Times = 1 + rng.IntN(2)
		p.Break("", f)
	}
}

// killed says whether a process ended by our signal.
func killed(err error) bool {
	var exit *exec.ExitError
	if !errors.As(err, &exit) {
		return false
	}
	status, ok := exit.Sys().(syscall.WaitStatus)
	return ok && status.Signaled() && status.Signal() == syscall.SIGKILL
}

// newRig starts everything but the gateway.
func newRig(t *testing.T) *rig {
	r := &rig{t: t, folder: t.TempDir()}
	wall := time.Now()
	r.begin = wall.Add(-14 * 24 * time.Hour).UTC().Truncate(time.Hour) // behind the wall clock, so that answers are not of the future
	r.clock = clock.Anchored(wall, r.begin, killSpeed)
	var err error
	r.world, err = world.New(world.Options{Homes: 8, Seed: 3, Start: r.begin.Add(-48 * time.Hour), MeterEvery: 15 * time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	b := broker.New(broker.Options{Config: broker.Config{Listen: "127.0.0.1:0", Folder: filepath.Join(r.folder, "broker")}})
	r.background(func(ctx context.Context) error { return b.Run(ctx) })
	<-b.Ready()
	r.provider = provider.New(provider.Options{SentAfter: 100 * time.Millisecond, DeliverAfter: 300 * time.Millisecond, AutoReply: answer})
	r.city = provider.New(provider.Options{})
	r.configure(b.Addr(), r.serve(r.provider), r.serve(r.city))
	r.subscribeFirst()
	return r
}

// serve runs a provider, and gives its address.
func (r *rig) serve(p *provider.Server) string {
	address := make(chan string, 1)
	r.background(func(ctx context.Context) error {
		return p.Run(ctx, "127.0.0.1:0", func(a string) { address <- a })
	})
	return <-address
}

// background runs something for as long as the test.
func (r *rig) background(run func(context.Context) error) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- run(ctx) }()
	r.t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			r.t.Errorf("background: %v", err)
		}
	})
}

var codeOf = regexp.MustCompile(`(?:\[|编号)([0-9A-Z]+)`)

// answer is what the simulated people do: some take it on, some close it, some do nothing.
func answer(text provider.Text) (string, time.Duration) {
	m := codeOf.FindStringSubmatch(text.Body)
	if m == nil {
		return "", 0
	}
	switch m[1][len(m[1])-1] % 4 {
	case 0:
		return "1 " + m[1], 500 * time.Millisecond
	case 1, 2:
		return "2 " + m[1], 1500 * time.Millisecond
	}
	return "", 0
}

// configure writes the gateway's configuration, and its households into its store.
func (r *rig) configure(brokerAddress, providerAddress, cityAddress string) {
	ports, err := freePorts(2)
	if err != nil {
		r.t.Fatal(err)
	}
	c := defaults()
	c.Store.Path = filepath.Join(r.folder, "stillwater.db")
	c.Console.Listen = fmt.Sprintf("127.0.0.1:%d", ports[0])
	source := demoMQTT(brokerAddress)
	source.ClientID = "kill-test"
	c.MQTT = []mqtt.Config{source}
	bus := modbus.Defaults()
	bus.Name, bus.Address, bus.Every = world.ModbusFeed, fmt.Sprintf("127.0.0.1:%d", ports[1]), 15*time.Minute
	for _, h := range r.world.Households() {
		for _, d := range h.Devices {
			if unit, ok := strings.CutPrefix(d.Source, world.ModbusFeed+"/"); ok {
				n, _ := strconv.Atoi(unit)
				bus.Units = append(bus.Units, modbus.Unit{Unit: n})
			}
		}
	}
	c.Modbus = []modbus.Config{bus}
	twilio := sms.Defaults()
	twilio.Account, twilio.Token = provider.DefaultAccount, stillwater.Secret{Env: "STILLWATER_TEST_TOKEN"}
	twilio.From, twilio.BaseURL = string(provider.DefaultNumber), "http://"+providerAddress
	c.Providers = []ProviderConfig{
		{Name: "twilio", Twilio: &twilio, Countries: []string{familyCountry}},
		{Name: "city", TemplateSMS: unasked(cityAddress), Countries: []string{"86"}, Limits: delivery.Limits{NumberDay: 1_000_000}},
	}
	c.Delivery.Courtesy = 1000 // an hour of people is three seconds here
	c.Delivery.Timeout, c.Delivery.Settle, c.Delivery.MinBackoff = 1500*time.Millisecond, 2*time.Second, 200*time.Millisecond
	c.Delivery.Poll, c.Delivery.Look = time.Second, time.Second
	c.Rules = []rules.Rule{ // short, so that much happens
		{Name: "silence-2h", Severity: stillwater.Question, After: 2 * time.Hour},
		{Name: "silence-3h", Severity: stillwater.Alert, After: 3 * time.Hour},
		{Name: "away-2h", Severity: stillwater.Alert, After: 2 * time.Hour},
		{Name: "surge-hour", Severity: stillwater.Alert, Over: 60, Within: time.Hour},
		{Name: "device-silent", Severity: stillwater.Notice},
	}
	for i := range c.Ladders.Alert {
		c.Ladders.Alert[i].Wait = 30 * time.Minute
	}
	c.Ladders.Repeat = 2 * time.Hour
	wall, event, speed := r.clock.Anchor()
	c.Exercise = &ExerciseConfig{Speed: speed, Wall: wall, Event: event}
	text, err := config.Sample(c)
	if err != nil {
		r.t.Fatal(err)
	}
	r.config, r.path = c, filepath.Join(r.folder, "stillwater.yaml")
	if err := os.WriteFile(r.path, text, 0o600); err != nil {
		r.t.Fatal(err)
	}
	db := r.open()
	defer db.Close()
	if err := db.PutHouseholds(r.t.Context(), r.households()); err != nil {
		r.t.Fatal(err)
	}
}

// familyCountry is where the numbers of families are, so that texts to them and to the grid's staff go by providers of their own.
const familyCountry = "852"

// households are those of the world, whose families have other numbers.
func (r *rig) households() []stillwater.Household {
	list := slices.Clone(r.world.Households())
	for i := range list {
		list[i].Contacts = slices.Clone(list[i].Contacts)
		for j := range list[i].Contacts {
			if c := &list[i].Contacts[j]; !c.Role.Staff() {
				c.Phone = stillwater.Phone("+" + familyCountry + "6" + string(c.Phone[len(c.Phone)-7:]))
			}
		}
	}
	return list
}

// unasked describes the simulated provider as one that cannot be asked what it has.
func unasked(address string) *templatesms.Config {
	c := templatesms.Defaults()
	c.Provider, c.Sign, c.Secret = "generic", "安居水哨", stillwater.Secret{Env: "STILLWATER_TEST_TOKEN"}
	c.Templates = []templatesms.Template{{ID: "any", Text: "${name}的提醒，编号${code}，请处理"}}
	c.Generic = &templatesms.Generic{
		Send: templatesms.Request{
			URL:      "http://" + address + "/2010-04-01/Accounts/" + provider.DefaultAccount + "/Messages.json",
			Encoding: "form", Fields: map[string]string{"To": "+86{phone}", "From": string(provider.DefaultNumber), "Body": "{text}"},
			Headers: map[string]string{"Authorization": "Basic " + base64.StdEncoding.EncodeToString([]byte(provider.DefaultAccount+":"+provider.DefaultToken))},
		},
		Success: templatesms.Success{Field: "status", Is: []string{"queued"}, ID: "sid"},
	}
	return &c
}

// subscribeFirst makes the gateway's session at the broker before anything is published: what comes before a session exists is
// nobody's.
func (r *rig) subscribeFirst() {
	c := paho.NewClient(paho.NewClientOptions().AddBroker(r.config.MQTT[0].URL).SetClientID(r.config.MQTT[0].ClientID).SetCleanSession(false))
	filters := map[string]byte{}
	for _, topic := range r.config.MQTT[0].Topics {
		filters[topic.Filter] = 1
	}
	for _, token := range []func() paho.Token{c.Connect, func() paho.Token { return c.SubscribeMultiple(filters, nil) }} {
		if tk := token(); !tk.WaitTimeout(5*time.Second) || tk.Error() != nil {
			r.t.Fatalf("session at the broker: %v", tk.Error())
		}
	}
	c.Disconnect(100)
}

// start starts the gateway process.
func (r *rig) start() *exec.Cmd {
	out, err := os.Create(filepath.Join(r.folder, "gateway.log"))
	if err != nil {
		r.t.Fatal(err)
	}
	defer out.Close()
	p := exec.Command(os.Args[0], "run", "--config", r.path)
	p.Env = append(os.Environ(), "STILLWATER_TEST_MAIN=1", "STILLWATER_TEST_TOKEN="+provider.DefaultToken)
	p.Stdout, p.Stderr = out, out
	if err := p.Start(); err != nil {
		r.t.Fatal(err)
	}
	r.process = p.Process
	r.t.Cleanup(func() { p.Process.Kill() }) // also where the test gives up
	return p
}

// listening waits until the gateway's console listens: then it runs.
func (r *rig) listening() {
	for end := time.Now().Add(30 * time.Second); ; wait(r.t.Context(), 10*time.Millisecond) {
		if c, err := net.Dial("tcp", r.config.Console.Listen); err == nil {
			c.Close()
			return
		}
		if time.Now().After(end) {
			r.process.Signal(syscall.SIGQUIT) // it says where it stands
			wait(r.t.Context(), time.Second)
			r.t.Fatalf("the gateway does not listen\n%s", r.log())
		}
	}
}

// log is the end of what the gateway said.
func (r *rig) log() string {
	data, _ := os.ReadFile(filepath.Join(r.folder, "gateway.log"))
	return string(data[max(0, len(data)-20000):])
}

// end asks the gateway to stop, which it must do within 5 seconds.
func (r *rig) end(p *exec.Cmd) {
	began := time.Now()
	if err := p.Process.Signal(os.Interrupt); err != nil {
		r.t.Fatal(err)
	}
	if err := p.Wait(); err != nil {
		r.t.Errorf("end: %v\n%s", err, r.log())
	}
	if took := time.Since(began); took > 5*time.Second {
		r.t.Errorf("the end took %v", took)
	}
}

func (r *rig) open() *sqlite.DB {
	db, err := sqlite.Open(r.t.Context(), r.config.Store, slog.New(slog.DiscardHandler))
	if err != nil {
		r.t.Fatal(err)
	}
	return db
}

// settle waits until the gateway has caught up: everything published is in the journal, and every message has left.
func (r *rig) settle(last time.Time) {
	db := r.open()
	defer db.Close()
	var missing, under string
	for end := time.Now().Add(time.Minute); time.Now().Before(end); {
		missing, under = r.missing(db, last), r.underWay(db, last)
		if missing == "" && under == "" {
			return
		}
		wait(r.t.Context(), 200*time.Millisecond)
	}
	r.t.Fatalf("a minute after the last kill: missing %q, under way %q\n%s\n%s", missing, under, r.around(db, missing), r.log())
}

// key names a reading as the world and the journal both know it.
func key(home stillwater.HouseholdID, device stillwater.DeviceID, q stillwater.Quantity, at time.Time) string {
	return fmt.Sprintf("%s/%s/%s/%d", home, device, q, at.UnixMicro())
}

// journal counts every reading in the journal, and gives all entries.
func (r *rig) journal(db *sqlite.DB) (map[string]int, []stillwater.Entry) {
	seen := map[string]int{}
	var all []stillwater.Entry
	err := db.Entries(r.t.Context(), 0, func(e stillwater.Entry) error {
		if e.Reading != nil {
			seen[key(e.Reading.Household, e.Reading.Device, e.Reading.Quantity, e.Reading.At)]++
		}
		all = append(all, e)
		return nil
	})
	if err != nil {
		r.t.Fatal(err)
	}
	return seen, all
}

// missing is a report of an MQTT device up to last that the journal lacks.
func (r *rig) missing(db *sqlite.DB, last time.Time) string {
	seen, _ := r.journal(db)
	for _, h := range r.world.Households() {
		for _, report := range r.world.Reports(h.ID, r.begin, last) {
			if !strings.HasPrefix(report.Device.Source, world.MQTTFeed) {
				continue
			}
			q := report.Quantity
			if q == stillwater.Alive { // a contact's heartbeat repeats its state
				q = stillwater.Door
			}
			if k := key(h.ID, report.Device.ID, q, report.At); seen[k] == 0 {
				return k
			}
		}
	}
	return ""
}

// around shows what the journal has of the device of a missing report.
func (r *rig) around(db *sqlite.DB, missing string) string {
	var b strings.Builder
	_, entries := r.journal(db)
	for _, e := range entries {
		if e.Reading != nil && strings.HasPrefix(missing, fmt.Sprintf("%s/%s/", e.Reading.Household, e.Reading.Device)) {
			fmt.Fprintln(&b, e.Seq, e.Reading.Quantity, e.Reading.Value, e.Reading.At, e.Reading.Received)
		}
		if !e.Resumed.IsZero() && e.Shard == 0 {
			fmt.Fprintln(&b, e.Seq, "resumed", e.Resumed)
		}
	}
	return b.String()
}

// underWay is a message of before last that is neither with the provider nor given up.
func (r *rig) underWay(db *sqlite.DB, last time.Time) string {
	messages, err := db.Outbox(r.t.Context())
	if err != nil {
		r.t.Fatal(err)
	}
	for _, m := range messages {
		if m.State != stillwater.Accepted && m.Created.Before(last) {
			return string(m.ID) + " " + string(m.State)
		}
	}
	return ""
}

// examine holds the laws against what is stored and what the provider has.
func (r *rig) examine(last time.Time, kills int) {
	db := r.open()
	defer db.Close()
	seen, entries := r.journal(db)
	for k, n := range seen {
		if n > 1 {
			r.t.Errorf("%s stands %d times in the journal", k, n)
		}
	}
	findings := r.replay(db, entries)
	messages := r.messages(db)
	incidents := r.incidents(db, findings, messages, last)
	texts := r.sentOnce(messages)
	r.t.Logf("%d journal entries, %d findings, %d incidents, %d messages, %d texts sent", len(entries), len(findings), incidents, len(messages), texts)
	if kills >= 150 && (incidents < 5 || texts < 10) {
		r.t.Errorf("too little happened for this to mean anything")
	}
}

// replay steps fresh engines through the whole journal and compares their memory and findings with what is stored.
func (r *rig) replay(db *sqlite.DB, entries []stillwater.Entry) []stillwater.Finding {
	var engines [pipeline.Shards]*rules.Engine
	for i := range engines {
		engines[i] = rules.New(r.config.on())
	}
	for _, h := range r.world.Households() {
		engines[pipeline.ShardOf(h.ID)].Put(rules.Home{ID: h.ID, Location: h.Location(), Devices: h.Devices, Residents: h.Residents, Groups: pipeline.GroupsOf(h)})
	}
	want := map[string]string{}
	for _, e := range entries {
		shard := e.Shard
		switch {
		case e.Reading != nil:
			shard = pipeline.ShardOf(e.Reading.Household)
		case e.Rearm != "":
			shard = pipeline.ShardOf(e.Rearm)
		case e.Away != nil:
			shard = pipeline.ShardOf(e.Away.Household)
		}
		found, _ := engines[shard].Step(&e)
		for _, f := range found {
			data, _ := json.Marshal(f)
			want[string(f.Household)+f.Key()+f.Began.String()] = string(data)
		}
	}
	r.compareStates(db, engines[:])
	stored, err := db.Findings(r.t.Context(), sqlite.FindingQuery{Limit: 1_000_000})
	if err != nil {
		r.t.Fatal(err)
	}
	for _, f := range stored {
		data, _ := json.Marshal(f)
		k := string(f.Household) + f.Key() + f.Began.String()
		if want[k] != string(data) {
			r.t.Errorf("stored finding\n%s\nthe journal gives\n%s", data, want[k])
		}
		delete(want, k)
	}
	for _, lost := range want {
		r.t.Errorf("finding lost: %s", lost)
	}
	return stored
}

// compareStates compares the silence clocks, and everything else engines remember.
func (r *rig) compareStates(db *sqlite.DB, engines []*rules.Engine) {
	stored := map[stillwater.HouseholdID][]byte{}
	if err := db.States(r.t.Context(), func(s stillwater.State) error { stored[s.Household] = s.Data; return nil }); err != nil {
		r.t.Fatal(err)
	}
	for _, e := range engines {
		err := e.Changed(func(stillwater.HouseholdID) bool { return true }, func(id stillwater.HouseholdID, data []byte) {
			if !bytes.Equal(stored[id], data) {
				r.t.Errorf("memory of %s:\n%s\nthe journal gives\n%s", id, stored[id], data)
			}
		})
		if err != nil {
			r.t.Fatal(err)
		}
	}
}

func (r *rig) messages(db *sqlite.DB) []stillwater.Message {
	messages, err := db.Messages(r.t.Context(), sqlite.MessageQuery{Limit: 1_000_000})
	if err != nil {
		r.t.Fatal(err)
	}
	return messages
}

// incidents checks that every finding that is people's business has its incident, and that each was told.
func (r *rig) incidents(db *sqlite.DB, findings []stillwater.Finding, messages []stillwater.Message, last time.Time) int {
	incidents, err := db.Incidents(r.t.Context(), sqlite.IncidentQuery{Limit: 1_000_000})
	if err != nil {
		r.t.Fatal(err)
	}
	for _, i := range incidents {
		if i.Opened.Before(last) && len(i.Told) == 0 {
			r.t.Errorf("incident %s was told to nobody: %+v", i.ID, i.Log)
		}
	}
	for _, f := range findings {
		dealt := slices.ContainsFunc(incidents, func(i stillwater.Incident) bool {
			lasted := !i.Opened.After(f.Began) && (i.IsOpen() || !i.Closed.Before(f.Began))
			return i.Household == f.Household && i.Kind == f.Kind && (lasted || tookUp(i, f))
		})
		if f.Severity != stillwater.Notice && !dealt {
			var of []stillwater.Incident
			for _, i := range incidents {
				if i.Household == f.Household {
					of = append(of, i)
				}
			}
			r.t.Errorf("finding without an incident: %+v; those of the home: %+v", f, of)
		}
	}
	return len(incidents)
}

// tookUp says whether the incident was opened by the finding or has taken it up: after a tick that was late, as after a restart, that is later than
// what the finding began with, which is the latest that rules had heard of.
func tookUp(i stillwater.Incident, f stillwater.Finding) bool {
	return slices.ContainsFunc(i.Log, func(e stillwater.Event) bool {
		return (e.What == "opened" || e.What == "joined") && strings.HasPrefix(e.Note, f.Rule+" ") && !e.At.Before(f.Began) && (f.Ended.IsZero() || !e.At.After(f.Ended))
	})
}

// sentOnce checks every text at the providers against the messages: each known, none missing, and each once where the provider can be asked;
// where it cannot, each but the first says that it is a repeat.
func (r *rig) sentOnce(messages []stillwater.Message) int {
	byCode, repeats := map[string]int{}, 0
	for _, text := range append(r.provider.Sent(), r.city.Sent()...) {
		m := codeOf.FindStringSubmatch(text.Body)
		if m == nil {
			r.t.Errorf("text without a code: %s", text.Body)
			continue
		}
		k := string(text.To) + " " + m[1]
		if byCode[k]++; byCode[k] > 1 && strings.Contains(text.Body, "重发") && ofStaff(stillwater.Address(text.To)) {
			byCode[k]--
			repeats++
		}
	}
	sent := len(byCode)
	failed := 0
	for _, m := range messages {
		k := string(m.To) + " " + m.Code
		n := byCode[k]
		delete(byCode, k)
		switch {
		case n > 1:
			r.t.Errorf("message %s was sent %d times", m.ID, n)
		case n == 0 && slices.Contains([]stillwater.DeliveryState{stillwater.Accepted, stillwater.Delivered}, m.State):
			r.t.Errorf("message %s is %s, and the provider never had it", m.ID, m.State)
		case n == 1 && (m.State == stillwater.Cancelled || m.State == stillwater.Pending):
			r.t.Errorf("message %s is %s, and the provider has it", m.ID, m.State)
		case n == 0 && m.State == stillwater.Failed && stale(m): // its clock runs fast: hours went by while it was found out whether it had left
		case n == 0 && m.State == stillwater.Failed: // nobody refused it, and nobody was away for long
			failed++
			r.t.Errorf("message %s was given up: %s", m.ID, m.Error)
		}
	}
	for k := range byCode {
		r.t.Errorf("the provider has a text that no message is: %s", k)
	}
	r.t.Logf("%d texts by a provider that can be asked, %d by one that cannot, of which %d repeats marked so; %d lost",
		len(r.provider.Sent()), len(r.city.Sent()), repeats, failed)
	return sent
}

// ofStaff says whether a number is one that goes by the provider that cannot be asked.
func ofStaff(number stillwater.Address) bool {
	return !strings.HasPrefix(string(number), "+"+familyCountry)
}

// TestRefusesSecondRun: two gateways on one store would tell everybody twice.
func TestRefusesSecondRun(t *testing.T) {
	r := newRig(t)
	first := r.start()
	defer r.end(first)
	r.listening()
	var out bytes.Buffer
	second := exec.Command(os.Args[0], "run", "--config", r.path)
	second.Env = append(os.Environ(), "STILLWATER_TEST_MAIN=1", "STILLWATER_TEST_TOKEN=x")
	second.Stderr = &out
	if err := second.Run(); err == nil || !strings.Contains(out.String(), "another gateway") {
		t.Errorf("the second gateway: %v, says %q", err, out.String())
	}
}

// stale says whether a message was news that grew old, for which no ladder waits.
func stale(m stillwater.Message) bool {
	loud := m.Purpose == stillwater.Tell || m.Purpose == stillwater.Again
	return !loud && strings.HasPrefix(m.Error, "too old")
}
