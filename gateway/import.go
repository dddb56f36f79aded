package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"

	"github.com/spf13/cobra"

	"stillwater"
	"stillwater/adapters/sqlite"
	"stillwater/gateway/registry"
)

func importCommand() *cobra.Command {
	var path string
	cmd := &cobra.Command{
		Use:   "import --config FILE FOLDER",
		Short: "Take in households, devices and contacts from tables",
		Long: `Takes in the households of FOLDER's households.csv, devices.csv and contacts.csv, all of them or, when there is
a mistake, none; every mistake is shown with its file, row and column. A household that is there already is
replaced. It may be done while the gateway runs, which takes the change in within seconds.

Tables may be UTF-8 or GB18030, with commas, semicolons or tabs, in any order of columns, under English or Chinese
headers. Columns that are not needed (identity card numbers) are left out and never stored.`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 {
				return errors.New("name the folder with the tables, and nothing else: stillwater import --config FILE FOLDER")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			return runImport(cmd.Context(), path, args[0], cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	configFlag(cmd, &path)
	return cmd
}

func runImport(ctx context.Context, path, folder string, stdout, stderr io.Writer) error {
	c, _, problems := loadConfig(path)
	if len(problems) > 0 {
		return tell(stderr, problems)
	}
	tables, err := registry.ReadFolder(folder)
	if err != nil {
		return err
	}
	households, mistakes, notes := registry.ImportCSV(tables)
	for _, n := range notes {
		fmt.Fprintln(stdout, "note:", n)
	}
	noteUnread(stdout, c, households)
	if len(mistakes) > 0 {
		for _, m := range mistakes {
			fmt.Fprintln(stderr, m)
		}
		fmt.Fprintf(stderr, "%d mistakes; nothing was imported\n", len(mistakes))
		return errTold
	}
	db, err := sqlite.Open(ctx, c.Store, slog.New(slog.NewTextHandler(stderr, &slog.HandlerOptions{Level: slog.LevelWarn})))
	if err != nil {
		return err
	}
	defer db.Close() //nolint:errcheck // what was put is on disk
	if err := db.PutHouseholds(ctx, households); err != nil {
		return err
	}
	fmt.Fprintf(stdout, "%d households imported\n", len(households))
	return nil
}

// noteUnread notes the devices that nothing reads, which would leave their homes blind. It is no mistake of the tables: the feed may
// come later.
func noteUnread(stdout io.Writer, c *Config, households []stillwater.Household) {
	for _, h := range households {
		for _, d := range h.Devices {
			if problem := c.unread(d.Source); problem != "" {
				fmt.Fprintf(stdout, "note: household %s, device %s: %s\n", h.ID, d.ID, problem)
			}
		}
	}
}
