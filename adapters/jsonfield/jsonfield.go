// Package jsonfield finds a value in a JSON document and compares it. What comes over MQTT and what platforms push is read by it alike.
package jsonfield

import (
	"encoding/json"
	"strconv"
	"strings"
)

// At follows a dotted path: keys of objects and indexes of lists. A key that holds dots itself is found, too.
func At(doc any, path string) (any, bool) {
	if path == "" {
		return doc, doc != nil
	}
	switch d := doc.(type) {
	case map[string]any:
		if v, ok := d[path]; ok {
			return v, v != nil
		}
		for i := range path {
			if path[i] != '.' {
				continue
			}
			if inner, ok := d[path[:i]]; ok {
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
