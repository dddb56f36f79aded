// Command simulator is a pretended city for exercising a gateway from outside: residents with their days, Modbus meters, MQTT door
// contacts, and a provider of text messages with phones to answer on. It promises to speak the same protocols as the real
// things and the same words for the same seed. It never sends a text to anybody, and is no part of a gateway in service.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"stillwater"
	"stillwater/simulator/world"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

// errUsage marks what the caller wrote wrong; the exit code is 2 then, and 1 for what went wrong.
var errUsage = errors.New("see --help")

// run is the program.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	root := &cobra.Command{
		Use:   "simulator",
		Short: "A pretended city: residents, meters, door sensors and phones",
		Long: "A pretended city for exercising a gateway: residents who live alone and have a day, their water meters on Modbus TCP,\n" +
			"door contacts and pulse meters on MQTT, and a provider of text messages in the manner of Twilio with phones to answer on.\n" +
			"The same seed is the same city.",
		Example: "  simulator config --homes 12 > city.yaml      the parts of a gateway's configuration that fit\n" +
			"  simulator serve --homes 12 --speed 60        the city beside a gateway, an hour in a minute\n" +
			"  simulator record --days 90 --out recording   readings of a season, for a backtest",
		SilenceUsage: true, SilenceErrors: true,
	}
	root.SetArgs(args)
	root.SetOut(stdout)
	root.SetErr(stderr)
	root.SetFlagErrorFunc(func(c *cobra.Command, err error) error { return fmt.Errorf("%w; %w", err, errUsage) })
	root.AddCommand(serveCommand(), recordCommand(), stageCommand(), scoreCommand(), configCommand(), scenariosCommand(), residentsCommand())
	err := root.ExecuteContext(ctx)
	switch {
	case err == nil:
		return 0
	case errors.Is(err, errUsage) || strings.HasPrefix(err.Error(), "unknown command"):
		fmt.Fprintln(stderr, "simulator:", err)
		return 2
	}
	fmt.Fprintln(stderr, "simulator:", err)
	return 1
}

// cityFlags are the settings every command shares that needs a city.
type cityFlags struct {
	homes      int
	seed       uint64
	start      string
	zone       string
	meterEvery time.Duration
	pulseEvery int
	residents  []string
}

// add defines the flags.
func (f *cityFlags) add(c *cobra.Command, start string) {
	c.Flags().IntVar(&f.homes, "homes", 12, "how many homes")
	c.Flags().Uint64Var(&f.seed, "seed", 1, "the same seed is the same city")
	c.Flags().StringVar(&f.start, "start", start, "first day of the city, like 2026-01-01; yesterday and today are understood")
	c.Flags().StringVar(&f.zone, "timezone", "Asia/Shanghai", "time zone of its people")
	c.Flags().DurationVar(&f.meterEvery, "meter-every", 15*time.Minute, "how often a meter reports or is to be read")
	c.Flags().IntVar(&f.pulseEvery, "pulse-every", 4, "every n-th home has an MQTT pulse meter in place of a Modbus meter; below zero: none")
	c.Flags().StringArrayVar(&f.residents, "resident", nil, "who lives where, as NAME@HOME, 1 is the first home; see simulator residents; may stand several times")
}

// world makes the city.
func (f *cityFlags) world(now time.Time) (*world.World, error) {
	zone, err := time.LoadLocation(f.zone)
	if err != nil {
		return nil, fmt.Errorf("--timezone %q: %w; %w", f.zone, err, errUsage)
	}
	y, m, d := now.In(zone).Date()
	start := time.Date(y, m, d, 0, 0, 0, 0, zone)
	switch f.start {
	case "today":
	case "yesterday":
		start = start.AddDate(0, 0, -1)
	default:
		if start, err = time.ParseInLocation(time.DateOnly, f.start, zone); err != nil {
			return nil, fmt.Errorf("--start %q is not a day like 2026-01-01; %w", f.start, errUsage)
		}
	}
	known, err := f.known()
	if err != nil {
		return nil, err
	}
	w, err := world.New(world.Options{Homes: f.homes, Seed: f.seed, Start: start, TimeZone: f.zone, MeterEvery: f.meterEvery, PulseEvery: f.pulseEvery,
		Residents: known})
	if err != nil {
		return nil, fmt.Errorf("%w; %w", err, errUsage)
	}
	return w, nil
}

