package main

import (
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"gopkg.in/yaml.v3"

	"stillwater"
	"stillwater/simulator/provider"
	"stillwater/simulator/world"
)

// gatewayParts are the sections of a gateway's configuration that depend on the city.
type gatewayParts struct {
	Modbus     []modbusPart    `yaml:"modbus,omitempty"`
	MQTT       []mqttPart      `yaml:"mqtt,omitempty"`
	SMS        *smsPart        `yaml:"sms,omitempty"`
	Contacts   []contactPart   `yaml:"contacts"`
	Households []householdPart `yaml:"households"`
}

type modbusPart struct {
	Name    string     `yaml:"name"`
	Address string     `yaml:"address"`
	Every   string     `yaml:"every"`
	Units   []unitPart `yaml:"units"`
}

type unitPart struct {
	Unit     int    `yaml:"unit"`
	Register int    `yaml:"register"`
	Type     string `yaml:"type"`
	Order    string `yaml:"order"`
}

type mqttPart struct {
	Name   string      `yaml:"name"`
	URL    string      `yaml:"url"`
	Topics []topicPart `yaml:"topics"`
}

type topicPart struct {
	Filter   string              `yaml:"filter,omitempty"`
	Device   string              `yaml:"device,omitempty"`
	Quantity stillwater.Quantity `yaml:"quantity"`
	Value    string              `yaml:"value,omitempty"`
	Open     string              `yaml:"open,omitempty"`
	Time     string              `yaml:"time,omitempty"`
	Gone     string              `yaml:"gone,omitempty"`
	Also     []topicPart         `yaml:"also,omitempty"`
}

type smsPart struct {
	Twilio twilioPart `yaml:"twilio"`
}

type twilioPart struct {
	Account string            `yaml:"account"`
	Token   map[string]string `yaml:"token,flow"`
	From    stillwater.Phone  `yaml:"from"`
	BaseURL string            `yaml:"base_url"`
}

type contactPart struct {
	ID       stillwater.ContactID `yaml:"id"`
	Name     string               `yaml:"name"`
	Role     stillwater.Role      `yaml:"role"`
	Phone    stillwater.Phone     `yaml:"phone"`
	Language string               `yaml:"language"`
	Remote   bool                 `yaml:"remote,omitempty"`
}

type householdPart struct {
	ID       stillwater.HouseholdID `yaml:"id"`
	Name     string                 `yaml:"name"`
	TimeZone string                 `yaml:"timezone"`
	Place    stillwater.Place       `yaml:"place"`
	Consent  map[string]string      `yaml:"consent,flow"`
	Devices  []devicePart           `yaml:"devices"`
	Family   []stillwater.ContactID `yaml:"family,flow"`
	Workers  []stillwater.ContactID `yaml:"workers,flow"`
}

type devicePart struct {
	ID     stillwater.DeviceID   `yaml:"id"`
	Kind   stillwater.DeviceKind `yaml:"kind"`
	Source string                `yaml:"source"`
	Every  string                `yaml:"every"`
}

// tokenVariable is where the printed configuration expects the provider's token.
const tokenVariable = "SIMULATOR_TOKEN"

func configCommand() *cobra.Command {
	var city cityFlags
	var modbus, mqtt, phones string
	c := &cobra.Command{
		Use:   "config",
		Short: "Print the parts of a gateway's configuration that fit the city",
		Long: "Prints the sections modbus, mqtt, sms, contacts and households of a gateway's configuration, as they fit the city that serve\n" +
			"puts on the wire with the same flags.",
		Example: "  simulator config --homes 40 > city.yaml",
		Args:    cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			w, err := city.world(time.Now())
			if err != nil {
				return err
			}
			return printConfig(c.OutOrStdout(), w, modbus, mqtt, phones)
		},
	}
	city.add(c, "yesterday")
	c.Flags().StringVar(&modbus, "modbus", "127.0.0.1:5020", "where serve's meters listen")
	c.Flags().StringVar(&mqtt, "mqtt", "tcp://127.0.0.1:1883", "the broker that serve's sensors send to")
	c.Flags().StringVar(&phones, "provider", "127.0.0.1:8090", "where serve's provider listens; empty: leave the section sms out")
	return c
}

// printConfig writes the sections as YAML.
func printConfig(out io.Writer, w *world.World, modbus, mqtt, phones string) error {
	parts := gatewayParts{MQTT: []mqttPart{{world.MQTTFeed, mqtt, topics()}}}
	bus := modbusPart{Name: world.ModbusFeed, Address: modbus, Every: span(w.MeterEvery())}
	for _, h := range w.Households() {
		parts.Households = append(parts.Households, householdOf(h))
		for _, c := range h.Contacts {
			part := contactPart{c.ID, c.Name, c.Role, c.Phone, c.Language, c.Remote}
			if !slices.Contains(parts.Contacts, part) {
				parts.Contacts = append(parts.Contacts, part)
			}
		}
		for _, d := range h.Devices {
			if unit, err := strconv.Atoi(strings.TrimPrefix(d.Source, world.ModbusFeed+"/")); err == nil {
				bus.Units = append(bus.Units, unitPart{unit, 0, "uint32", "ABCD"})
			}
		}
	}
	if len(bus.Units) > 0 {
		parts.Modbus = []modbusPart{bus}
	}
	if phones != "" {
		parts.SMS = &smsPart{twilioPart{provider.DefaultAccount, map[string]string{"env": tokenVariable}, provider.DefaultNumber, "http://" + phones}}
	}
	fmt.Fprintf(out, "# A simulated city. Start the gateway with the environment variable %s set to %s.\n", tokenVariable, provider.DefaultToken)
	e := yaml.NewEncoder(out)
	e.SetIndent(2)
	if err := e.Encode(parts); err != nil {
		return err
	}
	return e.Close()
}

// topics are what the simulated sensors say. A home's radio is the door contact's: its availability is the contact's.
func topics() []topicPart {
	return []topicPart{
		{Filter: "stillwater/+/door", Quantity: stillwater.Door, Value: "contact", Open: "false", Time: "ts",
			Also: []topicPart{{Quantity: stillwater.Battery, Value: "battery"}}},
		{Filter: "stillwater/+/meter", Quantity: stillwater.WaterTotal, Value: "litres", Time: "ts"},
		{Filter: "stillwater/+/availability", Device: "stillwater/{1}/door", Quantity: stillwater.Alive, Gone: "offline"},
	}
}

// householdOf words one home as the configuration has it.
func householdOf(h stillwater.Household) householdPart {
	part := householdPart{ID: h.ID, Name: h.Name, TimeZone: h.TimeZone, Place: h.Place,
		Consent: map[string]string{"given": h.Consent.Given.In(h.Location()).Format(time.RFC3339)}}
	for _, d := range h.Devices {
		part.Devices = append(part.Devices, devicePart{d.ID, d.Kind, d.Source, span(d.Every)})
	}
	for _, c := range h.Contacts {
		if c.Role == stillwater.Family {
			part.Family = append(part.Family, c.ID)
		} else {
			part.Workers = append(part.Workers, c.ID)
		}
	}
	return part
}

// span words a duration as the configuration has it.
func span(d time.Duration) string { return stillwater.FormatSpan(d) }
