package sqlite

import (
	"errors"
	"testing"
)

// A document is read as it was put, a change that fails leaves it, and each change is seen by the version of the registry.
func TestDocument(t *testing.T) {
	db := openNew(t)
	ctx := t.Context()
	type roster struct {
		Posts []string `json:"posts"`
	}
	version := func() int64 {
		v, err := db.RegistryVersion(ctx)
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	read := func() roster {
		t.Helper()
		r := roster{Posts: []string{"default"}}
		if err := db.Document(ctx, Duty, &r); err != nil {
			t.Fatal(err)
		}
		return r
	}
	same(t, "never put", read(), roster{Posts: []string{"default"}})
	before := version()
	for _, post := range []string{"网格三", "desk"} {
		var r roster
		if err := db.ChangeDocument(ctx, Duty, &r, func() error { r.Posts = append(r.Posts, post); return nil }); err != nil {
			t.Fatal(err)
		}
	}
	same(t, "after two changes", read(), roster{Posts: []string{"网格三", "desk"}})
	if got := version(); got != before+2 {
		t.Errorf("version %d after two changes, want %d", got, before+2)
	}
	var r roster
	refused := errors.New("refused")
	if err := db.ChangeDocument(ctx, Duty, &r, func() error { r.Posts = nil; return refused }); !errors.Is(err, refused) {
		t.Errorf("a change that fails gave %v", err)
	}
	same(t, "after a change that failed", read(), roster{Posts: []string{"网格三", "desk"}})
	if got := version(); got != before+2 {
		t.Errorf("version %d after a change that failed, want %d", got, before+2)
	}
}
