// Command history is the load run of the copy to InfluxDB: readings at a steady rate through the pipeline into the store, with history off,
// with it on, and with its database killed, in turn, in one process and on one disk. It says how long a reading takes from the door of the
// pipeline to its commit in each case, and that in the end every reading is in the database once. It ends with an error if history costs the
// rules time, or if a point is missing.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"slices"
	"time"

	"stillwater/adapters/influx/influxtest"
)

// The phases of a round.
const (
	off  = "off"
	on   = "on"
	away = "away"
)

// A median may differ this much between phases before it counts: rounds with nothing changed differ as much.
const (
	mayDiffer = 1.25
	noisy     = 500 * time.Microsecond
)

func main() {
	homes := flag.Int("homes", 2000, "how many homes, with a meter each")
	rate := flag.Int("rate", 1100, "readings a second: a million homes with one each quarter of an hour")
	rounds := flag.Int("rounds", 4, "rounds of the three phases")
	span := flag.Duration("for", 15*time.Second, "how long a phase takes")
	flag.Parse()
	folder, err := os.MkdirTemp("", "stillwater-load-")
	if err == nil {
		err = work(context.Background(), folder, load{homes: *homes, rate: *rate, rounds: *rounds, span: *span, timed: true})
	}
	if errors.Is(err, influxtest.ErrNone) {
		fmt.Println(err)
		err = nil
	}
	if err != nil {
		fmt.Fprintf(os.Stderr, "load: %v (what was written is in %s)\n", err, folder)
		os.Exit(1)
	}
	_ = os.RemoveAll(folder) // what is left is in the folder for temporary files
}

// load is what is asked for.
type load struct {
	homes, rate, rounds int
	span                time.Duration
	timed               bool // it is an error, too, if history costs the rules time: for a machine that does nothing else
}

// work does the rounds and reports.
func work(ctx context.Context, folder string, l load) error {
	server, err := influxtest.New(folder)
	if err != nil {
		return err
	}
	defer server.Kill()
	if err := server.Start(ctx); err != nil {
		return err
	}
	if err := server.Create(ctx, "load"); err != nil {
		return err
	}
	g, err := newGateway(ctx, folder, server.Address, l)
	if err != nil {
		return err
	}
	if _, err := g.play(ctx, l); err != nil { // homes and files that are new cost more
		return err
	}
	took, medians := map[string][]time.Duration{}, map[string][]time.Duration{}
	for round := range l.rounds {
		for i := range 3 { // in another order each time
			phase := []string{off, on, away}[(round+i)%3]
			spans, err := g.phase(ctx, l, phase, server)
			if err != nil {
				return err
			}
			took[phase], medians[phase] = append(took[phase], spans...), append(medians[phase], at(spans, 0.5))
			c := g.history.Counts()
			fmt.Printf("round %d  %-5s %6d readings  median %8v  p99 %8v  waiting %6d  spool %5.1f MB\n", round+1, phase, len(spans),
				short(at(spans, 0.5)), short(at(spans, 0.99)), c.Waiting, float64(c.Bytes)/1e6)
		}
	}
	for _, phase := range []string{off, on, away} {
		fmt.Printf("history %-5s median %8v  p99 %8v  (%d readings)\n", phase, short(at(took[phase], 0.5)), short(at(took[phase], 0.99)), len(took[phase]))
	}
	err = g.settle(ctx, server)
	if l.timed {
		err = errors.Join(err, compare(medians))
	}
	return err
}

// phase plays once, with history as the phase says.
func (g *gateway) phase(ctx context.Context, l load, phase string, server *influxtest.Server) ([]time.Duration, error) {
	g.copies.Store(phase != off)
	if phase != away {
		return g.play(ctx, l)
	}
	server.Kill()
	spans, err := g.play(ctx, l)
	return spans, errors.Join(err, server.Start(ctx))
}

// compare says whether the middle of the rounds' medians is the same with history and without.
func compare(medians map[string][]time.Duration) (err error) {
	without := at(medians[off], 0.5)
	for _, phase := range []string{on, away} {
		if with := at(medians[phase], 0.5); float64(with) > mayDiffer*float64(without) && with-without > noisy {
			err = errors.Join(err, fmt.Errorf("with history %s a reading takes %v, without %v", phase, short(with), short(without)))
		}
	}
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
