package main

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"stillwater"
	"stillwater/adapters/bus"
	"stillwater/adapters/modbus"
)

// A poller is a program that polls, once a second, a counter and a flow of every unit, and writes them to a file.
type poller struct {
	name  string
	start func(ctx context.Context, s scene, first int) (*exec.Cmd, error)
}

// pollers are ours and, if it is there, Telegraf.
func pollers(folder, telegraf string) []poller {
	list := []poller{{"stillwater", func(ctx context.Context, s scene, first int) (*exec.Cmd, error) {
		self, err := os.Executable()
		if err != nil {
			return nil, err
		}
		return begin(exec.CommandContext(ctx, self, "poll", filepath.Join(folder, "ours.txt"),
			strconv.Itoa(first), strconv.Itoa(s.ports), strconv.Itoa(s.units)))
	}}}
	if _, err := os.Stat(telegraf); err != nil {
		fmt.Fprintln(os.Stderr, "left out: Telegraf (-telegraf PATH)")
		return list
	}
	return append(list, poller{"Telegraf", func(ctx context.Context, s scene, first int) (*exec.Cmd, error) {
		config := filepath.Join(folder, "telegraf.conf")
		if err := os.WriteFile(config, []byte(s.telegraf(first, filepath.Join(folder, "theirs.txt"))), 0o600); err != nil {
			return nil, err
		}
		return begin(exec.CommandContext(ctx, telegraf, "--quiet", "--config", config))
	}})
}

func begin(cmd *exec.Cmd) (*exec.Cmd, error) {
	if len(cmd.Args) > 1 && cmd.Args[1] == "poll" {
		cmd.Stderr = os.Stderr
	}
	return cmd, cmd.Start()
}

// telegraf is its configuration for a scene: an input for each address, all units of an address in its requests.
func (s scene) telegraf(first int, file string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "[agent]\n  interval = \"1s\"\n  flush_interval = \"5s\"\n  metric_buffer_limit = 100000\n  metric_batch_size = 5000\n  omit_hostname = true\n")
	fmt.Fprintf(&b, "[[outputs.file]]\n  files = [%q]\n", file)
	for port := range s.ports {
		fmt.Fprintf(&b, "[[inputs.modbus]]\n  name = \"p%d\"\n  controller = \"tcp://127.0.0.1:%d\"\n  timeout = \"1s\"\n  configuration_type = \"request\"\n", port, first+port)
		for unit := range s.units {
			fmt.Fprintf(&b, "  [[inputs.modbus.request]]\n    slave_id = %d\n    byte_order = \"ABCD\"\n    register = \"holding\"\n"+
				"    fields = [{address=0, name=\"total\", type=\"UINT32\"}, {address=2, name=\"flow\", type=\"FLOAT32\"}]\n", unit+1)
		}
	}
	return b.String()
}

// poll is our poller: FILE FIRST-PORT PORTS UNITS.
func poll(ctx context.Context, args []string) error {
	var first, ports, units int
	if _, err := fmt.Sscan(strings.Join(args[1:], " "), &first, &ports, &units); err != nil {
		return err
	}
	file, err := os.Create(args[0])
	if err != nil {
		return err
	}
	defer file.Close()
	readings := make(chan []stillwater.Reading, 1000)
	ended := make(chan error, ports)
	for port := range ports {
		c := config(fmt.Sprintf("p%d", port), fmt.Sprintf("127.0.0.1:%d", first+port), units)
		go func() {
			ended <- modbus.New(modbus.Options{Config: c, Clock: wall{}}).Run(ctx, func(_ context.Context, rs []stillwater.Reading, _ func()) error {
				readings <- rs
				return nil
			})
		}()
	}
	out := bufio.NewWriter(file)
	flush := time.NewTicker(5 * time.Second) // as Telegraf does
	for {
		select {
		case rs := <-readings:
			for _, r := range rs {
				fmt.Fprintf(out, "%s,source=%s value=%v %d\n", r.Quantity, r.Source, r.Value, r.At.UnixNano())
			}
		case <-flush.C:
			if err := out.Flush(); err != nil {
				return err
			}
		case err := <-ended:
			return err
		}
	}
}

// config is one address of a scene.
func config(name, address string, units int) modbus.Config {
	c := modbus.Config{Name: name, Link: bus.Link{Address: address}, Every: time.Second}
	for unit := range units {
		c.Units = append(c.Units, modbus.Unit{Unit: unit + 1}, modbus.Unit{Unit: unit + 1, Point: fmt.Sprintf("%d-flow", unit+1), Register: 2, Type: "float32"})
	}
	return c
}

// wall is the event clock at its usual speed.
type wall struct{}

func (wall) Now() time.Time { return time.Now() }

func (wall) Sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
