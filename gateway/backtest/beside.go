package backtest

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// beside reads a small table beside a recording, if it is there: head takes its header, row each line after that. What they find wrong is
// told with the file and the line.
func beside(folder, name string, head, row func([]string) error) error {
	path := filepath.Join(folder, name)
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer f.Close()
	in := csv.NewReader(f)
	header, err := in.Read()
	if err == nil {
		err = head(header)
	}
	if err != nil {
		return fmt.Errorf("%s:1: %w", path, err)
	}
	for {
		fields, err := in.Read()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		if err := row(fields); err != nil {
			line, _ := in.FieldPos(0)
			return fmt.Errorf("%s:%d: %w", path, line, err)
		}
	}
}
