package registry

import (
	"archive/zip"
	"bytes"
	"fmt"
	"hash/crc32"
	"io"
	"runtime"
	"strings"
	"testing"
)

// altered is the office's workbook with parts replaced or added, as no spreadsheet program would.
func altered(t testing.TB, parts map[string]string) File {
	t.Helper()
	var out bytes.Buffer
	w := zip.NewWriter(&out)
	put := func(name string, data []byte) {
		f, err := w.Create(name)
		if err == nil {
			_, err = f.Write(data)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	for name, data := range unpacked(t) {
		if _, ok := parts[name]; !ok {
			put(name, data)
		}
	}
	for name, text := range parts {
		put(name, []byte(text))
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return File{"台账.xlsx", out.Bytes()}
}

func unpacked(t testing.TB) map[string][]byte {
	t.Helper()
	data := readTestdata(t, "office.xlsx")
	z, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	parts := map[string][]byte{}
	for _, f := range z.File {
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		if parts[f.Name], err = io.ReadAll(r); err != nil {
			t.Fatal(err)
		}
	}
	return parts
}

const (
	sheet1   = "xl/worksheets/sheet1.xml"
	strings1 = "xl/sharedStrings.xml"
)

// sheetOf is a sheet with these rows.
func sheetOf(rows string) string {
	return `<?xml version="1.0" encoding="UTF-8"?><worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>` + rows + `</sheetData></worksheet>`
}

// TestHostileWorkbooks holds that what no spreadsheet program writes is refused, with words, and before it costs much memory.
func TestHostileWorkbooks(t *testing.T) {
	part := func(name string) string { return string(unpacked(t)[name]) }
	cells := func(n int) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, `<c r="%s1"><v>1</v></c>`, columnLetters(i+1))
		}
		return b.String()
	}
	const (
		large   = "台账.xlsx: is larger than tables of people can be; copy them alone, without pictures, into a new workbook"
		foreign = "台账.xlsx: is not written like a spreadsheet program writes; open it in one and save it again as XLSX"
	)
	for _, c := range []struct {
		name string
		file File
		want string
	}{
		{"bomb", altered(t, map[string]string{sheet1: sheetOf(strings.Repeat(" ", maxUnzipped))}), large},
		{"bomb beside the tables", altered(t, map[string]string{"xl/media/image1.png": strings.Repeat(" ", maxUnzipped)}), large},
		{"many parts", altered(t, manyParts()), large},
		{"large styles", altered(t, map[string]string{"xl/styles.xml": strings.Repeat(" ", maxSmall) + part("xl/styles.xml")}), large},
		{"many texts", altered(t, map[string]string{strings1: `<sst xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main">` + strings.Repeat("<si><t/></si>", maxElements/2) + "</sst>"}), large},
		{"many sheets", altered(t, map[string]string{"xl/worksheets/w.xml": "<a>" + strings.Repeat("<b/>", maxElements) + "</a>"}), large},
		{"many cells", altered(t, map[string]string{sheet1: sheetOf(strings.Repeat(`<row r="1"><c r="A1"><v>1</v></c></row>`, maxCells/2+1)), "xl/worksheets/sheet2.xml": sheetOf(strings.Repeat(`<row r="1"><c><v>1</v></c></row>`, maxCells/2))}), large},
		{"long text", altered(t, map[string]string{strings1: `<sst><si><t>` + strings.Repeat("x", maxCell) + "</t></si></sst>"}), "台账.xlsx: has a cell with more than 64 kB; a table of people has none"},
		{"long cell", altered(t, map[string]string{sheet1: sheetOf(`<row r="1"><c r="A1" t="inlineStr"><is><t>` + strings.Repeat("x", maxCell) + "</t></is></c></row>")}), "台账.xlsx: has a cell with more than 64 kB; a table of people has none"},
		{"long row", altered(t, map[string]string{sheet1: sheetOf("<row>" + cells(maxColumns+1) + "</row>")}), "台账.xlsx: has a row with more than 256 cells; a table of people has none"},
		{"row beyond the last", altered(t, map[string]string{sheet1: sheetOf(`<row r="1"><c r="A1"><v>1</v></c></row><row r="99999999"><c r="A99999999"><v>1</v></c></row>`)}), "住户: has a row beyond the 1048576th; copy the table into a new workbook"},
		{"tags hidden in a comment", altered(t, map[string]string{strings1: `<sst><si><t>` + strings.Repeat("x", maxCell/2) + "<!--</si><si>-->" + strings.Repeat("x", maxCell/2) + "</t></si></sst>"}), foreign},
		{"tags hidden in an instruction", altered(t, map[string]string{strings1: `<sst><si><t>` + strings.Repeat("x", maxCell/2) + "<?x </si><si>?>" + strings.Repeat("x", maxCell/2) + "</t></si></sst>"}), foreign},
		{"other encoding", altered(t, map[string]string{strings1: `<?xml version="1.0" encoding="UTF-16"?><sst/>`}), foreign},
		{"entities", altered(t, map[string]string{strings1: `<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa">]><sst><si><t>&a;</t></si></sst>`}), foreign},
		{"long number format", altered(t, map[string]string{"xl/styles.xml": `<styleSheet><numFmts><numFmt numFmtId="200" formatCode="` + strings.Repeat("0", maxFormat) + `"/></numFmts></styleSheet>`}), "台账.xlsx: has a number format of more than 2 kB; save it again as XLSX"},
		{"many merged cells", altered(t, map[string]string{sheet1: sheetOf("") + strings.Repeat(`<mergeCell ref="A1:B1"/>`, maxMerges+1)}), large},
		{"merged cells over each other", altered(t, map[string]string{sheet1: sheetOf(`<row r="1"><c r="A1"><v>1</v></c></row>`) + strings.Repeat(`<mergeCell ref="A1:XFD1048576"/>`, maxMerges)}), "住户: has merged cells over each other in row 1; undo the merging and save it again"},
		{"merged cells nowhere", altered(t, map[string]string{sheet1: sheetOf(`<row r="1"><c r="A1"><v>1</v></c></row>`) + `<mergeCell ref="A0"/>`}), `住户: has merged cells at "A0", which is no range; undo the merging and save it again`},
		{"size that lies", lying(t), "台账.xlsx: is damaged (zip: not a valid zip file); save it again as XLSX"},
		{"negative size", negative(t), large},
		{"no workbook in it", File{"台账.xlsx", zipped(t, "a.txt", "a")}, "台账.xlsx: cannot be read (EOF); open it in a spreadsheet program and save it again as XLSX"},
		{"half of it", File{"台账.xlsx", readTestdata(t, "office.xlsx")[:4000]}, "台账.xlsx: is no workbook, or a damaged one (zip: not a valid zip file); save it again as XLSX"},
		{"old workbook", File{"台账.xls", []byte("\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1 and so on")}, "台账.xls: is a workbook of an old kind (XLS), or one with a password; save it as XLSX without a password"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			households, problems, _ := Import(c.file)
			runtime.ReadMemStats(&after)
			if got := lines(problems); got != c.want || households != nil {
				t.Errorf("says\n%s\nwant\n%s", got, c.want)
			}
			if used := (after.TotalAlloc - before.TotalAlloc) >> 20; used > 600 {
				t.Errorf("took %d MB", used)
			} else {
				t.Logf("took %d MB", used)
			}
		})
	}
}

