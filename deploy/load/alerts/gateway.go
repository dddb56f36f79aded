package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"sync"
	"time"

	"stillwater"
	"stillwater/adapters/sms"
	"stillwater/adapters/sqlite"
	"stillwater/gateway/clock"
	"stillwater/gateway/delivery"
	"stillwater/gateway/incident"
	"stillwater/gateway/pipeline"
	"stillwater/gateway/registry"
	"stillwater/gateway/words"
	"stillwater/rules"
	"stillwater/simulator/provider"
)

// gateway is the part of one that an alert goes through, and its provider.
type gateway struct {
	store    *sqlite.DB
	pipeline *pipeline.Pipeline
	courier  *delivery.Courier
	twilio   *sms.Twilio
	provider *provider.Server
	homes    []stillwater.Household
	stop     func() error

	mu    sync.Mutex // guards everything below
	alert map[stillwater.Phone]*alert
}

// alert is one home's way: when its reading came, its finding was committed, and its first text was taken.
type alert struct {
	read, committed, accepted time.Time
	texts                     int
}

// number is the telephone of a home's family; each has its own.
func number(n int) stillwater.Phone { return stillwater.Phone(fmt.Sprintf("+86138%08d", n)) }

func newGateway(ctx context.Context, folder string, homes int, l load) (*gateway, error) {
	g := &gateway{alert: map[stillwater.Phone]*alert{}}
	log := slog.New(slog.NewTextHandler(os.Stdout, &slog.HandlerOptions{Level: slog.LevelWarn}))
	for n := range homes {
		id := fmt.Sprintf("h%05d", n)
		g.homes = append(g.homes, stillwater.Household{
			ID: stillwater.HouseholdID(id), Name: "王秀英", Residents: 1, TimeZone: "Asia/Shanghai", Consent: stillwater.Consent{Given: time.Now().AddDate(-1, 0, 0)},
			Devices:  []stillwater.Device{{ID: "m", Kind: stillwater.Meter, Source: "load/" + id}},
			Contacts: []stillwater.Contact{{ID: stillwater.ContactID("c-" + id), Name: "李娜", Role: stillwater.Family, Phone: number(n), Language: "zh-CN"}},
		})
		g.alert[number(n)] = &alert{}
	}
	known := registry.New()
	known.Set(g.homes)
	text, err := words.New()
	if err != nil {
		return nil, err
	}
	if g.store, err = sqlite.Open(ctx, sqlite.Config{Path: filepath.Join(folder, "load.db")}, log); err != nil {
		return nil, err
	}
	g.pipeline = pipeline.New(pipeline.Options{
		Rules:   []rules.Rule{{Name: "surge-hour", Severity: stillwater.Alert, Over: 60, Within: time.Hour}},
		Ladders: incident.Defaults(), Registry: known, Store: g.store, Outbox: g.store, Clock: clock.Real(), Log: log, Text: text.SMS, Committed: g.committed,
	})
	if err := g.pipeline.Load(ctx); err != nil {
		return nil, err
	}
	return g, g.run(ctx, l, log)
}

