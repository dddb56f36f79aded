package main

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"stillwater/adapters/bus"
	"stillwater/adapters/meterdial"
	"stillwater/adapters/modbus"
)

// A modbusProbe is what the command line asks for.
type modbusProbe struct {
	link     bus.Link
	framing  string
	baud     string
	units    string
	profile  string
	name     string
	dialText string
	dialUnit string
	again    time.Duration
	draw     bool

	dial   *meterdial.Dial
	probe  *modbus.Probe
	in     io.Reader
	out    io.Writer
	report io.Writer // what is being done
}

func probeModbusCommand() *cobra.Command {
	m := &modbusProbe{}
	cmd := &cobra.Command{
		Use:   "modbus (--address HOST:PORT | --serial PORT) [--dial 123.456]",
		Short: "Find the meters on a Modbus line, and how each is to be read",
		Long: `Asks who is on the line, recognises models, and prints what to paste into the configuration. Type the number that
stands on the meter's dial, and every way to read it is tried: models, byte orders, registers counted from zero or one, both
tables, what one count is. Those that agree with the dial are shown, the likeliest first, each with its reasons.

  stillwater probe modbus --address 10.0.0.5:502 --units 1-20
  stillwater probe modbus --serial /dev/ttyUSB0 --baud auto --units 3 --dial 00123.456
  stillwater probe modbus --address 10.0.0.5:502 --units 3 --dial 123.456 --draw

Write all digits of the dial, with a point before those behind the decimal mark: the more, the surer. If several ways remain, use
--draw: it waits while you draw ten litres, and asks for the dial again. That also finds pulse counters, which are seldom set to
the dial of their meter.

It reads and never writes, asks each unit by itself, one question at a time, and ends at Ctrl-C. On a line that the gateway
reads at the moment, stop the gateway first: two that ask disturb each other. It exits with 1 if nothing answers.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			m.in, m.out, m.report = cmd.InOrStdin(), cmd.OutOrStdout(), cmd.ErrOrStderr()
			return stopped(cmd.Context(), m.report, m.run(cmd.Context()))
		},
	}
	linkFlags(cmd, &m.link, &m.baud, "speed of the serial line, or auto to try the usual ones; default 9600", time.Second)
	f := cmd.Flags()
	f.StringVar(&m.framing, "framing", "", "tcp, or rtu for a serial server that hands on the bytes of its line; default tcp, and rtu on a serial port")
	f.StringVar(&m.units, "units", "1-20", "units to ask, like 1-20 or 3,7,12")
	f.StringVar(&m.profile, "profile", "", "try this profile alone: a name, or a file like ./my-meter.yaml")
	f.StringVar(&m.name, "name", "bus-1", "what the bus shall be called")
	dialFlags(cmd, &m.dialText, &m.dialUnit)
	f.DurationVar(&m.again, "again", 5*time.Second, "read again after so long; what has run back meanwhile is no meter; 0s: only once")
	f.BoolVar(&m.draw, "draw", false, "wait while you draw water, then ask for the dial again")
	return cmd
}

// stopped passes over an error that comes of Ctrl-C.
func stopped(ctx context.Context, report io.Writer, err error) error {
	if err == nil || ctx.Err() == nil {
		return err
	}
	fmt.Fprintln(report, "stopped")
	return errTold
}

// linkFlags are the flags of a line with devices on it.
func linkFlags(cmd *cobra.Command, l *bus.Link, baud *string, baudHelp string, timeout time.Duration) {
	f := cmd.Flags()
	f.StringVar(&l.Address, "address", "", "host and port of the gateway, serial server or meter, like 10.0.0.5:502")
	f.StringVar(&l.Serial, "serial", "", "serial port instead of an address, like /dev/ttyUSB0")
	f.StringVar(baud, "baud", "", baudHelp)
	f.StringVar(&l.Parity, "parity", "", "parity of the serial line: none, even or odd")
	f.IntVar(&l.StopBits, "stop-bits", 0, "stop bits of the serial line: 1 or 2; default 1")
	f.DurationVar(&l.Timeout, "timeout", timeout, "how long to wait for each answer")
	f.DurationVar(&l.Pause, "pause", 20*time.Millisecond, "rest between two questions")
}

// dialFlags are the flags of what was read off a meter.
func dialFlags(cmd *cobra.Command, text, unit *string) {
	cmd.Flags().StringVar(text, "dial", "", "what the dial shows, all digits, like 00123.456")
	cmd.Flags().StringVar(unit, "unit-of-dial", "m3", "unit of the dial: m3, L, gal (US), impgal or ft3")
}

// readDial is the dial as typed; nil where none was.
func readDial(text, unit string) (*meterdial.Dial, error) {
	if text == "" {
		return nil, nil
	}
	d, err := meterdial.Parse(text, unit)
	if err != nil {
		return nil, fmt.Errorf("--dial: %w", err)
	}
	return &d, nil
}

// checkLink says what is wrong with the flags of a line.
func checkLink(l *bus.Link, baud string) error {
	if l.Address == "" && l.Serial == "" {
		return errors.New("nowhere to ask; write --address HOST:PORT or --serial PORT, like --serial /dev/ttyUSB0")
	}
	if baud != "" && baud != "auto" {
		n, err := strconv.Atoi(baud)
		if err != nil {
			return fmt.Errorf("--baud %q is no speed; write like 9600, or auto", baud)
		}
		l.Baud = n
	}
	if baud == "auto" && l.Serial == "" {
		return errors.New("--baud auto tries the speeds of a serial port of this machine; a serial server has its speed in its own settings")
	}
	flags := map[any]string{
		&l.Address: "--address", &l.Serial: "--serial", &l.Baud: "--baud", &l.Parity: "--parity", &l.StopBits: "--stop-bits", &l.Timeout: "--timeout", &l.Pause: "--pause",
	}
	var problems []error
	l.Validate(func(field any, problem string) {
		problems = append(problems, fmt.Errorf("%s: %s", flags[field], problem))
	})
	return errors.Join(problems...)
}

func (m *modbusProbe) run(ctx context.Context) error {
	if err := checkLink(&m.link, m.baud); err != nil {
		return err
	}
	if m.framing != "" && m.framing != "tcp" && m.framing != "rtu" {
		return fmt.Errorf("--framing %q is none; write tcp or rtu", m.framing)
	}
	units, err := parseUnits(m.units)
	if err != nil {
		return err
	}
	if m.dial, err = readDial(m.dialText, m.dialUnit); err != nil {
		return err
	}
	if m.draw && m.dial == nil {
		return errors.New("--draw compares two readings of the dial; type the first with --dial")
	}
	profiles, err := m.profiles()
	if err != nil {
		return err
	}
	found, err := m.scan(ctx, units, profiles)
	if m.probe != nil {
		defer m.probe.Close()
	}
	if err != nil {
		return err
	}
	if err := m.look(ctx, found); err != nil {
		return err
	}
	return m.tell(found)
}

func (m *modbusProbe) profiles() ([]*modbus.Profile, error) {
	if m.profile == "" {
		return modbus.AllProfiles()
	}
	p, err := modbus.FindProfile(m.profile, "", "")
	if err != nil {
		return nil, fmt.Errorf("--profile: %w", err)
	}
	return []*modbus.Profile{p}, nil
}

// parseUnits reads "1-20,33".
func parseUnits(text string) ([]int, error) {
	var list []int
	for _, part := range strings.Split(text, ",") {
		low, high, isRange := strings.Cut(strings.TrimSpace(part), "-")
		from, err := strconv.Atoi(low)
		to := from
		if err == nil && isRange {
			to, err = strconv.Atoi(high)
		}
		if err != nil || from < 1 || to > 247 || from > to {
			return nil, fmt.Errorf("--units: %q are no units of a bus; they go from 1 to 247, written like 1-20 or 3,7,12", part)
		}
		for u := from; u <= to; u++ {
			list = append(list, u)
		}
	}
	slices.Sort(list)
	return slices.Compact(list), nil
}

// scan finds out who is there, with the speed that was said or with each of the usual ones.
func (m *modbusProbe) scan(ctx context.Context, units []int, profiles []*modbus.Profile) ([]modbus.Answer, error) {
	links := []bus.Link{m.link.Or(bus.Link{Baud: 9600, Parity: "none"})}
	if m.baud == "auto" {
		links = modbus.Speeds(m.link)
	}
	say := func(text string) { fmt.Fprintln(m.report, text+" …") }
	for _, l := range links {
		if l.Serial != "" {
			say(fmt.Sprintf("%s at %d baud, parity %s", l.Serial, l.Baud, l.Parity))
		}
		p := modbus.NewProbe(modbus.ProbeOptions{Link: l, Framing: m.framing, Profiles: profiles, Say: say})
		found, err := p.Scan(ctx, units)
		if err == nil && len(found) > 0 {
			m.probe, m.link = p, l
			return found, nil
		}
		p.Close()
		if err != nil {
			return nil, fmt.Errorf("%s: %w; see that it is switched on and connected, and that nothing else holds it", cmp.Or(l.Serial, l.Address), err)
		}
	}
	return nil, m.nobody(len(units))
}

// nobody says that nothing answered, and what to look at.
func (m *modbusProbe) nobody(asked int) error {
	look := "see that it speaks Modbus TCP; a serial server that only hands on bytes needs --framing rtu"
	switch {
	case m.link.Serial != "" && m.baud == "auto":
		look = "swap the wires A and B, see that the meters have power, and ask more units, like --units 1-247"
	case m.link.Serial != "":
		look = "try --baud auto, swap the wires A and B, and ask more units, like --units 1-247"
	case m.framing == "rtu":
		look = "see that the speed and parity of the serial server are those of the meters, and swap the wires A and B"
	}
	return fmt.Errorf("none of %d units answers at %s; %s", asked, cmp.Or(m.link.Serial, m.link.Address), look)
}

// look reads all units that answered, and once more after a while.
func (m *modbusProbe) look(ctx context.Context, found []modbus.Answer) error {
	for _, a := range found {
		if err := m.probe.Look(ctx, a.Unit, m.dial); err != nil {
			fmt.Fprintln(m.report, err)
			if ctx.Err() != nil {
				return ctx.Err()
			}
		}
	}
	var second *meterdial.Dial
	switch {
	case m.draw:
		var err error
		if second, err = askDial(ctx, m.in, m.report, m.dialUnit); err != nil {
			return err
		}
	case m.again <= 0:
		return nil
	default:
		fmt.Fprintf(m.report, "reading again in %v …\n", m.again)
		select {
		case <-time.After(m.again):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	for _, a := range found {
		if len(m.probe.Rank(a.Unit)) == 0 && second == nil {
			continue
		}
		if err := m.probe.Look(ctx, a.Unit, second); err != nil && ctx.Err() != nil {
			return ctx.Err()
		}
	}
	return nil
}

// askDial waits for the dial after some water was drawn. A terminal that is being read cannot be interrupted, so Ctrl-C ends the program here: nothing
// is open that would need an end of its own.
func askDial(ctx context.Context, in io.Reader, ask io.Writer, unit string) (*meterdial.Dial, error) {
	fmt.Fprint(ask, "Draw ten litres or more, close the tap, and type what the dial shows now: ")
	defer context.AfterFunc(ctx, func() { os.Exit(1) })()
	line, err := bufio.NewReader(in).ReadString('\n')
	if line = strings.TrimSpace(line); line == "" {
		return nil, errors.Join(errors.New("no number was typed; run it again"), err)
	}
	return readDial(line, unit)
}
