package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"gopkg.in/yaml.v3"
)

// parse gives the root node of the one document in data, nil where there is none. When the YAML is broken, every top-level section is tried
// alone, so that the mistakes of all of them are found; the broken ones come back in the document's places.
func (doc *Document) parse(data []byte) *yaml.Node {
	if line := badLine(data); line > 0 {
		doc.lost()
		doc.report(line, "this is not UTF-8 text; save the file as UTF-8")
		return nil
	}
	root, rest, err := documents(data)
	if err == nil {
		if rest > 0 {
			doc.report(rest, `a second document begins here; keep one, without "---" between`)
		}
		return root
	}
	doc.broken = true
	whole := &yaml.Node{Kind: yaml.MappingNode, Line: 1}
	chunks := sections(data)
	for _, c := range chunks {
		part, _, err := documents(c.text)
		switch {
		case err != nil && !errors.Is(err, errNoAnchor):
			doc.syntax(err, c.text, c.line)
			whole.Content = append(whole.Content, brokenSection(c)...)
		case err != nil: // its anchor stands in another section: what it says cannot be known here
			whole.Content = append(whole.Content, brokenSection(c)...)
		case part != nil && part.Kind == yaml.MappingNode:
			shift(part, c.line-1)
			whole.Content = append(whole.Content, part.Content...)
		}
	}
	if len(doc.found) == 0 { // broken only as a whole
		doc.syntax(err, data, 1)
	}
	if len(whole.Content) == 0 {
		doc.lost()
		return nil
	}
	return whole
}

// lost marks that nothing of the file could be read.
func (doc *Document) lost() {
	doc.broken = true
	doc.places[doc.into.Addr().Interface()] = place{line: 1, broken: true}
}

// errNoAnchor marks an alias of an anchor that does not exist.
var errNoAnchor = errors.New("unknown anchor")

// documents reads the first document and says in which line a second one begins, 0 for none.
func documents(data []byte) (root *yaml.Node, second int, err error) {
	defer func() { // the library panics on some inputs that no person writes
		if r := recover(); r != nil {
			root, second, err = nil, 0, fmt.Errorf("yaml: %v", r)
		}
	}()
	decoder := yaml.NewDecoder(bytes.NewReader(data))
	var first, next yaml.Node
	if err := decoder.Decode(&first); errors.Is(err, io.EOF) {
		return nil, 0, nil
	} else if err != nil {
		return nil, 0, classed(err)
	}
	if err := decoder.Decode(&next); err == nil {
		second = max(next.Line, 1)
	} else if !errors.Is(err, io.EOF) {
		return nil, 0, classed(err)
	}
	if len(first.Content) == 0 {
		return nil, second, nil
	}
	return first.Content[0], second, nil
}

func classed(err error) error {
	if strings.Contains(err.Error(), "unknown anchor") {
		return fmt.Errorf("%w: %w", errNoAnchor, err)
	}
	return err
}

// A chunk is the text of one top-level section.
type chunk struct {
	line int // of the file, where it begins
	key  string
	text []byte
}

// keyLine is a line that begins a top-level section.
var keyLine = regexp.MustCompile(`^["']?([\pL_][\pL\pN_.-]*)["']?\s*:(\s|$)`)

// sections cuts a file where top-level keys begin.
func sections(data []byte) []chunk {
	data = bytes.TrimPrefix(data, []byte("\xEF\xBB\xBF"))
	var chunks []chunk
	for i, line := range bytes.SplitAfter(data, []byte("\n")) {
		if m := keyLine.FindSubmatch(line); m != nil || len(chunks) == 0 {
			c := chunk{line: i + 1}
			if m != nil {
				c.key = string(m[1])
			}
			chunks = append(chunks, c)
		}
		last := &chunks[len(chunks)-1]
		last.text = append(last.text, line...)
	}
	return chunks
}

// brokenTag marks a section that could not be read, for the decoder.
const brokenTag = "!broken"

// brokenSection stands for a section that could not be read.
func brokenSection(c chunk) []*yaml.Node {
	if c.key == "" {
		return nil
	}
	return []*yaml.Node{
		{Kind: yaml.ScalarNode, Value: c.key, Line: c.line},
		{Kind: yaml.ScalarNode, Tag: brokenTag, Line: c.line},
	}
}

// shift moves a tree down by lines.
func shift(n *yaml.Node, lines int) {
	n.Line += lines
	for _, child := range n.Content {
		shift(child, lines)
	}
}

