package main

import (
	"encoding/json"
	"fmt"

	"github.com/spf13/cobra"

	"stillwater/simulator/trial"
)

func scoreCommand() *cobra.Command {
	var recording, alerts string
	var asJSON bool
	c := &cobra.Command{
		Use:   "score --recording DIR --alerts FILE",
		Short: "Score what a backtest found in a staged recording",
		Long: "Compares the alerts.csv of a backtest with what simulator stage staged: how many events of each kind were found within 24 hours, how\n" +
			"late, and how much was raised where nothing had happened, per home and year. Falls are found by an alert of silence or away, running\n" +
			"taps and burst pipes by one of leak or surge, night exits by door, away, silence or night-exit. The first 28 days of a home are for\n" +
			"learning and do not count.",
		Example: "  simulator score --recording staged --alerts found/alerts.csv --json",
		Args:    cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if recording == "" || alerts == "" {
				return fmt.Errorf("--recording needs a folder, and --alerts a file; %w", errUsage)
			}
			s, err := trial.NewScore(recording, alerts)
			if err != nil {
				return err
			}
			if !asJSON {
				return s.Print(c.OutOrStdout())
			}
			e := json.NewEncoder(c.OutOrStdout())
			e.SetIndent("", "  ")
			return e.Encode(s)
		},
	}
	c.Flags().StringVar(&recording, "recording", "", "folder that simulator stage wrote")
	c.Flags().StringVar(&alerts, "alerts", "", "alerts.csv of a backtest over it")
	c.Flags().BoolVar(&asJSON, "json", false, "as JSON")
	return c
}
