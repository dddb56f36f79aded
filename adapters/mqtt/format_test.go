package mqtt

import (
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"gopkg.in/yaml.v3"
)

var update = flag.Bool("update", false, "write the expected readings of the recorded messages anew")

// Each folder of testdata is a format, each folder in it a case: messages.txt holds what a broker handed over, with where it was found;
// config.yaml what the configuration says of the format, if anything; readings.txt what must come of it.
func TestRecordedMessages(t *testing.T) {
	cases, err := filepath.Glob("testdata/*/*/messages.txt")
	if err != nil || len(cases) == 0 {
		t.Fatal("no recorded messages", err)
	}
	seen := map[string]bool{}
	for _, path := range cases {
		folder := filepath.Dir(path)
		seen[filepath.Base(filepath.Dir(folder))] = true
		t.Run(strings.TrimPrefix(filepath.ToSlash(folder), "testdata/"), func(t *testing.T) {
			got := replay(t, folder)
			want := filepath.Join(folder, "readings.txt")
			if *update {
				if err := os.WriteFile(want, []byte(got), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			text, err := os.ReadFile(want)
			if err != nil {
				t.Fatal(err)
			}
			if got != string(text) {
				t.Errorf("got\n%swant\n%s", got, text)
			}
		})
	}
	all, err := builtIn()
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range append(slices.Sorted(maps.Keys(all)), discovery) {
		if !seen[name] {
			t.Errorf("format %s has no recorded messages", name)
		}
	}
}

// replay gives what becomes of the messages of a folder, a line for each reading.
func replay(t *testing.T, folder string) string {
	c := Config{Name: "b", URL: "tcp://127.0.0.1:1883", Formats: []Format{formatOf(t, folder)}}
	c.Validate(func(_ any, problem string) { t.Fatal("configuration of the test:", problem) })
	var rejected []string
	s := New(Options{Config: c, Reject: func(_, reason string) { rejected = append(rejected, reason) }})
	text, err := os.ReadFile(filepath.Join(folder, "messages.txt"))
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	n := 0
	for _, line := range strings.Split(string(text), "\n") {
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		n++
		m := message{arrived: arrived.Add(time.Duration(n) * time.Second)}
		if rest, ok := strings.CutPrefix(line, "retained "); ok {
			m.retained, line = true, rest
		}
		if rest, ok := strings.CutPrefix(line, "late "); ok {
			m.old, line = true, rest
		}
		topic, payload, _ := strings.Cut(line, " ")
		m.topic, m.payload = strings.ReplaceAll(topic, "%20", " "), []byte(payload)
		rejected = nil
		readings, more := s.read(m)
		if len(readings) == 0 {
			fmt.Fprintf(&out, "%d nothing\n", n)
		}
		for _, reason := range rejected {
			fmt.Fprintf(&out, "%d rejected: %s\n", n, reason)
		}
		for _, topic := range more {
			fmt.Fprintf(&out, "%d subscribe %s\n", n, topic)
		}
		for _, r := range readings {
			when := "now"
			if !r.At.Equal(m.arrived) {
				when = r.At.Format(time.RFC3339Nano)
			}
			if r.Undated {
				when += " undated"
			}
			fmt.Fprintf(&out, "%d %s %s %v %s\n", n, strings.TrimPrefix(r.Source, "b/"), r.Quantity, r.Value, when)
		}
	}
	return out.String()
}

// formatOf is what the case's configuration says; the format is that of the folder unless it names another, as payloads inside others do.
func formatOf(t *testing.T, folder string) Format {
	f := Format{}
	text, err := os.ReadFile(filepath.Join(folder, "config.yaml"))
	if err == nil {
		err = yaml.Unmarshal(text, &f)
	}
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	if f.Format == "" {
		f.Format = filepath.Base(filepath.Dir(folder))
	}
	return f
}
