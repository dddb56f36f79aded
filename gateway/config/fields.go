package config

import (
	"encoding"
	"reflect"
	"strings"
	"time"

	"stillwater"
)

// The types that are one value in YAML although Go sees a struct or a number.
var (
	secretType   = reflect.TypeFor[stillwater.Secret]()
	durationType = reflect.TypeFor[time.Duration]()
	timeType     = reflect.TypeFor[time.Time]()
	textType     = reflect.TypeFor[encoding.TextUnmarshaler]()
)

// A field is one key of a section.
type field struct {
	key      string
	doc      string
	index    []int
	optional bool
}

// keys are the keys of one struct type, looked up once for each document.
type keys struct {
	all    []field // as fieldsOf
	parts  []field // as partsOf
	byName map[string]field
}

func (doc *Document) keys(t reflect.Type) keys {
	if k, ok := doc.known[t]; ok {
		return k
	}
	k := keys{fieldsOf(t), partsOf(t), map[string]field{}}
	for _, f := range k.all {
		k.byName[f.key] = f
	}
	doc.known[t] = k
	return k
}

func (doc *Document) parts(t reflect.Type) []field { return doc.keys(t).parts }

// fieldsOf lists the keys of a struct in its order, those of inlined structs in their place.
func fieldsOf(t reflect.Type) []field {
	var list []field
	for _, f := range partsOf(t) {
		if f.key != "" {
			list = append(list, f)
			continue
		}
		for _, inner := range fieldsOf(t.FieldByIndex(f.index).Type) {
			inner.index = append(f.index[:1:1], inner.index...)
			list = append(list, inner)
		}
	}
	return list
}

// partsOf lists the fields of a struct that the file sets; an inlined struct is one of them, without a key of its own.
func partsOf(t reflect.Type) []field {
	var list []field
	for i := range t.NumField() {
		f := t.Field(i)
		key, options, _ := strings.Cut(f.Tag.Get("yaml"), ",")
		if !f.IsExported() || key == "-" {
			continue
		}
		if key == "" && !strings.Contains(options, "inline") {
			key = strings.ToLower(f.Name)
		}
		list = append(list, field{key, f.Tag.Get("doc"), []int{i}, strings.Contains(options, "omitempty")})
	}
	return list
}

// isScalar says whether a type is written as one value.
func isScalar(t reflect.Type) bool {
	if t == timeType || reflect.PointerTo(t).Implements(textType) {
		return true
	}
	switch t.Kind() {
	case reflect.Struct, reflect.Slice, reflect.Map, reflect.Pointer:
		return false
	}
	return true
}

// isSection says whether a type is written as keys below it. A secret is a value of its own kind.
func isSection(t reflect.Type) bool {
	return t.Kind() == reflect.Struct && t != secretType && !isScalar(t)
}

// defaulter is a type whose entries in lists and optional sections do not begin empty.
type defaulter interface{ SetDefaults() }

func setDefaults(v reflect.Value) {
	if d, ok := v.Addr().Interface().(defaulter); ok {
		d.SetDefaults()
	}
}

// whereKnown names the one section that has a key, for a key with the wrong indentation; false for none or several.
func whereKnown(root reflect.Type, key string) (path string, one bool) {
	var found []string
	seen := map[reflect.Type]bool{}
	var look func(t reflect.Type, path string)
	look = func(t reflect.Type, path string) {
		for t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice || t.Kind() == reflect.Map {
			t = t.Elem()
		}
		if !isSection(t) || seen[t] {
			return
		}
		seen[t] = true
		for _, f := range fieldsOf(t) {
			if f.key == key {
				found = append(found, path)
			}
			look(t.FieldByIndex(f.index).Type, strings.TrimPrefix(path+"."+f.key, "."))
		}
	}
	look(root, "")
	if len(found) != 1 {
		return "", false
	}
	return found[0], true
}

// nearest is the known key somebody most likely meant, "" when none is near.
func nearest(key string, known []field) string {
	names := make([]string, len(known))
	for i, f := range known {
		names[i] = f.key
	}
	return stillwater.Nearest(key, names)
}
