// Package jsonfield finds a value in a JSON document and compares it. What comes over MQTT and what platforms push is read by it alike.
package jsonfield

import (
	"cmp"
	"encoding/json"
	"slices"
	"strconv"
	"strings"
)

// An Object is a JSON object as it is written, which for the few members of a sensor's message is made in a fraction of the time of a map. Of
// several members of one name the last counts.
type Object []Member

// A Member is a name and a value.
type Member struct {
	Key   string
	Value any
}

// Get gives a member of an object: an Object or a map[string]any.
func Get(doc any, key string) (any, bool) {
	switch d := doc.(type) {
	case map[string]any:
		v, ok := d[key]
		return v, ok
	case Object:
		for i := len(d) - 1; i >= 0; i-- {
			if d[i].Key == key {
				return d[i].Value, true
			}
		}
	}
	return nil, false
}

// Members gives the members of an object, each name once, in the order of names. What is no object has none.
func Members(doc any) []Member {
	var list []Member
	switch d := doc.(type) {
	case map[string]any:
		for k, v := range d {
			list = append(list, Member{k, v})
		}
	case Object:
		list = slices.Clone(d)
		slices.Reverse(list) // so that of one name the last comes first, and stays
	}
	slices.SortStableFunc(list, func(a, b Member) int { return cmp.Compare(a.Key, b.Key) })
	return slices.CompactFunc(list, func(a, b Member) bool { return a.Key == b.Key })
}

// At follows a dotted path: keys of objects and indexes of lists. A key that holds dots itself is found, too.
func At(doc any, path string) (any, bool) {
	if path == "" {
		return doc, doc != nil
	}
	switch d := doc.(type) {
	case map[string]any, Object:
		if v, ok := Get(doc, path); ok {
			return v, v != nil
		}
		for i := range path {
			if path[i] != '.' {
				continue
			}
			if inner, ok := Get(doc, path[:i]); ok {
				if v, ok := At(inner, path[i+1:]); ok {
					return v, true
				}
			}
		}
	case []any:
		key, rest, _ := strings.Cut(path, ".")
		if i, err := strconv.Atoi(key); err == nil && 0 <= i && i < len(d) {
			return At(d[i], rest)
		}
	}
	return nil, false
}

// Text is a JSON value as text; "" for what is none.
func Text(v any) string {
	switch v := v.(type) {
	case string:
		return strings.TrimSpace(v)
	case json.Number:
		return v.String()
	case bool:
		return strconv.FormatBool(v)
	}
	return ""
}

// Same compares two values as text: without regard to case, and as numbers where both are.
func Same(a, b string) bool {
	if a == "" || b == "" {
		return false
	}
	if strings.EqualFold(a, b) {
		return true
	}
	x, errX := strconv.ParseFloat(a, 64)
	y, errY := strconv.ParseFloat(b, 64)
	return errX == nil && errY == nil && x == y
}
