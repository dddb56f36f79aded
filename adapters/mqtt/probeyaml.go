package mqtt

import (
	"strings"

	"gopkg.in/yaml.v3"

	"stillwater"
)

// Entry is what is to be entered for a broker: every format that was heard with something of use, and what was found of the dial and the door.
func (h *Hearing) Entry(c Config, number *Number, contact *Contact) Config {
	at := map[string]int{}
	format := func(d *Device) *Format {
		key := d.Format
		if d.Base != nil {
			key += "\n" + *d.Base
		}
		i, known := at[key]
		if !known {
			i = len(c.Formats)
			at[key] = i
			c.Formats = append(c.Formats, Format{Format: d.Format, Base: d.Base})
		}
		return &c.Formats[i]
	}
	for _, d := range h.Devices {
		if d.Useful() {
			format(d)
		}
	}
	if number != nil && number.Device == nil {
		c.Topics = append(c.Topics, Topic{Filter: number.Topic, Quantity: stillwater.WaterTotal, Value: number.Path, Scale: number.Scale})
	} else if number != nil && number.Scale > 0 {
		f := format(number.Device)
		f.Points = append(f.Points, Point{Point: number.Device.Point, Scale: number.Scale})
	}
	if contact != nil && contact.Device == nil && contact.Open != "" {
		c.Topics = append(c.Topics, Topic{Filter: contact.Topic, Quantity: stillwater.Door, Value: contact.Path, Open: contact.Open, Closed: contact.Closed})
	} else if contact != nil && contact.Open != "" {
		f := format(contact.Device)
		f.Points = append(f.Points, Point{Point: contact.Device.Point, Quantity: stillwater.Door, Open: contact.Open, Closed: contact.Closed})
	}
	return c
}

// Useful says whether a device says something of a home, without more being said of it.
func (d *Device) Useful() bool {
	for _, q := range []stillwater.Quantity{stillwater.Door, stillwater.WaterTotal, stillwater.WaterFlow, stillwater.Activity} {
		if _, ok := d.Values[q]; ok {
			return true
		}
	}
	return false
}

// YAML is an entry as it is pasted into the configuration.
func YAML(c Config) (string, error) {
	var b strings.Builder
	e := yaml.NewEncoder(&b)
	e.SetIndent(2)
	err := e.Encode(struct {
		MQTT []Config `yaml:"mqtt"`
	}{[]Config{c}})
	return b.String(), err
}
