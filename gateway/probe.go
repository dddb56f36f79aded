package main

import "github.com/spf13/cobra"

// probeCommand is what an installer tries things out with.
func probeCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "probe",
		Short: "Find out what stands on a line, and whether it is entered right",
		Long: `Helps to put a meter or a sensor into service. It reads and never writes to a device, and it changes nothing in the
gateway: what it finds is printed, to be looked at and entered.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(probeModbusCommand(), probeCJT188Command(), probeMQTTCommand(), probeSwappedCommand())
	return cmd
}
