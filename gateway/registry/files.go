package registry

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// maxFile is far above a district's tables; a larger file is something else.
const maxFile = 64 << 20

// A File is a table (CSV) or a workbook (XLSX) as it was handed in.
type File struct {
	Name string // without its folder; for problems, and to know which table it is
	Data []byte
}

// A kind is which of the three tables something is.
type kind int

const (
	homes kind = iota
	devices
	contacts
)

// tables are what the tables are called: in names of files and sheets, the first two in what is written.
var tables = [...]struct{ words []string }{
	homes:    {[]string{"households", "住户", "household", "家庭", "老人", "户籍"}},
	devices:  {[]string{"devices", "设备", "device"}},
	contacts: {[]string{"contacts", "联系人", "contact", "通讯录"}},
}

// kindOf says which table a file or sheet of that name is. In Chinese and English the last word is what it is: 住户联系人 are contacts.
func kindOf(name string) (kind, bool) {
	found, last := homes, -1
	for k, t := range tables {
		for _, word := range t.words {
			if at := strings.LastIndex(strings.ToLower(name), word); at > last {
				found, last = kind(k), at
			}
		}
	}
	return found, last >= 0
}

// isWorkbook says whether data is a spreadsheet's file, of whatever name.
func isWorkbook(data []byte) bool {
	return bytes.HasPrefix(data, []byte("PK\x03\x04")) || isOldWorkbook(data)
}

// isOldWorkbook says whether it is one from before XLSX, or one with a password.
func isOldWorkbook(data []byte) bool {
	return bytes.HasPrefix(data, []byte("\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1"))
}

// ReadFiles reads the tables and workbooks of an import: each path is a file, or a folder with them. Of a folder it takes every workbook, and
// the tables whose names say which they are.
func ReadFiles(paths ...string) ([]File, error) {
	var files []File
	for _, path := range paths {
		listed := []string{path}
		if info, err := os.Stat(path); err != nil {
			return nil, err
		} else if info.IsDir() {
			if listed, err = tablesOf(path); err != nil {
				return nil, err
			}
		}
		for _, p := range listed {
			data, err := readFile(p)
			if err != nil {
				return nil, err
			}
			files = append(files, File{filepath.Base(p), data})
		}
	}
	return files, nil
}

// tablesOf lists the tables and workbooks of a folder, by name. Those that begin with a dot or "~$" are spreadsheets' own.
func tablesOf(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var list []string
	for _, e := range entries {
		ext := strings.ToLower(filepath.Ext(e.Name()))
		_, known := kindOf(e.Name())
		if e.IsDir() || strings.HasPrefix(e.Name(), ".") || strings.HasPrefix(e.Name(), "~$") || ext != ".xlsx" && (ext != ".csv" || !known) {
			continue
		}
		list = append(list, filepath.Join(dir, e.Name()))
	}
	if len(list) == 0 {
		return nil, fmt.Errorf("folder %q has no table to import; put a workbook (.xlsx) there, or households.csv, devices.csv and contacts.csv", dir)
	}
	slices.Sort(list)
	return list, nil
}

func readFile(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err == nil && len(data) > maxFile {
		return nil, fmt.Errorf("%s is larger than %d MB", path, maxFile>>20)
	}
	return data, err
}
