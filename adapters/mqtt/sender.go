package mqtt

import (
	"slices"
	"strings"
	"time"
)

// A known is a format at work.
type known interface {
	filters() []string // what to subscribe to
	read(m message, levels []string) result
}

// newKnown makes the formats of a configuration.
func newKnown(formats []Format) ([]known, error) {
	if len(formats) == 0 {
		return nil, nil
	}
	all, err := builtIn()
	if err != nil {
		return nil, err
	}
	var list []known
	counted := &sums{of: map[string]*sum{}}
	for _, f := range formats {
		if f.Format == discovery {
			list = append(list, newDiscoverer(f))
			continue
		}
		s, err := newSender(all, f, counted)
		if err != nil {
			return nil, err
		}
		list = append(list, s)
	}
	return list, nil
}

// A sender is a format as the configuration has it.
type sender struct {
	*format
	all    map[string]*format
	config Format
	kinds  []kind // of the format, with their patterns
	zone   *time.Location
	sums   *sums
	told   told
}

// newSender makes a sender of a configuration that is valid.
func newSender(all map[string]*format, c Format, s *sums) (*sender, error) {
	f := all[c.Format]
	zone, err := c.location()
	if err != nil {
		return nil, err
	}
	x := &sender{format: f, all: all, config: c, zone: zone, sums: s, told: told{}, kinds: slices.Clone(f.Messages)}
	base := f.Base
	if c.Base != nil {
		base = *c.Base
	}
	for i := range x.kinds {
		if x.kinds[i].pattern, err = parsePattern(x.kinds[i].Topic, base); err != nil {
			return nil, err
		}
	}
	return x, nil
}

// filters is what to subscribe to, without those that another takes in.
func (s *sender) filters() []string {
	var list []string
	for _, k := range s.kinds {
		if f := k.pattern.filter(); !slices.Contains(list, f) {
			list = append(list, f)
		}
	}
	return slices.DeleteFunc(slices.Clone(list), func(f string) bool {
		return slices.ContainsFunc(list, func(wide string) bool {
			stem, all := strings.CutSuffix(wide, "#")
			return all && wide != f && strings.HasPrefix(f, stem)
		})
	})
}
