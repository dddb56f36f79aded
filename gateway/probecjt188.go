package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"stillwater/adapters/bus"
	"stillwater/adapters/cjt188"
)

// A cjt188Probe is what the command line asks for.
type cjt188Probe struct {
	link               bus.Link
	baud               string
	meter              string
	alone              bool
	name               string
	dialText, dialUnit string
	out, report        io.Writer
}

func probeCJT188Command() *cobra.Command {
	p := &cjt188Probe{}
	cmd := &cobra.Command{
		Use:   "cjt188 (--address HOST:PORT | --serial PORT) (--meter DIGITS | --alone)",
		Short: "Find out how a CJ/T 188 meter is to be read",
		Long: `Asks one meter by the standard of China's household meters, tries both orders of the data identifier and the layouts that answers have, and
prints its number, what it says, and what to paste into the configuration.

  stillwater probe cjt188 --serial /dev/ttyUSB0 --alone
  stillwater probe cjt188 --address 10.0.0.5:4001 --meter 00000012345678 --dial 123.45

--alone asks with the address that every meter takes for its own. Use it only if ONE meter is on the line: several would answer at
once, and none could be understood. Otherwise write the number that is printed on the meter as --meter.

It reads and never writes: no valve is moved. It exits with 1 if nothing answers.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			p.out, p.report = cmd.OutOrStdout(), cmd.ErrOrStderr()
			return stopped(cmd.Context(), p.report, p.run(cmd.Context()))
		},
	}
	linkFlags(cmd, &p.link, &p.baud, "speed of the serial line, or auto to try the usual ones; default 2400", 2*time.Second)
	cmd.Flags().StringVar(&p.meter, "meter", "", "the up to 14 digits printed on the meter")
	cmd.Flags().BoolVar(&p.alone, "alone", false, "there is one meter on the line, and its number is not known")
	cmd.Flags().StringVar(&p.name, "name", "bus-1", "what the bus shall be called")
	dialFlags(cmd, &p.dialText, &p.dialUnit)
	return cmd
}

func (p *cjt188Probe) run(ctx context.Context) error {
	if err := checkLink(&p.link, p.baud); err != nil {
		return err
	}
	if (p.meter == "") == !p.alone {
		return errors.New("which meter? write --meter and the digits printed on it, or --alone if it is the only one on the line")
	}
	dial, err := readDial(p.dialText, p.dialUnit)
	if err != nil {
		return err
	}
	s, err := p.ask(ctx)
	if err != nil {
		return err
	}
	fmt.Fprintf(p.out, "Meter %s, %s water, data identifier %s.\nIt said %s.\n", s.Address, s.Type, s.DataID, s.Said)
	list := s.Readings(dial)
	if len(list) == 0 {
		fmt.Fprintf(p.out, "No way to read that agrees with the dial, if one was typed. Run it again without --dial to see what it says.\n")
		return nil
	}
	for i, r := range list[:min(mostShown, len(list))] {
		fmt.Fprintf(p.out, "  %d. layout %s: %s%s\n", i+1, r.Layout, r.Litres, saidOf(r))
		for _, why := range r.Why {
			fmt.Fprintf(p.out, "       %s\n", why)
		}
	}
	if len(list) > 1 && list[0].Bits-list[1].Bits < surely {
		fmt.Fprintf(p.out, "  The first two fit about as well. Type the dial (--dial 123.45), or draw water and run it again.\n")
	}
	fmt.Fprintf(p.out, "\nTo paste into the configuration:\n\n%s\nSource of the meter in the registry: %s/%s\n", s.YAML(p.name, p.link, list[0]), p.name, s.Address)
	return nil
}

// saidOf is what a meter says besides its total.
func saidOf(r cjt188.Reading) string {
	var parts []string
	if r.Valve != "" {
		parts = append(parts, "valve "+r.Valve)
	}
	if r.Low {
		parts = append(parts, "battery low")
	}
	if len(parts) == 0 {
		return ""
	}
	return " (" + strings.Join(parts, ", ") + ", if its status is the standard's)"
}

// ask asks with the speed that was said, or with each of the usual ones.
func (p *cjt188Probe) ask(ctx context.Context) (cjt188.Sighting, error) {
	links := []bus.Link{p.link}
	if p.baud == "auto" {
		links = cjt188.Speeds(p.link)
	}
	say := func(text string) { fmt.Fprintln(p.report, text+" …") }
	var last error
	for _, l := range links {
		if p.baud == "auto" {
			say(fmt.Sprintf("%s at %d baud, parity %s", l.Serial, l.Baud, l.Parity))
		}
		s, err := cjt188.Probe(ctx, l, p.meter, p.alone, say)
		if err == nil {
			p.link = l
			return s, nil
		}
		if _, noLine := errors.AsType[*bus.NoLine](err); noLine {
			return s, fmt.Errorf("%s: %w; see that it is switched on and connected, and that nothing else holds it", cmp.Or(l.Serial, l.Address), err)
		}
		if ctx.Err() != nil || s.Address != "" {
			return s, err
		}
		last = err
	}
	return cjt188.Sighting{}, fmt.Errorf("no meter answers at %s (%w); see that it is connected, try --baud auto, and check the digits on it", cmp.Or(p.link.Serial, p.link.Address), last)
}
