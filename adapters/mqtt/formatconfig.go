package mqtt

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"stillwater"
	"stillwater/adapters/jsonfield"
)

// Format is one kind of sender on a broker, whose messages are known.
type Format struct {
	Format string  `yaml:"format" doc:"whose messages they are: chirpstack, enocean, homeassistant, shelly, tasmota, tts, wmbusmeters or zigbee2mqtt"`
	Base   *string `yaml:"base,omitempty" doc:"where its topics begin; default as the sender has it, like zigbee2mqtt"`
	Zone   string  `yaml:"zone,omitempty" doc:"time zone of devices that write times without one, like Asia/Shanghai; without it such a time is not used, and the time of arrival counts"`
	Points []Point `yaml:"points,omitempty" doc:"what the messages do not say of some points: which way a contact is wired, how much one pulse is, which model sends bytes"`
}

// Point is what the configuration says of one point of a format.
type Point struct {
	Point    string              `yaml:"point" doc:"the point, as devices name it after the broker's name and a slash; a * at its end stands for all that begin so"`
	Quantity stillwater.Quantity `yaml:"quantity,omitempty" doc:"what an input or a sensor of no fixed meaning is: door, activity, water.total, water.flow, battery or alive"`
	Open     string              `yaml:"open,omitempty" doc:"door: the value that means open; default as the format has it"`
	Closed   string              `yaml:"closed,omitempty" doc:"door: the value that means closed; default the opposite of open"`
	Scale    stillwater.Litres   `yaml:"scale,omitempty" doc:"water: how much one count is, like 10 L"`
	Model    string              `yaml:"model,omitempty" doc:"the device's model, where a LoRaWAN server hands on bytes and does not name it: em300-mcs, em300-di, ws301, lds02, lds03a or sw3l"`
}

// location is the zone of times that have none; nil where it is not said.
func (f *Format) location() (*time.Location, error) {
	if f.Zone == "" {
		return nil, nil
	}
	return time.LoadLocation(f.Zone)
}

// of is what the configuration says of a point; of several that fit the first counts.
func (f *Format) of(point string) Point {
	for _, p := range f.Points {
		stem, all := strings.CutSuffix(p.Point, "*")
		if p.Point == point || all && strings.HasPrefix(point, stem) {
			return p
		}
	}
	return Point{}
}

func (f *Format) validate(all map[string]*format, report func(field any, problem string)) {
	if !slices.Contains(formatNames(all), f.Format) {
		report(&f.Format, fmt.Sprintf("%q is not a format; the formats are %s; for others write topics", f.Format, strings.Join(formatNames(all), ", ")))
	}
	if f.Base != nil && strings.ContainsAny(*f.Base, "+#{} ") {
		report(&f.Base, fmt.Sprintf("%q is not the beginning of topics; write like zigbee2mqtt or site/zigbee2mqtt", *f.Base))
	}
	if _, err := f.location(); err != nil || f.Zone == "Local" {
		report(&f.Zone, fmt.Sprintf("%q is not a time zone; write like Asia/Shanghai", f.Zone))
	}
	for i := range f.Points {
		f.Points[i].validate(all, report)
	}
}

func (p *Point) validate(all map[string]*format, report func(field any, problem string)) {
	if p.Point == "" || strings.Contains(strings.TrimSuffix(p.Point, "*"), "*") {
		report(&p.Point, fmt.Sprintf("%q is not a point; write what follows the broker's name in the device's source, or its beginning and a *", p.Point))
	}
	water := p.Quantity == stillwater.WaterTotal || p.Quantity == stillwater.WaterFlow
	switch {
	case p.Quantity != "" && !slices.Contains(quantities, p.Quantity):
		report(&p.Quantity, fmt.Sprintf("%q is not a quantity; write door, activity, water.total, water.flow, battery or alive", p.Quantity))
	case p.Quantity == stillwater.Door && p.Open == "":
		report(&p.Open, "which value means open? it depends on how the contact is wired; open the door, look at the message and write it, like open: ON")
	case p.Open != "" && p.Closed == "" && len(opposite(p.Open)) == 0:
		report(&p.Closed, fmt.Sprintf("the opposite of %q is not known; write the value that means closed", p.Open))
	case p.Open != "" && jsonfield.Same(p.Open, p.Closed):
		report(&p.Closed, fmt.Sprintf("%q cannot mean both open and closed", p.Closed))
	case water && p.Scale == 0:
		report(&p.Scale, "how much is one count? it stands on the meter or its pulse head; write like 10 L")
	}
	if !(p.Scale >= 0) {
		report(&p.Scale, "scale is how much water one count is, like 10 L")
	}
	if p.Model != "" && decoderOf(all, p.Model) == nil {
		report(&p.Model, fmt.Sprintf("bytes of %q cannot be decoded; known are %s; for others give the server a codec", p.Model, strings.Join(modelNames(all), ", ")))
	}
}
