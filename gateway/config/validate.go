package config

import (
	"fmt"
	"path/filepath"
	"reflect"
)

// validator is a struct that knows what its settings may be.
type validator interface {
	Validate(report func(field any, problem string))
}

// situated is a struct with paths that begin in the folder of the configuration.
type situated interface{ Beside(folder string) }

// spread gives every setting that the file does not mention the place of the section it would stand in, and what lies below
// a broken section its mark.
func (doc *Document) spread(v reflect.Value, at place) {
	pointer := v.Addr().Interface()
	if known, ok := doc.places[pointer]; ok {
		at = known
	}
	doc.places[pointer] = at
	switch t := v.Type(); {
	case t == secretType || isScalar(t):
	case t.Kind() == reflect.Pointer && !v.IsNil():
		doc.spread(v.Elem(), at)
	case t.Kind() == reflect.Struct:
		for _, f := range doc.parts(t) {
			doc.spread(v.FieldByIndex(f.index), place{line: at.line, key: f.key, broken: at.broken})
		}
	case t.Kind() == reflect.Slice:
		for i := range v.Len() {
			doc.spread(v.Index(i), at.element(i, at.line))
		}
	case t.Kind() == reflect.Map:
		for iter := v.MapRange(); iter.Next(); {
			doc.spread(doc.entry(v, iter.Key(), iter.Value()), place{line: at.line, key: fmt.Sprint(iter.Key()), broken: at.broken})
		}
	}
}

// walk visits v and everything in it, children first.
func (doc *Document) walk(v reflect.Value, visit func(reflect.Value)) {
	switch t := v.Type(); {
	case t == secretType || isScalar(t):
	case t.Kind() == reflect.Pointer && !v.IsNil():
		doc.walk(v.Elem(), visit)
	case t.Kind() == reflect.Struct:
		for _, f := range doc.parts(t) {
			doc.walk(v.FieldByIndex(f.index), visit)
		}
	case t.Kind() == reflect.Slice:
		for i := range v.Len() {
			doc.walk(v.Index(i), visit)
		}
	case t.Kind() == reflect.Map:
		for iter := v.MapRange(); iter.Next(); {
			held := doc.entry(v, iter.Key(), iter.Value())
			doc.walk(held, visit)
			v.SetMapIndex(iter.Key(), held)
		}
	}
	visit(v)
}

// validate asks every struct, children first. While a section could not be read at all, the structs that hold it are not asked: they would
// miss what is there.
func (doc *Document) validate(root reflect.Value) {
	doc.walk(root, func(v reflect.Value) {
		self := v.Addr().Interface()
		if s, ok := self.(situated); ok {
			s.Beside(filepath.Dir(doc.file))
		}
		check, ok := self.(validator)
		if !ok || v.Kind() != reflect.Struct || doc.places[self].broken || doc.broken && doc.holdsBroken(v) {
			return
		}
		check.Validate(func(field any, problem string) {
			at, ok := doc.find(field)
			if !ok || field == self && at.entry > 0 {
				at = place{line: doc.places[self].line}
			}
			if !at.broken {
				doc.report(at.line, "%s", prefixed(at.name(), problem))
			}
		})
	})
}

// holdsBroken says whether v is the root or inlined in it: what could not be read stands there.
func (doc *Document) holdsBroken(v reflect.Value) bool {
	if v.Addr().Interface() == doc.into.Addr().Interface() {
		return true
	}
	for _, f := range doc.parts(doc.into.Type()) {
		if part := doc.into.FieldByIndex(f.index); f.key == "" && part.Addr().Interface() == v.Addr().Interface() {
			return true
		}
	}
	return false
}

// find is the place of the setting a pointer points to.
func (doc *Document) find(field any) (place, bool) {
	if reflect.ValueOf(field).Kind() == reflect.Pointer {
		if at, ok := doc.places[field]; ok {
			return at, true
		}
	}
	return place{line: 1}, false
}

// An entryKey names an entry of a map; the entries of maps have no address of their own.
type entryKey struct {
	table any
	key   any
}

// hold keeps the addressable copy of a map entry.
func (doc *Document) hold(table, key, value reflect.Value) {
	doc.held[entryKey{table.Addr().Interface(), key.Interface()}] = value
}

// entry is the addressable copy of a map entry.
func (doc *Document) entry(table, key, value reflect.Value) reflect.Value {
	name := entryKey{table.Addr().Interface(), key.Interface()}
	if _, ok := doc.held[name]; !ok {
		held := reflect.New(value.Type()).Elem()
		held.Set(value)
		doc.held[name] = held
	}
	return doc.held[name]
}
