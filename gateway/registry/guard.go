package registry

import (
	"archive/zip"
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"
)

// The limits of a workbook. They are far above a district's, and keep a hostile one from filling the memory: it takes some hundred megabytes at most.
const (
	maxUnzipped = 64 << 20 // all of it, pictures too
	maxParts    = 2000     // files in the workbook
	maxSmall    = 4 << 20  // any part but the sheets and their texts: styles, names of sheets
	maxElements = 2_000_000
	maxCells    = 2_000_000 // with something in them
	maxCell     = 64 << 10  // bytes of one cell, with its fonts
	maxColumns  = 256       // with something in them
	maxFormat   = 2 << 10   // bytes of a number format
	maxMerges   = 50_000
)

var (
	errTooLarge = errors.New("is larger than tables of people can be; copy them alone, without pictures, into a new workbook")
	errForeign  = errors.New("is not written like a spreadsheet program writes; open it in one and save it again as XLSX")
)

// A layout is what is known of one part of a workbook before it is opened.
type layout struct {
	hollow  map[string]bool   // cells with a formula whose value was not saved
	numbers map[string]string // long numbers and dates as they are stored, by cell: they may be shown in any way
	merges  []string          // ranges of merged cells
}

// guard looks through a workbook before it is opened, and refuses what could harm. It trusts no size that the file says of itself. The layouts
// are by the names of the parts.
func guard(data []byte) (map[string]layout, error) {
	z, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		return nil, fmt.Errorf("is no workbook, or a damaged one (%w); save it again as XLSX", err)
	}
	if len(z.File) > maxParts {
		return nil, errTooLarge
	}
	layouts := map[string]layout{}
	left, cells := int64(maxUnzipped), 0
	for _, f := range z.File {
		name := strings.ReplaceAll(f.Name, `\`, "/")
		part, err := unzip(f, min(left, limitOf(strings.ToLower(name))))
		if err != nil {
			return nil, err
		}
		left -= int64(len(part))
		g := guarded{part: part, cells: cells}
		if err := eachTag(part, g.tag); err != nil {
			return nil, err
		}
		if g.table && g.hides {
			return nil, errForeign
		}
		layouts[name], cells = g.layout, g.cells
	}
	return layouts, nil
}

// limitOf is how large a part may be by its name.
func limitOf(name string) int64 {
	markup := strings.HasSuffix(name, ".xml") || strings.HasSuffix(name, ".rels")
	if markup && !strings.HasPrefix(name, "xl/worksheets/") && name != "xl/sharedstrings.xml" {
		return maxSmall
	}
	return maxUnzipped
}

func unzip(f *zip.File, limit int64) ([]byte, error) {
	if f.UncompressedSize64 > uint64(limit) { // excelize makes room for what is said here
		return nil, errTooLarge
	}
	r, err := f.Open()
	if err != nil {
		return nil, fmt.Errorf("is damaged (%w); save it again as XLSX", err)
	}
	defer r.Close()
	part, err := io.ReadAll(io.LimitReader(r, limit+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("is damaged (%w); save it again as XLSX", err)
	case int64(len(part)) > limit:
		return nil, errTooLarge
	}
	return part, nil
}

// A guarded is one part while it is looked through.
type guarded struct {
	layout
	part     []byte
	elements int  // outside of rows: they are held in memory, while rows pass by
	cells    int  // of the whole workbook
	inRow    int  // cells so far
	rows     bool // within one
	table    bool // the part has cells, texts of cells or their formats
	hides    bool // and something by which tags could be hidden from this look
	began    int  // of the cell or text
	cell     string
	formula  bool // in the cell
	value    bool
	typed    string // what kind of value
}

// longNumber is a telephone number or a date: a spreadsheet counts days.
var longNumber = regexp.MustCompile(`^\d{5,15}(\.\d+)?$`)

// encodings are what a part says of its encoding.
var encodings = regexp.MustCompile(`(?i)encoding\s*=\s*["']?([^"'?]*)`)

// tag takes one tag. It may be shown more tags than there are (those in a comment), never fewer.
func (g *guarded) tag(name string, end bool, at, size int) error {
	switch name {
	case "?":
		for _, m := range encodings.FindAllSubmatch(g.part[at:at+size], -1) {
			if !strings.EqualFold(string(m[1]), "utf-8") {
				return errForeign
			}
		}
		g.hides = g.hides || at > 3 // past a byte order mark
	case "!":
		g.hides = true
	case "row":
		g.table, g.rows, g.inRow = true, !end && !g.selfClosed(at, size), 0
	case "si", "c":
		return g.text(name, end, at, size)
	case "f", "v", "is":
		g.content(name, end, at, size)
	case "numFmt":
		g.table = true
		if size > maxFormat {
			return fmt.Errorf("has a number format of more than %d kB; save it again as XLSX", maxFormat>>10)
		}
	case "mergeCell":
		if !end {
			g.merges = append(g.merges, attribute(g.part[at:at+size], "ref"))
		}
	}
	if !g.rows && !end {
		g.elements++
	}
	return g.limits()
}

func (g *guarded) limits() error {
	switch {
	case g.elements > maxElements || g.cells > maxCells || len(g.merges) > maxMerges:
		return errTooLarge
	case g.inRow > maxColumns:
		return fmt.Errorf("has a row with more than %d cells; a table of people has none", maxColumns)
	}
	return nil
}

// text takes a cell, or a text that cells share.
func (g *guarded) text(name string, end bool, at, size int) error {
	if !end {
		g.began, g.formula, g.value = at, false, false
		g.table = g.table || name == "si"
		g.elements++
		if tag := g.part[at : at+size]; name == "c" && g.rows {
			g.elements--
			g.cell = attribute(tag, "r")
			g.typed = attribute(tag, "t")
		}
		return g.limits()
	}
	if at-g.began > maxCell {
		return fmt.Errorf("has a cell with more than %d kB; a table of people has none", maxCell>>10)
	}
	if name == "c" && g.formula && !g.value {
		if g.hollow == nil {
			g.hollow = map[string]bool{}
		}
		g.hollow[g.cell] = true
	}
	return nil
}

// content takes what is in a cell.
func (g *guarded) content(name string, end bool, at, size int) {
	switch {
	case end || !g.rows:
		return
	case name == "f":
		g.formula = true
	default:
		_, value, _ := bytes.Cut(g.part[at:at+size], []byte(">"))
		value = bytes.TrimSpace(value)
		g.value = g.value || g.typed == "str" || len(value) > 0 // an empty text is a value
		if (g.typed == "" || g.typed == "n") && longNumber.Match(value) {
			if g.numbers == nil {
				g.numbers = map[string]string{}
			}
			g.numbers[g.cell] = string(value)
		}
		if g.formula {
			return // counted
		}
	}
	g.cells++
	g.inRow++
}

func (g *guarded) selfClosed(at, size int) bool {
	tag, _, _ := bytes.Cut(g.part[at:at+size], []byte(">"))
	return bytes.HasSuffix(tag, []byte("/"))
}

// attribute is the value of an attribute in a tag.
func attribute(tag []byte, name string) string {
	tag, _, _ = bytes.Cut(tag, []byte(">"))
	for _, mark := range []string{`"`, `'`} {
		if _, rest, ok := bytes.Cut(tag, []byte(" "+name+"="+mark)); ok {
			value, _, _ := bytes.Cut(rest, []byte(mark))
			return string(value)
		}
	}
	return ""
}

// eachTag visits the tags of a part by their names without prefix, "!" and "?" for what is no element. In markup that can be read, an
// opening bracket always begins a tag, and a tag is all up to the next one; what cannot be read is refused by who reads it then.
func eachTag(part []byte, visit func(name string, end bool, at, size int) error) error {
	for at := 0; ; {
		next := bytes.IndexByte(part[at:], '<')
		if next < 0 {
			return nil
		}
		at += next
		size := bytes.IndexByte(part[at+1:], '<')
		if size < 0 {
			size = len(part) - at - 1
		}
		size++ // with its bracket
		tag := part[at+1 : at+min(size, 64)]
		end := len(tag) > 0 && tag[0] == '/'
		if end {
			tag = tag[1:]
		}
		if err := visit(tagName(tag), end, at, size); err != nil {
			return err
		}
		at++
	}
}

func tagName(tag []byte) string {
	if len(tag) > 0 && (tag[0] == '!' || tag[0] == '?') {
		return string(tag[:1])
	}
	if i := bytes.IndexAny(tag, " \t\r\n/>"); i >= 0 {
		tag = tag[:i]
	}
	if i := bytes.IndexByte(tag, ':'); i >= 0 {
		tag = tag[i+1:]
	}
	return string(tag)
}
