package main

import (
	"cmp"
	"context"
	"fmt"
	"hash/fnv"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"stillwater"
	"stillwater/adapters/mqtt"
	"stillwater/gateway/clock"
	"stillwater/gateway/config"
	"stillwater/gateway/duty"
	"stillwater/gateway/registry"
	"stillwater/simulator/world"
)

// storyEvery is how often the meters of stories report.
const storyEvery = 15 * time.Minute

// storyLag is how long a report is under way. It keeps reports off the whole minutes at which the gateway looks by itself: which of two that come
// at one moment is first is not for a story to say.
const storyLag = 7 * time.Second

// storyZone is where all stories happen.
var storyZone = stillwater.Household{TimeZone: "Asia/Shanghai"}.Location()

// A lived is a home of a story, and how it is lived in.
type lived struct {
	registry.HouseholdConfig
	draws  []time.Duration // about when water is used each day, since midnight
	outing [2]time.Duration

	still  bool    // nobody uses anything any more
	litres float64 // what the meter shows
}

// A town is the whole gateway but for what listens, in a bubble of time, with the homes of a story at its front door.
type town struct {
	t         testing.TB
	config    *Config
	homes     []*lived
	providers []*scripted
	begin     time.Time
	weeks     int

	gateway *gateway
	clock   *clock.Clock
	cancel  context.CancelFunc
	ended   chan error
	at      time.Time // up to which the homes have reported
	dry     map[string]bool
	answers int
}

func newTown(t testing.TB) *town {
	w := &town{t: t, config: defaults(), dry: map[string]bool{}}
	w.config.Console.Listen = "127.0.0.1:0" // it does not listen
	w.config.MQTT = []mqtt.Config{demoMQTT("127.0.0.1:1")}
	w.config.SMS.Phones = true // the story's providers take their place
	return w
}

// home is the home of that name; nil: there is none.
func (w *town) home(id string) *lived {
	i := slices.IndexFunc(w.homes, func(h *lived) bool { return string(h.ID) == id })
	if i < 0 {
		return nil
	}
	return w.homes[i]
}

// person is the contact of that name; nil: there is none.
func (w *town) person(id string) *registry.ContactConfig {
	i := slices.IndexFunc(w.config.Contacts, func(c registry.ContactConfig) bool { return string(c.ID) == id })
	if i < 0 {
		return nil
	}
	return &w.config.Contacts[i]
}

// provider is the provider of that name; nil: there is none.
func (w *town) provider(name string) *scripted {
	i := slices.IndexFunc(w.providers, func(p *scripted) bool { return p.name == name })
	if i < 0 {
		return nil
	}
	return w.providers[i]
}

// open wires the gateway of a configuration that was written and read as a user's, teaches it the weeks before, and lets it run.
func (w *town) open() {
	w.t.Helper()
	folder := w.t.TempDir()
	w.config.Store.Path = filepath.Join(folder, "stillwater.db")
	for _, h := range w.homes {
		w.config.Households = append(w.config.Households, h.HouseholdConfig)
	}
	text, err := config.Sample(w.config)
	if err != nil {
		w.t.Fatal(err)
	}
	path := filepath.Join(folder, "stillwater.yaml")
	if err := os.WriteFile(path, text, 0o600); err != nil {
		w.t.Fatal(err)
	}
	c, _, problems := loadConfig(path)
	if len(problems) > 0 {
		w.t.Fatal(problems)
	}
	w.clock = clock.Anchored(time.Now(), w.begin, 1)
	if w.gateway, err = wire(context.Background(), c, setting{clock: w.clock, log: slog.New(slog.DiscardHandler)}); err != nil {
		w.t.Fatal(err)
	}
	w.gateway.courier.Routes, w.gateway.courier.Inboxes = nil, nil
	for _, p := range w.providers {
		p.now = w.clock.Now
		w.gateway.courier.Routes = append(w.gateway.courier.Routes, p.routes()...)
		w.gateway.courier.Inboxes = append(w.gateway.courier.Inboxes, p)
	}
	w.teach()
	w.run()
}

// teach puts the weeks before the story through the gateway.
func (w *town) teach() {
	w.t.Helper()
	w.at = w.begin.AddDate(0, 0, -7*w.weeks)
	err := w.gateway.pipeline.Teach(context.Background(), func(yield func(stillwater.Reading) bool) {
		for w.at.Before(w.begin) {
			for _, r := range w.report() {
				if !yield(r) {
					return
				}
			}
		}
	})
	if err != nil {
		w.t.Fatal(err)
	}
}

// run lets the parts work that neither listen nor connect: everything between a reading that came in and a message that leaves.
func (w *town) run() {
	ctx, cancel := context.WithCancel(context.Background())
	w.cancel, w.ended = cancel, make(chan error, 1)
	inner := slices.DeleteFunc(slices.Clone(w.gateway.tasks), func(t task) bool { return t.name != "pipeline" && t.name != "courier" })
	go func() { w.ended <- together(ctx, inner...) }()
	synctest.Wait()
}

// close ends everything in good order.
func (w *town) close() {
	if w.cancel == nil {
		return // it was never opened
	}
	w.cancel()
	if err := <-w.ended; err != nil {
		w.t.Error(err)
	}
	if err := w.gateway.close(); err != nil {
		w.t.Error(err)
	}
}

