package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"stillwater"
	"stillwater/adapters/sqlite"
	"stillwater/gateway/drill"
	"stillwater/gateway/pipeline"
)

// drillLook is how often it is looked whether a drill is due, on the wall's clock.
const drillLook = 20 * time.Second

// holdDrills holds the drill of each month when it is due.
func (g *gateway) holdDrills(ctx context.Context) error {
	var failed drill.Month // that was logged
	for wait(ctx, drillLook) {
		month, due := g.config.Drills.Due(g.clock.Now())
		if !due {
			continue
		}
		held, err := g.pipeline.Drill(ctx, month)
		if (!held || err != nil) && ctx.Err() == nil && failed != month {
			failed = month
			g.log.Warn("drill not held: the rules found no surge in its water, or the pipeline took none", "month", month, "err", err)
		}
	}
	return nil
}

func drillCommand() *cobra.Command {
	var path string
	cmd := &cobra.Command{
		Use:   "drill --config FILE",
		Short: "Show whom the last exercises reached, and who can no longer be reached",
		Long: `Prints what became of the last monthly exercises (the section drills of the configuration): who was told by which channel, whether it
arrived, who answered, and below it the people who can no longer be reached: what was sent there failed, or did not arrive twice running.
It may be asked while the gateway runs.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return printDrills(cmd.Context(), path, cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	configFlag(cmd, &path)
	return cmd
}

// Bounds of what is read of drills.
const (
	drillsShown = 3
	drillTexts  = 1_000_000 // more people than a city's gateway tells
)

// printDrills writes the last drills, the latest first.
func printDrills(ctx context.Context, path string, stdout, stderr io.Writer) error {
	c, _, problems := loadConfig(path)
	if len(problems) > 0 {
		return tell(stderr, problems)
	}
	results, err := c.drilled(ctx, stderr)
	if err != nil {
		return err
	}
	switch {
	case len(results) == 0 && c.Drills == nil:
		fmt.Fprintln(stdout, "no drill was held; write drills: {day: first-tuesday} into the configuration to hold one each month")
	case len(results) == 0:
		fmt.Fprintln(stdout, "no drill was held yet; the gateway holds one each month while it runs")
	}
	table := tabwriter.NewWriter(stdout, 0, 0, 2, ' ', 0)
	for _, r := range results {
		told, reached, answered := r.Counts()
		fmt.Fprintf(table, "%s\ttold %d\treached %d\tanswered %d\t\n", r.Month, told, reached, answered)
		for _, t := range r.Told {
			answer := ""
			if !t.Answered.IsZero() {
				answer = "answered after " + stillwater.FormatSpan(t.Answered.Sub(r.Opened).Round(time.Minute))
			}
			fmt.Fprintf(table, "  %s\t%s\t%s\t%s\t%s\n", t.Contact, t.Channel, t.State, answer, t.Error)
		}
	}
	for _, t := range drill.Lost(results) {
		fmt.Fprintf(table, "cannot be reached: %s\t%s\t%s\t\t%s\n", t.Contact, t.Channel, t.State, t.Error)
	}
	return table.Flush()
}

// drilled are the last drills in the store, the latest first; none where there is no store yet.
func (c *Config) drilled(ctx context.Context, stderr io.Writer) (results []drill.Result, err error) {
	if _, err := os.Stat(c.Store.Path); errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	db, err := sqlite.Open(ctx, c.Store, slog.New(slog.NewTextHandler(stderr, &slog.HandlerOptions{Level: slog.LevelWarn})))
	if err != nil {
		return nil, err
	}
	defer db.Close() //nolint:errcheck // it was read
	held, err := db.Incidents(ctx, sqlite.IncidentQuery{Household: pipeline.DrillHome, Limit: drillsShown})
	for _, i := range held {
		messages, err := db.Messages(ctx, sqlite.MessageQuery{Incident: i.ID, Limit: drillTexts})
		if err != nil {
			return nil, err
		}
		results = append(results, drill.ResultOf(i, messages))
	}
	return results, err
}
