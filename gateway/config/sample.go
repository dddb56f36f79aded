package config

import (
	"bytes"
	"encoding"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"sort"
	"strings"
	"time"

	"gopkg.in/yaml.v3"

	"stillwater"
)

// sampleWidth is where the prose of a sample is wrapped, in columns.
const sampleWidth = 100

// sampleDepth bounds what is shown of sections in sections that are switched off; a type may hold itself.
const sampleDepth = 8

// Sample writes a struct as the YAML that Parse reads back into the same value, with the manual of every setting above it.
// A setting that stands as it would without the file is shown switched off: "#key: value", without a blank after the sign;
// taking the sign away switches it on.
func Sample(example any) ([]byte, error) {
	v := reflect.Indirect(reflect.ValueOf(example))
	if v.Kind() != reflect.Struct {
		return nil, fmt.Errorf("sample of %T, which is not a struct", example)
	}
	text, err := write(v)
	if err != nil {
		return nil, err
	}
	back := fresh(v.Type())
	doc := newDocument("sample", back.Addr().Interface())
	d := &decoder{doc: doc, expanding: map[*yaml.Node]bool{}}
	d.root(doc.parse(text))
	if len(doc.found) > 0 {
		return nil, fmt.Errorf("sample of %T does not read back: %s", example, doc.found)
	}
	if again, err := write(back); err != nil || !bytes.Equal(again, text) {
		return nil, fmt.Errorf("sample of %T reads back as something else", example)
	}
	return text, nil
}

// fresh is a value of a type as it is before a file is read.
func fresh(t reflect.Type) reflect.Value {
	v := reflect.New(t).Elem()
	setDefaults(v)
	return v
}

func write(v reflect.Value) ([]byte, error) {
	w := &sampler{}
	w.keys(pair{v, fresh(v.Type())}, layout{manual: true, off: -1})
	if w.err != nil {
		return nil, w.err
	}
	var out bytes.Buffer
	for _, l := range w.lines {
		out.WriteString(strings.TrimRight(l.String(), " ") + "\n")
	}
	return out.Bytes(), nil
}

// A line of a sample. Switched off, its sign stands in the column of the section that is off as a whole.
type line struct {
	indent int
	off    int // column of the sign; -1: it is on
	prose  bool
	text   string
}

func (l line) String() string {
	switch {
	case l.text == "":
		return ""
	case l.prose:
		l.prose, l.text = false, "# "+l.text
		return l.String()
	case l.off >= 0:
		return strings.Repeat(" ", l.off) + "#" + strings.Repeat(" ", l.indent-l.off) + l.text
	}
	return strings.Repeat(" ", l.indent) + l.text
}

// A pair is a value to be shown and what would stand there without the file.
type pair struct{ value, base reflect.Value }

func (p pair) same() bool { return reflect.DeepEqual(p.value.Interface(), p.base.Interface()) }

// A layout is how a part of a sample is shown.
type layout struct {
	indent int
	off    int  // as in line
	manual bool // whether the manual is shown; once for a list
	depth  int
}

func (l layout) deeper() layout { return layout{l.indent + 2, l.off, l.manual, l.depth + 1} }

// A sampler collects the lines of a sample.
type sampler struct {
	lines []line
	err   error
}

func (w *sampler) add(at layout, text string) {
	w.lines = append(w.lines, line{indent: at.indent, off: at.off, text: text})
}

// keys shows every key of a section.
func (w *sampler) keys(p pair, at layout) {
	begin, afterBlock := len(w.lines), false
	for _, f := range fieldsOf(p.value.Type()) {
		one := pair{p.value.FieldByIndex(f.index), p.base.FieldByIndex(f.index)}
		if !at.manual && at.off < 0 && one.same() && !p.same() { // a list's first entry has shown what may stand here
			continue
		}
		block := isBlock(one.value.Type())
		if len(w.lines) > begin && (block || afterBlock || at.indent == 0) {
			w.lines = append(w.lines, line{})
		}
		afterBlock = block
		if at.manual {
			for _, text := range wrap(f.doc, sampleWidth-at.indent-2) {
				w.lines = append(w.lines, line{indent: at.indent, off: at.off, prose: true, text: text})
			}
		}
		here := at
		if here.off < 0 && one.same() {
			here.off = here.indent
		}
		w.setting(f.key, one, here)
	}
}

// isBlock says whether a type takes lines of its own below its key.
func isBlock(t reflect.Type) bool {
	switch t.Kind() {
	case reflect.Pointer, reflect.Slice:
		return isBlock(t.Elem())
	case reflect.Map:
		return true
	}
	return isSection(t)
}

// setting shows one key and what stands below it.
func (w *sampler) setting(key string, p pair, at layout) {
	t := p.value.Type()
	switch {
	case t.Kind() == reflect.Pointer:
		base := fresh(t.Elem())
		if p.value.IsNil() {
			p.value = reflect.New(t.Elem())
			setDefaults(p.value.Elem())
		}
		w.setting(key, pair{p.value.Elem(), base}, at)
	case !isBlock(t):
		w.add(at, key+": "+w.inline(p.value))
	case isSection(t):
		w.add(at, key+":")
		if at.depth < sampleDepth {
			w.keys(p, at.deeper())
		}
	case t.Kind() == reflect.Map:
		w.table(key, p.value, at)
	case t.Kind() == reflect.Slice:
		w.list(key, p.value, at)
	}
}

