package jsonfield

import (
	"encoding/json"
	"reflect"
	"testing"
)

// An Object is looked into as a map is; of members of one name the last counts.
func TestObjectIsLikeAMap(t *testing.T) {
	inner := Object{{"c", json.Number("1")}, {"a.b", "dots"}}
	o := Object{{"x", "first"}, {"a", inner}, {"n", nil}, {"x", "last"}, {"l", []any{inner}}}
	m := map[string]any{"x": "last", "a": map[string]any{"c": json.Number("1"), "a.b": "dots"}, "n": nil, "l": []any{map[string]any{"c": json.Number("1")}}}
	for _, path := range []string{"x", "a.c", "a.a.b", "n", "l.0.c", "l.1.c", "none", "a.none", "x.y", "."} {
		got, ok := At(o, path)
		want, is := At(m, path)
		if got != want || ok != is {
			t.Errorf("%s: %v %v; want %v %v", path, got, ok, want, is)
		}
	}
	var keys []string
	for _, member := range Members(o) {
		if value, ok := Get(m, member.Key); !ok || member.Key == "x" && member.Value != value {
			t.Errorf("member %s is %v", member.Key, member.Value)
		}
		keys = append(keys, member.Key)
	}
	if want := []string{"a", "l", "n", "x"}; !reflect.DeepEqual(keys, want) || o[0].Value != "first" {
		t.Errorf("members %q of %v; want %q", keys, o, want)
	}
	if Members("text") != nil {
		t.Error("a text has members")
	}
}
