package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/goburrow/modbus"
	"gopkg.in/yaml.v3"

	"stillwater"
	"stillwater/simulator/provider"
	"stillwater/simulator/world"
)

// try runs the program and gives what it wrote.
func try(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, err bytes.Buffer
	code = run(context.Background(), args, &out, &err)
	return code, out.String(), err.String()
}

// TestMistakes end with code 2, on the standard error, and say what is wrong.
func TestMistakes(t *testing.T) {
	for want, args := range map[string][]string{
		"unknown command":     {"sreve"},
		"unknown flag":        {"serve", "--home", "3"},
		"--out needs":         {"record"},
		`no scenario`:         {"record", "--out", t.TempDir(), "--scenario", "flood"},
		"1 is the first":      {"record", "--out", t.TempDir(), "--scenario", "burst-pipe@0"},
		"is no moment":        {"record", "--out", t.TempDir(), "--scenario", "burst-pipe@1@soon"},
		"--start":             {"record", "--out", t.TempDir(), "--start", "monday"},
		"Mars":                {"config", "--timezone", "Mars/Olympus"},
		"homes are not":       {"config", "--homes", "-1"},
		"--speed 0":           {"serve", "--speed", "0"},
		"is not like 2026-03": {"serve", "--begin", "noon"},
		"write NAME@HOME":     {"record", "--out", t.TempDir(), "--resident", "cat-fountain"},
		"no resident":         {"record", "--out", t.TempDir(), "--resident", "ghost@1"},
		"--each one":          {"stage", "--out", t.TempDir(), "--each", "0"},
		"--holidays":          {"stage", "--out", t.TempDir(), "--holidays", "easter"},
		"--alerts a file":     {"score", "--recording", t.TempDir()},
	} {
		code, stdout, stderr := try(t, args...)
		if code != 2 || !strings.Contains(stderr, want) || stdout != "" {
			t.Errorf("%v: code %d, stderr %q, stdout %q; want %q", args, code, stderr, stdout, want)
		}
	}
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if code, _, stderr := try(t, "record", "--days", "1", "--out", file); code != 1 || stderr == "" {
		t.Errorf("a file in the place of a folder: code %d, %q", code, stderr)
	}
}

func TestHelp(t *testing.T) {
	for _, args := range [][]string{{"--help"}, {"serve", "--help"}, {"record", "--help"}, {"config", "--help"}, {"scenarios", "--help"},
		{"residents", "--help"}, {"stage", "--help"}, {"score", "--help"}} {
		if code, stdout, _ := try(t, args...); code != 0 || !strings.Contains(stdout, "Usage:") {
			t.Errorf("%v: code %d\n%s", args, code, stdout)
		}
	}
}

func TestScenarioList(t *testing.T) {
	code, stdout, _ := try(t, "scenarios")
	all, err := world.Scenarios()
	if err != nil || code != 0 {
		t.Fatal(code, err)
	}
	for _, s := range all {
		if !strings.Contains(stdout, s.Name) || !strings.Contains(stdout, s.Story.Zh) || !strings.Contains(stdout, s.Story.En) {
			t.Errorf("%s is not told in both languages", s.Name)
		}
	}
}

func TestResidentList(t *testing.T) {
	code, stdout, _ := try(t, "residents")
	all, err := world.Residents()
	if err != nil || code != 0 {
		t.Fatal(code, err)
	}
	for _, r := range all {
		if !strings.Contains(stdout, r.Name) || !strings.Contains(stdout, r.Story.Zh) || !strings.Contains(stdout, r.Story.En) {
			t.Errorf("%s is not told in both languages", r.Name)
		}
	}
}

// TestStageAndScore stages a little, finds nothing in it, and scores that.
func TestStageAndScore(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "staged")
	code, stdout, stderr := try(t, "stage", "--each", "1", "--quiet", "1", "--seed", "9", "--out", dir)
	if code != 0 || !strings.Contains(stdout, "seed 9: 1 falls, 1 taps, 1 night exits, 1 burst pipes, 1 quiet homes, 60 days") {
		t.Fatalf("code %d\n%s\n%s", code, stdout, stderr)
	}
	alerts := filepath.Join(dir, "alerts.csv")
	if err := os.WriteFile(alerts, []byte("household,rule,severity,began,ended,why\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{nil, {"--json"}} {
		code, stdout, stderr = try(t, append([]string{"score", "--recording", dir, "--alerts", alerts}, args...)...)
		if code != 0 || !strings.Contains(stdout, "night-exit") || !regexp.MustCompile(`seed"?:? 9,`).MatchString(stdout) {
			t.Errorf("%v: code %d\n%s\n%s", args, code, stdout, stderr)
		}
	}
	if code, _, stderr := try(t, "score", "--recording", t.TempDir(), "--alerts", alerts); code != 1 || !strings.Contains(stderr, "stage.json") {
		t.Errorf("no recording: code %d, %q", code, stderr)
	}
}

// TestRecordResident: who lives there is asked for by name.
func TestRecordResident(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "recording")
	if code, _, stderr := try(t, "record", "--days", "2", "--homes", "3", "--resident", "couple@2", "--out", dir); code != 0 {
		t.Fatal(stderr)
	}
	if text, err := os.ReadFile(filepath.Join(dir, world.HouseholdsFile)); err != nil || !strings.Contains(string(text), "h002,Asia/Shanghai,2") {
		t.Errorf("%v\n%s", err, text)
	}
}

