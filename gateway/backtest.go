package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"stillwater"
	"stillwater/gateway/backtest"
	"stillwater/gateway/config"
	"stillwater/gateway/words"
	"stillwater/rules"
)

// curveBudgets are the budgets of --curve: from hardly ever to a visit each second week.
const curveBudgets = "1,2,4,8,12,33"

// backtestFlags is what the command line says of a backtest.
type backtestFlags struct {
	backtest.Options
	rules   []string
	budgets []float64
	arrive  string
	curve   bool
}

func backtestCommand() *cobra.Command {
	var f backtestFlags
	cmd := &cobra.Command{
		Use:   "backtest --readings PATH [--readings PATH …] --out DIR",
		Short: "Run the rules over recorded readings",
		Long: `Runs the same engine as the gateway over recorded readings, and writes into DIR: alerts.csv (every finding),
summary.json, and for people report.md and report.html, a page that needs nothing else. With --shadow 1h it also
writes shadow.csv: for every hour and home, when the first alert would have come had all life stopped just then.

PATH is a CSV file, plain or gzipped, or a folder that holds readings.csv or readings.csv.gz and perhaps
households.csv. The header of readings is time,household,device,quantity,value and perhaps received; times are
RFC 3339; rows are sorted by received, or by time where that is absent. Quantities are water.total (litres on the
counter), water.flow (L/h), door (open or closed), activity, battery and alive.

Give --rules or --budget several times, or --curve, to compare: each set of rules runs over the same pass of the
readings and has a folder of its own in DIR, and the reports set them side by side.

No data at hand? Let the simulator record some:

  go run ./simulator record --days 60 --homes 20 --out /tmp/city
  go run ./gateway backtest --readings /tmp/city --out /tmp/result`,
		Example: `  stillwater backtest --readings city --out result --shadow 1h --budget 4
  stillwater backtest --readings city --out result --rules today.yaml --rules tomorrow.yaml
  stillwater backtest --readings city --out result --shadow 1h --curve`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return f.run(cmd.Context(), cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	flags := cmd.Flags()
	flags.StringArrayVar(&f.Readings, "readings", nil, "a recording: a file, or a folder; may be given several times")
	flags.StringArrayVar(&f.rules, "rules", nil, "a YAML file with rules: and presets: as in the configuration (default: the default rules); several are compared")
	flags.Float64SliceVar(&f.budgets, "budget", nil, "false silence alerts per home and year, instead of what the rules say; several (33,12,4) are compared")
	flags.BoolVar(&f.curve, "curve", false, "compare the budgets "+curveBudgets+", with --shadow 1h: what each budget buys")
	flags.DurationVar(&f.Shadow, "shadow", 0, "write shadow.csv with a row each so often, in whole hours (1h)")
	flags.StringVar(&f.arrive, "arrive", "", "when readings come to the gateway, in the home's local time: daily@02:00, hourly, or later by +20m (default: as recorded)")
	flags.IntVar(&f.Actograms, "actograms", 12, "how many homes report.html draws day by hour")
	flags.StringVar(&f.Out, "out", "", "the folder for the results")
	for _, name := range []string{"readings", "out"} {
		cmd.MarkFlagRequired(name) //nolint:errcheck // the flags exist
	}
	return cmd
}

func (f *backtestFlags) run(ctx context.Context, stdout, stderr io.Writer) error {
	if err := f.check(); err != nil {
		return err
	}
	if err := f.variants(stderr); err != nil {
		return err
	}
	book, err := words.New()
	if err != nil {
		return err
	}
	f.Why = func(f stillwater.Finding, zone *time.Location) string {
		return book.Why("en", f, stillwater.Household{ID: f.Household, TimeZone: zone.String()})
	}
	terminal := isTerminal(stderr)
	if terminal {
		f.Progress = func(part float64, readings int64) { fmt.Fprintf(stderr, "\r%3.0f %%  %d readings", 100*part, readings) }
	}
	sums, err := backtest.Compare(ctx, f.Options)
	if terminal {
		fmt.Fprint(stderr, "\r\x1b[K")
	}
	if errors.Is(err, context.Canceled) {
		return errors.New("stopped before the end; nothing was written")
	}
	if err != nil {
		return err
	}
	if len(sums) > 1 {
		printComparison(stdout, sums)
	} else {
		printSummary(stdout, sums[0])
	}
	fmt.Fprintln(stdout, "wrote", backtest.Describe(f.Options))
	return nil
}

// check refuses what the flags alone show to be wrong.
func (f *backtestFlags) check() (err error) {
	if f.curve {
		if len(f.budgets) > 0 {
			return errors.New("--curve and --budget both name budgets; take one out")
		}
		for _, b := range strings.Split(curveBudgets, ",") {
			v, err := strconv.ParseFloat(b, 64)
			if err != nil {
				return err
			}
			f.budgets = append(f.budgets, v)
		}
		if f.Shadow == 0 {
			f.Shadow = time.Hour
		}
	}
	if f.Shadow < 0 || f.Shadow%time.Hour != 0 {
		return fmt.Errorf("--shadow %v is not a number of whole hours; write like --shadow 1h", f.Shadow)
	}
	if f.Actograms < 0 {
		return fmt.Errorf("--actograms %d is not a number of homes; 0 draws none", f.Actograms)
	}
	for _, b := range f.budgets {
		if !(b > 0 && b <= 400) { // so that NaN fails
			return fmt.Errorf("--budget %v is not a number of false alerts per home and year; write like --budget 4", b)
		}
	}
	if f.Arrive, err = backtest.ParseArrival(f.arrive); err != nil {
		return fmt.Errorf("--arrive %w", err)
	}
	return nil
}

// variants makes the sets of rules: each file of rules with each budget.
func (f *backtestFlags) variants(stderr io.Writer) error {
	files := f.rules
	if len(files) == 0 {
		files = []string{""}
	}
	var list []backtest.Variant
	calendars := map[string]func() rules.Calendar{}
	for _, file := range files {
		set := defaults().RulesConfig
		if file != "" {
			if _, problems := config.Load(file, &set); len(problems) > 0 {
				return tell(stderr, problems)
			}
		}
		more, err := f.budgeted(file, set.on())
		if err != nil {
			return err
		}
		for _, v := range more {
			calendars[v.Name] = set.days
		}
		list = append(list, more...)
	}
	if len(list) == 1 {
		f.Rules = list[0].Rules
		f.Calendar = calendars[list[0].Name]()
		return nil
	}
	for i := range list {
		list[i].Calendar = calendars[list[i].Name]()
		if slices.ContainsFunc(list[:i], func(v backtest.Variant) bool { return v.Name == list[i].Name }) {
			return fmt.Errorf("two of the sets of rules would be called %q; give each file of rules a name of its own, and each budget once", list[i].Name)
		}
	}
	f.Variants = list
	return nil
}

// budgeted is a set of rules with each of the budgets, or as it is.
func (f *backtestFlags) budgeted(file string, on []rules.Rule) ([]backtest.Variant, error) {
	name := strings.TrimSuffix(filepath.Base(file), filepath.Ext(file))
	if file == "" {
		name = ""
	}
	if len(f.budgets) == 0 {
		return []backtest.Variant{{Name: name, Rules: on}}, nil
	}
	var list []backtest.Variant
	for _, b := range f.budgets {
		with := rules.WithBudget(on, b)
		if !slices.ContainsFunc(with, func(r rules.Rule) bool { return r.Budget == b }) {
			return nil, fmt.Errorf("--budget %v: no silence or away rule%s has a budget that it could replace; a rule that learns has one, like {rule: silence-learned, severity: alert, after: 48h, budget: 4}", b, in(file))
		}
		list = append(list, backtest.Variant{Name: strings.TrimPrefix(name+"-budget-"+strconv.FormatFloat(b, 'g', -1, 64), "-"), Budget: b, Rules: with})
	}
	return list, nil
}

// in names the file of rules in a sentence.
func in(file string) string {
	if file == "" {
		return ""
	}
	return fmt.Sprintf(" in %q", file)
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
	if s.Silence.Hours > 0 {
		fmt.Fprintf(w, "once learned: %.1f silence alerts per home-year, mean protection delay %.1f h, 90 %% within %.1f h\n", s.Silence.AlertsPerHomeYear,
			s.Silence.MeanDelay, s.Silence.P90Delay)
	}
	fmt.Fprintf(w, "visits per week for a worker with 40 homes: %.1f\n\n", s.Visits())
}

// printComparison sets the variants side by side.
func printComparison(w io.Writer, sums []*backtest.Summary) {
	s := sums[0]
	fmt.Fprintf(w, "%d households, %.1f home-years, %d readings in %.1f s (%.0f a second)\n\n", s.Households, s.HomeYears, s.Readings, s.WallSeconds, s.ReadingsPerSecond)
	fmt.Fprintf(w, "%-24s %14s %12s %14s %15s %12s %12s\n", "", "alerts", "visits per", "questions", "silence alerts", "mean", "90 %")
	fmt.Fprintf(w, "%-24s %14s %12s %14s %15s %12s %12s\n", "rules", "per home-year", "worker-week", "per home-year", "per home-year", "delay, h", "within, h")
	for _, s := range sums {
		fmt.Fprintf(w, "%-24s %14.1f %12.1f %14.1f %15.1f %12s %12s\n", s.Variant, s.AlertRate(), s.Visits(), s.QuestionRate(), s.Silence.AlertsPerHomeYear,
			delay(s, s.Silence.MeanDelay), delay(s, s.Silence.P90Delay))
	}
	fmt.Fprintln(w)
}

// delay writes a protection delay, where there is one.
func delay(s *backtest.Summary, hours float64) string {
	if s.Silence.Hours == 0 {
		return "–"
	}
	return fmt.Sprintf("%.1f", hours)
}

// isTerminal says whether somebody is looking.
func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}
