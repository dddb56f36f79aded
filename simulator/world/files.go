package world

import (
	"bytes"
	"fmt"
	"io/fs"
	"path"
	"strings"

	"gopkg.in/yaml.v3"
)

// every loads all files of a folder, by name.
func every[T any](files fs.FS, load func(files fs.FS, name string) (T, error)) ([]T, error) {
	names, err := fs.Glob(files, "*.yaml")
	if err != nil {
		return nil, err
	}
	all := make([]T, 0, len(names))
	for _, name := range names {
		one, err := load(files, name)
		if err != nil {
			return nil, err
		}
		all = append(all, one)
	}
	return all, nil
}

// readNamed reads one of a kind from a file. It must be named like the file, so that a list of files is a list of them.
func readNamed[T any](files fs.FS, kind, name string, nameOf func(*T) string) (one T, err error) {
	text, err := fs.ReadFile(files, name)
	if err != nil {
		return one, err
	}
	decoder := yaml.NewDecoder(bytes.NewReader(text))
	decoder.KnownFields(true)
	if err := decoder.Decode(&one); err != nil {
		return one, fmt.Errorf("%s %s: %w", kind, name, err)
	}
	if is, want := nameOf(&one), strings.TrimSuffix(path.Base(name), ".yaml"); is != want {
		return one, fmt.Errorf("%s %s: its name is %q, its file says %q", kind, name, is, want)
	}
	return one, nil
}
