package config

import (
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"

	"gopkg.in/yaml.v3"

	"stillwater"
)

// maxSecret is more than any password, token or key needs.
const maxSecret = 64 << 10

// envName is how environment variables are named.
var envName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

// secret reads where a secret is kept. Whatever else stands there may be the secret itself, and is not repeated.
func (d *decoder) secret(n *yaml.Node, v reflect.Value, at place) {
	write := fmt.Sprintf("write %s: {env: NAME} or {file: PATH}", at.key)
	if at.entry > 0 {
		write = "write - env: NAME or - file: PATH"
	}
	if isNull(n) {
		return
	}
	if n.Kind != yaml.MappingNode {
		at = place{line: at.line}
		d.fail(v, at, n.Line, "a secret does not belong in this file: "+write)
		return
	}
	var s stillwater.Secret
	for _, e := range d.entriesOfSecret(n) {
		switch {
		case e.value.Kind != yaml.ScalarNode || e.key != "env" && e.key != "file":
			d.fail(v, at, e.line, "a secret is kept in an environment variable or in a file, and has no other keys: "+write)
			return
		case e.key == "env" && !envName.MatchString(e.value.Value):
			d.fail(v, at, e.line, "env is the name of an environment variable, of letters, digits and _, and never the secret itself")
			return
		case e.key == "env":
			s.Env = e.value.Value
		default:
			s.File = e.value.Value
		}
	}
	switch {
	case s.Env != "" && s.File != "":
		d.fail(v, at, n.Line, "a secret is kept in one place, env or file; remove one")
	case !s.Named():
		d.fail(v, at, n.Line, "where the secret is kept is missing: "+write)
	default:
		v.Set(reflect.ValueOf(s))
	}
}

// entriesOfSecret are the pairs as they stand, unlike entries without a word on what they are.
func (d *decoder) entriesOfSecret(n *yaml.Node) []entry {
	var list []entry
	for i := 0; i+1 < len(n.Content); i += 2 {
		value := n.Content[i+1]
		if value.Kind == yaml.AliasNode {
			value = value.Alias
		}
		list = append(list, entry{n.Content[i].Value, n.Content[i].Line, value})
	}
	return list
}

// ResolveSecrets reads the value of every secret that names where it is kept. Files are found from the folder of the
// configuration. A secret that is missing or empty is a problem.
func (doc *Document) ResolveSecrets() Problems {
	var found Problems
	doc.walk(doc.into, func(v reflect.Value) {
		secret, ok := v.Addr().Interface().(*stillwater.Secret)
		if !ok || !secret.Named() {
			return
		}
		value, problem := doc.reveal(secret)
		if problem != "" {
			found = append(found, doc.Problem(secret, problem))
		}
		secret.Set(value)
	})
	return found.sorted()
}

func (doc *Document) reveal(s *stillwater.Secret) (value, problem string) {
	if s.Env != "" {
		value, set := os.LookupEnv(s.Env)
		switch value = strings.TrimRight(value, "\r\n"); {
		case !set:
			return "", fmt.Sprintf("the environment variable %s is not set; set it for the service", s.Env)
		case value == "":
			return "", fmt.Sprintf("the environment variable %s is empty; put the secret into it", s.Env)
		}
		return value, ""
	}
	path := s.File
	if !filepath.IsAbs(path) {
		path = filepath.Join(filepath.Dir(doc.file), path)
	}
	data, err := read(path)
	switch value := strings.TrimRight(string(data), "\r\n"); {
	case err != nil:
		return "", fmt.Sprintf("the secret's file %q: %v", path, err)
	case value == "":
		return "", fmt.Sprintf("the secret's file %q is empty; put the secret into it", path)
	case len(value) > maxSecret:
		return "", fmt.Sprintf("the secret's file %q is larger than %d kB; a secret is shorter", path, maxSecret>>10)
	default:
		return value, ""
	}
}
