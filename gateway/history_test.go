package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"stillwater"
	"stillwater/adapters/influx"
	"stillwater/adapters/influx/influxtest"
	"stillwater/adapters/sqlite"
	"stillwater/gateway/config"
	"stillwater/simulator/devices"
)

// historyKills is how often the gateway is killed, and the database now and then.
const historyKills = 12

// TestHistoryThroughKills kills the gateway and its InfluxDB again and again while meters, doors and people are at work. In the end every
// reading of the journal is in the database, once and with its value, and so is every finding and every state of an incident; and nothing else.
func TestHistoryThroughKills(t *testing.T) {
	if testing.Short() {
		t.Skip("left out: takes a minute (without -short it runs)")
	}
	server, err := influxtest.New(t.TempDir())
	switch {
	case errors.Is(err, influxtest.ErrNone):
		t.Skip(err)
	case err != nil:
		t.Fatal(err)
	}
	t.Cleanup(server.Kill)
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	if err := errors.Join(server.Start(ctx), server.Create(ctx, "gw")); err != nil {
		t.Fatal(err)
	}
	r := newRig(t)
	r.keepHistory(server.Address)
	city := make(chan error, 1)
	go func() {
		city <- devices.Run(ctx, devices.Options{World: r.world, Clock: r.clock, From: r.begin, ModbusListen: r.config.Modbus[0].Address, BrokerURL: r.config.MQTT[0].URL})
	}()
	r.killBoth(server)
	last := r.clock.Now().Add(-30 * time.Minute)
	p := r.start()
	r.listening()
	r.settle(last)
	r.end(p)
	p = r.start() // what it had in hand when it was stopped goes out too
	r.listening()
	console := newBrowser(t, r.config.Console.Listen)
	until(t, patient, "history has caught up", func() bool {
		return console.metric("stillwater_history_spool_points") == 0 && console.metric(`stillwater_history_points_total{outcome="written"}`) > 0
	})
	r.end(p)
	stop()
	if err := <-city; err != nil {
		t.Errorf("devices: %v", err)
	}
	r.compareHistory(server)
}

// killBoth kills the gateway many times, and its database now and then, which stays away for two of its lives.
func (r *rig) killBoth(server *influxtest.Server) {
	seed := uint64(time.Now().UnixNano())
	r.t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 0))
	for i := range historyKills {
		p := r.start()
		r.listening()
		if i%4 == 1 {
			server.Kill()
		}
		wait(r.t.Context(), time.Duration(rng.IntN(2500))*time.Millisecond)
		if err := p.Process.Signal(syscall.SIGKILL); err != nil {
			r.t.Fatalf("kill %d: %v\n%s", i, err, r.log())
		}
		if err := p.Wait(); !killed(err) {
			r.t.Fatalf("kill %d: the gateway ended by itself: %v\n%s", i, err, r.log())
		}
		if i%4 == 3 {
			if err := server.Start(r.t.Context()); err != nil {
				r.t.Fatal(err)
			}
		}
	}
}

// keepHistory adds the database to the configuration.
func (r *rig) keepHistory(url string) {
	h := influx.Defaults()
	h.URL, h.Bucket, h.Every, h.Batch = url, "gw/autogen", 50*time.Millisecond, 100
	h.KeepMB = 1
	r.config.History = &h
	text, err := config.Sample(r.config)
	if err != nil {
		r.t.Fatal(err)
	}
	if err := os.WriteFile(r.path, text, 0o600); err != nil {
		r.t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(r.folder, "stillwater.db.history")); err == nil {
		r.t.Fatal("there is a spool already")
	}
}

// points asks the database for all of a measurement, each as a text.
func (r *rig) points(server *influxtest.Server, query string, say func(map[string]string) string) map[string]int {
	points := map[string]int{}
	if err := server.Rows(context.Background(), "gw", query, func(row map[string]string) { points[say(row)]++ }); err != nil {
		r.t.Fatal(err)
	}
	return points
}

