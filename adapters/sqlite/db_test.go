package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pressly/goose/v3"

	"stillwater"
)

// noon is a moment with microseconds and no nanoseconds, which is what the journal keeps.
var noon = time.Date(2026, 3, 1, 12, 0, 0, 123456000, time.UTC)

func openAt(t testing.TB, path string) *DB {
	t.Helper()
	db, err := Open(t.Context(), Config{Path: path}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

func openNew(t testing.TB) *DB {
	t.Helper()
	return openAt(t, filepath.Join(t.TempDir(), "家 50%?#.db")) // a name that would break a careless URI
}

func commitTo(t testing.TB, db *DB, b *stillwater.Batch) {
	t.Helper()
	if err := db.Commit(t.Context(), b); err != nil {
		t.Fatal(err)
	}
}

func same(t *testing.T, what string, got, want any) {
	t.Helper()
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%s:\n got %+v\nwant %+v", what, got, want)
	}
}

func reading(household string, n int) stillwater.Reading {
	return stillwater.Reading{
		Source: "cupboard-1/" + household, Household: stillwater.HouseholdID(household), Device: "meter", Quantity: stillwater.WaterTotal,
		Value: float64(n) + 0.25, At: noon.Add(time.Duration(n) * time.Minute), Received: noon.Add(time.Duration(n)*time.Minute + 1500*time.Microsecond),
	}
}

func readings(household string, from, n int) []stillwater.Entry {
	var entries []stillwater.Entry
	for i := from; i < from+n; i++ {
		r := reading(household, i)
		entries = append(entries, stillwater.Entry{Reading: &r})
	}
	return entries
}

func journal(t *testing.T, db *DB, after int64) []stillwater.Entry {
	t.Helper()
	var got []stillwater.Entry
	if err := db.Entries(t.Context(), after, func(e stillwater.Entry) error { got = append(got, e); return nil }); err != nil {
		t.Fatal(err)
	}
	return got
}

func states(t *testing.T, db *DB) map[stillwater.HouseholdID]stillwater.State {
	t.Helper()
	got := map[stillwater.HouseholdID]stillwater.State{}
	if err := db.States(t.Context(), func(s stillwater.State) error { got[s.Household] = s; return nil }); err != nil {
		t.Fatal(err)
	}
	return got
}

func sampleFinding() stillwater.Finding {
	return stillwater.Finding{Household: "h1", Rule: "silence", Kind: stillwater.Welfare, Severity: stillwater.Alert, Began: noon,
		Facts: stillwater.Facts{Since: noon.Add(-13 * time.Hour), Span: 13 * time.Hour, Litres: 12.5, DataTo: noon, Life: stillwater.Life{Water: noon.Add(-13 * time.Hour)}}}
}

func sampleIncident() stillwater.Incident {
	return stillwater.Incident{ID: "i1", Code: "A1", Household: "h1", Kind: stillwater.Welfare, Severity: stillwater.Alert, State: stillwater.Opened,
		Opened: noon, Findings: []stillwater.Finding{sampleFinding()}, Next: noon.Add(time.Minute),
		Told: []stillwater.Told{{Message: "m1", Contact: "c1", Role: stillwater.Family, Purpose: stillwater.Tell, At: noon, State: stillwater.Pending}},
		Log:  []stillwater.Event{{At: noon, What: "opened"}}}
}

func sampleMessage() stillwater.Message {
	return stillwater.Message{ID: "m1", Incident: "i1", Household: "h1", Contact: "c1", Purpose: stillwater.Tell, Severity: stillwater.Alert,
		To: "+8613800138000", Language: "zh-CN", Code: "A1-1", Text: "王*家 A1-1", Created: noon, State: stillwater.Pending}
}

func TestRoundTrip(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s.db")
	db := openAt(t, path)
	undated := stillwater.Reading{Source: "lobby/home/7/door", Household: "h2", Device: "door", Quantity: stillwater.Door, Value: 1, At: noon, Undated: true}
	east := reading("h1", 3)
	east.At, east.Received = east.At.In(time.FixedZone("", 8*3600)), east.Received.In(time.FixedZone("", 8*3600))
	entries := append(readings("h1", 0, 70),
		stillwater.Entry{Reading: &undated},
		stillwater.Entry{Tick: noon.Truncate(time.Minute), Shard: 2, Shards: 4},
		stillwater.Entry{Tick: noon.Truncate(time.Minute), Shard: 0, Shards: 1},
		stillwater.Entry{Rearm: "h1", At: noon},
		stillwater.Entry{Announced: &stillwater.Announced{Group: "building/a/b", From: noon, To: noon.Add(time.Hour)}, At: noon, Shards: 1},
		stillwater.Entry{Away: &stillwater.Absence{Household: "h1", From: noon, Until: noon.AddDate(0, 0, 7), At: noon, Who: "son"}},
		stillwater.Entry{Away: &stillwater.Absence{Household: "h2", At: noon}},
		stillwater.Entry{Reading: &east},
	)
	ended := sampleFinding()
	ended.Ended = noon.Add(time.Hour)
	device := sampleFinding()
	device.Device, device.Rule = "meter", "device"
	b := &stillwater.Batch{
		Entries:   entries,
		Findings:  []stillwater.Finding{sampleFinding(), device},
		Incidents: []stillwater.Incident{sampleIncident()},
		Messages:  []stillwater.Message{sampleMessage()},
		Replies:   []stillwater.Reply{{ID: "SM1", From: "+8613800138000", Text: "1", At: noon}},
		States:    []stillwater.State{{Household: "h1", Data: []byte{0, 1, 255}}, {Household: "h2"}},
	}
	commitTo(t, db, b)
	commitTo(t, db, &stillwater.Batch{Findings: []stillwater.Finding{ended}})
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	db = openAt(t, path)

	east.At, east.Received = east.At.UTC(), east.Received.UTC()
	want := append([]stillwater.Entry(nil), b.Entries...)
	for i := range want {
		if want[i].Seq != int64(i+1) {
			t.Fatalf("entry %d was given seq %d", i, want[i].Seq)
		}
	}
	same(t, "journal", journal(t, db, 0), want)
	same(t, "journal after 70", journal(t, db, 70), want[70:])
	same(t, "states", states(t, db), map[stillwater.HouseholdID]stillwater.State{
		"h1": {Household: "h1", Seq: 78, Data: []byte{0, 1, 255}}, "h2": {Household: "h2", Seq: 78}})
	ctx := t.Context()
	got, err := db.Findings(ctx, FindingQuery{Household: "h1"})
	same(t, "findings", []any{got, err}, []any{[]stillwater.Finding{ended, device}, nil})
	incident, found, err := db.Incident(ctx, "i1")
	same(t, "incident", []any{incident, found, err}, []any{sampleIncident(), true, nil})
	_, found, err = db.Incident(ctx, "i2")
	same(t, "no incident", []any{found, err}, []any{false, nil})
	outbox, err := db.Outbox(ctx)
	same(t, "outbox", []any{outbox, err}, []any{[]stillwater.Message{sampleMessage()}, nil})
	for id, want := range map[string]bool{"SM1": true, "SM2": false} {
		has, err := db.HasReply(ctx, id)
		same(t, "reply "+id, []any{has, err}, []any{want, nil})
	}
	var values []float64
	err = db.Readings(ctx, "h1", noon.Add(68*time.Minute), func(r stillwater.Reading) error { values = append(values, r.Value); return nil })
	same(t, "readings since", []any{values, err}, []any{[]float64{68.25, 69.25}, nil})
}

// A time with another zone inside a finding or an incident comes back in UTC too.
func TestTimesComeBackInUTC(t *testing.T) {
	db := openNew(t)
	i := sampleIncident()
	i.Findings[0].Facts.Life.Door = noon.In(time.FixedZone("", 8*3600))
	i.Log[0].At = noon.In(time.FixedZone("", -5*3600))
	commitTo(t, db, &stillwater.Batch{Incidents: []stillwater.Incident{i}})
	open, err := db.OpenIncidents(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	same(t, "log", open[0].Log[0].At, noon)
	same(t, "life", open[0].Findings[0].Facts.Life.Door, noon)
}

func TestSeqOfStates(t *testing.T) {
	db := openNew(t)
	commitTo(t, db, &stillwater.Batch{Entries: readings("h1", 0, 3), States: []stillwater.State{{Household: "h1", Seq: 99}}})
	b := &stillwater.Batch{States: []stillwater.State{{Household: "h2"}}}
	commitTo(t, db, b)
	got := states(t, db)
	if got["h1"].Seq != 3 || got["h2"].Seq != 3 || b.States[0].Seq != 3 {
		t.Errorf("states have seq %d and %d (told %d), want 3", got["h1"].Seq, got["h2"].Seq, b.States[0].Seq)
	}
}

func TestCommitIsAllOrNothing(t *testing.T) {
	db := openNew(t)
	bad := &stillwater.Batch{Entries: readings("h1", 0, 40), Incidents: []stillwater.Incident{sampleIncident()}, States: []stillwater.State{{Household: "h1"}},
		Messages: []stillwater.Message{{}}} // no ID
	if err := db.Commit(t.Context(), bad); err == nil {
		t.Fatal("a message without an ID was stored")
	}
	if n := len(journal(t, db, 0)); n != 0 {
		t.Errorf("%d entries of a refused batch are stored", n)
	}
	if n, _ := db.LastIncident(t.Context()); n != 0 || len(states(t, db)) != 0 {
		t.Errorf("incident or state of a refused batch is stored")
	}
	if bad.Entries[0].Seq != 0 {
		t.Errorf("an entry of a refused batch was given seq %d", bad.Entries[0].Seq)
	}
	bad.Messages = nil // the same batch again, mended: the points of the first try must not be taken as stored
	commitTo(t, db, bad)
	if got := journal(t, db, 0); len(got) != 40 || got[39].Reading.Household != "h1" {
		t.Errorf("the mended batch is not whole: %d entries", len(got))
	}
}

func TestCommitRefusesWhatItCannotReadBack(t *testing.T) {
	db := openNew(t)
	nan := reading("h1", 0)
	nan.Value = 0 / (nan.Value - nan.Value)
	for name, e := range map[string]stillwater.Entry{
		"nothing": {}, "two things": {Reading: &nan, Tick: noon}, "not a number": {Reading: &nan},
	} {
		if err := db.Commit(t.Context(), &stillwater.Batch{Entries: []stillwater.Entry{e}}); err == nil {
			t.Errorf("an entry that is %s was stored", name)
		}
	}
}

func TestCancelledCommitStoresNothing(t *testing.T) {
	db := openNew(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := db.Commit(ctx, &stillwater.Batch{Entries: readings("h1", 0, 3)}); !errors.Is(err, context.Canceled) {
		t.Fatalf("error %v, want %v", err, context.Canceled)
	}
	commitTo(t, db, &stillwater.Batch{Entries: readings("h1", 0, 1)})
	if n := len(journal(t, db, 0)); n != 1 {
		t.Errorf("%d entries, want 1", n)
	}
}

// When the disk is full a commit says so and stores nothing; when there is room again the same batch goes in.
func TestDiskFull(t *testing.T) {
	db := openNew(t)
	limit := func(pages int) {
		if _, err := db.writer.Exec(fmt.Sprintf("PRAGMA max_page_count = %d", pages)); err != nil {
			t.Fatal(err)
		}
	}
	commitTo(t, db, &stillwater.Batch{Entries: readings("h1", 0, 1)})
	limit(1) // SQLite takes it as: no page more than there are
	big := &stillwater.Batch{Entries: readings("h1", 1, 3000), Incidents: []stillwater.Incident{sampleIncident()}}
	err := db.Commit(t.Context(), big)
	if err == nil || !strings.Contains(err.Error(), "full") {
		t.Fatalf("error %v, want one that says full", err)
	}
	if n := len(journal(t, db, 0)); n != 1 {
		t.Fatalf("%d entries after a refused commit, want 1", n)
	}
	limit(1 << 30)
	commitTo(t, db, big)
	if got := journal(t, db, 0); len(got) != 3001 || got[3000].Seq != 3001 {
		t.Errorf("%d entries, want 3001 without a hole", len(got))
	}
}

func TestNewerDatabaseIsRefused(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s.db")
	db := openAt(t, path)
	if _, err := db.writer.Exec(`INSERT INTO goose_db_version (version_id, is_applied) VALUES (9999, 1)`); err != nil {
		t.Fatal(err)
	}
	db.Close()
	_, err := Open(t.Context(), Config{Path: path}, slog.New(slog.DiscardHandler))
	if err == nil || !strings.Contains(err.Error(), "newer") || !strings.Contains(err.Error(), "9999") {
		t.Errorf("error %v, want one that says newer and names the version", err)
	}
}

// A database of the first version is brought up to date with what is in it.
func TestMigrationKeepsWhatIsThere(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s.db")
	raw, err := sql.Open("sqlite", source(path))
	if err != nil {
		t.Fatal(err)
	}
	dir, _ := fs.Sub(migrations, "migrations")
	provider, err := goose.NewProvider(goose.DialectSQLite3, raw, dir)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := provider.UpTo(t.Context(), 1); err != nil {
		t.Fatal(err)
	}
	if _, err := raw.Exec(`INSERT INTO household (id, body) VALUES ('h1', '{"id":"h1"}'); INSERT INTO counter VALUES ('test', 7)`); err != nil {
		t.Fatal(err)
	}
	raw.Close()
	db := openAt(t, path)
	homes, err := db.Households(t.Context())
	if err != nil || len(homes) != 1 {
		t.Errorf("%d households, %v", len(homes), err)
	}
	commitTo(t, db, &stillwater.Batch{Entries: readings("h1", 0, 1), Incidents: []stillwater.Incident{sampleIncident()}})
}

func TestOpenRefusesOtherFiles(t *testing.T) {
	dir := t.TempDir()
	text := filepath.Join(dir, "notes.txt")
	if err := os.WriteFile(text, []byte(strings.Repeat("not a database. ", 100)), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{text, filepath.Join(dir, "no", "folder.db"), dir, ""} {
		db, err := Open(t.Context(), Config{Path: path}, slog.New(slog.DiscardHandler))
		if err == nil {
			db.Close()
			t.Errorf("%q was opened", path)
		}
	}
}

func TestFileIsPrivateAndDurable(t *testing.T) {
	db := openNew(t)
	commitTo(t, db, &stillwater.Batch{Entries: readings("h1", 0, 1)})
	for _, name := range []string{db.path, db.path + "-wal", db.path + "-shm"} {
		info, err := os.Stat(name)
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode().Perm() != 0o600 {
			t.Errorf("%s has mode %v", filepath.Base(name), info.Mode())
		}
	}
	for pragma, want := range map[string]string{"synchronous": "2", "journal_mode": "wal", "busy_timeout": "10000"} {
		var got string
		if err := db.writer.QueryRow("PRAGMA " + pragma).Scan(&got); err != nil || got != want {
			t.Errorf("%s is %q (%v), want %q", pragma, got, err, want)
		}
	}
	if _, err := db.reader.Exec(`DELETE FROM journal`); err == nil {
		t.Error("a reader could write")
	}
}

// Several processes may find a new file at once; here several handles do.
func TestOpeningTogether(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s.db")
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			db, err := Open(t.Context(), Config{Path: path}, slog.New(slog.DiscardHandler))
			if err != nil {
				t.Error(err)
				return
			}
			db.Close()
		})
	}
	wg.Wait()
}

func TestReadersWhileWriting(t *testing.T) {
	db := openNew(t)
	const batches, each = 60, 20
	done := make(chan struct{})
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for over := false; !over; {
				select {
				case <-done:
					over = true
				default:
				}
				// A batch is seen whole or not at all, and the state never behind the entries it covers.
				var n, last int64
				if err := db.Entries(context.Background(), 0, func(e stillwater.Entry) error { n++; last = e.Seq; return nil }); err != nil {
					t.Error(err)
					return
				}
				if n%each != 0 || n != last {
					t.Errorf("saw %d entries up to %d", n, last)
					return
				}
				if _, err := db.Outbox(context.Background()); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	var writers sync.WaitGroup
	for w := range 2 { // two shards
		writers.Go(func() {
			household := fmt.Sprintf("h%d", w)
			for i := range batches / 2 {
				m := sampleMessage()
				m.ID = stillwater.MessageID(fmt.Sprintf("%s-%d", household, i))
				if err := db.Commit(context.Background(), &stillwater.Batch{Entries: readings(household, i*each, each), Messages: []stillwater.Message{m},
					States: []stillwater.State{{Household: stillwater.HouseholdID(household)}}}); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	writers.Wait()
	close(done)
	wg.Wait()
	if got := journal(t, db, 0); len(got) != batches*each {
		t.Errorf("%d entries, want %d", len(got), batches*each)
	}
}

func TestForeignPointIsLookedUpAgain(t *testing.T) {
	db := openNew(t)
	commitTo(t, db, &stillwater.Batch{Entries: readings("h1", 0, 2)})
	other := openAt(t, db.path) // erase, say, in another process
	for _, q := range []string{`DELETE FROM journal`, `DELETE FROM point`} {
		if _, err := other.writer.Exec(q); err != nil {
			t.Fatal(err)
		}
	}
	commitTo(t, other, &stillwater.Batch{Entries: readings("h2", 0, 1)}) // must not come by the number of the erased point
	commitTo(t, db, &stillwater.Batch{Entries: readings("h1", 2, 1)})
	got := journal(t, db, 0)
	if len(got) != 2 || got[0].Reading.Household != "h2" || got[1].Reading.Household != "h1" {
		t.Errorf("journal %+v", got)
	}
	if got[1].Seq != 4 {
		t.Errorf("seq %d, want 4: numbers are not given twice", got[1].Seq)
	}
}

// What a commit looked up before a point was deleted is not remembered after another has found out.
func TestPointsLearnedTooLate(t *testing.T) {
	var c pointCache
	k := pointKey{household: "h", device: "d", source: "f/p", quantity: stillwater.WaterTotal}
	c.learn(map[pointKey]int64{k: 1}, 0)
	other := k
	other.household = "moved"
	if id, ok := c.find(k); id != 1 || !ok {
		t.Error("not remembered")
	}
	if _, ok := c.find(other); ok {
		t.Error("a point of another home is taken for it")
	}
	c.valid(1)
	c.learn(map[pointKey]int64{k: 1}, 0)
	if _, ok := c.find(k); ok {
		t.Error("a point that may be deleted is remembered")
	}
}

// An INSERT of many readings that fails half way leaves nothing behind, and can be tried again.
func TestInsertFailsHalfWay(t *testing.T) {
	db := openNew(t)
	commitTo(t, db, &stillwater.Batch{Entries: readings("h1", 0, 1)})
	if _, err := db.writer.Exec(`INSERT INTO journal (seq, at) VALUES (20, 0)`); err != nil {
		t.Fatal(err)
	}
	b := &stillwater.Batch{Entries: readings("h1", 1, readingsAtOnce[0]+13)}
	if err := db.Commit(t.Context(), b); err == nil {
		t.Fatal("an entry was stored under a number that is taken")
	}
	if got := journal(t, db, 0); len(got) != 2 {
		t.Fatalf("%d entries in the journal after a commit that failed; want the two of before", len(got))
	}
	if _, err := db.writer.Exec(`DELETE FROM journal WHERE seq = 20`); err != nil {
		t.Fatal(err)
	}
	commitTo(t, db, b)
	if got := journal(t, db, 0); len(got) != readingsAtOnce[0]+14 || got[len(got)-1].Seq != int64(len(got)) {
		t.Errorf("%d entries in the journal", len(got))
	}
}

func TestPointInUseStays(t *testing.T) {
	db := openNew(t)
	commitTo(t, db, &stillwater.Batch{Entries: readings("h1", 0, 2)})
	if _, err := openAt(t, db.path).writer.Exec(`DELETE FROM point`); err == nil {
		t.Error("a point went that has readings in the journal; they would be read back as ticks")
	}
	if got := journal(t, db, 0); len(got) != 2 || got[0].Reading == nil {
		t.Errorf("journal %+v", got)
	}
}

func TestConfig(t *testing.T) {
	for path, ok := range map[string]bool{"": false, "file:x.db": false, ":memory:": false, "/var/lib/": false, "x.db": true} {
		c := Config{Path: path}
		var problems []string
		c.Validate(func(field any, problem string) {
			if field != any(&c.Path) {
				t.Errorf("%q: the wrong field", path)
			}
			problems = append(problems, problem)
		})
		if (len(problems) == 0) != ok {
			t.Errorf("%q: problems %q", path, problems)
		}
	}
	c := Config{Path: "x.db", KeepJournal: time.Hour}
	n := 0
	c.Validate(func(field any, _ string) {
		n++
		if field != any(&c.KeepJournal) {
			t.Error("the wrong field")
		}
	})
	if n != 1 {
		t.Error("an hour of history passed")
	}
}
