package config

import (
	"fmt"
	"reflect"
	"strings"

	"gopkg.in/yaml.v3"
)

// maxAliased bounds how often what stands behind aliases is read: a file of a few lines can otherwise ask for billions.
const maxAliased = 250_000

// A decoder fills a struct from YAML nodes and goes on after every mistake.
type decoder struct {
	doc       *Document
	expanding map[*yaml.Node]bool // nodes being read, against anchors that contain themselves
	depth     int                 // of aliases
	aliased   int
}

// An entry is a key with its value.
type entry struct {
	key   string
	line  int
	value *yaml.Node
}

// root reads the whole document.
func (d *decoder) root(n *yaml.Node) {
	if n == nil || isNull(n) {
		return
	}
	d.value(n, d.doc.into, place{line: n.Line})
}

// value reads a node into v, which stands at the place at.
func (d *decoder) value(n *yaml.Node, v reflect.Value, at place) {
	if n.Kind == yaml.AliasNode {
		n = n.Alias
		d.depth++
		defer func() { d.depth-- }()
	}
	if d.depth > 0 {
		if d.aliased++; d.aliased > maxAliased {
			if d.aliased == maxAliased+1 {
				d.doc.report(at.line, "aliases multiply into hundreds of thousands of values; write them out")
			}
			return
		}
	}
	if d.expanding[n] {
		d.fail(v, at, at.line, "an anchor contains itself; write the value out")
		return
	}
	d.expanding[n] = true
	defer delete(d.expanding, n)
	d.doc.places[v.Addr().Interface()] = at
	switch t := v.Type(); {
	case n.Tag == brokenTag:
		at.broken = true
		d.doc.places[v.Addr().Interface()] = at
	case t == secretType:
		d.secret(n, v, at)
	case t.Kind() == reflect.Pointer:
		d.pointer(n, v, at)
	case isNull(n): // a key without a value leaves the default
	case n.Style&yaml.TaggedStyle != 0 && !strings.HasPrefix(n.Tag, "!!"):
		d.fail(v, at, n.Line, `a value that begins with "!" is a tag, and none is known; put the value in quotes`)
	case isScalar(t):
		d.scalar(n, v, at)
	case t.Kind() == reflect.Struct:
		d.section(n, v, at)
	case t.Kind() == reflect.Slice:
		d.list(n, v, at)
	default:
		d.table(n, v, at)
	}
}

// fail reports a value that could not be read; Validate methods are not heard on it again.
func (d *decoder) fail(v reflect.Value, at place, line int, text string) {
	at.broken = true
	d.doc.places[v.Addr().Interface()] = at
	d.doc.report(line, "%s", prefixed(at.name(), text))
}

// pointer reads an optional value. A bare "key:" switches a section on with its defaults; "key: null" switches it off.
func (d *decoder) pointer(n *yaml.Node, v reflect.Value, at place) {
	section := isSection(v.Type().Elem())
	if isNull(n) && (n.Value != "" || !section) {
		v.SetZero()
		return
	}
	if v.IsNil() {
		v.Set(reflect.New(v.Type().Elem()))
		setDefaults(v.Elem())
	}
	delete(d.expanding, n) // the same node is read once more, for what the pointer points to
	d.value(n, v.Elem(), at)
}

func (d *decoder) scalar(n *yaml.Node, v reflect.Value, at place) {
	switch n.Kind {
	case yaml.MappingNode:
		d.fail(v, at, n.Line, "one value belongs here, not a section")
	case yaml.SequenceNode:
		d.fail(v, at, n.Line, "one value belongs here, not a list")
	default:
		if problem := setScalar(v, n.Value); problem != "" {
			d.fail(v, at, n.Line, problem)
		}
	}
}

func (d *decoder) section(n *yaml.Node, v reflect.Value, at place) {
	switch n.Kind {
	case yaml.SequenceNode:
		d.fail(v, at, n.Line, `this is one section, not a list; remove the "- " before its keys`)
		return
	case yaml.ScalarNode:
		d.fail(v, at, n.Line, "this is a section; write its keys below it, indented, each like key: value")
		return
	}
	known := d.doc.keys(v.Type())
	for _, e := range d.entries(n) {
		if f, ok := known.byName[e.key]; ok {
			d.value(e.value, v.FieldByIndex(f.index), place{line: e.line, key: e.key})
			continue
		}
		d.unknown(e, known.all)
	}
}

