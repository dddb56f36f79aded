package modbus

import (
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sort"
	"strings"
)

// maxProfile is more than the registers of any device need, in bytes.
const maxProfile = 256 << 10

// builtIn are the profiles that come with the gateway.
//
//go:embed profiles/*.yaml
var builtIn embed.FS

// ParseProfile reads a profile. All that is wrong with it is in the error, a line each, as file:line: problem.
func ParseProfile(file string, text []byte) (*Profile, error) {
	p := &Profile{Name: strings.TrimSuffix(filepath.Base(file), ".yaml")}
	type fault struct {
		line    int
		problem string
	}
	var faults []fault
	report := func(line int, problem string) { faults = append(faults, fault{line, problem}) }
	reader{report}.file(text, p)
	if len(faults) == 0 {
		p.validate(report)
	}
	sort.SliceStable(faults, func(i, j int) bool { return faults[i].line < faults[j].line })
	var errs []error
	for _, f := range faults {
		errs = append(errs, fmt.Errorf("%s:%d: %s", file, f.line, f.problem))
	}
	return p, errors.Join(errs...)
}

// Profiles names the profiles that come with the gateway, in order.
func Profiles() []string {
	files, _ := fs.Glob(builtIn, "profiles/*.yaml")
	for i, f := range files {
		files[i] = strings.TrimSuffix(filepath.Base(f), ".yaml")
	}
	return files
}

// FindProfile gives the profile that a configuration means: a file (its name ends in .yaml, and is found from the folder), or a name,
// which is looked for in the folder own first, if there is one, and then among those that come with the gateway.
func FindProfile(name, folder, own string) (*Profile, error) {
	if strings.HasSuffix(name, ".yaml") || strings.ContainsAny(name, `/\`) {
		return readProfile(beside(folder, name))
	}
	known := Profiles()
	if own != "" {
		files, err := filepath.Glob(filepath.Join(beside(folder, own), "*.yaml"))
		if err != nil {
			return nil, fmt.Errorf("folder %q: %w", own, err)
		}
		for _, f := range files {
			mine := strings.TrimSuffix(filepath.Base(f), ".yaml")
			if mine == name {
				return readProfile(f)
			}
			known = append(known, mine)
		}
	}
	if !slices.Contains(known, name) {
		return nil, errors.New(unknown("profile", name, known) + "; a file of your own is written with its path, like ./my-meter.yaml")
	}
	file := "profiles/" + name + ".yaml"
	text, err := builtIn.ReadFile(file)
	if err != nil {
		return nil, err
	}
	return ParseProfile(file, text)
}

// readProfile reads a profile from a file.
func readProfile(file string) (*Profile, error) {
	info, err := os.Stat(file)
	if err != nil {
		return nil, err
	}
	if info.Size() > maxProfile || !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is no profile; a profile is a small file", file)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	return ParseProfile(file, text)
}

// beside is where a path leads that was written in a file of the folder.
func beside(folder, path string) string {
	if filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(folder, path)
}
