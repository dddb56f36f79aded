package sqlite

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"stillwater"
)

func TestIncidents(t *testing.T) {
	db := openNew(t)
	for n := range 4 {
		i := sampleIncident()
		i.ID, i.Household, i.Opened = stillwater.IncidentID(fmt.Sprint(n)), stillwater.HouseholdID(fmt.Sprint("h", n%2)), noon.Add(time.Duration(n)*time.Hour)
		commitTo(t, db, &stillwater.Batch{Incidents: []stillwater.Incident{i}})
		if n == 1 {
			i.State, i.Closed, i.Next = stillwater.ClosedState, noon, time.Time{}
			commitTo(t, db, &stillwater.Batch{Incidents: []stillwater.Incident{i}})
		}
	}
	if n, err := db.LastIncident(t.Context()); n != 4 || err != nil {
		t.Errorf("%d incidents ever stored (%v), want 4: a change is not another one", n, err)
	}
	ids := func(found []stillwater.Incident, err error) (ids string) {
		if err != nil {
			t.Error(err)
		}
		for _, i := range found {
			ids += string(i.ID)
		}
		return ids
	}
	ctx := t.Context()
	for _, c := range []struct{ what, got, want string }{
		{"open, oldest first", ids(db.OpenIncidents(ctx)), "023"},
		{"all, newest first", ids(db.Incidents(ctx, IncidentQuery{})), "3210"},
		{"open", ids(db.Incidents(ctx, IncidentQuery{OpenOnly: true})), "320"},
		{"of a household", ids(db.Incidents(ctx, IncidentQuery{Household: "h1"})), "31"},
		{"limited", ids(db.Incidents(ctx, IncidentQuery{OpenOnly: true, Limit: 2})), "32"},
	} {
		if c.got != c.want {
			t.Errorf("%s: %q, want %q", c.what, c.got, c.want)
		}
	}
	if _, err := db.writer.Exec(`DELETE FROM incident`); err != nil { // as erasing does
		t.Fatal(err)
	}
	if n, _ := db.LastIncident(ctx); n != 4 {
		t.Errorf("%d incidents ever stored after erasing, want 4", n)
	}
}

// A closing that is only assumed is looked at again: it stays among those a start brings back, until nothing is due.
func TestAssumedClosingStaysLive(t *testing.T) {
	db := openNew(t)
	i := sampleIncident()
	i.State, i.Closed, i.Known, i.Next = stillwater.ClosedState, noon, stillwater.Assumed, noon.Add(2*time.Hour)
	for _, want := range []int{1, 0} {
		commitTo(t, db, &stillwater.Batch{Incidents: []stillwater.Incident{i}})
		live, err := db.OpenIncidents(t.Context())
		if err != nil || len(live) != want {
			t.Errorf("%d live incidents (%v), want %d", len(live), err, want)
		}
		i.Next = time.Time{}
	}
}

// The queries that run often or at a start go by an index, however long the gateway has run.
func TestQueriesGoByIndex(t *testing.T) {
	db := openNew(t)
	for query, index := range map[string]string{
		liveIncidents: "incident_live",
		outbox:        "message_outbox",
		(&selection{where: []string{"state <> 'closed'"}}).from("incident", "opened DESC, n DESC", 0):                          "incident_live",
		(&selection{where: []string{"household = 'h'"}}).from("message", "created DESC, n DESC", 0):                            "message_household",
		(&selection{}).from("finding", latestFindings, 0):                                                                      "finding_latest",
		`SELECT j.at FROM point p JOIN journal j ON j.point = p.id WHERE p.household = 'h' AND j.at >= 1 ORDER BY j.at, j.seq`: "journal_point",
	} {
		rows, err := db.reader.Query("EXPLAIN QUERY PLAN " + query)
		if err != nil {
			t.Fatal(err)
		}
		plan := ""
		for rows.Next() {
			var id, parent, unused int
			var detail string
			if err := rows.Scan(&id, &parent, &unused, &detail); err != nil {
				t.Fatal(err)
			}
			plan += detail + "\n"
		}
		rows.Close()
		if !strings.Contains(plan, index) {
			t.Errorf("%s does not go by %s:\n%s", query, index, plan)
		}
	}
}

