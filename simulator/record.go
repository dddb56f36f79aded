package main

import (
	"fmt"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"stillwater/simulator/world"
)

func recordCommand() *cobra.Command {
	var city cityFlags
	var days int
	var scenarios []string
	var out string
	c := &cobra.Command{
		Use:   "record --out DIR",
		Short: "Write recorded readings, for a backtest",
		Long: "Writes what the devices of the city say to DIR: readings.csv.gz and households.csv, as a backtest takes them, and truth.csv, what\n" +
			"should be found; where absences were entered beforehand, absences.csv and away.csv too. The same flags give the same bytes.",
		Example: "  simulator record --days 90 --homes 40 --scenario fall-in-bathroom@3@+60d --scenario burst-pipe --out recording",
		Args:    cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if out == "" || days < 1 {
				return fmt.Errorf("--out needs a folder, and --days one at least; %w", errUsage)
			}
			w, err := city.world(time.Now())
			if err != nil {
				return err
			}
			if err := stageAll(w, scenarios, w.Start(), c.OutOrStdout()); err != nil {
				return err
			}
			done, err := w.Record(c.Context(), world.RecordOptions{Dir: out, To: w.Start().AddDate(0, 0, days)})
			if err != nil {
				return err
			}
			fmt.Fprintf(c.OutOrStdout(), "%d readings of %d homes in %d days, %d lines of truth, in %s\n", done.Readings, done.Households, days, done.Truths, out)
			return nil
		},
	}
	city.add(c, "2026-01-01")
	c.Flags().IntVar(&days, "days", 60, "how many days")
	c.Flags().StringVar(&out, "out", "", "folder to write to; made if it is not there")
	c.Flags().StringArrayVar(&scenarios, "scenario", nil, scenarioHelp)
	return c
}

func scenariosCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "scenarios",
		Short: "List what can go wrong",
		Long:  "Lists the scenarios that come with the simulator: what happens, in both languages, and what a gateway should make of it.",
		Args:  cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			all, err := world.Scenarios()
			if err != nil {
				return err
			}
			out := tabwriter.NewWriter(c.OutOrStdout(), 0, 0, 2, ' ', 0)
			for _, s := range all {
				fmt.Fprintf(out, "%s\n  %s\n  %s · %s\n", s.Name, s.Title.En, s.Title.Zh, s.Story.Zh)
				fmt.Fprintf(out, "  %s\n  truth: %s\n\n", s.Story.En, truths(s))
			}
			return out.Flush()
		},
	}
}

func residentsCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "residents",
		Short: "List who can live in a home",
		Long:  "Lists the residents that come with the simulator, in both languages: their habits, and what is fitted in their homes.",
		Args:  cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			all, err := world.Residents()
			if err != nil {
				return err
			}
			out := tabwriter.NewWriter(c.OutOrStdout(), 0, 0, 2, ' ', 0)
			for _, r := range all {
				fmt.Fprintf(out, "%s\n  %s\n  %s · %s\n  %s\n\n", r.Name, r.Title.En, r.Title.Zh, r.Story.Zh, r.Story.En)
			}
			return out.Flush()
		},
	}
}

// truths is what should be made of a scenario, in a line.
func truths(s world.Scenario) string {
	var words []string
	for _, t := range s.Truth {
		if t.None {
			words = append(words, "no "+string(t.Kind))
			continue
		}
		severity := ""
		if t.Severity != "" {
			severity = string(t.Severity) + " or more, "
		}
		words = append(words, fmt.Sprintf("%s (%safter %v to %v)", t.Kind, severity, t.Earliest.Duration(), t.Latest.Duration()))
	}
	return strings.Join(words, "; ")
}
