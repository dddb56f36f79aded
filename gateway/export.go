package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"stillwater"
	"stillwater/gateway/registry"
)

// An exporting is what the command export was asked for.
type exporting struct {
	config   string
	to       string
	language string
	template bool
}

func exportCommand() *cobra.Command {
	var e exporting
	cmd := &cobra.Command{
		Use:   "export --config FILE PATH",
		Short: "Write households, devices and contacts as tables",
		Long: `Writes every household the gateway knows, of its configuration and imported, with its devices and contacts, in
exactly the shape that "stillwater import" takes: as a workbook where PATH ends in .xlsx, otherwise as three CSV files
into the folder PATH, which is made. It may be done while the gateway runs. Contacts of no household are not in it.

The files hold names and telephone numbers: only their owner can read them, and nothing that is there is written over.
No cell can be run by a spreadsheet: what would be a formula is written as text.`,
		Example: `  stillwater export --config stillwater.yaml 台账.xlsx
  stillwater export --config stillwater.yaml --template 空表.xlsx`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 {
				return errors.New("name the workbook or folder to write, and nothing else: stillwater export --config FILE PATH")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			e.to = args[0]
			return e.run(cmd.Context(), cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	configFlag(cmd, &e.config)
	cmd.Flags().StringVar(&e.language, "language", "zh-CN", "zh-CN or en: the language of headers, of the names of sheets and of words like 家属")
	cmd.Flags().BoolVar(&e.template, "template", false, "write the headers alone, for an office to fill in")
	return cmd
}

func (e *exporting) run(ctx context.Context, stdout, stderr io.Writer) error {
	if e.language != "zh-CN" && e.language != "en" {
		return fmt.Errorf("--language %q is not a language tables are written in; write zh-CN or en", e.language)
	}
	c, _, problems := loadConfig(e.config)
	if len(problems) > 0 {
		return tell(stderr, problems)
	}
	var households []stillwater.Household
	if !e.template {
		var err error
		if households, err = known(ctx, c, stderr); err != nil {
			return err
		}
	}
	folder, files, err := e.files(households)
	if err != nil {
		return err
	}
	if err := writeNew(folder, files); err != nil {
		return err
	}
	fmt.Fprintf(stdout, "%d households exported to %s\n", len(households), e.to)
	return nil
}

// known is every household there is, as the gateway would put them together.
func known(ctx context.Context, c *Config, stderr io.Writer) ([]stillwater.Household, error) {
	db, err := openStore(ctx, c, stderr)
	if err != nil {
		return nil, err
	}
	defer db.Close() //nolint:errcheck // nothing was written
	imported, err := db.Households(ctx)
	if err != nil {
		return nil, err
	}
	households, conflicts := registry.Merge(c.people(), imported)
	for _, conflict := range conflicts {
		fmt.Fprintln(stderr, "note:", conflict)
	}
	return households, nil
}

// files is what is to be written, and the folder where.
func (e *exporting) files(households []stillwater.Household) (folder string, files []registry.File, err error) {
	style := registry.Style{Chinese: e.language == "zh-CN"}
	if !strings.EqualFold(filepath.Ext(e.to), ".xlsx") {
		if err := os.MkdirAll(e.to, 0o700); err != nil {
			return "", nil, err
		}
		return e.to, registry.ExportCSV(households, style), nil
	}
	data, err := registry.ExportXLSX(households, style)
	return filepath.Dir(e.to), []registry.File{{Name: filepath.Base(e.to), Data: data}}, err
}

// writeNew writes files for their owner alone, all of them or none.
func writeNew(folder string, files []registry.File) (err error) {
	var written []string
	defer func() {
		if err != nil {
			for _, path := range written {
				os.Remove(path) //nolint:errcheck // the error that counts is there
			}
		}
	}()
	for _, f := range files {
		path := filepath.Join(folder, f.Name)
		out, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
		if errors.Is(err, os.ErrExist) {
			return fmt.Errorf("%s is there already; name another, or remove it", path)
		}
		if err != nil {
			return err
		}
		written = append(written, path)
		_, err = out.Write(f.Data)
		if err := errors.Join(err, out.Close()); err != nil {
			return err
		}
	}
	return nil
}
