package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"stillwater"
	"stillwater/adapters/mqtt"
)

// A mqttProbe is what the command line asks for.
type mqttProbe struct {
	config      mqtt.Config
	passwordEnv string
	filter      string
	span        time.Duration
	dialText    string
	dialUnit    string
	door        string
	out, report io.Writer
}

func probeMQTTCommand() *cobra.Command {
	m := &mqttProbe{}
	cmd := &cobra.Command{
		Use:   "mqtt --url tcp://HOST:1883 [--dial 123.456] [--door open|closed]",
		Short: "Find the meters and doors on an MQTT broker, and how each is to be read",
		Long: `Listens to a broker for a while, recognises whose messages they are, shows each device once, and prints what to paste into
the configuration. It publishes nothing.

  stillwater probe mqtt --url tcp://127.0.0.1:1883
  stillwater probe mqtt --url tls://broker:8883 --user installer --password-env BROKER_PASSWORD --dial 00123.456
  stillwater probe mqtt --url tcp://127.0.0.1:1883 --door open

With --dial, the values that agree with what stands on the meter's dial are shown, the likeliest first. Many meters send once
an hour or once a day: press the button of the sensor, or listen for longer with --for.

With --door, open and close the door a few times after it has begun, and leave it as you said: what changed meanwhile is the
door, and how it stands at the end says which value means open.

The password is read from an environment variable, and never stands on the command line. It exits with 1 if nothing was heard.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			m.out, m.report = cmd.OutOrStdout(), cmd.ErrOrStderr()
			return stopped(cmd.Context(), m.report, m.run(cmd.Context()))
		},
	}
	f := cmd.Flags()
	f.StringVar(&m.config.URL, "url", "", "the broker's address, like tcp://127.0.0.1:1883 or tls://host:8883")
	f.StringVar(&m.config.Username, "user", "", "user at the broker")
	f.StringVar(&m.passwordEnv, "password-env", "", "name of the environment variable that holds the user's password")
	f.StringVar(&m.config.CAFile, "ca-file", "", "path of the certificates (PEM) that the broker's must be signed by; default the system's")
	f.StringVar(&m.config.CertFile, "cert-file", "", "path of our own certificate (PEM), where the broker asks for one")
	f.StringVar(&m.config.KeyFile, "key-file", "", "path of the key of our own certificate (PEM)")
	f.StringVar(&m.filter, "filter", "#", "topics to listen to")
	f.DurationVar(&m.span, "for", time.Minute, "how long to listen; Ctrl-C ends it sooner, and shows what was heard")
	f.StringVar(&m.config.Name, "name", "broker-1", "what the broker shall be called")
	f.StringVar(&m.door, "door", "", "how the door will stand when the probe ends: open or closed")
	dialFlags(cmd, &m.dialText, &m.dialUnit)
	return cmd
}

func (m *mqttProbe) run(ctx context.Context) error {
	if err := m.check(); err != nil {
		return err
	}
	dial, err := readDial(m.dialText, m.dialUnit)
	if err != nil {
		return err
	}
	var open *bool
	if m.door != "" {
		open = new(m.door == "open")
		fmt.Fprintf(m.report, "Open and close the door a few times now, and leave it %s.\n", m.door)
	}
	fmt.Fprintf(m.report, "listening to %s for %v …\n", m.config.URL, m.span)
	h, err := mqtt.Listen(ctx, mqtt.ProbeOptions{Config: m.config, Filter: m.filter, For: m.span, Say: func(text string) { fmt.Fprintln(m.report, text+" …") }})
	if err != nil {
		return fmt.Errorf("%w; see that the address, the user and the password are right", err)
	}
	if h.Messages == 0 {
		return fmt.Errorf("nothing was said on %s within %v; listen for longer (--for 30m), or to other topics (--filter)", m.filter, m.span)
	}
	m.tellDevices(h)
	var number *mqtt.Number
	if dial != nil {
		number = m.tellNumbers(h.Numbers(*dial))
	}
	var contact *mqtt.Contact
	if open != nil {
		contact = m.tellContacts(h.Contacts(open))
	}
	return m.tellPaste(h, number, contact)
}

// check says what is wrong with the flags.
func (m *mqttProbe) check() error {
	if m.config.URL == "" {
		return errors.New("no broker; write --url, like --url tcp://127.0.0.1:1883")
	}
	if m.span <= 0 {
		return fmt.Errorf("--for %v: write how long to listen, like 60s", m.span)
	}
	if m.door != "" && m.door != "open" && m.door != "closed" {
		return fmt.Errorf("--door %q: write how the door stands, open or closed", m.door)
	}
	if m.passwordEnv != "" {
		password, set := os.LookupEnv(m.passwordEnv)
		if !set || password == "" {
			return fmt.Errorf("the environment variable %s holds no password; set it first: read -rs %s && export %s", m.passwordEnv, m.passwordEnv, m.passwordEnv)
		}
		m.config.Password.Env = m.passwordEnv
		m.config.Password.Set(password)
	}
	probe := m.config
	probe.Topics = []mqtt.Topic{{Filter: m.filter, Quantity: stillwater.Alive}}
	flags := map[any]string{
		&probe.URL: "--url", &probe.Username: "--user", &probe.CAFile: "--ca-file", &probe.CertFile: "--cert-file", &probe.Name: "--name", &probe.Topics[0].Filter: "--filter",
	}
	var problems []error
	probe.Validate(func(field any, problem string) {
		problems = append(problems, fmt.Errorf("%s: %s", cmp.Or(flags[field], "--name"), problem))
	})
	return errors.Join(problems...)
}

// mostTopics is how many topics of no format are listed.
const mostTopics = 20

// tellDevices prints every device once.
func (m *mqttProbe) tellDevices(h *mqtt.Hearing) {
	fmt.Fprintf(m.out, "%d messages.\n", h.Messages)
	last := ""
	for _, d := range h.Devices {
		if d.Format != last {
			fmt.Fprintf(m.out, "\nFormat %s:\n", d.Format)
			last = d.Format
		}
		fmt.Fprintf(m.out, "  %s: %s%s (%s)\n", d.Point, d.Looks(), valuesOf(d), howHeard(d.Live, d.Retained))
	}
	others := h.Others()
	if len(others) > 0 {
		fmt.Fprintf(m.out, "\nOf no known format:\n")
	}
	for i, topic := range others {
		if i == mostTopics {
			fmt.Fprintf(m.out, "  and %d more; narrow them with --filter\n", len(others)-i)
			break
		}
		fmt.Fprintf(m.out, "  %s\n", topic)
	}
}

// valuesOf is what a device said last.
func valuesOf(d *mqtt.Device) string {
	var parts []string
	for _, q := range slices.Sorted(maps.Keys(d.Values)) {
		switch value := d.Values[q]; q {
		case stillwater.Alive:
		case stillwater.WaterTotal:
			parts = append(parts, stillwater.Litres(value).String())
		case stillwater.Door:
			parts = append(parts, stateOf(value))
		default:
			parts = append(parts, fmt.Sprintf("%s %.4g", q, value))
		}
	}
	if len(parts) == 0 {
		return ""
	}
	return ", " + strings.Join(parts, ", ")
}

func stateOf(door float64) string {
	if door == stillwater.Open {
		return "open"
	}
	return "closed"
}

func howHeard(live, retained int) string {
	switch {
	case live > 0:
		return fmt.Sprintf("%d live", live)
	case retained > 0:
		return "retained: what it said some time ago"
	}
	return "heard"
}

// tellNumbers prints what agrees with the dial, and gives the first if it is likelier than chance.
func (m *mqttProbe) tellNumbers(list []mqtt.Number) *mqtt.Number {
	fmt.Fprintf(m.out, "\nFor the dial:\n")
	if len(list) == 0 {
		fmt.Fprintf(m.out, "  no value agrees with it. Has the meter sent something? Listen for longer, like --for 2h.\n")
		return nil
	}
	rivals := 0
	for i, n := range list[:min(mostShown, len(list))] {
		fmt.Fprintf(m.out, "  %d. %s: %s (%s)\n       %s\n", i+1, whereOf(n.Device, n.Topic, n.Path), n.Litres, likely(list[0].Bits, n.Bits), strings.Join(n.Why, "; "))
		if list[0].Bits-n.Bits < surely {
			rivals++
		}
	}
	if rivals > 1 {
		fmt.Fprintf(m.out, "  %d of these fit about as well. Draw 10 L, wait for the meter to send, and run it again.\n", rivals)
	}
	if list[0].Bits < 0 {
		fmt.Fprintf(m.out, "  None is likelier than chance: type more digits of the dial.\n")
		return nil
	}
	return &list[0]
}

// tellContacts prints what may be the door, and gives the first if it is likelier than chance.
func (m *mqttProbe) tellContacts(list []mqtt.Contact) *mqtt.Contact {
	fmt.Fprintf(m.out, "\nFor the door:\n")
	if len(list) == 0 {
		fmt.Fprintf(m.out, "  nothing that has two states. Press the sensor's button, move the door, and run it again.\n")
		return nil
	}
	for i, c := range list[:min(mostShown, len(list))] {
		fmt.Fprintf(m.out, "  %d. %s, now %s (%s)\n       %s\n", i+1, whereOf(c.Device, c.Topic, c.Path), stateOf(c.State), likely(list[0].Bits, c.Bits), strings.Join(c.Why, "; "))
	}
	switch {
	case list[0].Bits < 0:
		fmt.Fprintf(m.out, "  None of them changed. Open and close the door while it listens.\n")
		return nil
	case len(list) > 1 && list[0].Bits-list[1].Bits < surely:
		fmt.Fprintf(m.out, "  The first two fit about as well. Move the door alone, and run it again.\n")
	}
	return &list[0]
}

func whereOf(d *mqtt.Device, topic, path string) string {
	switch {
	case d != nil:
		return d.Point
	case path == "":
		return "topic " + topic
	}
	return "topic " + topic + ", " + path
}

// tellPaste prints the entry for the configuration.
func (m *mqttProbe) tellPaste(h *mqtt.Hearing, number *mqtt.Number, contact *mqtt.Contact) error {
	entry := h.Entry(m.config, number, contact)
	if len(entry.Formats)+len(entry.Topics) == 0 {
		fmt.Fprintf(m.out, "\nNothing to paste yet. Say what to look for: --dial 00123.456 or --door open.\n")
		return nil
	}
	text, err := mqtt.YAML(entry)
	if err != nil {
		return err
	}
	fmt.Fprintf(m.out, "\nTo paste into the configuration:\n\n%s\nSource of each device in the registry:\n", text)
	for _, d := range h.Devices {
		if d.Useful() || number != nil && number.Device == d || contact != nil && contact.Device == d {
			fmt.Fprintf(m.out, "  %s: %s/%s\n", d.Looks(), m.config.Name, d.Point)
		}
	}
	if number != nil && number.Device == nil {
		fmt.Fprintf(m.out, "  water meter: %s/%s\n", m.config.Name, number.Topic)
	}
	if contact != nil && contact.Device == nil {
		fmt.Fprintf(m.out, "  door contact: %s/%s\n", m.config.Name, contact.Topic)
	}
	return nil
}
