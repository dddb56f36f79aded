package mqtt

import (
	"bytes"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"

	"stillwater"
)

//go:embed formats/*.yaml
var formatFiles embed.FS

// A format is how one kind of sender writes to a broker: one file of formats. It is data; what the words of it mean is in read.go.
type format struct {
	Name     string   `yaml:"name"`
	Title    string   `yaml:"title"`
	Source   []string `yaml:"source"`           // what it was checked against
	Checked  string   `yaml:"checked"`          // what was checked, and what was not
	Point    string   `yaml:"point,omitempty"`  // what devices of it are called, for people
	Base     string   `yaml:"base,omitempty"`   // where its topics begin unless the configuration says otherwise
	Inside   bool     `yaml:"inside,omitempty"` // it is the payload of others, and no sender by itself
	Models   []string `yaml:"models,omitempty"` // what a device can be called by, for payloads in bytes
	Raw      []raw    `yaml:"raw,omitempty"`
	Messages []kind   `yaml:"messages,omitempty"`
	Blocks   []block  `yaml:"blocks,omitempty"` // of a format that is inside others
}

// A raw names the decoder of bytes for the models whose name begins so.
type raw struct {
	Model   string `yaml:"model"`
	Decoder string `yaml:"decoder"`
}

// A kind is one kind of message: those whose topic matches and to which no kind before it was found to fit.
type kind struct {
	Topic  string              `yaml:"topic"`
	Skip   map[string][]string `yaml:"skip,omitempty"`   // part of the topic → values that are no device; a/* is all that begins so
	Ignore bool                `yaml:"ignore,omitempty"` // nothing for us, and no mistake either
	Text   bool                `yaml:"text,omitempty"`   // the payload may be plain text
	Silent bool                `yaml:"silent,omitempty"` // that it came does not show that the device is there
	Point  string              `yaml:"point,omitempty"`
	Time   []string            `yaml:"time,omitempty"`

	// Of servers that hand on what devices sent.
	Payload string   `yaml:"payload,omitempty"` // where the decoded payload is
	Data    string   `yaml:"data,omitempty"`    // where the bytes are, in base64
	Port    string   `yaml:"port,omitempty"`
	Model   []string `yaml:"model,omitempty"`  // where the model may be named
	Inside  []string `yaml:"inside,omitempty"` // formats of the payload
	Omits   bool     `yaml:"omits_zero,omitempty"`
	Count   string   `yaml:"count,omitempty"` // the number of the device's messages: a step tells of a lost one

	Blocks []block `yaml:"blocks,omitempty"`

	pattern pattern
}

// A block is values of one place of a payload that stand for one device at one moment.
type block struct {
	When    map[string][]string `yaml:"when,omitempty"`  // place → values, one of which must be there; * is any, - is none
	In      string              `yaml:"in,omitempty"`    // a place deeper in the payload
	Each    string              `yaml:"each,omitempty"`  // a list or an object: each member by itself
	Keys    string              `yaml:"keys,omitempty"`  // of an object: only members whose key begins so
	Point   string              `yaml:"point,omitempty"` // in place of the message's
	Time    []string            `yaml:"time,omitempty"`
	History bool                `yaml:"history,omitempty"` // what was, not what is: without a time of its own it is nothing
	Bytes   string              `yaml:"bytes,omitempty"`   // the decoder by which the message's bytes are read in place of this payload
	Values  []item              `yaml:"values,omitempty"`
	Blocks  []block             `yaml:"blocks,omitempty"`
}

// An item is one value of a block.
type item struct {
	At       string              `yaml:"at"` // * in a place is the largest of a list
	Quantity stillwater.Quantity `yaml:"quantity"`
	One      []string            `yaml:"one,omitempty"`    // values that mean open, or that a fault is there; of an activity: somebody
	Zero     []string            `yaml:"zero,omitempty"`   // values that mean closed, or no fault
	Words    []string            `yaml:"words,omitempty"`  // of a text of words: those that mean the fault
	Scale    stillwater.Litres   `yaml:"scale,omitempty"`  // of water: one count
	Per      float64             `yaml:"per,omitempty"`    // counts in one unit of scale
	Sum      bool                `yaml:"sum,omitempty"`    // what was counted since the message before, not a total
	Ask      bool                `yaml:"ask,omitempty"`    // what it means depends on how it is wired: only the configuration can say
	Absent   string              `yaml:"absent,omitempty"` // what it is where a server that omits zeros omits it; the device always sends it
}

