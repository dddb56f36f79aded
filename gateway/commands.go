package main

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"stillwater/gateway/config"
	"stillwater/rules"
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
	root.AddCommand(demoCommand(), runCommand(), checkCommand(), probeCommand(), relayCommand(), backtestCommand(), withDuty(importCommand()), exportCommand(), dutyCommand(), drillCommand())
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
is one. It opens nothing but the file: no bus, no broker, no database, no secret.

The name of a rule begins with that of its detector, one of these:

  ` + columns(rules.Detectors(), 4),
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, _, problems := loadConfig(path)
			if len(problems) > 0 {
				return tell(cmd.ErrOrStderr(), problems)
			}
			fmt.Fprintf(cmd.OutOrStdout(), "%s: no mistakes. Households: %d, rules: %d, buses: %d, brokers: %d, platforms: %d.\n",
				path, len(c.Households), len(c.on()), len(c.Modbus)+len(c.CJT188), len(c.MQTT), len(c.platforms()))
			c.tellReach(cmd.OutOrStdout())
			c.tellCoverage(cmd.OutOrStdout(), time.Now())
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

// columns writes names in rows of so many.
func columns(names []string, perRow int) string {
	widest := 0
	for _, name := range names {
		widest = max(widest, len(name))
	}
	var b strings.Builder
	for i, name := range names {
		switch {
		case i == 0:
		case i%perRow == 0:
			b.WriteString("\n  ")
		default:
			b.WriteString(strings.Repeat(" ", widest+2-len(names[i-1])))
		}
		b.WriteString(name)
	}
	return b.String()
}

// sorted is the members of a set, in order.
func sorted(set map[string]bool) []string { return slices.Sorted(maps.Keys(set)) }