// yamlError is how the library words an error.
var yamlError = regexp.MustCompile(`(?s)^yaml: (?:line (\d+): )?(.*)$`)

// syntax reports an error of the YAML library in a text that begins in the line first of the file. What stands in the file is
// not repeated: it may be a password.
func (doc *Document) syntax(err error, text []byte, first int) {
	m := yamlError.FindStringSubmatch(lastLine(err))
	if m == nil {
		doc.report(first, "this is not YAML; compare it with the sample configuration")
		return
	}
	line, _ := strconv.Atoi(m[1])
	if strings.HasPrefix(m[2], "did not find expected") { // the library counts these lines from zero
		line++
	}
	if at := lineOfAnchor(m[2], text); at > 0 {
		line = at
	}
	if strings.HasPrefix(m[2], "control characters") {
		line = 1 + bytes.Count(text[:max(0, bytes.IndexFunc(text, isControl))], []byte("\n"))
	}
	line = min(max(line, 1), max(1, bytes.Count(bytes.TrimRight(text, "\n"), []byte("\n"))+1))
	says := m[2]
	if here := bytes.Split(text, []byte("\n"))[line-1]; bytes.ContainsRune(here[:len(here)-len(bytes.TrimLeft(here, " \t"))], '\t') {
		says = "found a tab"
	}
	doc.report(first+line-1, "%s", advice(says))
}

func lastLine(err error) string {
	s := err.Error()
	if i := strings.LastIndex(s, "yaml: "); i >= 0 {
		return s[i:]
	}
	return s
}

// lineOfAnchor finds the alias an error is about; the library does not say where it is.
func lineOfAnchor(problem string, text []byte) int {
	name, ok := strings.CutPrefix(problem, "unknown anchor '")
	name, ok2 := strings.CutSuffix(name, "' referenced")
	i := bytes.Index(text, []byte("*"+name))
	if !ok || !ok2 || i < 0 {
		return 0
	}
	return 1 + bytes.Count(text[:i], []byte("\n"))
}

func isControl(r rune) bool { return (r < ' ' && r != '\n' && r != '\r' && r != '\t') || r == 0x7f }

// advices turn what a YAML library says into what a person can do.
var advices = []struct{ says, do string }{
	{"found a tab", "a tab stands here; indent with spaces"},
	{"mapping values are not allowed", `a colon stands where none can be: perhaps the line above lacks its ":", this line is indented too far, or a value with ": " in it lacks its quotes`},
	{"could not find expected ':'", `a key without its ":" stands here; write like key: value`},
	{"found unexpected end of stream", "a quote that was opened above is not closed"},
	{"found character that cannot start any token", "a value cannot begin with this character; put it in quotes"},
	{"found unknown escape character", `a backslash in "double quotes" begins an escape; use 'single quotes' instead`},
	{"did not find expected ',' or ']'", `a list that begins with "[" is not closed; add the missing "]" or ","`},
	{"did not find expected ',' or '}'", `a section that begins with "{" is not closed; add the missing "}" or ","`},
	{"did not find expected '-' indicator", `keys and entries that begin with "-" are mixed here; indent them alike`},
	{"did not find expected node content", `a value is missing, or a list or section that begins with "[" or "{" is not closed`},
	{"did not find expected key", "the indentation does not fit the lines above; keys of one section begin in the same column"},
	{"unknown anchor", `a value that begins with "*" refers to an anchor, and none of that name is set; put the value in quotes if it is meant as it stands`},
	{"control characters are not allowed", "a control character stands here; remove it"},
	{"found incompatible YAML document", `this asks for another version of YAML; remove the line that begins with "%YAML"`},
}

func advice(says string) string {
	for _, a := range advices {
		if strings.HasPrefix(says, a.says) {
			return a.do
		}
	}
	return "this is not YAML (" + says + ")"
}

// badLine is the first line that is not UTF-8, 0 for none. UTF-16 with its mark is left to the YAML library.
func badLine(data []byte) int {
	if bytes.HasPrefix(data, []byte{0xFF, 0xFE}) || bytes.HasPrefix(data, []byte{0xFE, 0xFF}) {
		return 0
	}
	for line := 1; ; line++ {
		here, rest, more := bytes.Cut(data, []byte("\n"))
		if !utf8.Valid(here) {
			return line
		}
		if !more {
			return 0
		}
		data = rest
	}
}
