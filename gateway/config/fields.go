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
	return Nearest(key, names)
}

// Nearest is the name somebody most likely meant by a word, "" when none is near. It is for every place in a configuration where
// people write names.
func Nearest(word string, names []string) string {
	plain := strings.NewReplacer("-", "_", " ", "_", "_", "").Replace
	want, best, least := strings.ToLower(plain(word)), "", 100
	for _, name := range names {
		have := strings.ToLower(plain(name))
		d := distance(want, have)
		if len(want) >= 3 && len(have) >= 3 && (strings.HasPrefix(have, want) || strings.HasPrefix(want, have)) {
			d = min(d, 1)
		}
		if d <= max(1, len(have)/3) && d < least {
			best, least = name, d
		}
	}
	return best
}

// distance counts the letters to add, remove, change or swap with the next to get from a to b.
func distance(a, b string) int {
	s, t := []rune(a), []rune(b)
	if len(s)+len(t) > 200 { // nobody meant that
		return 200
	}
	rows := make([][]int, len(s)+1)
	for i := range rows {
		rows[i] = make([]int, len(t)+1)
		rows[i][0] = i
	}
	for j := range rows[0] {
		rows[0][j] = j
	}
	for i := 1; i <= len(s); i++ {
		for j := 1; j <= len(t); j++ {
			change := 1
			if s[i-1] == t[j-1] {
				change = 0
			}
			rows[i][j] = min(rows[i-1][j]+1, rows[i][j-1]+1, rows[i-1][j-1]+change)
			if i > 1 && j > 1 && s[i-1] == t[j-2] && s[i-2] == t[j-1] {
				rows[i][j] = min(rows[i][j], rows[i-2][j-2]+1)
			}
		}
	}
	return rows[len(s)][len(t)]
}
