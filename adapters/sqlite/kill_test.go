package sqlite

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"stillwater"
)

// The test binary starts itself again with one of these set, and is then the process that gets killed.
const (
	writeEnv = "STILLWATER_TEST_WRITE"
	lockEnv  = "STILLWATER_TEST_LOCK"
)

func TestMain(m *testing.M) {
	switch {
	case os.Getenv(writeEnv) != "":
		writeForEver(os.Getenv(writeEnv))
	case os.Getenv(lockEnv) != "":
		lockForEver(os.Getenv(lockEnv))
	default:
		os.Exit(m.Run())
	}
}

const perBatch = 40

// numbered is the n-th batch: everything in it bears n.
func numbered(n int64) *stillwater.Batch {
	i, m := sampleIncident(), sampleMessage()
	i.ID, m.ID = stillwater.IncidentID(fmt.Sprint(n)), stillwater.MessageID(fmt.Sprint(n))
	return &stillwater.Batch{
		Entries: readings("h1", int(n)*perBatch, perBatch), Incidents: []stillwater.Incident{i}, Messages: []stillwater.Message{m},
		Replies: []stillwater.Reply{{ID: fmt.Sprint(n)}},
		States:  []stillwater.State{{Household: "h1", Data: []byte(fmt.Sprint(n))}},
	}
}

func writeForEver(path string) {
	db, err := Open(context.Background(), Config{Path: path}, slog.New(slog.DiscardHandler))
	if err == nil {
		err = db.Lock()
	}
	for err == nil {
		var n int64
		if n, err = db.LastIncident(context.Background()); err != nil {
			break
		}
		if err = db.Commit(context.Background(), numbered(n)); err == nil {
			fmt.Println(n + 1) // so many are committed
		}
	}
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}

func lockForEver(path string) {
	db, err := Open(context.Background(), Config{Path: path}, slog.New(slog.DiscardHandler))
	if err == nil {
		err = db.Lock()
	}
	fmt.Println("locked:", err)
	select {}
}

// startAgain runs the test binary with env set to path and gives its output line by line.
func startAgain(t *testing.T, env, path string) (*exec.Cmd, *bufio.Scanner) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), env+"="+path)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cmd.Process.Kill(); cmd.Wait() })
	return cmd, bufio.NewScanner(out)
}

// A process is killed in the middle of commits, again and again on the same file. What it said was committed is there,
// whole; and nothing is there in part.
func TestKilledInTheMiddle(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s.db")
	var said int64
	for round := range 5 {
		cmd, out := startAgain(t, writeEnv, path)
		for lines := 0; lines < 15+7*round && out.Scan(); lines++ {
			said, _ = strconv.ParseInt(out.Text(), 10, 64)
		}
		cmd.Process.Kill() // SIGKILL, while it goes on committing
		for out.Scan() {
			said, _ = strconv.ParseInt(out.Text(), 10, 64)
		}
		cmd.Wait()
		if said == 0 {
			t.Fatal("the process committed nothing")
		}
		wholeUpTo(t, path, said)
	}
}

func wholeUpTo(t *testing.T, path string, said int64) {
	t.Helper()
	db := openAt(t, path)
	defer db.Close()
	ctx := t.Context()
	if err := db.Lock(); err != nil {
		t.Errorf("the lock of a killed process holds: %v", err)
	}
	n, err := db.LastIncident(ctx)
	if err != nil || n < said || n > said+1 { // one more may have been committed and not said
		t.Fatalf("%d batches are stored (%v), the process said %d", n, err, said)
	}
	entries := journal(t, db, 0)
	if int64(len(entries)) != n*perBatch || entries[len(entries)-1].Seq != n*perBatch {
		t.Errorf("%d journal entries for %d batches of %d", len(entries), n, perBatch)
	}
	messages, err := db.Messages(ctx, MessageQuery{Limit: 1 << 20})
	if err != nil || int64(len(messages)) != n {
		t.Errorf("%d messages for %d batches (%v)", len(messages), n, err)
	}
	if has, err := db.HasReply(ctx, fmt.Sprint(n-1)); !has || err != nil {
		t.Errorf("the reply of the last batch is not stored (%v)", err)
	}
	if s := states(t, db)["h1"]; string(s.Data) != fmt.Sprint(n-1) || s.Seq != n*perBatch {
		t.Errorf("state %q at %d after %d batches", s.Data, s.Seq, n)
	}
	var verdict string
	if err := db.writer.QueryRow(`PRAGMA integrity_check`).Scan(&verdict); err != nil || verdict != "ok" {
		t.Errorf("integrity check: %s, %v", verdict, err)
	}
}

func TestLock(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s.db")
	cmd, out := startAgain(t, lockEnv, path)
	if !out.Scan() || out.Text() != "locked: <nil>" {
		t.Fatalf("the other process says %q", out.Text())
	}
	db := openAt(t, path)
	err := db.Lock()
	if !errors.Is(err, ErrLocked) || !strings.Contains(err.Error(), strconv.Itoa(cmd.Process.Pid)) {
		t.Errorf("error %v, want %v with process %d", err, ErrLocked, cmd.Process.Pid)
	}
	if err := db.PutHouseholds(t.Context(), []stillwater.Household{{ID: "h1"}}); err != nil {
		t.Errorf("import beside a running gateway: %v", err)
	}
	cmd.Process.Kill()
	cmd.Wait()
	for range 2 { // twice by the same DB is once
		if err := db.Lock(); err != nil {
			t.Errorf("after the other was killed: %v", err)
		}
	}
	second := openAt(t, path)
	if err := second.Lock(); !errors.Is(err, ErrLocked) {
		t.Errorf("a second handle in the same process: error %v, want %v", err, ErrLocked)
	}
	db.Close()
	if err := second.Lock(); err != nil {
		t.Errorf("after Close: %v", err)
	}
}
