// Command alerts is the load run of the way from a finding to a telephone: homes whose water surges at a steady rate, the pipeline with its store on
// disk, the courier, and a pretended provider over loopback. It says how long it takes from the commit of a finding to the provider's
// accept of the first text about it, at several rates. It ends with an error if a text is missing or was sent twice.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

func main() {
	rates := flag.String("rates", "1,100,1000", "incidents a minute, one phase each")
	span := flag.Duration("for", 2*time.Minute, "how long a phase takes")
	least := flag.Int("least", 5, "incidents of a phase at least, however long that takes")
	parallel := flag.Int("parallel", 0, "messages handed to the provider at once; default the gateway's")
	delay := flag.Duration("delay", 0, "how long the provider takes over each message")
	flag.Parse()
	folder, err := os.MkdirTemp("", "stillwater-load-")
	if err == nil {
		err = work(context.Background(), folder, load{rates: *rates, span: *span, least: *least, parallel: *parallel, delay: *delay})
	}
	if err != nil {
		fmt.Fprintf(os.Stderr, "load: %v (what was written is in %s)\n", err, folder)
		os.Exit(1)
	}
	_ = os.RemoveAll(folder) // what is left is in the folder for temporary files
}

// load is what is asked for.
type load struct {
	rates    string
	span     time.Duration
	least    int
	parallel int
	delay    time.Duration
}

// work does a phase for each rate, with a gateway of its own.
func work(ctx context.Context, folder string, l load) error {
	for _, text := range strings.Split(l.rates, ",") {
		rate, err := strconv.Atoi(strings.TrimSpace(text))
		if err != nil || rate < 1 {
			return fmt.Errorf("rate %q is not a number of incidents a minute; write like 1,100,1000", text)
		}
		if err := l.phase(ctx, filepath.Join(folder, fmt.Sprint(rate)), rate); err != nil {
			return fmt.Errorf("%d a minute: %w", rate, err)
		}
	}
	return nil
}

// phase lets incidents happen at a rate, and waits for their texts.
func (l load) phase(ctx context.Context, folder string, rate int) (err error) {
	if err := os.Mkdir(folder, 0o700); err != nil {
		return err
	}
	n := max(l.least, int(float64(rate)*l.span.Minutes()))
	g, err := newGateway(ctx, folder, n, l)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, g.stop()) }()
	used := cpu()
	if err := g.surge(ctx, n, time.Minute/time.Duration(rate)); err != nil {
		return err
	}
	told, whole, err := g.spans(n, time.Minute)
	fmt.Printf("%5d a minute, %5d incidents: commit to accept  median %7v  p99 %7v  longest %7v;  reading to accept  median %7v  p99 %7v;  %.1f s of CPU, load %s\n",
		rate, n, short(at(told, 0.5)), short(at(told, 0.99)), short(at(told, 1)), short(at(whole, 0.5)), short(at(whole, 0.99)), (cpu() - used).Seconds(), average())
	return err
}

// at is the value below which the share of spans lies.
func at(spans []time.Duration, share float64) time.Duration {
	if len(spans) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(spans))
	return sorted[min(len(sorted)-1, int(share*float64(len(sorted))))]
}

func short(d time.Duration) time.Duration { return d.Round(10 * time.Microsecond) }

// cpu is how much this process has used, the provider's part too.
func cpu() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// average is the load of the machine, which says how far the figures can be relied on.
func average() string {
	text, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return "unknown"
	}
	return strings.Join(strings.Fields(string(text))[:1], " ")
}
