package main

import (
	"fmt"
	"html"
	"log/slog"
	"net"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"stillwater"
	"stillwater/simulator/world"
)

// fallen is the home in which the demo stages its fall: the same in every run with the usual homes and seed.
func fallen(t *testing.T) stillwater.HouseholdID {
	t.Helper()
	d, err := newDemo(demoOptions{homes: demoHomes, seed: demoSeed, speed: demoSpeed}, t.TempDir(), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	s, err := world.FindScenario("fall-in-bathroom")
	if err != nil {
		t.Fatal(err)
	}
	staged, err := d.world.Stage(s, "", d.begin.Add(demoFall))
	if err != nil || len(staged.Homes) != 1 {
		t.Fatalf("staged %+v: %v", staged, err)
	}
	return staged.Homes[0]
}

var (
	textLine  = regexp.MustCompile(`(?m)^SMS → (\+\d+) (.*)$`)
	callLimit = 60 * time.Second // from the console's first answer to the text about the fall
)

// textOf is the latest text on standard output that is about the incident: to whom, what, and its code.
func (p *process) textOf(code string) (to, text, own string, ok bool) {
	for _, m := range slices.Backward(textLine.FindAllStringSubmatch(p.stdout.String(), -1)) {
		if c := codeOf.FindStringSubmatch(m[2]); c != nil && strings.HasPrefix(c[1], code) {
			return m[1], m[2], c[1], true
		}
	}
	return "", "", "", false
}

// demoRig is the demo with somebody at its console.
type demoRig struct {
	*process
	*browser
	temp string
}

// startDemo starts it, and returns when the console answers.
func startDemo(t *testing.T, env ...string) *demoRig {
	t.Helper()
	address, temp := freeAddress(t), t.TempDir()
	began := time.Now()
	d := &demoRig{startProcess(t, append(env, "TMPDIR="+temp), "demo", "--listen", address, "--quiet"), newBrowser(t, address), temp}
	until(t, demoStarts, "the console answers", func() bool {
		if !d.running() {
			t.Fatal("the demo ended by itself")
		}
		return d.answers()
	})
	t.Logf("the console answers after %v", time.Since(began).Round(time.Millisecond))
	return d
}

// call waits for an incident at the home and for a text about it, other than those of before.
func (d *demoRig) call(home stillwater.HouseholdID, before ...stillwater.IncidentID) (found stillwater.Incident, to, text, code string) {
	d.process.t.Helper()
	until(d.process.t, callLimit, "a text about "+string(home), func() bool {
		for _, i := range d.incidents("") {
			if i.Household == home && i.Kind == stillwater.Welfare && !slices.Contains(before, i.ID) {
				var ok bool
				found = i
				to, text, code, ok = d.textOf(i.Code)
				return ok
			}
		}
		d.hasten()
		return false
	})
	return found, to, text, code
}

// hasten presses the fastest speed where the time was slowed down for another home.
func (d *demoRig) hasten() {
	if pressed := `name="speed" value="3600" aria-pressed="true"`; !strings.Contains(d.get("/phones"), pressed) {
		d.submit("/phones", "/clock", url.Values{"speed": {"3600"}, "back": {"/phones"}})
	}
}

// TestDemo is what somebody sees who tries the demo: a resident falls, a text comes, people take it on, and it ends without a trace.
func TestDemo(t *testing.T) {
	t.Parallel()
	home := fallen(t)
	d := startDemo(t)
	began := time.Now()
	first, to, text, _ := d.call(home)
	t.Logf("the text about the fall came %v after the console: %s", time.Since(began).Round(100*time.Millisecond), text)
	if phones := html.UnescapeString(d.get("/phones")); !strings.Contains(phones, text) || !strings.Contains(phones, to[len(to)-4:]) {
		t.Errorf("the page of the phones does not show %q to %s", text, to)
	}
	if state := d.homes()[home]; state != stillwater.ToBeChecked {
		t.Errorf("/api/homes says %q of the home", state)
	}
	d.looksAfterDevices(t)
	d.settleByForms(t, home, first)
	d.settleBySMS(t, home, first.ID)
	ports := d.ports()
	if len(ports) < 3 {
		t.Errorf("it listens on %v; want console, broker and bus", ports)
	}
	d.stop(os.Interrupt)
	d.gone(ports)
}

// looksAfterDevices sees that the meters and doors of the demo are known to be well, and its bus to be asked.
func (d *demoRig) looksAfterDevices(t *testing.T) {
	if page := d.get("/maintenance"); !strings.Contains(page, `id="buses"`) || strings.Contains(page, "⟦") {
		t.Error("the page of devices shows no bus")
	}
	until(t, patient, "the metrics tell of devices that are well, and of a bus that answers", func() bool {
		return d.metric(`stillwater_devices{trouble="none"}`) >= 12 && d.metric(`stillwater_bus_questions_total{bus="sim-modbus",result="value"}`) > 100
	})
}

// settleByForms takes the incident on and closes it as a browser would.
func (d *demoRig) settleByForms(t *testing.T, home stillwater.HouseholdID, i stillwater.Incident) {
	page := "/incidents/" + string(i.ID)
	d.submit(page, page, url.Values{"deed": {"acknowledge"}})
	if now := d.incident(home, i.ID); now.State != stillwater.Acknowledged || now.Holder == "" || now.Promise.IsZero() {
		t.Fatalf("after it was taken on: %+v", now)
	}
	note := "Broken hip; the ambulance is here."
	if after := d.submit(page, page, url.Values{"deed": {"close"}, "outcome": {"emergency"}, "known": {"seen"}, "note": {note}}); !strings.Contains(after, note) {
		t.Error("the note is not on the page")
	}
	if now := d.incident(home, i.ID); now.State != stillwater.ClosedState || now.Outcome != stillwater.Emergency || now.Known != stillwater.Seen {
		t.Fatalf("after it was closed: %+v", now)
	}
	if slices.ContainsFunc(d.incidents(""), func(o stillwater.Incident) bool { return o.ID == i.ID }) {
		t.Error("it is still among the open ones")
	}
	if hasForm(d.get(page), page, url.Values{"deed": {"help"}}) {
		t.Error("the closed incident still has its buttons")
	}
}

// settleBySMS waits for the next text, for nobody has helped her up, and answers it on the phone.
func (d *demoRig) settleBySMS(t *testing.T, home stillwater.HouseholdID, before stillwater.IncidentID) {
	i, to, _, code := d.call(home, before)
	d.submit("/phones", "/phones", url.Values{"phone": {to}, "text": {"1 " + code}})
	until(t, patient, "the reply acknowledges", func() bool {
		now := d.incident(home, i.ID)
		return now.State == stillwater.Acknowledged && now.Holder != ""
	})
	if now := d.incident(home, i.ID); !slices.ContainsFunc(now.Told, func(told stillwater.Told) bool { return string(told.Contact) == now.Holder }) {
		t.Errorf("held by %q, who was not told: %+v", now.Holder, now.Told)
	}
}

// gone checks that nothing is left behind.
func (d *demoRig) gone(ports []int) {
	t := d.process.t
	if left, err := os.ReadDir(d.temp); err != nil || len(left) > 0 {
		t.Errorf("left in the temporary folder: %v %v", left, err)
	}
	for _, port := range ports {
		if open(port) {
			t.Errorf("somebody still listens on port %d", port)
		}
	}
}

// TestDemoInterruptedAtStart is Ctrl-C before there is anything to see: no error, and nothing left.
func TestDemoInterruptedAtStart(t *testing.T) {
	t.Parallel()
	for _, after := range []time.Duration{0, 200 * time.Millisecond, 700 * time.Millisecond} {
		temp := t.TempDir()
		p := startProcess(t, []string{"TMPDIR=" + temp}, "demo", "--listen", freeAddress(t), "--quiet", "--homes", "60")
		until(t, patient, "it begins", func() bool { return strings.Contains(p.stderr.String(), "four weeks of history") })
		wait(t.Context(), after)
		p.stop(syscall.SIGINT)
		if said := p.stderr.String(); strings.Contains(said, "stillwater:") {
			t.Errorf("it says %q", said)
		}
		(&demoRig{process: p, temp: temp}).gone(nil)
	}
}

// TestDemoPortInUse is the second thing that goes wrong for everybody.
func TestDemoPortInUse(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	temp := t.TempDir()
	p := startProcess(t, []string{"TMPDIR=" + temp}, "demo", "--listen", l.Addr().String(), "--quiet")
	if code := p.end(demoStarts); code != 1 {
		t.Errorf("exit code %d, want 1", code)
	}
	want := fmt.Sprintf("stillwater: console: listen tcp %s: bind: address already in use\n", l.Addr())
	if said := p.stderr.String(); !strings.Contains(said, want) || !strings.Contains(said, "choose another address: --listen 127.0.0.1:8081") {
		t.Errorf("it says %q", said)
	}
	if out := p.stdout.String(); out != "" {
		t.Errorf("on standard output: %q", out)
	}
	(&demoRig{process: p, temp: temp}).gone(nil)
}
