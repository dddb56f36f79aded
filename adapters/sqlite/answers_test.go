package sqlite

import (
	"bytes"
	"os"
	"strings"
	"testing"
	"time"

	"stillwater"
)

// TestLinked finds a message by the code of its link, whatever the link begins with and whether a key hangs on it.
func TestLinked(t *testing.T) {
	db := openNew(t)
	for id, link := range map[stillwater.MessageID]string{
		"a": "https://aj.example/m/abcdefghijkl", "b": "https://relay.example/k7/m/ABCDEFGHIJKL#0123456789abcdef", "c": "",
	} {
		m := sampleMessage()
		m.ID, m.Link = id, link
		commitTo(t, db, &stillwater.Batch{Messages: []stillwater.Message{m}})
	}
	for code, want := range map[string]stillwater.MessageID{"abcdefghijkl": "a", "ABCDEFGHIJKL": "b", "": "", "abcdefghijk": "", "0123456789ab": ""} {
		if m, ok, err := db.Linked(t.Context(), code); err != nil || m.ID != want || ok != (want != "") {
			t.Errorf("%q: got %q, %v, %v; want %q", code, m.ID, ok, err, want)
		}
	}
	if m, ok, err := db.Message(t.Context(), "b"); err != nil || !ok || m.ID != "b" {
		t.Errorf("got %q, %v, %v", m.ID, ok, err)
	}
	var plan string
	var n int
	if err := db.reader.QueryRow("EXPLAIN QUERY PLAN "+linked, "x").Scan(&n, &n, &n, &plan); err != nil || !strings.Contains(plan, "message_link") {
		t.Errorf("links are not found by their index: %q, %v", plan, err)
	}
}

func TestKeys(t *testing.T) {
	db := openNew(t)
	list := func() (all []string) {
		if err := db.Keys(t.Context(), "link", func(made time.Time, key []byte) { all = append(all, made.Format("15:04 ")+string(key)) }); err != nil {
			t.Fatal(err)
		}
		return all
	}
	for n, key := range []string{"two", "one"} {
		if err := db.AddKey(t.Context(), "link", noon.Add(-time.Duration(n)*time.Hour), []byte(key)); err != nil {
			t.Fatal(err)
		}
	}
	same(t, "keys", list(), []string{"11:00 one", "12:00 two"})
	if err := db.DropKey(t.Context(), "link", noon.Add(-time.Hour)); err != nil {
		t.Fatal(err)
	}
	same(t, "keys", list(), []string{"12:00 two"})
}

// TestOptOut: the later word counts, a number that is not there is nobody's, and no number stands in the file.
func TestOptOut(t *testing.T) {
	db := openNew(t)
	const phone, other = stillwater.Phone("+8613912345678"), stillwater.Phone("+8613812345678")
	version := func() int64 {
		v, err := db.RegistryVersion(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	for _, c := range []struct {
		name string
		at   int // minutes
		out  bool
		want int // minutes; 0: not opted out
		news bool
	}{
		{"in, never out", 1, false, 0, true},
		{"out", 2, true, 2, true},
		{"out once more", 3, true, 3, true},
		{"an in before that", 2, false, 3, false},
		{"in", 4, false, 0, true},
		{"the older out again", 2, true, 0, false},
		{"out again", 5, true, 5, true},
	} {
		before := version()
		if err := db.OptOut(t.Context(), phone, noon.Add(time.Duration(c.at)*time.Minute), c.out); err != nil {
			t.Fatal(err)
		}
		homes := []stillwater.Household{{ID: "h1", Contacts: []stillwater.Contact{{Phone: phone}, {Phone: other}, {}}}}
		if err := db.MarkOptedOut(t.Context(), homes); err != nil {
			t.Fatal(err)
		}
		var want time.Time
		if c.want > 0 {
			want = noon.Add(time.Duration(c.want) * time.Minute)
		}
		if got := homes[0].Contacts; !got[0].OptedOut.Equal(want) || !got[1].OptedOut.IsZero() || !got[2].OptedOut.IsZero() {
			t.Errorf("%s: got %v, %v, %v; want %v", c.name, got[0].OptedOut, got[1].OptedOut, got[2].OptedOut, want)
		}
		if (version() != before) != c.news {
			t.Errorf("%s: news %v, want %v", c.name, !c.news, c.news)
		}
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	file, err := os.ReadFile(db.path)
	if err != nil || bytes.Contains(file, []byte("13912345678")) {
		t.Errorf("the number stands in the file, or: %v", err)
	}
}