// TestRecord writes the same bytes twice.
func TestRecord(t *testing.T) {
	var dirs []string
	for range 2 {
		dir := filepath.Join(t.TempDir(), "recording")
		code, stdout, stderr := try(t, "record", "--days", "3", "--homes", "4", "--scenario", "fall-in-bathroom@2@+30h", "--out", dir)
		if code != 0 || !strings.Contains(stdout, "fall-in-bathroom in h002 from 2026-01-02") {
			t.Fatalf("code %d\n%s\n%s", code, stdout, stderr)
		}
		dirs = append(dirs, dir)
	}
	for _, name := range []string{world.ReadingsFile, world.HouseholdsFile, world.TruthFile} {
		a, errA := os.ReadFile(filepath.Join(dirs[0], name))
		b, errB := os.ReadFile(filepath.Join(dirs[1], name))
		if errA != nil || errB != nil || len(a) == 0 || !bytes.Equal(a, b) {
			t.Errorf("%s: %v %v, %d and %d bytes", name, errA, errB, len(a), len(b))
		}
	}
}

// TestConfig names every device and contact of the city, each contact once, and every unit.
func TestConfig(t *testing.T) {
	code, stdout, stderr := try(t, "config", "--homes", "50", "--modbus", "127.0.0.1:1502")
	var parts gatewayParts
	if err := yaml.Unmarshal([]byte(stdout), &parts); code != 0 || err != nil {
		t.Fatal(code, stderr, err)
	}
	units, contacts := map[string]bool{}, map[stillwater.ContactID]bool{}
	for _, u := range parts.Modbus[0].Units {
		units[fmt.Sprintf("%s/%d", parts.Modbus[0].Name, u.Unit)] = true
	}
	for _, c := range parts.Contacts {
		if contacts[c.ID] {
			t.Errorf("contact %s stands twice", c.ID)
		}
		contacts[c.ID] = true
	}
	if len(parts.Households) != 50 || len(contacts) != 52 || parts.Modbus[0].Address != "127.0.0.1:1502" {
		t.Errorf("%d homes, %d contacts", len(parts.Households), len(contacts))
	}
	for _, h := range parts.Households {
		for _, d := range h.Devices {
			if !units[d.Source] && !strings.HasPrefix(d.Source, parts.MQTT[0].Name+"/stillwater/"+string(h.ID)) {
				t.Errorf("%s: nothing reads %q", h.ID, d.Source)
			}
		}
		for _, id := range append(h.Family, h.Workers...) {
			if !contacts[id] {
				t.Errorf("%s: no contact %q", h.ID, id)
			}
		}
	}
}

// TestServe serves a city without a broker: its meters answer, a text is taken, and it ends when it is told to.
func TestServe(t *testing.T) {
	ctx, stop := context.WithCancel(context.Background())
	out := &lines{more: make(chan struct{}, 1)}
	done := make(chan int, 1)
	go func() {
		done <- run(ctx, []string{"serve", "--homes", "2", "--modbus", "127.0.0.1:0", "--mqtt", "", "--provider", "127.0.0.1:0", "--speed", "60",
			"--scenario", "burst-pipe@1@+1m"}, out, io.Discard)
	}()
	meters := out.find(t, `meters on "([^"]+)"`)
	phones := out.find(t, `phones on (http://[^/]+)/`)
	out.find(t, `(?m)^exercise: \{speed: 60, wall: (.*Z), event: .*Z\}$`)
	if _, err := modbus.TCPClient(meters).ReadHoldingRegisters(0, 2); err == nil {
		t.Error("unit 0 answers") // it is nobody's
	}
	handler := modbus.NewTCPClientHandler(meters)
	handler.SlaveId, handler.Timeout = 1, 5*time.Second
	if _, err := modbus.NewClient(handler).ReadHoldingRegisters(0, 2); err != nil {
		t.Error(err)
	}
	handler.Close()
	form := url.Values{"To": {"+8613900000001"}, "From": {"+15550100"}, "Body": {"您好"}}
	request, _ := http.NewRequest("POST", phones+"/2010-04-01/Accounts/"+provider.DefaultAccount+"/Messages.json", strings.NewReader(form.Encode()))
	request.SetBasicAuth(provider.DefaultAccount, provider.DefaultToken)
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if answer, err := http.DefaultClient.Do(request); err != nil || answer.StatusCode != http.StatusCreated {
		t.Errorf("%v %v", answer, err)
	}
	out.find(t, `SMS → (\+8613900000001) 您好`)
	stop()
	select {
	case code := <-done:
		if code != 0 {
			t.Errorf("code %d", code)
		}
	case <-time.After(10 * time.Second):
		t.Fatal("it does not end")
	}
}

// TestServeAddressTaken ends at once, with a message.
func TestServeAddressTaken(t *testing.T) {
	if code, _, stderr := try(t, "serve", "--mqtt", "", "--provider", "", "--modbus", "127.0.0.1:99999"); code != 1 || !strings.Contains(stderr, "99999") {
		t.Errorf("code %d, %q", code, stderr)
	}
}

// lines is a writer that can be waited for.
type lines struct {
	mu   sync.Mutex // guards text
	text bytes.Buffer
	more chan struct{}
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	select {
	case l.more <- struct{}{}:
	default:
	}
	return l.text.Write(p)
}

// find waits for a line and gives its first group.
func (l *lines) find(t *testing.T, pattern string) string {
	t.Helper()
	shape, deadline := regexp.MustCompile(pattern), time.After(10*time.Second)
	for {
		l.mu.Lock()
		found := shape.FindStringSubmatch(l.text.String())
		l.mu.Unlock()
		if found != nil {
			return found[1]
		}
		select {
		case <-l.more:
		case <-deadline:
			t.Fatalf("not written: %s\n%s", pattern, &l.text)
		}
	}
}