// unknown reports a key the section does not have, and what may have been meant.
func (d *decoder) unknown(e entry, known []field) {
	keys := make([]string, len(known))
	for i, f := range known {
		keys[i] = f.key
	}
	hint := "."
	if near := nearest(e.key, known); near != "" {
		hint = fmt.Sprintf("; did you mean %q?", near)
	} else if path, one := whereKnown(d.doc.into.Type(), e.key); one && path == "" {
		hint = "; it belongs at the top level: check the indentation."
	} else if one {
		hint = fmt.Sprintf("; it belongs under %q: check the indentation.", path)
	}
	d.doc.report(e.line, "unknown key %q%s Known here: %s", e.key, hint, strings.Join(keys, ", "))
}

// list reads a list, which replaces a default list. The elements are made first, so that pointers to them stay.
func (d *decoder) list(n *yaml.Node, v reflect.Value, at place) {
	if n.Kind != yaml.SequenceNode {
		how := `begin each entry with "- " on a line of its own`
		if isScalar(v.Type().Elem()) {
			how = "write it like [a, b]"
		}
		d.fail(v, at, n.Line, "this is a list; "+how)
		return
	}
	v.Set(reflect.MakeSlice(v.Type(), len(n.Content), len(n.Content)))
	for i, child := range n.Content {
		element := at.element(i, child.Line)
		if isNull(child) {
			d.fail(v.Index(i), element, child.Line, `is empty; fill it in or remove the "-"`)
			continue
		}
		setDefaults(v.Index(i))
		d.value(child, v.Index(i), element)
	}
}

// table reads keys that people choose, into a map. Entries of a default map stay unless the file has the key.
func (d *decoder) table(n *yaml.Node, v reflect.Value, at place) {
	t := v.Type()
	if t.Kind() != reflect.Map || !isScalar(t.Key()) {
		panic(fmt.Sprintf("config: a setting of type %s cannot be read from a file", t))
	}
	if n.Kind != yaml.MappingNode {
		d.fail(v, at, n.Line, "this is a section; write its keys below it, indented, each like key: value")
		return
	}
	merged := reflect.MakeMap(t)
	for iter := v.MapRange(); iter.Next(); {
		merged.SetMapIndex(iter.Key(), iter.Value())
	}
	for _, e := range d.entries(n) {
		key, value := reflect.New(t.Key()).Elem(), reflect.New(t.Elem()).Elem()
		if problem := setScalar(key, e.key); problem != "" {
			d.doc.report(e.line, "%s", prefixed(at.name(), problem))
			continue
		}
		if old := v.MapIndex(key); v.Len() > 0 && old.IsValid() {
			value.Set(old)
		} else {
			setDefaults(value)
		}
		d.value(e.value, value, place{line: e.line, key: e.key})
		merged.SetMapIndex(key, value)
		d.doc.hold(v, key, value)
	}
	v.Set(merged)
}

// entries lists the keys of a section, reports repeated ones, and adds those merged by "<<" that it does not have itself.
func (d *decoder) entries(n *yaml.Node) []entry {
	var list []entry
	var merged []*yaml.Node
	first := map[string]int{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		if key.Kind == yaml.AliasNode {
			key = key.Alias
		}
		switch line, again := first[key.Value]; {
		case key.Tag == "!!merge":
			merged = append(merged, value)
		case key.Kind != yaml.ScalarNode || key.Value == "":
			d.doc.report(n.Content[i].Line, "a key is one word, followed by a colon")
		case again:
			d.doc.report(key.Line, "key %q is written twice, first in line %d; remove one", key.Value, line)
		default:
			first[key.Value] = key.Line
			list = append(list, entry{key.Value, n.Content[i].Line, value})
		}
	}
	for _, m := range merged {
		for _, e := range d.merge(m) {
			if _, own := first[e.key]; !own {
				first[e.key] = e.line
				list = append(list, e)
			}
		}
	}
	return list
}

// merge lists what "<<: *name" or "<<: [*name, …]" brings in.
func (d *decoder) merge(n *yaml.Node) []entry {
	line := n.Line
	if n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	if d.aliased++; d.aliased > maxAliased || d.expanding[n] {
		d.doc.report(line, "an anchor contains itself; write the keys out")
		return nil
	}
	switch n.Kind {
	case yaml.MappingNode:
		d.expanding[n] = true
		defer delete(d.expanding, n)
		list := d.entries(n)
		d.aliased += len(list)
		return list
	case yaml.SequenceNode:
		d.expanding[n] = true
		defer delete(d.expanding, n)
		var list []entry
		for _, child := range n.Content {
			list = append(list, d.merge(child)...)
		}
		return list
	}
	d.doc.report(line, `"<<" takes the name of an anchored section; write like <<: *name`)
	return nil
}

// isNull says whether a node is empty, "~" or "null".
func isNull(n *yaml.Node) bool {
	return n.Kind == yaml.ScalarNode && n.Tag == "!!null"
}
