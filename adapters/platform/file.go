package platform

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strings"

	"gopkg.in/yaml.v3"
)

// maxFile is far above what a profile needs.
const maxFile = 256 << 10

// Load reads a file of YAML into a struct; unknown keys are refused. Its Validate and those within are for the caller to ask, see Problems.
func Load(path string, into any) error {
	info, err := os.Stat(path)
	if err == nil && info.Size() > maxFile {
		err = fmt.Errorf("is larger than %d kB; this is no profile", maxFile>>10)
	}
	if err != nil {
		return fmt.Errorf("profile %q: %w", path, err)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("profile %q: %w", path, err)
	}
	if err := Parse(data, into); err != nil {
		return fmt.Errorf("profile %q: %w", path, err)
	}
	return nil
}

// Parse is Load of a text that is at hand.
func Parse(data []byte, into any) error {
	d := yaml.NewDecoder(bytes.NewReader(data))
	d.KnownFields(true)
	if err := d.Decode(into); err != nil {
		return errors.New(strings.TrimPrefix(err.Error(), "yaml: "))
	}
	return nil
}

// Problems is everything that is wrong with a layout and its values, as one error; nil: nothing.
func (l *Layout) Problems() error {
	var all []error
	report := func(_ any, problem string) { all = append(all, errors.New(problem)) }
	l.Validate(report)
	for i := range l.Values {
		v := &l.Values[i]
		own := func(_ any, problem string) {
			name := v.Name
			if name == "" {
				name = strings.Join(v.Value, ", ")
			}
			all = append(all, fmt.Errorf("value %q: %s", name, problem))
		}
		v.Validate(own)
		if v.Series != nil {
			v.Series.Validate(own)
		}
	}
	return errors.Join(all...)
}

// With is the layout with what a feed says for itself in the place of its own.
func (l Layout) With(device []string, zone string, values []Value) Layout {
	if len(device) > 0 {
		l.Device = device
	}
	if zone != "" {
		l.Zone = zone
	}
	if len(values) > 0 {
		l.Values = values
	}
	return l
}