func manyParts() map[string]string {
	parts := map[string]string{}
	for i := range maxParts {
		parts[fmt.Sprintf("xl/media/%d.png", i)] = ""
	}
	return parts
}

func zipped(t *testing.T, name, text string) []byte {
	t.Helper()
	var out bytes.Buffer
	w := zip.NewWriter(&out)
	f, err := w.Create(name)
	if err == nil {
		_, err = f.Write([]byte(text))
	}
	if err != nil || w.Close() != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// lying holds a part that is larger than it says.
func lying(t *testing.T) File { return sized(t, 10) }

// negative holds a part whose size is negative where it is taken for a signed number.
func negative(t *testing.T) File { return sized(t, 1<<63+1) }

func sized(t *testing.T, size uint64) File {
	t.Helper()
	var out bytes.Buffer
	w := zip.NewWriter(&out)
	text := []byte(sheetOf(strings.Repeat(" ", 100)))
	f, err := w.CreateRaw(&zip.FileHeader{Name: sheet1, Method: zip.Store, CRC32: crc32.ChecksumIEEE(text), CompressedSize64: uint64(len(text)), UncompressedSize64: size})
	if err == nil {
		_, err = f.Write(text)
	}
	if err != nil || w.Close() != nil {
		t.Fatal(err)
	}
	return File{"台账.xlsx", out.Bytes()}
}