// run starts the parts, and takes the first value of every meter; stop ends them.
func (g *gateway) run(ctx context.Context, l load, log *slog.Logger) error {
	ctx, cancel := context.WithCancel(ctx)
	var all sync.WaitGroup
	errs := make([]error, 3)
	g.stop = func() error {
		cancel()
		all.Wait()
		return errors.Join(append(errs, g.store.Close())...)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0") // to find a port that is free
	if err != nil {
		return err
	}
	address := listener.Addr().String()
	if err := listener.Close(); err != nil {
		return err
	}
	g.provider = provider.New(provider.Options{Accepted: g.accepted})
	if l.delay > 0 {
		g.provider.Break("", provider.Fault{Delay: l.delay})
	}
	ready := make(chan struct{})
	all.Go(func() { errs[0] = g.provider.Run(ctx, address, func(string) { close(ready) }) })
	<-ready
	if err := g.addCourier(address, l, log); err != nil {
		return err
	}
	all.Go(func() { errs[1] = g.pipeline.Run(ctx) })
	all.Go(func() { defer g.twilio.Close(); errs[2] = g.courier.Run(ctx) })
	return g.first(ctx)
}

// addCourier makes the courier as the gateway does.
func (g *gateway) addCourier(address string, l load, log *slog.Logger) (err error) {
	c := sms.Defaults()
	c.Account, c.Token, c.From, c.BaseURL = provider.DefaultAccount, stillwater.Secret{Env: "TOKEN"}, string(provider.DefaultNumber), "http://"+address
	c.Token.Set(provider.DefaultToken)
	if g.twilio, err = sms.NewTwilio(c, sms.Options{}); err != nil {
		return err
	}
	g.courier = &delivery.Courier{
		Config: delivery.Defaults(), Clock: clock.Real(), Outbox: g.store, Record: g.store, Sink: sink{g.pipeline}, Inboxes: []delivery.Inbox{g.twilio}, Log: log,
		Routes: []delivery.Route{{Name: "twilio", Channel: stillwater.SMS, Provider: g.twilio, Parallel: l.parallel}},
	}
	return nil
}

// sink takes what became of texts to their incidents; nobody replies.
type sink struct{ *pipeline.Pipeline }

func (s sink) Reply(context.Context, stillwater.Reply) error { return nil }

// first is what was read of every meter before: much water within an hour, and nothing after it yet that would confirm it.
func (g *gateway) first(ctx context.Context) error {
	done := make(chan struct{})
	now := time.Now()
	for i := range g.homes {
		stored := func() {}
		if i == len(g.homes)-1 {
			stored = func() { close(done) }
		}
		before := []stillwater.Reading{g.reading(i, 1000, now.Add(-40*time.Minute)), g.reading(i, 1200, now.Add(-20*time.Minute))}
		if err := g.pipeline.Emit(ctx, before, stored); err != nil {
			return err
		}
	}
	<-done
	return nil
}

func (g *gateway) reading(home int, litres float64, at time.Time) stillwater.Reading {
	return stillwater.Reading{Source: g.homes[home].Devices[0].Source, Quantity: stillwater.WaterTotal, Value: litres, At: at, Received: at}
}

// surge reads the meter of one home after the other once more, which confirms the surge. One that is due does not wait for those before it.
func (g *gateway) surge(ctx context.Context, n int, every time.Duration) error {
	begun := time.Now()
	for i := range n {
		time.Sleep(time.Until(begun.Add(time.Duration(i+1) * every)))
		now := time.Now()
		g.mu.Lock()
		g.alert[number(i)].read = now
		g.mu.Unlock()
		if err := g.pipeline.Emit(ctx, []stillwater.Reading{g.reading(i, 1201, now)}, func() {}); err != nil {
			return err
		}
	}
	return nil
}

// committed notes when a finding was stored, and wakes the courier as the gateway does.
func (g *gateway) committed(b *stillwater.Batch) {
	now := time.Now()
	g.mu.Lock()
	for _, m := range b.Messages {
		if a := g.alert[stillwater.Phone(m.To)]; a != nil && m.State == stillwater.Pending && a.committed.IsZero() {
			a.committed = now
		}
	}
	g.mu.Unlock()
	g.courier.Wake()
}

// accepted notes when the provider took a text.
func (g *gateway) accepted(t provider.Text) {
	g.mu.Lock()
	defer g.mu.Unlock()
	a := g.alert[t.To]
	if a.texts++; a.texts == 1 {
		a.accepted = t.At
	}
}

// spans waits until every home's family was told, and gives how long that took from the commit and from the reading.
func (g *gateway) spans(n int, within time.Duration) (told, whole []time.Duration, err error) {
	for end := time.Now().Add(within); g.missing() > 0 && time.Now().Before(end); {
		time.Sleep(100 * time.Millisecond)
	}
	if missing := g.missing(); missing > 0 {
		err = fmt.Errorf("%d of %d were not told within %v", missing, n, within)
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	for phone, a := range g.alert {
		if a.texts > 1 {
			err = errors.Join(err, fmt.Errorf("%d texts went to …%s", a.texts, phone[len(phone)-2:]))
		}
		if a.texts > 0 {
			told, whole = append(told, a.accepted.Sub(a.committed)), append(whole, a.accepted.Sub(a.read))
		}
	}
	return told, whole, err
}

func (g *gateway) missing() (n int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, a := range g.alert {
		if a.texts == 0 {
			n++
		}
	}
	return n
}