// until lets the story's time pass, while the homes report.
func (w *town) until(at time.Time) {
	w.t.Helper()
	for next := w.at.Add(storyEvery + storyLag); !next.After(at); next = w.at.Add(storyEvery + storyLag) {
		time.Sleep(next.Sub(w.clock.Now()))
		w.emit(w.report())
	}
	time.Sleep(at.Sub(w.clock.Now())) // none, where somebody took his time at the door
	synctest.Wait()
}

// emit hands readings to the gateway as a feed does, and waits until they are committed.
func (w *town) emit(readings []stillwater.Reading) {
	w.t.Helper()
	done := make(chan struct{})
	if err := w.gateway.pipeline.Emit(context.Background(), readings, func() { close(done) }); err != nil {
		w.t.Fatal(err)
	}
	<-done
}

// door lets somebody go through the door of a home now.
func (w *town) door(h *lived) {
	w.t.Helper()
	now := w.clock.Now()
	w.emit([]stillwater.Reading{h.reading("entry", stillwater.Door, 1, now, now)})
	time.Sleep(10 * time.Second)
	now = w.clock.Now()
	w.emit([]stillwater.Reading{h.reading("entry", stillwater.Door, 0, now, now)})
}

// reading is something that a device of the home reports.
func (h *lived) reading(device stillwater.DeviceID, q stillwater.Quantity, value float64, at, received time.Time) stillwater.Reading {
	return stillwater.Reading{
		Household: h.ID, Device: device, Source: world.MQTTFeed + "/" + string(h.ID) + "/" + string(device),
		Quantity: q, Value: value, At: at, Received: received,
	}
}

// report is what the homes report at the end of the next quarter of an hour, in order of time.
func (w *town) report() (readings []stillwater.Reading) {
	from := w.at
	w.at = w.at.Add(storyEvery)
	for _, h := range w.homes {
		report := func(device stillwater.DeviceID, q stillwater.Quantity, value float64, before time.Duration) {
			readings = append(readings, h.reading(device, q, value, w.at.Add(-before), w.at.Add(storyLag)))
		}
		if h.moves(from, w.at) { // somebody goes through the door
			report("entry", stillwater.Door, 1, 2*time.Minute)
			report("entry", stillwater.Door, 0, time.Minute)
		}
		if w.at.Equal(w.at.Truncate(time.Hour)) && len(h.Devices) > 1 { // its heartbeat
			report("entry", stillwater.Alive, 1, 0)
		}
		h.litres += h.uses(from, w.at, w.dry[h.Place.Building])
		report("meter", stillwater.WaterTotal, h.litres, 0)
	}
	slices.SortStableFunc(readings, func(a, b stillwater.Reading) int { return a.At.Compare(b.At) })
	return readings
}

// uses is how much water the home uses in a span.
func (h *lived) uses(from, to time.Time, dry bool) float64 {
	if dry {
		return 0
	}
	used := 0.0
	for i, about := range h.draws {
		if !h.still && !h.isOut(to) && h.falls(about, i, from, to) {
			used += 5 + 25*h.chance(from, "litres", i)
		}
	}
	return used
}

// falls says whether something that comes about that time of each day does so in a span. Now and then it does not come.
func (h *lived) falls(about time.Duration, i int, from, to time.Time) bool {
	local := to.In(storyZone)
	midnight := time.Date(local.Year(), local.Month(), local.Day(), 0, 0, 0, 0, storyZone)
	off := time.Duration((h.chance(midnight, "when", i) - 0.5) * float64(50*time.Minute))
	at := midnight.Add(about + off)
	return at.After(from) && !at.After(to) && h.chance(midnight, "skip", i) > 0.08
}

// chance is a number from 0 to 1 that looks like chance, and is the same whenever the story is told.
func (h *lived) chance(day time.Time, what string, i int) float64 {
	sum := fnv.New64a()
	fmt.Fprint(sum, h.ID, day.Unix(), what, i)
	x := sum.Sum64()
	x ^= x >> 31 // neighbouring inputs differ in the low bits only
	x *= 0x9E3779B97F4A7C15
	return float64(x>>11) / (1 << 53)
}

// moves says whether somebody goes through the door in a span: out on her errand, or home from it.
func (h *lived) moves(from, to time.Time) bool {
	for i, about := range h.outing {
		if !h.still && h.outing[1] > 0 && h.falls(about, 100+i, from, to) {
			return true
		}
	}
	return false
}

// isOut says whether she is on her daily errand.
func (h *lived) isOut(at time.Time) bool {
	local := at.In(storyZone)
	clock := time.Duration(local.Hour())*time.Hour + time.Duration(local.Minute())*time.Minute
	return h.outing[0]+30*time.Minute < clock && clock < h.outing[1]-30*time.Minute
}

// texts is what left, by all providers, in order.
func (w *town) texts() (all []sent) {
	for _, p := range w.providers {
		for _, t := range p.all() {
			all = append(all, sent{p.name, t})
		}
	}
	slices.SortStableFunc(all, func(a, b sent) int { return cmp.Or(a.at.Compare(b.at), cmp.Compare(a.msg.Contact, b.msg.Contact)) })
	return all
}

// sent is a message and who took it.
type sent struct {
	by string
	took
}

// post lets somebody serve all homes by turns.
func (w *town) post(who stillwater.ContactID, role stillwater.Role, hours stillwater.Hours) {
	w.config.Duty.Posts = append(w.config.Duty.Posts, duty.Post{
		Name: string(who), Role: role, Shifts: []duty.Shift{{Who: []stillwater.ContactID{who}, Hours: []stillwater.Hours{hours}}},
	})
}
