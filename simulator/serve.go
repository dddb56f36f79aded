package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"stillwater"
	"stillwater/simulator/devices"
	"stillwater/simulator/provider"
	"stillwater/simulator/world"
)

// maxSpeed is a day in a second.
const maxSpeed = 86_400

// A clock runs at one speed from the wall clock's now.
type clock struct {
	wall, event time.Time
	speed       float64
}

// Now is the time in the city.
func (c clock) Now() time.Time {
	return c.event.Add(time.Duration(float64(time.Since(c.wall)) * c.speed))
}

// serveFlags are the settings of serve.
type serveFlags struct {
	city      cityFlags
	modbus    string
	mqtt      string
	provider  string
	speed     float64
	begin     string
	scenarios []string
}

func serveCommand() *cobra.Command {
	var f serveFlags
	c := &cobra.Command{
		Use:   "serve",
		Short: "Put the city on the wire, beside a gateway",
		Long: "Serves the meters on Modbus TCP, sends what door contacts and pulse meters say to a broker, and answers as a provider of text\n" +
			"messages with a page of phones, until it is stopped. At another speed than 1 it prints the exercise section that lets a\n" +
			"gateway's clock run along.",
		Example: "  simulator serve --scenario fall-in-bathroom@2@+10m\n  simulator serve --homes 200 --modbus '' --mqtt tcp://10.0.0.5:1883 --speed 3600",
		Args:    cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return serve(c.Context(), f, &lockedWriter{w: c.OutOrStdout()}, c.ErrOrStderr())
		},
	}
	f.city.add(c, "yesterday")
	c.Flags().StringVar(&f.modbus, "modbus", "127.0.0.1:5020", "where the meters listen; empty: nowhere")
	c.Flags().StringVar(&f.mqtt, "mqtt", "tcp://127.0.0.1:1883", "the broker that sensors send to; empty: none")
	c.Flags().StringVar(&f.provider, "provider", "127.0.0.1:8090", "where the provider and the page of phones listen; empty: nowhere")
	c.Flags().Float64Var(&f.speed, "speed", 1, "how many seconds pass in the city in one")
	c.Flags().StringVar(&f.begin, "begin", "", "what time it is in the city at first, in RFC 3339; default now")
	c.Flags().StringArrayVar(&f.scenarios, "scenario", nil, scenarioHelp)
	return c
}

// serve runs the city until ctx is done.
func serve(ctx context.Context, f serveFlags, stdout, stderr io.Writer) error {
	if !(f.speed > 0 && f.speed <= maxSpeed) {
		return fmt.Errorf("--speed %v is not above 0 and up to %d; %w", f.speed, maxSpeed, errUsage)
	}
	clock := clock{wall: time.Now(), speed: f.speed}
	clock.event = clock.wall
	if f.begin != "" {
		begin, err := time.Parse(time.RFC3339, f.begin)
		if err != nil {
			return fmt.Errorf("--begin %q is not like 2026-03-01T06:40:00+08:00; %w", f.begin, errUsage)
		}
		clock.event = begin
	}
	city, err := f.city.world(clock.event)
	if err != nil {
		return err
	}
	if err := stageAll(city, f.scenarios, clock.event, stdout); err != nil {
		return err
	}
	if f.speed != 1 || f.begin != "" {
		fmt.Fprintf(stdout, "exercise: {speed: %v, wall: %s, event: %s}\n", f.speed, clock.wall.UTC().Format(time.RFC3339Nano), clock.event.UTC().Format(time.RFC3339Nano))
	}
	log := slog.New(slog.NewTextHandler(stderr, nil))
	tasks := []func(context.Context) error{func(ctx context.Context) error {
		return devices.Run(ctx, devices.Options{World: city, Clock: clock, ModbusListen: f.modbus, BrokerURL: f.mqtt, Log: log,
			Ready: func(a devices.Addresses) { fmt.Fprintf(stdout, "meters on %q, sensors to %q\n", a.Modbus, a.Broker) }})
	}}
	if f.provider != "" {
		phones := provider.New(provider.Options{Names: names(city), Accepted: func(t provider.Text) {
			fmt.Fprintf(stdout, "SMS → %s %s\n", t.To, t.Body)
		}})
		tasks = append(tasks, func(ctx context.Context) error {
			return phones.Run(ctx, f.provider, func(a string) { fmt.Fprintf(stdout, "phones on http://%s/\n", a) })
		})
	}
	return together(ctx, tasks...)
}

// names are the people behind the numbers.
func names(w *world.World) map[stillwater.Phone]string {
	names := map[stillwater.Phone]string{}
	for _, h := range w.Households() {
		for _, c := range h.Contacts {
			names[c.Phone] = c.Name
		}
	}
	return names
}

// A lockedWriter keeps lines whole that several goroutines write.
type lockedWriter struct {
	mu sync.Mutex // guards w
	w  io.Writer
}

func (l *lockedWriter) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.w.Write(p)
}