// builtIn reads every format. A mistake in one is a mistake of the program.
func builtIn() (map[string]*format, error) {
	files, err := fs.Glob(formatFiles, "formats/*.yaml")
	if err != nil {
		return nil, err
	}
	all := map[string]*format{}
	for _, file := range files {
		text, err := formatFiles.ReadFile(file)
		if err != nil {
			return nil, err
		}
		f, err := readFormat(text)
		if err == nil && file != "formats/"+f.Name+".yaml" {
			err = fmt.Errorf("it is called %q", f.Name)
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		all[f.Name] = f
	}
	return all, check(all)
}

func readFormat(text []byte) (*format, error) {
	f := &format{}
	d := yaml.NewDecoder(bytes.NewReader(text))
	d.KnownFields(true)
	if err := d.Decode(f); err != nil {
		return nil, err
	}
	if f.Name == "" || f.Title == "" || len(f.Source) == 0 || f.Checked == "" {
		return nil, errors.New("name, title, source and checked must be there")
	}
	return f, nil
}

// check says what does not fit together in the formats.
func check(all map[string]*format) error {
	var errs []error
	for _, f := range all {
		for i := range f.Messages {
			k := &f.Messages[i]
			if _, err := parsePattern(k.Topic, cmpOr(f.Base, "base")); err != nil {
				errs = append(errs, fmt.Errorf("format %s: %w", f.Name, err))
			}
			for _, name := range k.Inside {
				if all[name] == nil || !all[name].Inside {
					errs = append(errs, fmt.Errorf("format %s: %q is no format inside others", f.Name, name))
				}
			}
			errs = append(errs, checkBlocks(f.Name, k.Blocks)...)
		}
		for _, r := range f.Raw {
			if decoders[r.Decoder] == nil {
				errs = append(errs, fmt.Errorf("format %s: decoder %q unknown", f.Name, r.Decoder))
			}
		}
		errs = append(errs, checkBlocks(f.Name, f.Blocks)...)
	}
	return errors.Join(errs...)
}

func checkBlocks(name string, blocks []block) (errs []error) {
	for _, b := range blocks {
		if b.Bytes != "" && decoders[b.Bytes] == nil {
			errs = append(errs, fmt.Errorf("format %s: decoder %q unknown", name, b.Bytes))
		}
		if b.Keys != "" && b.Each == "" {
			errs = append(errs, fmt.Errorf("format %s: keys without each", name))
		}
		for _, v := range b.Values {
			if err := v.check(); err != nil {
				errs = append(errs, fmt.Errorf("format %s, value %q: %w", name, v.At, err))
			}
		}
		errs = append(errs, checkBlocks(name, b.Blocks)...)
	}
	return errs
}

func (v *item) check() error {
	states := v.Quantity == stillwater.Door || v.Quantity == stillwater.Gone || v.Quantity.OfDevice() && v.Quantity != stillwater.Signal
	known := slices.Contains(quantities, v.Quantity) || v.Quantity.OfDevice() || v.Quantity == stillwater.Gone
	switch {
	case !known:
		return fmt.Errorf("%q is no quantity", v.Quantity)
	case states && !v.Ask && len(v.Words) == 0 && (len(v.One) == 0 || len(v.Zero) == 0):
		return errors.New("a state needs the values that mean one and zero")
	case v.Sum && v.Quantity != stillwater.WaterTotal:
		return errors.New("only water can be summed")
	}
	return nil
}

// formatNames is every format that can be written in a configuration, in order.
func formatNames(all map[string]*format) []string {
	names := []string{discovery}
	for name, f := range all {
		if !f.Inside {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// modelNames is every name by which bytes can be decoded, in order.
func modelNames(all map[string]*format) []string {
	var names []string
	for _, f := range all {
		for _, r := range f.Raw {
			names = append(names, r.Model)
		}
	}
	slices.Sort(names)
	return names
}

// decoderOf is the decoder for a model, however it is written: "EM300-MCS", "em300_mcs 915". The longest name that it begins with counts; nil: none.
func decoderOf(all map[string]*format, model string) decoder {
	model = plainModel(model)
	var best raw
	for _, f := range all {
		for _, r := range f.Raw {
			if name := plainModel(r.Model); strings.Contains(model, name) && len(r.Model) > len(best.Model) {
				best = r
			}
		}
	}
	return decoders[best.Decoder]
}

// plainModel leaves letters and digits.
func plainModel(model string) string {
	return strings.Map(func(r rune) rune {
		if 'a' <= r && r <= 'z' || '0' <= r && r <= '9' {
			return r
		}
		return -1
	}, strings.ToLower(model))
}

func cmpOr(a, b string) string {
	if a != "" {
		return a
	}
	return b
}
