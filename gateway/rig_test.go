package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"html"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"stillwater"
)

// TestMain lets the test binary be the gateway, for tests that start it and for scripts: what they stop or kill is the real process.
func TestMain(m *testing.M) {
	if os.Getenv("STILLWATER_TEST_MAIN") != "" {
		main()
		os.Exit(0)
	}
	testscript.Main(m, map[string]func(){"stillwater": main})
}

// patient is how long tests wait for what must come on a machine that does other things too.
const patient = 30 * time.Second

// demoStarts is how long they wait for the demo, which reads four weeks of history first: a second, or with the race detector on a
// busy machine far more.
const demoStarts = 3 * time.Minute

// until waits for something to become true.
func until(t *testing.T, within time.Duration, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(within); !ok(); wait(t.Context(), 20*time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("within %v not seen: %s", within, what)
		}
	}
}

// written is what a process wrote so far.
type written struct {
	mu   sync.Mutex // guards text
	text bytes.Buffer
}

func (w *written) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.text.Write(p)
}

func (w *written) String() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.text.String()
}

// A process is the gateway as a process of its own.
type process struct {
	t              *testing.T
	cmd            *exec.Cmd
	stdout, stderr *written
	ended          chan struct{}
	err            error // valid once ended is closed
}

// startProcess starts the command with more variables in its environment. It is killed with the test if it still runs then.
func startProcess(t *testing.T, env []string, args ...string) *process {
	t.Helper()
	p := &process{t: t, cmd: exec.Command(os.Args[0], args...), stdout: &written{}, stderr: &written{}, ended: make(chan struct{})}
	p.cmd.Env = append(append(os.Environ(), "STILLWATER_TEST_MAIN=1"), env...)
	p.cmd.Stdout, p.cmd.Stderr = p.stdout, p.stderr
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() { p.err = p.cmd.Wait(); close(p.ended) }()
	t.Cleanup(func() {
		_ = p.cmd.Process.Kill() // it has usually ended
		<-p.ended
		if t.Failed() {
			t.Logf("%v wrote\n%s\nand on standard error\n%s", args, p.stdout, p.stderr)
		}
	})
	return p
}

// running says whether it has not ended.
func (p *process) running() bool {
	select {
	case <-p.ended:
		return false
	default:
		return true
	}
}

// end waits for the end and gives the exit code.
func (p *process) end(within time.Duration) int {
	p.t.Helper()
	select {
	case <-p.ended:
	case <-time.After(within):
		p.t.Fatalf("it has not ended within %v", within)
	}
	var exit *exec.ExitError
	if p.err != nil && !errors.As(p.err, &exit) {
		p.t.Fatal(p.err)
	}
	return p.cmd.ProcessState.ExitCode()
}

// stop asks it to end, which it must do at once and well.
func (p *process) stop(with os.Signal) {
	p.t.Helper()
	if !p.running() {
		p.t.Fatalf("it ended by itself: %v", p.err)
	}
	began := time.Now()
	if err := p.cmd.Process.Signal(with); err != nil {
		p.t.Fatal(err)
	}
	if code := p.end(stopWithin); code != 0 {
		p.t.Errorf("after %v it ended with %d: %s", with, code, last(p.stderr.String(), 500))
	}
	p.t.Logf("%v: it ended within %v", with, time.Since(began).Round(time.Millisecond))
}

// last is the end of a text.
func last(text string, n int) string { return text[max(0, len(text)-n):] }

// ports are those the process listens on.
func (p *process) ports() []int {
	p.t.Helper()
	if runtime.GOOS != "linux" {
		return nil
	}
	sockets := map[string]bool{}
	open, err := filepath.Glob(fmt.Sprintf("/proc/%d/fd/*", p.cmd.Process.Pid))
	if err != nil || len(open) == 0 {
		p.t.Fatalf("open files of the process: %v %v", open, err)
	}
	for _, file := range open {
		if target, err := os.Readlink(file); err == nil && strings.HasPrefix(target, "socket:[") {
			sockets[strings.Trim(target[len("socket:"):], "[]")] = true
		}
	}
	var ports []int
	for _, table := range []string{"/proc/net/tcp", "/proc/net/tcp6"} {
		data, err := os.ReadFile(table)
		if err != nil {
			continue
		}
		for _, line := range strings.Split(string(data), "\n") {
			f := strings.Fields(line)
			if len(f) < 10 || f[3] != "0A" || !sockets[f[9]] { // 0A: listening
				continue
			}
			_, hex, _ := strings.Cut(f[1], ":")
			if port, err := strconv.ParseInt(hex, 16, 32); err == nil {
				ports = append(ports, int(port))
			}
		}
	}
	slices.Sort(ports)
	return ports
}

