package config

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// A Problem is one mistake in a configuration: where it is, what is wrong and how to mend it.
type Problem struct {
	File string
	Line int // counted from 1; 0: it concerns the file as a whole
	Text string
}

// String is the problem as compilers write it: "file:line: text".
func (p Problem) String() string {
	if p.Line == 0 {
		return p.File + ": " + p.Text
	}
	return fmt.Sprintf("%s:%d: %s", p.File, p.Line, p.Text)
}

// Problems are all mistakes found, by file and line; none: the configuration can be used.
type Problems []Problem

// String is one problem a line.
func (ps Problems) String() string {
	lines := make([]string, len(ps))
	for i, p := range ps {
		lines[i] = p.String()
	}
	return strings.Join(lines, "\n")
}

// sorted is by file and line, in the order of finding within a line, each problem once: a method promoted from an inlined
// struct reports for both.
func (ps Problems) sorted() Problems {
	slices.SortStableFunc(ps, func(a, b Problem) int {
		return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line))
	})
	seen := map[Problem]bool{}
	return slices.DeleteFunc(ps, func(p Problem) bool {
		again := seen[p]
		seen[p] = true
		return again
	})
}

// prefixed puts the key before a text that does not begin with it.
func prefixed(key, text string) string {
	if key == "" || strings.HasPrefix(text, key) {
		return text
	}
	return key + ": " + text
}
