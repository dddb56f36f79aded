package mqtt

import (
	"fmt"
	"strings"
)

// A pattern is a topic with holes: {name} stands for one level, {name...} for one or more, of which there is at most one.
type pattern struct {
	levels []hole
	many   int // which level is {name...}; -1: none
}

// A hole is one level of a pattern; name is "" where the level is fixed text.
type hole struct {
	name, text string
}

// parsePattern reads a pattern, the base of the sender's topics filled in.
func parsePattern(text, base string) (pattern, error) {
	text = strings.TrimPrefix(strings.ReplaceAll(text, "{base}", strings.Trim(base, "/")), "/")
	p := pattern{many: -1}
	for _, level := range strings.Split(text, "/") {
		name, inBraces := strings.CutPrefix(level, "{")
		if !inBraces {
			if level == "" || strings.ContainsAny(level, "+#{}") {
				return p, fmt.Errorf("topic %q: %q is no level of a topic", text, level)
			}
			p.levels = append(p.levels, hole{text: level})
			continue
		}
		name, closed := strings.CutSuffix(name, "}")
		name, many := strings.CutSuffix(name, "...")
		if !closed || name == "" || many && p.many >= 0 {
			return p, fmt.Errorf("topic %q: %q is no hole; write {name}, or {name...} once", text, level)
		}
		if many {
			p.many = len(p.levels)
		}
		p.levels = append(p.levels, hole{name: name})
	}
	return p, nil
}

// match says whether the pattern takes in a topic, and what its holes stand for.
func (p pattern) match(levels []string) (parts map[string]string, ok bool) {
	extra := len(levels) - len(p.levels)
	if extra < 0 || extra > 0 && p.many < 0 {
		return nil, false
	}
	for i, h := range p.levels { // the fixed levels first: most patterns fail there
		if h.name == "" && h.text != levels[p.place(i, extra)] {
			return nil, false
		}
	}
	parts = make(map[string]string, 2)
	for i, h := range p.levels {
		switch at := p.place(i, extra); {
		case h.name == "":
		case i == p.many:
			parts[h.name] = strings.Join(levels[at:at+extra+1], "/")
		default:
			parts[h.name] = levels[at]
		}
	}
	return parts, true
}

// place is where level i of the pattern lies in a topic that has extra levels more.
func (p pattern) place(i, extra int) int {
	if p.many >= 0 && i > p.many {
		return i + extra
	}
	return i
}

// filter is what to subscribe to. What follows {name...} cannot be said in a filter.
func (p pattern) filter() string {
	var levels []string
	for i, h := range p.levels {
		switch {
		case i == p.many:
			return strings.Join(append(levels, "#"), "/")
		case h.name != "":
			levels = append(levels, "+")
		default:
			levels = append(levels, h.text)
		}
	}
	return strings.Join(levels, "/")
}
