package platform

import (
	"cmp"
	"slices"
	"strings"

	"stillwater/adapters/jsonfield"
)

// A record is where places are seen from.
type record struct {
	value any
	key   string // by which what encloses it has it
	outer *record
}

// at is what is in a place, as seen from the record. What is null is not there.
func (r *record) at(place string) (any, bool) {
	if place == "$key" {
		return r.key, r.key != ""
	}
	if rest, ok := strings.CutPrefix(place, "$."); ok {
		for r.outer != nil {
			r = r.outer
		}
		return jsonfield.At(r.value, rest)
	}
	for {
		rest, ok := strings.CutPrefix(place, "^.")
		if !ok {
			return jsonfield.At(r.value, place)
		}
		if r.outer == nil {
			return nil, false
		}
		r, place = r.outer, rest
	}
}

// first is what is in the first of the places that holds anything.
func (r *record) first(places []string) (any, bool) {
	for _, p := range places {
		if v, ok := r.at(p); ok && jsonfield.Text(v) != "" {
			return v, true
		} else if _, many := v.([]any); ok && many {
			return v, true
		}
	}
	return nil, false
}

// each calls with every record at the places, in order.
func each(doc any, places []string, visit func(*record)) {
	top := &record{value: doc}
	if len(places) == 0 {
		entries, many := doc.([]any)
		if !many {
			visit(top)
		}
		for _, e := range entries {
			visit(&record{value: e, outer: top})
		}
	}
	for _, p := range places {
		walk(top, p, visit)
	}
}

// walk follows a place with stars from a record. What encloses an entry is the record that the star was followed from.
func walk(from *record, place string, visit func(*record)) {
	before, after, star := strings.Cut(place, "*")
	inner, ok := jsonfield.At(from.value, strings.TrimSuffix(before, "."))
	if !ok {
		return
	}
	if !star {
		visit(&record{value: inner, outer: from})
		return
	}
	after = strings.TrimPrefix(after, ".")
	next := func(key string, value any) {
		e := &record{value, key, from}
		if after == "" {
			visit(e)
		} else {
			walk(e, after, visit)
		}
	}
	switch d := inner.(type) {
	case []any:
		for _, e := range d {
			next("", e)
		}
	case map[string]any:
		for _, key := range sortedKeys(d) {
			next(key, d[key])
		}
	}
}

func sortedKeys(d map[string]any) []string {
	keys := make([]string, 0, len(d))
	for k := range d {
		keys = append(keys, k)
	}
	slices.SortFunc(keys, cmp.Compare)
	return keys
}

// oneOf says whether a value is among others.
func oneOf(v string, others []string) bool {
	return slices.ContainsFunc(others, func(o string) bool { return jsonfield.Same(v, o) })
}

// At is the text at a place of a document; "" for none.
func At(doc any, place string) string {
	v, _ := jsonfield.At(doc, place)
	return jsonfield.Text(v)
}
