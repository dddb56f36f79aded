// Package config reads the one YAML file that sets up a gateway, and writes its commented sample. It knows YAML, spans,
// volumes and secrets; what the settings mean is known by the structs it fills, which belong to the packages they set up.
//
// A struct says all there is to say of a setting: the key (`yaml:"poll"`), its manual (`doc:"…"`), its default (what stands
// in the field before the file is read, or what SetDefaults puts into a new list entry), and what is allowed:
//
//	func (c *Config) Validate(report func(field any, problem string)) {
//		if c.Poll <= 0 {
//			report(&c.Poll, "must be more than zero; write like 30s")
//		}
//	}
//
// It promises to collect every mistake and to stop at none: broken YAML, unknown and repeated keys, wrong shapes and values,
// and what the Validate methods of all structs report, each with file, line and how to mend it. A section whose YAML is broken does not
// hide the mistakes in the others. A value that could not be read is reported once: Validate methods are not heard on it again.
//
// It never opens anything but the file it is given, until ResolveSecrets is asked to; and never puts a secret into a problem.
package config

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"reflect"

	"gopkg.in/yaml.v3"
)

// maxSize is far above what a district of households needs; a larger file is not a configuration.
const maxSize = 64 << 20

// A Document is a configuration file after reading: it remembers in which line each setting stands.
type Document struct {
	file   string
	into   reflect.Value
	places map[any]place         // by pointer to the setting
	held   map[any]reflect.Value // map entries in an addressable copy, by pointer to the map and key
	known  map[reflect.Type]keys
	broken bool // a section could not be read as YAML
	found  Problems
}

// A place is where a setting stands, or would stand, in the file.
type place struct {
	line   int
	key    string
	entry  int  // of the list under the key, from 1; 0: it is none
	broken bool // a problem with it is already known
}

// name is how problems call it.
func (p place) name() string {
	if p.entry == 0 {
		return p.key
	}
	return fmt.Sprintf("entry %d of %s", p.entry, p.key)
}

// element is the place of an entry of the list at p.
func (p place) element(i, line int) place {
	return place{line: line, key: p.key, entry: i + 1, broken: p.broken}
}

// Load reads the file at path into the struct that into points to. Settings absent from the file stay as they are.
func Load(path string, into any) (*Document, Problems) {
	data, err := read(path)
	if err != nil {
		return newDocument(path, into), Problems{{File: path, Text: err.Error()}}
	}
	return Parse(path, data, into)
}

// Parse is Load of a text that is already at hand; name stands for the file in problems.
func Parse(name string, data []byte, into any) (*Document, Problems) {
	doc := newDocument(name, into)
	d := &decoder{doc: doc, expanding: map[*yaml.Node]bool{}}
	d.root(doc.parse(data))
	doc.spread(doc.into, place{line: 1})
	doc.validate(doc.into)
	return doc, doc.found.sorted()
}

// newDocument panics unless into is a pointer to a struct: that is a mistake in the program, not in the file.
func newDocument(name string, into any) *Document {
	v := reflect.ValueOf(into)
	if v.Kind() != reflect.Pointer || v.IsNil() || v.Elem().Kind() != reflect.Struct {
		panic(fmt.Sprintf("config: %T is not a pointer to a struct", into))
	}
	return &Document{file: name, into: v.Elem(), places: map[any]place{}, held: map[any]reflect.Value{}, known: map[reflect.Type]keys{}}
}

// Problem says that something is wrong with a setting that only shows when it is used; field points to it.
func (doc *Document) Problem(field any, text string) Problem {
	at, _ := doc.find(field)
	if t := reflect.TypeOf(field); at.entry > 0 && isSection(t.Elem()) {
		at = place{line: at.line}
	}
	return Problem{File: doc.file, Line: at.line, Text: prefixed(at.name(), text)}
}

// report keeps a problem in a line.
func (doc *Document) report(line int, format string, args ...any) {
	doc.found = append(doc.found, Problem{File: doc.file, Line: line, Text: fmt.Sprintf(format, args...)})
}

// read is the whole of a file of sensible size; its errors say what to do.
func read(path string) ([]byte, error) {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, errors.New("there is no such file; check the path")
	case errors.Is(err, fs.ErrPermission):
		return nil, errors.New("this user may not read it; check the owner and mode of the file and its folders")
	case err != nil:
		return nil, fmt.Errorf("cannot be read: %w", err)
	case info.IsDir():
		return nil, errors.New("is a folder; name the file in it")
	case info.Size() > maxSize:
		return nil, fmt.Errorf("is larger than %d MB; this is not a configuration", maxSize>>20)
	}
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrPermission) {
		return nil, errors.New("this user may not read it; check the owner and mode of the file")
	}
	return data, err
}
