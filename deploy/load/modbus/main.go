// Command modbus is the load run of the Modbus adapter beside Telegraf: both poll the same servers of libmodbus, one after the other, and the
// servers count what each of them missed. Everything is on loopback, and it stops by itself.
//
//	go run ./deploy/load/modbus [-for 60s] [-telegraf PATH]
//
// Needs gcc and libmodbus-dev; without Telegraf its rows are left out.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if len(os.Args) > 1 && os.Args[1] == "poll" {
		finish(poll(ctx, os.Args[2:]))
		return
	}
	length := flag.Duration("for", time.Minute, "how long each poller is measured")
	telegraf := flag.String("telegraf", os.Getenv("STILLWATER_TELEGRAF"), "Telegraf built with the tags custom,inputs.modbus,outputs.file")
	only := flag.String("only", "", "measure only the scenes whose name contains this")
	flag.Parse()
	finish(run(ctx, *length, *telegraf, *only))
}

func finish(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// A scene is what is polled once a second.
type scene struct {
	name         string
	ports, units int // units on each port
	hang         int // every so many units hears and never answers
}

// scenes are 500 units each.
var scenes = []scene{
	{"500 addresses of 1 unit", 500, 1, 0},
	{"500 addresses of 1 unit, 20 % dead", 500, 1, 5},
	{"10 gateways of 50 units", 10, 50, 0},
	{"10 gateways of 50 units, 20 % dead", 10, 50, 5},
}

// warmUp is until a poller is measured: by then each has asked every unit, and the dead are known to be.
const warmUp = 20 * time.Second

func run(ctx context.Context, length time.Duration, telegraf, only string) error {
	folder, err := os.MkdirTemp("", "stillwater-load-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(folder)
	if strings.Contains("line", only) {
		if err := line(ctx, folder, length); err != nil {
			return err
		}
	}
	binary, err := compile(ctx, folder)
	if err != nil {
		return err
	}
	fmt.Println("| units at 1 s | poller | polls | missed | longest wait | CPU s per 1,000 polls | CPU | memory |")
	fmt.Println("|---|---|---|---|---|---|---|---|")
	for _, s := range scenes {
		if !strings.Contains(s.name, only) {
			continue
		}
		for _, p := range pollers(folder, telegraf) {
			if err := s.measure(ctx, binary, p, length); err != nil {
				return fmt.Errorf("%s, %s: %w", s.name, p.name, err)
			}
		}
	}
	return nil
}

// measure runs one poller on a scene and prints its row.
func (s scene) measure(ctx context.Context, binary string, p poller, length time.Duration) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	slaves, first, err := s.serve(ctx, binary)
	if err != nil {
		return err
	}
	defer slaves.stop()
	cmd, err := p.start(ctx, s, first)
	if err != nil {
		return err
	}
	defer func() { _ = cmd.Process.Kill(); _ = cmd.Wait() }()
	if err := sleep(ctx, warmUp); err != nil {
		return err
	}
	if _, err := slaves.count(); err != nil {
		return err
	}
	before, err := usage(cmd.Process.Pid)
	if err != nil {
		return err
	}
	if err := sleep(ctx, length); err != nil {
		return err
	}
	counted, err := slaves.count()
	if err != nil {
		return err
	}
	after, err := usage(cmd.Process.Pid)
	if err != nil {
		return err
	}
	living := s.ports * s.units
	if s.hang > 0 {
		living -= living / s.hang
	}
	due := float64(living) * length.Seconds()
	cpu := (after.cpu - before.cpu).Seconds()
	fmt.Printf("| %s | %s | %d | %.3f %% | %d ms | %.3f | %.1f %% | %d MB |\n", s.name, p.name, counted.asked, 100*float64(counted.missed)/due,
		counted.longest, 1000*cpu/float64(max(1, counted.asked)), 100*cpu/length.Seconds(), after.memory>>20)
	return nil
}

func sleep(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
