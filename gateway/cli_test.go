package main

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"stillwater/adapters/sqlite"
)

// TestScripts runs the command line as a user does: testdata/script/*.txt. The texts that scripts compare whole (cmp) are rewritten by
// go test -update.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Setup: func(env *testscript.Env) error {
			sample, err := os.ReadFile(samplePath)
			if err != nil {
				return err
			}
			return os.WriteFile(filepath.Join(env.WorkDir, "sample.yaml"), sample, 0o600)
		},
		Dir: "testdata/script", RequireExplicitExec: true, RequireUniqueNames: true, UpdateScripts: *update,
		Cmds: map[string]func(*testscript.TestScript, bool, []string){"households": households},
	})
}

// households [!] FILE [ID …] says whether exactly those households are in the store FILE.
func households(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) == 0 {
		ts.Fatalf("usage: households FILE [ID …]")
	}
	db, err := sqlite.Open(context.Background(), sqlite.Config{Path: ts.MkAbs(args[0])}, slog.New(slog.DiscardHandler))
	ts.Check(err)
	defer db.Close()
	list, err := db.Households(context.Background())
	ts.Check(err)
	var found []string
	for _, h := range list {
		found = append(found, string(h.ID))
	}
	if slices.Equal(found, args[1:]) == neg {
		ts.Fatalf("the store has the households %s", strings.Join(found, ", "))
	}
}