// open says whether somebody listens on a port of this machine.
func open(port int) bool {
	c, err := net.DialTimeout("tcp", fmt.Sprintf("127.0.0.1:%d", port), time.Second)
	if err != nil {
		return false
	}
	c.Close()
	return true
}

// freeAddress is one that nobody listens on now.
func freeAddress(t *testing.T) string {
	t.Helper()
	ports, err := freePorts(1)
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("127.0.0.1:%d", ports[0])
}

// A browser is somebody at the console.
type browser struct {
	t      *testing.T
	at     string
	client *http.Client
}

func newBrowser(t *testing.T, address string) *browser {
	return &browser{t: t, at: "http://" + address, client: &http.Client{
		Timeout: patient, Transport: &http.Transport{DisableKeepAlives: true},
	}}
}

// answers says whether the console does.
func (b *browser) answers() bool {
	resp, err := b.client.Get(b.at + "/healthz")
	if err != nil {
		return false
	}
	resp.Body.Close()
	return true
}

// get fetches a page.
func (b *browser) get(path string) string {
	b.t.Helper()
	resp, err := b.client.Get(b.at + path)
	if err != nil {
		b.t.Fatal(err)
	}
	return b.read(resp, path)
}

func (b *browser) read(resp *http.Response, path string) string {
	b.t.Helper()
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		b.t.Fatalf("%s: %s, %v\n%s", path, resp.Status, err, body)
	}
	return string(body)
}

// submit presses a button on a page: the form with that action must be there, with a field or button for each value. It gives the
// page that comes after.
func (b *browser) submit(page, action string, values url.Values) string {
	b.t.Helper()
	if !hasForm(b.get(page), action, values) {
		b.t.Fatalf("%s has no form for %s with %v", page, action, values)
	}
	req, err := http.NewRequest("POST", b.at+action, strings.NewReader(values.Encode()))
	if err != nil {
		b.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Origin", b.at)
	req.Header.Set("Referer", b.at+page)
	resp, err := b.client.Do(req)
	if err != nil {
		b.t.Fatal(err)
	}
	return b.read(resp, action)
}

var forms = regexp.MustCompile(`(?s)<form method="post" action="([^"]*)".*?</form>`)

// hasForm says whether a page has a form that can send the values; free text has no value of its own.
func hasForm(page, action string, values url.Values) bool {
	for _, form := range forms.FindAllStringSubmatch(html.UnescapeString(page), -1) {
		can := form[1] == action
		for name, value := range values {
			offered := strings.Contains(form[0], fmt.Sprintf(`name="%s" value="%s"`, name, value[0]))
			free := regexp.MustCompile(`<(input type="text"|textarea|select) name="` + name + `"`).MatchString(form[0])
			can = can && (offered || free)
		}
		if can {
			return true
		}
	}
	return false
}

// json reads an answer for machines.
func (b *browser) json(path string, into any) {
	b.t.Helper()
	if err := json.Unmarshal([]byte(b.get(path)), into); err != nil {
		b.t.Fatalf("%s: %v", path, err)
	}
}

// incidents are the open ones, or the latest of a household.
func (b *browser) incidents(of stillwater.HouseholdID) []stillwater.Incident {
	b.t.Helper()
	path := "/api/incidents"
	if of != "" {
		path += "?household=" + url.QueryEscape(string(of))
	}
	var list []stillwater.Incident
	b.json(path, &list)
	return list
}

// incident is the one of that name.
func (b *browser) incident(of stillwater.HouseholdID, id stillwater.IncidentID) stillwater.Incident {
	b.t.Helper()
	list := b.incidents(of)
	i := slices.IndexFunc(list, func(i stillwater.Incident) bool { return i.ID == id })
	if i < 0 {
		b.t.Fatalf("%s has no incident %s", of, id)
	}
	return list[i]
}

// homes are the states of all homes.
func (b *browser) homes() map[stillwater.HouseholdID]stillwater.HomeState {
	b.t.Helper()
	var list []stillwater.Standing
	b.json("/api/homes", &list)
	states := map[stillwater.HouseholdID]stillwater.HomeState{}
	for _, s := range list {
		states[s.Household] = s.State
	}
	return states
}

// metric is the value of a counter, 0 while it is not there.
func (b *browser) metric(name string) int {
	b.t.Helper()
	for _, line := range strings.Split(b.get("/metrics"), "\n") {
		if value, ok := strings.CutPrefix(line, name+" "); ok {
			n, err := strconv.ParseFloat(value, 64)
			if err != nil {
				b.t.Fatalf("%s: %v", line, err)
			}
			return int(n)
		}
	}
	return 0
}

// readings is how many had the outcome.
func (b *browser) readings(outcome string) int {
	b.t.Helper()
	return b.metric(`stillwater_readings_total{outcome="` + outcome + `"}`)
}
