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
		Use:   "import --config FILE PATH...",
		Short: "Take in households, devices and contacts from an office's tables",
		Long: `Takes in households with their devices and contacts, all of them or, when there is a mistake, none. Every mistake
is shown at once with its place: sheet and cell (联系人!C7), or file, row and column. A household that is there
already is replaced. It may be done while the gateway runs, which takes the change in within seconds.

A PATH is a workbook (.xlsx), a table (.csv), or a folder with them. Three tables are wanted, which are known by
the name of their sheet or file:

  households, 住户      a row for each home: who lives there, where, since when she agrees, who is told, who has a key
  devices, 设备         a row for each meter and sensor
  contacts, 联系人      a row for each person: role, number, languages, channels, hours of rest

Titles may stand above the header, cells may be merged, columns may stand in any order, under English or Chinese
names; "stillwater export --template" writes an empty workbook with all of them. CSV may be UTF-8 or GB18030, with
commas, semicolons or tabs. Dates may be real dates of the spreadsheet, 2026-03-01, 2026/3/1 or 2026年3月1日. Several
people in one cell have a semicolon between them. Formulas count by the value that was saved with them.

Columns that are not needed (身份证号 and the like) are named, left out and never stored; the number of an identity
card in any other column is refused.`,
		Example: `  stillwater import --config stillwater.yaml 台账.xlsx
  stillwater import --config stillwater.yaml households.csv devices.csv contacts.csv`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				return errors.New("name the workbook, the tables or the folder with them: stillwater import --config FILE PATH")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			return runImport(cmd.Context(), path, args, cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	configFlag(cmd, &path)
	return cmd
}

func runImport(ctx context.Context, path string, paths []string, stdout, stderr io.Writer) error {
	c, _, problems := loadConfig(path)
	if len(problems) > 0 {
		return tell(stderr, problems)
	}
	files, err := registry.ReadFiles(paths...)
	if err != nil {
		return err
	}
	households, mistakes, notes := registry.Import(files...)
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
	db, err := openStore(ctx, c, stderr)
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

// openStore opens the store beside a gateway that may run.
func openStore(ctx context.Context, c *Config, stderr io.Writer) (*sqlite.DB, error) {
	return sqlite.Open(ctx, c.Store, slog.New(slog.NewTextHandler(stderr, &slog.HandlerOptions{Level: slog.LevelWarn})))
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
