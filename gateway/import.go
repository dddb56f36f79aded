package main

import (
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"log/slog"
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
		Args: cobra.ExactArgs(1),
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
	if len(mistakes) > 0 {
		for _, m := range mistakes {
			fmt.Fprintln(stderr, m)
		}
		fmt.Fprintf(stderr, "%d mistakes; nothing was imported\n", len(mistakes))
		return errTold
	}
	db, err := sqlite.Open(ctx, c.Store, slog.New(slog.NewTextHandler(stderr, nil)))
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
