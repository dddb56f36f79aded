package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"stillwater"
	"stillwater/adapters/influx"
	"stillwater/adapters/influx/influxtest"
	"stillwater/adapters/sqlite"
	"stillwater/gateway/clock"
	"stillwater/gateway/incident"
	"stillwater/gateway/pipeline"
	"stillwater/gateway/registry"
	"stillwater/rules"
)

// gateway is the part of one that readings go through, with the copy to InfluxDB switched on and off.
type gateway struct {
	store    *sqlite.DB
	pipeline *pipeline.Pipeline
	history  *influx.History
	copies   atomic.Bool  // history hears of commits
	copied   atomic.Int64 // readings of which it heard
	homes    []stillwater.Household
	litres   float64
	next     int // home
	stop     func() error
}

func newGateway(ctx context.Context, folder, database string, l load) (*gateway, error) {
	g := &gateway{}
	log := slog.New(slog.NewTextHandler(os.Stdout, &slog.HandlerOptions{Level: slog.LevelWarn}))
	for n := range l.homes {
		id := stillwater.HouseholdID(fmt.Sprintf("h%05d", n))
		g.homes = append(g.homes, stillwater.Household{
			ID: id, Residents: 1, TimeZone: "Asia/Shanghai", Consent: stillwater.Consent{Given: time.Now().AddDate(-1, 0, 0)},
			Devices: []stillwater.Device{{ID: "m", Kind: stillwater.Meter, Source: "load/" + string(id)}},
		})
	}
	known := registry.New()
	known.Set(g.homes)
	var err error
	if g.store, err = sqlite.Open(ctx, sqlite.Config{Path: filepath.Join(folder, "load.db")}, log); err != nil {
		return nil, err
	}
	c := influx.Config{URL: database, Bucket: "load/autogen", Spool: filepath.Join(folder, "load.db.history"), Every: time.Second}
	if g.history, err = influx.New(influx.Options{Config: c, Log: slog.New(slog.DiscardHandler)}); err != nil {
		return nil, err
	}
	g.pipeline = pipeline.New(pipeline.Options{
		Rules: rules.Defaults(), Ladders: incident.Defaults(), Registry: known, Store: g.store, Outbox: g.store, Clock: clock.Real(), Log: log,
		Text:      func(stillwater.Message, stillwater.Incident, stillwater.Household) string { return "" },
		Committed: g.committed,
	})
	if err := g.pipeline.Load(ctx); err != nil {
		return nil, err
	}
	g.run(ctx)
	return g, nil
}

// committed hands over what was stored, as the gateway's own does.
func (g *gateway) committed(b *stillwater.Batch) {
	if !g.copies.Load() {
		return
	}
	for _, e := range b.Entries {
		if e.Reading != nil {
			g.copied.Add(1)
		}
	}
	g.history.Committed(b)
}

// run starts both parts; stop ends them.
func (g *gateway) run(ctx context.Context) {
	ctx, cancel := context.WithCancel(ctx)
	var both sync.WaitGroup
	var errs [2]error
	both.Go(func() { errs[0] = g.pipeline.Run(ctx) })
	both.Go(func() { errs[1] = g.history.Run(ctx) })
	g.stop = func() error {
		cancel()
		both.Wait()
		return errors.Join(errs[0], errs[1], g.store.Close())
	}
}

// play sends readings at the rate for the span, and gives how long each took to be committed. A reading that is due is sent whether those
// before it are committed or not.
func (g *gateway) play(ctx context.Context, l load) ([]time.Duration, error) {
	n := int(float64(l.rate) * l.span.Seconds())
	spans := make([]time.Duration, n)
	var all sync.WaitGroup
	all.Add(n)
	begun := time.Now()
	for i := range n {
		time.Sleep(time.Until(begun.Add(time.Duration(i) * time.Second / time.Duration(l.rate))))
		if g.next++; g.next >= len(g.homes) {
			g.next, g.litres = 0, g.litres+1
		}
		now := time.Now()
		r := stillwater.Reading{Source: g.homes[g.next].Devices[0].Source, Quantity: stillwater.WaterTotal, Value: 1000 + g.litres, At: now, Received: now}
		if err := g.pipeline.Emit(ctx, []stillwater.Reading{r}, func() { spans[i] = time.Since(now); all.Done() }); err != nil {
			return nil, err
		}
	}
	all.Wait()
	return spans, nil
}

// settle waits until nothing is left to send, and counts what the database has.
func (g *gateway) settle(ctx context.Context, server *influxtest.Server) error {
	begun, waiting := time.Now(), g.history.Counts().Waiting
	for g.history.Counts().Waiting > 0 && time.Since(begun) < 5*time.Minute {
		time.Sleep(100 * time.Millisecond)
	}
	fmt.Printf("%d points that waited were sent in %v\n", waiting, time.Since(begun).Round(100*time.Millisecond))
	if err := g.stop(); err != nil {
		return err
	}
	points := 0
	if err := server.Rows(ctx, "load", "SELECT value FROM reading", func(map[string]string) { points++ }); err != nil {
		return err
	}
	c := g.history.Counts()
	fmt.Printf("%d readings were copied, %d points are in the database; %d dropped, %d refused, %d damaged\n", g.copied.Load(), points, c.Dropped, c.Rejected, c.Damaged)
	if int64(points) != g.copied.Load() {
		return fmt.Errorf("%d readings were copied, and the database has %d points", g.copied.Load(), points)
	}
	return nil
}
