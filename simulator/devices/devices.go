// Package devices puts a simulated city on the wire: its Modbus meters as the units of one Modbus TCP server, its door
// contacts and pulse meters as messages to an MQTT broker.
//
// It promises: every door event, heartbeat and pulse report of the world is published, in order of event time within a
// home, at least once, with the time at which it happened, however fast the clock runs and however often the broker goes
// away; a dead meter answers nobody. One MQTT client speaks for the whole city, so a thousand homes need no more
// connections than one.
//
// It never decides what happens in a home (simulator/world does), and never waits for a wall-clock moment to say it.
package devices

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strings"
	"sync"
	"time"

	"stillwater"
	"stillwater/simulator/world"
)

// A Clock says what time it is in the world. It may run fast, stand still, and change its speed.
type Clock interface {
	Now() time.Time
}

// Options say what to put on which wire.
type Options struct {
	World *world.World
	Clock Clock

	// From is the moment after which MQTT devices speak; default now. Whoever has had the world's readings up to a moment by
	// another way gives that moment, and no event falls between.
	From time.Time

	ModbusListen string // host:port; port 0 takes a free one. Empty: no Modbus
	BrokerURL    string // tcp://host:port. Empty: no MQTT
	Username     string
	Password     string
	ClientID     string // default "stillwater-simulator"

	// Silence is how long, on the wall clock, a request to a dead meter is left unanswered; then the bus says that the unit
	// gave no answer. A client that waits less sees a time-out. Default 5 seconds.
	Silence time.Duration
	// Look is how often, on the wall clock, the world is asked what has happened since; default 100 milliseconds.
	Look time.Duration

	Ready func(Addresses) // called once, when everything that listens does; may be nil
	Log   *slog.Logger    // default: silent
}

// Addresses are where the devices are to be found.
type Addresses struct {
	Modbus string // host:port
	Broker string
}

// withDefaults fills in what was left out.
func (o Options) withDefaults() Options {
	if o.ClientID == "" {
		o.ClientID = "stillwater-simulator"
	}
	if o.From.IsZero() {
		o.From = o.Clock.Now()
	}
	if o.Silence == 0 {
		o.Silence = 5 * time.Second
	}
	if o.Look == 0 {
		o.Look = 100 * time.Millisecond
	}
	if o.Ready == nil {
		o.Ready = func(Addresses) {}
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return o
}

// Run serves the devices until ctx is done.
func Run(ctx context.Context, o Options) error {
	if o.World == nil || o.Clock == nil {
		return errors.New("devices need a world and a clock")
	}
	o = o.withDefaults()
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	var tasks sync.WaitGroup
	addresses := Addresses{Broker: o.BrokerURL}
	if o.ModbusListen != "" {
		bus, err := listen(ctx, o)
		if err != nil {
			return err
		}
		addresses.Modbus = bus.address
		tasks.Go(func() { bus.run(ctx) })
	}
	if o.BrokerURL != "" {
		tasks.Go(func() { newRadio(o).run(ctx) })
	}
	o.Ready(addresses)
	<-ctx.Done()
	tasks.Wait()
	return nil
}

// point is what a source says after its feed; "" for another feed.
func point(d stillwater.Device, feed string) string {
	rest, ok := strings.CutPrefix(d.Source, feed+"/")
	if !ok {
		return ""
	}
	return rest
}

// freeAddress turns port 0 into a port that is free now.
func freeAddress(address string) (string, error) {
	_, port, err := net.SplitHostPort(address)
	if err != nil {
		return "", fmt.Errorf("listen address %q: %w", address, err)
	}
	if port != "0" {
		return address, nil
	}
	l, err := net.Listen("tcp", address)
	if err != nil {
		return "", err
	}
	defer l.Close()
	return l.Addr().String(), nil
}