// compareHistory holds the database against the store.
func (r *rig) compareHistory(server *influxtest.Server) {
	db := r.open()
	defer db.Close()
	wanted := map[string]int{}
	_, entries := r.journal(db)
	for _, e := range entries {
		if e.Reading != nil {
			wanted[fmt.Sprintf("%s|%s|%s|%d|%v", e.Reading.Household, e.Reading.Device, e.Reading.Quantity, e.Reading.At.UnixMicro(), e.Reading.Value)]++
		}
	}
	r.sameSet("readings", wanted, r.points(server, "SELECT * FROM reading", func(row map[string]string) string {
		value, _ := strconv.ParseFloat(row["value"], 64)
		return fmt.Sprintf("%s|%s|%s|%d|%v", row["household"], row["device"], row["quantity"], micro(row), value)
	}))
	r.sameSet("findings", r.storedFindings(db), r.points(server, "SELECT * FROM finding", func(row map[string]string) string {
		group, _, _ := strings.Cut(row["group"], "-")
		return fmt.Sprintf("%s|%s|%s|%s|%d|%s", row["household"], group, row["device"], row["rule"], micro(row), row["open"])
	}))
	wanted = r.storedStates(db)
	states := r.points(server, "SELECT * FROM incident", func(row map[string]string) string {
		return fmt.Sprintf("%s|%s|%d", row["id"], row["state"], micro(row))
	})
	maps.DeleteFunc(states, func(k string, _ int) bool { return wanted[k] == 0 && mended(k, wanted) })
	r.sameSet("states of incidents", wanted, states)
}

// mended says whether an incident's log now has a state at an earlier moment: a reading that came before and was judged after took it back there
// (incident.Step lets no moment of the past lie in the future, and at this speed of the clock a moment in the queue is minutes).
func mended(state string, wanted map[string]int) bool {
	cut := strings.LastIndex(state, "|")
	for k := range wanted {
		if before, ok := strings.CutPrefix(k, state[:cut+1]); ok && len(before) == len(state[cut+1:]) && before < state[cut+1:] {
			return true
		}
	}
	return false
}

// micro is the time of a row in microseconds.
func micro(row map[string]string) int64 {
	ns, _ := strconv.ParseInt(row["time"], 10, 64)
	return ns / 1000
}

func (r *rig) storedFindings(db *sqlite.DB) map[string]int {
	findings, err := db.Findings(context.Background(), sqlite.FindingQuery{Limit: 1_000_000})
	if err != nil {
		r.t.Fatal(err)
	}
	wanted := map[string]int{}
	for _, f := range findings {
		group, _, _ := strings.Cut(f.Group, "/")
		open := 0
		if f.Ended.IsZero() {
			open = 1
		}
		wanted[fmt.Sprintf("%s|%s|%s|%s|%d|%d", f.Household, group, f.Device, f.Rule, f.Began.UnixMicro(), open)]++
	}
	return wanted
}

func (r *rig) storedStates(db *sqlite.DB) map[string]int {
	incidents, err := db.Incidents(context.Background(), sqlite.IncidentQuery{Limit: 1_000_000})
	if err != nil {
		r.t.Fatal(err)
	}
	states := map[string]stillwater.IncidentState{
		"opened": stillwater.Opened, "reopened": stillwater.Opened, "promise-lapsed": stillwater.Opened,
		"acknowledged": stillwater.Acknowledged, "on-site": stillwater.OnSite, "closed": stillwater.ClosedState,
	}
	wanted := map[string]int{}
	for _, i := range incidents {
		for _, e := range i.Log {
			if s, ok := states[e.What]; ok {
				wanted[fmt.Sprintf("%s|%s|%d", i.ID, s, e.At.UnixMicro())] = 1
			}
		}
	}
	return wanted
}

// sameSet compares what the store has with what the database has.
func (r *rig) sameSet(what string, wanted, got map[string]int) {
	r.t.Logf("%d %s in the store, %d in the database", len(wanted), what, len(got))
	if len(wanted) == 0 {
		r.t.Errorf("too little happened: no %s", what)
	}
	shown := 0
	for k, n := range wanted {
		if got[k] != n && shown < 5 {
			shown++
			r.t.Errorf("%s: %q is %d times in the store and %d times in the database", what, k, n, got[k])
		}
	}
	for k := range got {
		if wanted[k] == 0 && shown < 10 {
			shown++
			r.t.Errorf("%s: %q is in the database only", what, k)
		}
	}
}
