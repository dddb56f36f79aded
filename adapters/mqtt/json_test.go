package mqtt

import (
	"bytes"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"stillwater/adapters/jsonfield"
)

// slowly is parseJSON by encoding/json.
func slowly(payload []byte) (doc any, ok bool) {
	d := json.NewDecoder(bytes.NewReader(payload))
	d.UseNumber()
	if d.Decode(&doc) != nil {
		return nil, false
	}
	_, err := d.Token()
	return doc, err == io.EOF
}

// inMaps is a document with maps for objects.
func inMaps(doc any) any {
	switch d := doc.(type) {
	case jsonfield.Object:
		m := map[string]any{}
		for _, member := range jsonfield.Members(d) {
			m[member.Key] = inMaps(member.Value)
		}
		return m
	case []any:
		list := []any{}
		for _, one := range d {
			list = append(list, inMaps(one))
		}
		return list
	}
	return doc
}

// Every text gives what encoding/json gives, or is refused by both; only what is nested beyond reason is refused here alone.
func FuzzParseJSON(f *testing.F) {
	files, _ := filepath.Glob("testdata/*/*/messages.txt")
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		for line := range strings.Lines(string(text)) {
			if _, payload, ok := strings.Cut(line, " "); ok {
				f.Add([]byte(payload))
			}
		}
	}
	for _, text := range []string{
		`{"a":"\u00e9\n\ud83d\ude00\\","a":2}`, "\"\x80\"", "\"a\tb\"", `"\x"`, `"\`, `[1,]`, `{,}`, `{"a" 1}`, `01`, `-`, `1.`, `1e`, `1e+`, `-0.0e-10`, `.5`, `+1`, `nul`, `truex`, ``, ` [ ] `, `{}{}`,
		strings.Repeat("[", maxNested) + strings.Repeat("]", maxNested), `"é"`, "\"\x7f\"", "\ufeff{}", "{\"a\":\v1}",
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, payload []byte) {
		doc, ok := parseJSON(payload)
		got := inMaps(doc)
		want, valid := slowly(payload)
		if strings.Count(string(payload), "[")+strings.Count(string(payload), "{") > maxNested {
			return
		}
		if ok != valid || ok && !reflect.DeepEqual(got, want) {
			t.Errorf("%q: %v %v; want %v %v", payload, got, ok, want, valid)
		}
	})
}

func TestNestedBeyondReason(t *testing.T) {
	deep := strings.Repeat("[", maxPayload/2) + strings.Repeat("]", maxPayload/2)
	if _, ok := parseJSON([]byte(deep)); ok {
		t.Error("taken")
	}
}
