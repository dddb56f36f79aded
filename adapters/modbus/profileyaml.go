package modbus

import (
	"fmt"
	"reflect"
	"slices"
	"sort"
	"strings"

	"gopkg.in/yaml.v3"

	"stillwater"
)

// A reader fills structs from YAML and tells every mistake with its line.
type reader struct {
	report func(line int, problem string)
}

// lined is a struct that wants to know where it stands.
type lined interface{ stands(line int) }

func (a *at) stands(line int) { a.line = line }

// file reads a whole document into v, which points to a struct.
func (r reader) file(text []byte, v any) {
	var doc yaml.Node
	if err := yaml.Unmarshal(text, &doc); err != nil {
		line := 1
		problem := strings.TrimPrefix(err.Error(), "yaml: ")
		if n, _ := fmt.Sscanf(problem, "line %d:", &line); n == 1 {
			_, problem, _ = strings.Cut(problem, ": ")
		}
		r.report(line, "this is no YAML: "+problem)
		return
	}
	if len(doc.Content) == 0 {
		r.report(1, "there is nothing in it")
		return
	}
	r.section(doc.Content[0], reflect.ValueOf(v).Elem())
}

// section reads the keys of a struct.
func (r reader) section(n *yaml.Node, v reflect.Value) {
	if n.Kind != yaml.MappingNode {
		r.report(n.Line, "keys belong here, each like key: value")
		return
	}
	if l, ok := v.Addr().Interface().(lined); ok {
		l.stands(n.Line)
	}
	known := map[string][]int{}
	keysOf(v.Type(), nil, known)
	seen := map[string]bool{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, child := n.Content[i], n.Content[i+1]
		index, ok := known[key.Value]
		switch {
		case !ok:
			r.report(key.Line, unknown("key", key.Value, names(known)))
		case seen[key.Value]:
			r.report(key.Line, fmt.Sprintf("%s is there twice; remove one", key.Value))
		default:
			r.value(key, child, v.FieldByIndex(index))
		}
		seen[key.Value] = true
	}
}

// value reads what stands behind a key.
func (r reader) value(key, n *yaml.Node, v reflect.Value) {
	if v.Kind() == reflect.Pointer && v.Type().Elem().Kind() == reflect.Struct {
		v.Set(reflect.New(v.Type().Elem()))
		r.section(n, v.Elem())
		return
	}
	switch {
	case v.Kind() == reflect.Struct:
		r.section(n, v)
	case v.Kind() == reflect.Slice && v.Type().Elem().Kind() == reflect.Struct:
		if n.Kind != yaml.SequenceNode {
			r.report(n.Line, key.Value+` is a list; begin each entry with "- "`)
			return
		}
		v.Set(reflect.MakeSlice(v.Type(), len(n.Content), len(n.Content)))
		for i, entry := range n.Content {
			r.section(entry, v.Index(i))
		}
	default:
		r.scalar(key, n, v)
	}
}

// scalar reads one value, or a list or a table of such.
func (r reader) scalar(key, n *yaml.Node, v reflect.Value) {
	err := n.Decode(v.Addr().Interface())
	if err == nil {
		return
	}
	problem := strings.TrimPrefix(err.Error(), "yaml: ")
	if strings.HasPrefix(problem, "unmarshal errors:") {
		_, problem, _ = strings.Cut(problem, "line ")
		_, problem, _ = strings.Cut(problem, ": ")
	}
	r.report(n.Line, key.Value+": "+problem)
}

// keysOf lists the keys of a struct and of those inlined in it.
func keysOf(t reflect.Type, index []int, into map[string][]int) {
	for i := range t.NumField() {
		f := t.Field(i)
		tag := f.Tag.Get("yaml")
		key, _, _ := strings.Cut(tag, ",")
		here := append(index[:len(index):len(index)], i)
		switch {
		case strings.HasSuffix(tag, ",inline"):
			keysOf(f.Type, here, into)
		case f.IsExported() && key != "":
			into[key] = here
		}
	}
}

func names[V any](of map[string]V) []string {
	var list []string
	for name := range of {
		list = append(list, name)
	}
	sort.Strings(list)
	return list
}

// unknown says that a word is none of those known, and which may be meant.
func unknown(what, word string, known []string) string {
	near := stillwater.Nearest(word, known)
	if at := slices.IndexFunc(known, func(k string) bool { return len(word) > 2 && strings.Contains(k, strings.ToLower(word)) }); near == "" && at >= 0 {
		near = known[at]
	}
	if near != "" {
		return fmt.Sprintf("unknown %s %q; did you mean %s?", what, word, near)
	}
	return fmt.Sprintf("unknown %s %q; known are %s", what, word, strings.Join(known, ", "))
}