// known is who is known to live where, by home.
func (f *cityFlags) known() ([]world.Resident, error) {
	var all []world.Resident
	for _, text := range f.residents {
		name, place, _ := strings.Cut(text, "@")
		home, err := strconv.Atoi(place)
		if err != nil || home < 1 || home > f.homes {
			return nil, fmt.Errorf("--resident %q: write NAME@HOME, with a home from 1 to %d; %w", text, f.homes, errUsage)
		}
		r, err := world.FindResident(name)
		if err != nil {
			return nil, fmt.Errorf("%w; %w", err, errUsage)
		}
		for len(all) < home {
			all = append(all, world.Resident{})
		}
		all[home-1] = r
	}
	return all, nil
}

// stageAll stages what --scenario asks for: NAME, NAME@HOME or NAME@HOME@TIME. Times are counted from begin.
func stageAll(w *world.World, asked []string, begin time.Time, out io.Writer) error {
	for _, text := range asked {
		name, rest, _ := strings.Cut(text, "@")
		place, when, _ := strings.Cut(rest, "@")
		s, err := world.FindScenario(name)
		if err != nil {
			return fmt.Errorf("%w; %w", err, errUsage)
		}
		home, err := homeOf(w, place)
		if err != nil {
			return fmt.Errorf("--scenario %q: %w; %w", text, err, errUsage)
		}
		at, err := timeOf(w, when, begin)
		if err != nil {
			return fmt.Errorf("--scenario %q: %w; %w", text, err, errUsage)
		}
		staged, err := w.Stage(s, home, at)
		if err != nil {
			return err
		}
		fmt.Fprintf(out, "%s in %s from %s to %s\n", name, staged.Homes[0], clockTime(w, staged.From), clockTime(w, staged.To))
	}
	return nil
}

// homeOf finds a home by its number, 1 is the first, or its ID; "" is the scenario's own.
func homeOf(w *world.World, text string) (stillwater.HouseholdID, error) {
	n, err := strconv.Atoi(text)
	switch {
	case text == "":
		return "", nil
	case err == nil && n >= 1:
		return w.Home(n - 1), nil
	case err == nil:
		return "", fmt.Errorf("%d is no home; 1 is the first", n)
	}
	return stillwater.HouseholdID(text), nil
}

// timeOf reads a moment: +90m after begin, 06:40 the next time, or 2026-03-01T06:40:00+08:00; "" is the scenario's own.
func timeOf(w *world.World, text string, begin time.Time) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	if after, ok := strings.CutPrefix(text, "+"); ok {
		d, err := stillwater.ParseSpan(after)
		return begin.Add(d), err
	}
	if t, err := time.Parse("15:04", text); err == nil {
		local := begin.In(w.Location())
		at := time.Date(local.Year(), local.Month(), local.Day(), t.Hour(), t.Minute(), 0, 0, w.Location())
		if at.Before(begin) {
			at = at.AddDate(0, 0, 1)
		}
		return at, nil
	}
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return at, fmt.Errorf("%q is no moment; write +90m, 06:40 or 2026-03-01T06:40:00+08:00", text)
	}
	return at, nil
}

// clockTime is a moment as the people of the city would say it.
func clockTime(w *world.World, t time.Time) string {
	return t.In(w.Location()).Format("2006-01-02 15:04")
}

// scenarioHelp is what --scenario takes.
const scenarioHelp = "what goes wrong, as NAME, NAME@HOME or NAME@HOME@TIME: HOME is a number (1 is the first) or an ID, TIME is +90m, 06:40 or RFC 3339; " +
	"what is left out is the scenario's own; may stand several times"

// together runs tasks until one fails or ctx is done, and waits for them all.
func together(ctx context.Context, tasks ...func(context.Context) error) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	errs := make([]error, len(tasks))
	var all sync.WaitGroup
	for i, task := range tasks {
		all.Go(func() {
			if errs[i] = task(ctx); errs[i] != nil {
				stop()
			}
		})
	}
	all.Wait()
	return errors.Join(errs...)
}
