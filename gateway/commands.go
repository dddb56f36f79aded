package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"stillwater"
	"stillwater/gateway/backtest"
	"stillwater/gateway/config"
	"stillwater/gateway/words"
)

// commands is the command line.
func commands() *cobra.Command {
	root := &cobra.Command{
		Use:   "stillwater",
		Short: "Watches over people who live alone, from their water meter and front door",
		Long: `Stillwater reads water meters (Modbus) and door sensors (MQTT), notices when a home goes still
or water runs that should not, and tells family and grid workers by SMS until somebody has taken it on
and said how it ended.

Try it with nothing else installed:

  stillwater demo`,
		SilenceUsage: true, SilenceErrors: true,
	}
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return fmt.Errorf("%w; see %s --help", err, cmd.CommandPath())
	})
	root.AddCommand(demoCommand(), runCommand(), checkCommand(), backtestCommand(), importCommand())
	return root
}

func runCommand() *cobra.Command {
	var path string
	cmd := &cobra.Command{
		Use:   "run --config FILE",
		Short: "Run the gateway",
		Long: `Runs the gateway until it is told to stop (Ctrl-C or SIGTERM). Everything it has accepted is on disk:
after a crash or power loss it goes on where it was. Check the configuration first with "stillwater check".`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return runGateway(cmd.Context(), path, cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	configFlag(cmd, &path)
	return cmd
}

func checkCommand() *cobra.Command {
	var path string
	cmd := &cobra.Command{
		Use:   "check --config FILE",
		Short: "Check the configuration, all of it at once",
		Long: `Prints every mistake in the configuration as "file:line: what, and how to mend it", and exits with 1 if there
is one. It opens nothing but the file: no bus, no broker, no database, no secret.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, _, problems := loadConfig(path)
			if len(problems) > 0 {
				return tell(cmd.ErrOrStderr(), problems)
			}
			fmt.Fprintf(cmd.OutOrStdout(), "%s: no mistakes. Households: %d, rules: %d, buses: %d, brokers: %d.\n",
				path, len(c.Households), len(c.on()), len(c.Modbus), len(c.MQTT))
			return nil
		},
	}
	configFlag(cmd, &path)
	return cmd
}

func configFlag(cmd *cobra.Command, path *string) {
	cmd.Flags().StringVarP(path, "config", "c", "", "the configuration file (deploy/stillwater.yaml is a commented sample)")
	cmd.MarkFlagRequired("config") //nolint:errcheck // the flag exists
}

// tell prints problems, one a line.
func tell(w io.Writer, problems config.Problems) error {
	for _, p := range problems {
		fmt.Fprintln(w, p)
	}
	if n := len(problems); n > 1 {
		fmt.Fprintf(w, "%d mistakes\n", n)
	}
	return errTold
}

func backtestCommand() *cobra.Command {
	var o backtest.Options
	var rulesFile string
	cmd := &cobra.Command{
		Use:   "backtest --readings PATH [--readings PATH …] --out DIR",
		Short: "Run the rules over recorded readings",
		Long: `Runs the same engine as the gateway over recorded readings, and writes alerts.csv (every finding), summary.json
and report.md (for people) into DIR. With --shadow 1h it also writes shadow.csv: for every hour and home, when
the first alert would have come had all life stopped just then.

PATH is a CSV file, plain or gzipped, or a folder that holds readings.csv or readings.csv.gz and perhaps
households.csv. The header of readings is time,household,device,quantity,value and perhaps received; times are
RFC 3339; rows are sorted by received, or by time where that is absent. Quantities are water.total (litres on the
counter), water.flow (L/h), door (open or closed), activity, battery and alive.

No data at hand? Let the simulator record some:

  go run ./simulator record --days 60 --homes 20 --out /tmp/city
  go run ./gateway backtest --readings /tmp/city --out /tmp/result`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return runBacktest(cmd.Context(), o, rulesFile, cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	cmd.Flags().StringArrayVar(&o.Readings, "readings", nil, "a recording: a file, or a folder; may be given several times")
	cmd.Flags().StringVar(&rulesFile, "rules", "", "a YAML file with rules: and presets: as in the configuration (default: the default rules)")
	cmd.Flags().DurationVar(&o.Shadow, "shadow", 0, "write shadow.csv with a row each so often, in whole hours (1h)")
	cmd.Flags().StringVar(&o.Out, "out", "", "the folder for the results")
	for _, name := range []string{"readings", "out"} {
		cmd.MarkFlagRequired(name) //nolint:errcheck // the flags exist
	}
	return cmd
}

func runBacktest(ctx context.Context, o backtest.Options, rulesFile string, stdout, stderr io.Writer) error {
	if o.Shadow < 0 || o.Shadow%time.Hour != 0 {
		return fmt.Errorf("--shadow %v is not a number of whole hours; write like --shadow 1h", o.Shadow)
	}
	set := RulesConfig{Rules: defaults().Rules}
	if rulesFile != "" {
		if _, problems := config.Load(rulesFile, &set); len(problems) > 0 {
			return tell(stderr, problems)
		}
	}
	o.Rules = set.on()
	book, err := words.New()
	if err != nil {
		return err
	}
	o.Why = func(f stillwater.Finding, zone *time.Location) string {
		return book.Why("en", f, stillwater.Household{ID: f.Household, TimeZone: zone.String()})
	}
	terminal := isTerminal(stderr)
	if terminal {
		o.Progress = func(part float64, readings int64) { fmt.Fprintf(stderr, "\r%3.0f %%  %d readings", 100*part, readings) }
	}
	sum, err := backtest.Run(ctx, o)
	if terminal {
		fmt.Fprint(stderr, "\r\x1b[K")
	}
	if errors.Is(err, context.Canceled) {
		return errors.New("stopped before the end; nothing was written")
	}
	if err != nil {
		return err
	}
	printSummary(stdout, sum)
	fmt.Fprintln(stdout, "wrote", backtest.Describe(o))
	return nil
}

// printSummary says the most important of it.
func printSummary(w io.Writer, s *backtest.Summary) {
	fmt.Fprintf(w, "%d households, %.1f home-years, %d readings in %.1f s (%.0f a second)\n\n", s.Households, s.HomeYears, s.Readings, s.WallSeconds, s.ReadingsPerSecond)
	fmt.Fprintf(w, "%-24s %-9s %8s %14s\n", "rule", "severity", "raised", "per home-year")
	for _, r := range s.Rules {
		note := ""
		if r.Trial {
			note = "  (preset, on trial)"
		}
		fmt.Fprintf(w, "%-24s %-9s %8d %14.1f%s\n", r.Rule, r.Severity, r.Alerts, r.AlertsPerHomeYear, note)
	}
	fmt.Fprintln(w)
}

// isTerminal says whether somebody is looking.
func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// sorted is the members of a set, in order.
func sorted(set map[string]bool) []string { return slices.Sorted(maps.Keys(set)) }