func TestFindingsSince(t *testing.T) {
	db := openNew(t)
	over, recent, going := sampleFinding(), sampleFinding(), sampleFinding()
	over.Began, over.Ended = noon.Add(-9*time.Hour), noon.Add(-8*time.Hour)
	recent.Began, recent.Ended = noon.Add(-7*time.Hour), noon
	going.Began = noon.Add(-20 * time.Hour)
	commitTo(t, db, &stillwater.Batch{Findings: []stillwater.Finding{over, recent, going}})
	got, err := db.Findings(t.Context(), FindingQuery{Since: noon.Add(-time.Hour)})
	same(t, "since", []any{got, err}, []any{[]stillwater.Finding{recent, going}, nil})
}

func TestRegistry(t *testing.T) {
	db := openNew(t)
	ctx := t.Context()
	home := func(id, name string) stillwater.Household {
		return stillwater.Household{ID: stillwater.HouseholdID(id), Name: name, TimeZone: "Asia/Shanghai", Residents: 1,
			Consent:  stillwater.Consent{Given: noon},
			Devices:  []stillwater.Device{{ID: "m", Kind: stillwater.Meter, Source: "bus/1", Every: 15 * time.Minute, Rollover: 1e6}},
			Contacts: []stillwater.Contact{{ID: "c", Name: "李", Phone: "+8613800138000", Language: "zh-CN"}}}
	}
	put := func(db *DB, homes ...stillwater.Household) error { return db.PutHouseholds(ctx, homes) }
	version := func() int64 {
		v, err := db.RegistryVersion(ctx)
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	if err := put(db, home("b", "王"), home("a", "张")); err != nil {
		t.Fatal(err)
	}
	v := version()
	for _, bad := range [][]stillwater.Household{{home("c", "x"), {}}, {home("c", "x"), home("c", "y")}} {
		if err := put(db, bad...); err == nil {
			t.Errorf("%d households with a fault were stored", len(bad))
		}
	}
	got, err := db.Households(ctx)
	same(t, "households", []any{got, err}, []any{[]stillwater.Household{home("a", "张"), home("b", "王")}, nil})
	if version() != v {
		t.Error("the version changed though nothing was stored")
	}
	other := openAt(t, db.path) // import, say, while this one runs
	if err := put(other, home("a", "赵")); err != nil {
		t.Fatal(err)
	}
	if version() == v {
		t.Error("a household put by another process does not show")
	}
	v = version()
	if err := other.DeleteHousehold(ctx, "b"); err != nil {
		t.Fatal(err)
	}
	if version() == v {
		t.Error("a household deleted by another process does not show")
	}
	if err := db.DeleteHousehold(ctx, "none"); err != nil {
		t.Error(err)
	}
	got, err = db.Households(ctx)
	same(t, "households", []any{got, err}, []any{[]stillwater.Household{home("a", "赵")}, nil})
}

func TestStreamsEndWithTheCallersError(t *testing.T) {
	db := openNew(t)
	commitTo(t, db, &stillwater.Batch{Entries: readings("h1", 0, 3), States: []stillwater.State{{Household: "h1"}, {Household: "h2"}}})
	enough := errors.New("enough")
	for name, err := range map[string]error{
		"entries":  db.Entries(t.Context(), 0, func(stillwater.Entry) error { return enough }),
		"states":   db.States(t.Context(), func(stillwater.State) error { return enough }),
		"readings": db.Readings(t.Context(), "h1", time.Time{}, func(stillwater.Reading) error { return enough }),
	} {
		if err != enough {
			t.Errorf("%s: error %v, want the caller's own", name, err)
		}
	}
}

func TestPagesMeet(t *testing.T) {
	db := openNew(t)
	b := &stillwater.Batch{Entries: readings("h1", 0, 2*page+1)}
	for i := range statesAtOnce*2 + 1 {
		b.States = append(b.States, stillwater.State{Household: stillwater.HouseholdID(fmt.Sprint("h", i))})
	}
	commitTo(t, db, b)
	got := journal(t, db, 0)
	for i, e := range got {
		if e.Seq != int64(i+1) {
			t.Fatalf("entry %d has seq %d", i, e.Seq)
		}
	}
	if len(got) != len(b.Entries) || len(states(t, db)) != len(b.States) {
		t.Errorf("%d entries and %d states, want %d and %d", len(got), len(states(t, db)), len(b.Entries), len(b.States))
	}
}

// Prune against the plain meaning of its promise: an entry goes only when it is old and every household that has a
// state or a reading has seen it; and the next entry never gets a number that was used.
func TestPruneNeverTakesWhatAStateNeeds(t *testing.T) {
	db := openNew(t)
	tick := func(n int) stillwater.Entry {
		return stillwater.Entry{Tick: noon.Add(time.Duration(n) * time.Minute).Truncate(time.Minute)}
	}
	state := func(id string) stillwater.State { return stillwater.State{Household: stillwater.HouseholdID(id)} }
	prune := func(before time.Time) int64 {
		t.Helper()
		n, err := db.Prune(t.Context(), before)
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	later := noon.Add(1000 * time.Hour)
	commitTo(t, db, &stillwater.Batch{Entries: append(readings("h1", 0, 5), tick(5))}) // 1-6, no state yet
	if n := prune(later); n != 0 {
		t.Fatalf("%d entries pruned that no state covers", n)
	}
	commitTo(t, db, &stillwater.Batch{Entries: readings("h1", 6, 1), States: []stillwater.State{state("h1")}})        // 7, h1 at 7
	commitTo(t, db, &stillwater.Batch{Entries: readings("h2", 7, 1)})                                                 // 8, h2 has none
	commitTo(t, db, &stillwater.Batch{Entries: []stillwater.Entry{tick(8)}, States: []stillwater.State{state("h1")}}) // 9, h1 at 9
	if n := prune(noon.Add(3 * time.Minute)); n != 3 {                                                                // readings 0, 1 and 2, received 1.5 ms past the minute
		t.Errorf("%d entries pruned, want the 3 that are old", n)
	}
	if n := prune(later); n != 4 {
		t.Errorf("%d entries pruned, want 4: h2 has not seen 8", n)
	}
	got := journal(t, db, 0)
	if len(got) != 2 || got[0].Seq != 8 {
		t.Fatalf("left %+v, want 8 and 9", got)
	}
	commitTo(t, db, &stillwater.Batch{States: []stillwater.State{state("h2")}}) // h2 at 9
	if n := prune(later); n != 2 || len(journal(t, db, 0)) != 0 {
		t.Errorf("%d entries pruned, want 2", n)
	}
	b := &stillwater.Batch{Entries: []stillwater.Entry{tick(9)}, States: []stillwater.State{state("h1")}}
	commitTo(t, db, b)
	if b.Entries[0].Seq != 10 || states(t, db)["h1"].Seq != 10 {
		t.Errorf("after pruning everything the next seq is %d, want 10", b.Entries[0].Seq)
	}
	if n := prune(later); n != 0 {
		t.Errorf("%d pruned, want none: h2 is at 9", n)
	}
}

// Entries received while the clock was wrong do not hide old ones for ever.
func TestPruneLooksPastAWrongClock(t *testing.T) {
	db := openNew(t)
	future := readings("h1", 0, pruneAtOnce+5)
	for i := range future {
		future[i].Reading.Received = noon.AddDate(10, 0, 0)
	}
	commitTo(t, db, &stillwater.Batch{Entries: append(future, readings("h1", 0, 5)...), States: []stillwater.State{{Household: "h1"}}})
	if n, err := db.Prune(t.Context(), noon.Add(time.Hour)); n != 5 || err != nil {
		t.Errorf("%d pruned (%v), want 5", n, err)
	}
}
