package main

import (
	"fmt"
	"runtime"
	"time"

	"github.com/spf13/cobra"

	"stillwater/simulator/trial"
	"stillwater/simulator/world"
)

func stageCommand() *cobra.Command {
	var o trial.Options
	var start string
	var holidays []string
	c := &cobra.Command{
		Use:   "stage --out DIR",
		Short: "Write a large recording with one event in each home, for measuring",
		Long: "Makes homes of all kinds and lets one event happen in each, after 45 days or more: falls, taps left running, exits at night and burst\n" +
			"pipes; and quiet homes, in which nothing happens. Writes readings.csv.gz and households.csv, as a backtest takes them, homes.csv (what\n" +
			"kind of home each is), truth.csv (what happened) and stage.json (the seed). The same flags give the same bytes.",
		Example: "  simulator stage --out staged\n  stillwater backtest --readings staged --out found\n  simulator score --recording staged --alerts found/alerts.csv",
		Args:    cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			began := time.Now()
			if err := stageOptions(&o, start, holidays); err != nil {
				return err
			}
			done, err := trial.Stage(c.Context(), o)
			if err != nil {
				return err
			}
			took := time.Since(began)
			fmt.Fprintf(c.OutOrStdout(), "seed %d: %d falls, %d taps, %d night exits, %d burst pipes, %d quiet homes, %d days\n", o.Seed, done.Events[trial.Fall],
				done.Events[trial.Tap], done.Events[trial.NightExit], done.Events[trial.Burst], done.Households-done.Truths, o.Days)
			fmt.Fprintf(c.OutOrStdout(), "%d readings of %d homes in %.1f s (%.0f a second), %d MiB of memory, in %s\n", done.Readings, done.Households, took.Seconds(),
				float64(done.Readings)/took.Seconds(), memory()>>20, o.Dir)
			return nil
		},
	}
	f := c.Flags()
	f.StringVar(&o.Dir, "out", "", "folder to write to; made if it is not there")
	f.Uint64Var(&o.Seed, "seed", 1, "the same seed is the same recording")
	f.IntVar(&o.Each, "each", 500, "homes with each of the four events")
	f.IntVar(&o.Quiet, "quiet", 500, "homes in which nothing happens")
	f.IntVar(&o.Days, "days", 60, "how many days")
	f.StringVar(&start, "start", "2026-03-01", "first day")
	f.StringVar(&o.TimeZone, "timezone", "Asia/Shanghai", "time zone of its people")
	f.StringSliceVar(&holidays, "holidays", nil, "public holidays, like 2026-04-05,2026-04-06: days like a Sunday")
	return c
}

// stageOptions reads what flags cannot check.
func stageOptions(o *trial.Options, start string, holidays []string) error {
	zone, err := time.LoadLocation(o.TimeZone)
	if err != nil {
		return fmt.Errorf("--timezone %q: %w; %w", o.TimeZone, err, errUsage)
	}
	if o.Start, err = time.ParseInLocation(time.DateOnly, start, zone); err != nil {
		return fmt.Errorf("--start %q is not a day like 2026-03-01; %w", start, errUsage)
	}
	if o.Dir == "" || o.Each < 1 {
		return fmt.Errorf("--out needs a folder, and --each one at least; %w", errUsage)
	}
	for _, text := range holidays {
		var d world.Date
		if err := d.UnmarshalText([]byte(text)); err != nil {
			return fmt.Errorf("--holidays: %w; %w", err, errUsage)
		}
		o.Holidays = append(o.Holidays, d)
	}
	return nil
}

// memory is how many bytes the program has from the system.
func memory() uint64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.Sys
}
