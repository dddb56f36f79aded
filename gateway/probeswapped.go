package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"stillwater"
	"stillwater/adapters/sqlite"
	"stillwater/gateway/pairing"
	"stillwater/gateway/registry"
)

// swappedDays is how far back readings are looked at.
const swappedDays = 90

func probeSwappedCommand() *cobra.Command {
	var path string
	days := swappedDays
	cmd := &cobra.Command{
		Use:   "swapped --config FILE",
		Short: "Find meters that were swapped between neighbours",
		Long: `Compares when water is used with when the door goes: whose door it is, uses none while she is out. Two homes of one
building (or of one bus, where buildings are not entered) whose meters each fit the other's door, and not their own, are
shown. It needs four weeks of both at least; of hourly meters, more. It may be run while the gateway runs, and changes
nothing: go and read the dials before you change an entry.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if days < 1 {
				return fmt.Errorf("--days %d: write how many days to look back, like %d", days, swappedDays)
			}
			return probeSwapped(cmd.Context(), path, days, cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	configFlag(cmd, &path)
	cmd.Flags().IntVar(&days, "days", days, "how many days to look back")
	return cmd
}

func probeSwapped(ctx context.Context, path string, days int, stdout, stderr io.Writer) error {
	c, _, problems := loadConfig(path)
	if len(problems) > 0 {
		return tell(stderr, problems)
	}
	db, err := sqlite.Open(ctx, c.Store, slog.New(slog.NewTextHandler(stderr, &slog.HandlerOptions{Level: slog.LevelWarn})))
	if err != nil {
		return err
	}
	defer db.Close() //nolint:errcheck // nothing was written
	imported, err := db.Households(ctx)
	if err != nil {
		return err
	}
	households, _ := registry.Merge(c.people(), imported)
	since := time.Now().AddDate(0, 0, -days)
	var homes []*pairing.Home
	for _, h := range households {
		home := &pairing.Home{ID: h.ID, Location: h.Location(), Neighbour: neighbours(h)}
		if err := db.Readings(ctx, h.ID, since, func(r stillwater.Reading) error { home.Take(r); return nil }); err != nil {
			return err
		}
		homes = append(homes, home)
	}
	tellSwapped(stdout, pairing.Find(homes), days)
	return nil
}

// neighbours names those that a home's meter can have been mixed up with: of its building, or of its meter's bus.
func neighbours(h stillwater.Household) string {
	feed := ""
	for _, d := range h.Devices {
		if d.Kind == stillwater.Meter {
			feed, _, _ = strings.Cut(d.Source, "/")
		}
	}
	return cmp.Or(h.Place.Building, feed)
}

func tellSwapped(w io.Writer, r pairing.Report, days int) {
	for _, p := range r.Swapped {
		fmt.Fprintf(w, "%s and %s: their meters seem to be swapped. Each fits the other's door (%.1f and %.1f standard deviations) and not its own (%.1f and %.1f). Read both dials before you change an entry.\n",
			p.A, p.B, p.AtoB, p.BtoA, p.OwnA, p.OwnB)
	}
	for _, id := range r.Odd {
		fmt.Fprintf(w, "%s: its water does not go with its door, nor with a neighbour's. See whether meter and door sensor are of this home.\n", id)
	}
	if len(r.Swapped)+len(r.Odd) == 0 {
		fmt.Fprintf(w, "No swapped meters found.\n")
	}
	fmt.Fprintf(w, "Looked at %d days: %d meters fit their own door, of %d that cannot be said yet, %d homes have less than two weeks of a meter and a door.\n",
		days, r.Fitting, r.Unclear, r.Unknown)
}