// list shows the entries of a list of sections; of an empty one, what an entry looks like.
func (w *sampler) list(key string, v reflect.Value, at layout) {
	if v.Len() == 0 && at.off < 0 {
		w.add(at, key+": []")
		return
	}
	w.add(at, key+":")
	if v.Len() == 0 && at.depth < sampleDepth {
		v = reflect.MakeSlice(v.Type(), 1, 1)
		setDefaults(v.Index(0))
	}
	for i := range v.Len() {
		if i > 0 {
			w.lines = append(w.lines, line{})
		}
		inner := at.deeper()
		inner.manual = at.manual && i == 0
		w.element(v.Index(i), inner)
	}
}

// element shows one entry: its first key that is as much on as the list gets the dash.
func (w *sampler) element(v reflect.Value, at layout) {
	begin, t := len(w.lines), v.Type()
	body := at
	body.indent += 2
	switch {
	case t.Kind() == reflect.Pointer && v.IsNil():
		w.add(at, "- {}")
		return
	case t.Kind() == reflect.Pointer:
		v, t = v.Elem(), t.Elem()
		fallthrough
	default:
		if !isSection(t) {
			w.err = errors.New("a list of lists or maps has no sample")
			return
		}
		w.keys(pair{v, fresh(t)}, body)
	}
	dash := slices.IndexFunc(w.lines[begin:], func(l line) bool {
		return l.indent == body.indent && !l.prose && l.text != "" && l.off == at.off
	})
	if dash < 0 { // nothing differs from the defaults: one value is shown all the same, to hang the dash on
		dash = slices.IndexFunc(w.lines[begin:], func(l line) bool {
			return l.indent == body.indent && !l.prose && strings.Contains(l.text, ": ")
		})
	}
	if dash < 0 {
		w.lines = append(w.lines[:begin], line{indent: at.indent, off: at.off, text: "- {}"})
		return
	}
	for i := begin; i <= begin+dash; i++ {
		if l := &w.lines[i]; i == begin+dash {
			l.indent, l.off, l.text = at.indent, at.off, "- "+l.text
		} else if l.indent == body.indent && l.prose {
			l.indent = at.indent
		}
	}
}

// table shows the entries of a map, by key.
func (w *sampler) table(key string, v reflect.Value, at layout) {
	if v.Len() == 0 {
		w.add(at, key+": {}")
		return
	}
	w.add(at, key+":")
	names := v.MapKeys()
	sort.Slice(names, func(i, j int) bool { return fmt.Sprint(names[i]) < fmt.Sprint(names[j]) })
	for _, name := range names {
		value := reflect.New(v.Type().Elem()).Elem()
		value.Set(v.MapIndex(name))
		w.setting(w.inline(name), pair{value, fresh(value.Type())}, at.deeper())
	}
}

// inline is a value as it stands behind its key.
func (w *sampler) inline(v reflect.Value) string {
	text, err := yaml.Marshal(w.node(v))
	if err != nil && w.err == nil {
		w.err = fmt.Errorf("sample of %s: %w", v.Type(), err)
	}
	return strings.TrimRight(string(text), "\n")
}

// node is a value for the YAML library, which knows when to quote.
func (w *sampler) node(v reflect.Value) *yaml.Node {
	if v.Kind() == reflect.Slice {
		list := &yaml.Node{Kind: yaml.SequenceNode, Style: yaml.FlowStyle}
		for i := range v.Len() {
			list.Content = append(list.Content, w.node(v.Index(i)))
		}
		return list
	}
	if v.Type() == secretType {
		s := v.Interface().(stillwater.Secret)
		pair := []*yaml.Node{plain("env"), quoted(s.Env)}
		if s.File != "" {
			pair = []*yaml.Node{plain("file"), quoted(s.File)}
		} else if s.Env == "" {
			pair[1] = plain("NAME")
		}
		return &yaml.Node{Kind: yaml.MappingNode, Style: yaml.FlowStyle, Content: pair}
	}
	return w.scalar(v)
}

func (w *sampler) scalar(v reflect.Value) *yaml.Node {
	switch value := v.Interface().(type) {
	case time.Duration:
		return plain(stillwater.FormatSpan(value))
	case time.Time:
		if value.IsZero() {
			return plain("2026-03-01")
		}
		if value.Location() == time.UTC && value.Equal(value.Truncate(24*time.Hour)) {
			return plain(value.Format(time.DateOnly))
		}
		return plain(value.Format(time.RFC3339Nano))
	case encoding.TextMarshaler:
		text, err := value.MarshalText()
		if err != nil && w.err == nil {
			w.err = fmt.Errorf("sample of %s: %w", v.Type(), err)
		}
		return quoted(string(text))
	}
	if v.Kind() == reflect.String {
		return quoted(v.String())
	}
	return plain(fmt.Sprint(v.Interface()))
}

// plain is a value that needs no quotes.
func plain(text string) *yaml.Node { return &yaml.Node{Kind: yaml.ScalarNode, Value: text} }

// quoted is a text, in quotes where YAML would take it for something else.
func quoted(text string) *yaml.Node {
	n := &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: text}
	if strings.ContainsAny(text, "\n\r\u0085\u2028\u2029") {
		n.Style = yaml.DoubleQuotedStyle
	}
	return n
}

// wrap breaks prose at blanks. Chinese characters take two columns.
func wrap(text string, width int) []string {
	var lines []string
	used := 0
	for _, word := range strings.Fields(text) {
		w := 0
		for _, r := range word {
			w++
			if r >= 0x1100 {
				w++
			}
		}
		if len(lines) == 0 || used+1+w > width {
			lines, used = append(lines, word), w
			continue
		}
		lines[len(lines)-1] += " " + word
		used += 1 + w
	}
	return lines
}
