package influx

import (
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"stillwater"
)

// TestLines is the schema: what goes out for a reading, a finding that begins and ends, of a home and of a group, and an incident.
func TestLines(t *testing.T) {
	r := newRecorder(t)
	token := stillwater.Secret{Env: "INFLUX_TOKEN"}
	token.Set("secret")
	h, stop := running(t, at(t, r.URL, Config{Org: "street", Token: token}))
	f := stillwater.Finding{Household: "h1", Device: "m 1", Rule: "device", Kind: stillwater.Equipment, Severity: stillwater.Notice, Began: noon, Trial: true,
		Facts: stillwater.Facts{Span: 90 * time.Second, Limit: time.Minute, Litres: 12.5}}
	over := f
	over.Ended = noon.Add(time.Hour)
	shared := stillwater.Finding{Group: "building/Willow Street/Riverside//7", Rule: "common", Kind: stillwater.Water, Severity: stillwater.Alert, Began: noon,
		Facts: stillwater.Facts{Members: []stillwater.HouseholdID{"h1", "h2"}}}
	h.Committed(&stillwater.Batch{
		Entries: []stillwater.Entry{
			{Seq: 41, Tick: noon}, {Seq: 1042, Reading: new(reading(0))}, {Seq: 1043, Reading: new(reading(0))},
			{Seq: 44, Reading: &stillwater.Reading{Household: "h1", Value: math.NaN(), At: noon}}, {Seq: 45, Reading: &stillwater.Reading{Household: "h1", Value: 1}},
		},
		Findings:  []stillwater.Finding{f, over, shared},
		Incidents: []stillwater.Incident{incident()},
	})
	stop() // before the interval is over: what is in hand is sent at the stop
	want := []string{
		`reading,device=m\ 1,household=h1,quantity=water.total value=0.5 1772366400123456042`,
		`reading,device=m\ 1,household=h1,quantity=water.total value=0.5 1772366400123456043`,
		`finding,device=m\ 1,household=h1,kind=device,rule=device,severity=notice limit_s=60,litres=12.5,open=1i,span_s=90,trial=1i 1772366400123456000`,
		`finding,device=m\ 1,household=h1,kind=device,rule=device,severity=notice lasted_s=3600,limit_s=60,litres=12.5,open=0i,span_s=90,trial=1i 1772366400123456000`,
		`finding,group=building-b97ea37b79,kind=water,rule=common,severity=alert homes=2i,limit_s=0,litres=0,open=1i,span_s=0,trial=0i 1772366400123456000`,
		`incident,household=h1,kind=welfare,state=closed findings=1i,id="K7Q",known="spoken",outcome="helped",severity="alert",since_opened_s=1800,told=2i 1772368200123456474`,
	}
	if got := r.got(); !slices.Equal(got, want) {
		t.Errorf("lines\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	q := r.last.URL.Query()
	if r.last.URL.Path != "/api/v2/write" || q.Get("bucket") != "gw/autogen" || q.Get("org") != "street" || q.Get("precision") != "ns" ||
		r.last.Header.Get("Authorization") != "Token secret" || r.last.Header.Get("Content-Encoding") != "gzip" {
		t.Errorf("asked %s with %v", r.last.URL, r.last.Header)
	}
	if c := h.Counts(); c.Written != 6 || c.Rejected != 2 || c.Waiting+c.Dropped+c.Damaged != 0 {
		t.Errorf("counts %+v", c)
	}
}

// incident is one with a name, a number and a note in it, none of which may go out.
func incident() stillwater.Incident {
	return stillwater.Incident{
		ID: "K7Q", Code: "K7Q", Household: "h1", Kind: stillwater.Welfare, Severity: stillwater.Alert, State: stillwater.ClosedState, Opened: noon, Holder: "Wang Fang",
		Findings: []stillwater.Finding{{Rule: "silence-24h"}}, Outcome: stillwater.Helped, Known: stillwater.Spoken, Closed: noon.Add(30 * time.Minute),
		Log: []stillwater.Event{
			{At: noon, What: "opened", Note: "silence-24h alert"}, {At: noon, What: "told", Who: "+8613800138000"}, {At: noon.Add(time.Minute), What: "told", Who: "li-na"},
			{At: noon.Add(10 * time.Minute), What: "acknowledged", Who: "Wang Fang", Note: "on my way to 7 Willow Street"},
			{At: noon.Add(30 * time.Minute), What: "closed", Who: "Wang Fang", Note: "helped (spoken)"}, {At: noon.Add(31 * time.Minute), What: "receipt"},
		},
	}
}

// identity is what a database knows a point by: measurement, tags and time.
func identity(line []byte) string {
	fields := strings.Split(strings.ReplaceAll(string(line), `\ `, "_"), " ")
	return fields[0] + " " + fields[len(fields)-1]
}

// TestIdentity: different things are different points, and the same thing said again is the same point.
func TestIdentity(t *testing.T) {
	seen := map[string]string{}
	differs := func(what string, line []byte) {
		t.Helper()
		id := identity(line)
		if other, there := seen[id]; there {
			t.Errorf("%s and %s are one point: %s", what, other, id)
		}
		seen[id] = what
	}
	same := func(what string, a, b []byte) {
		t.Helper()
		if identity(a) != identity(b) {
			t.Errorf("%s: %s and %s", what, a, b)
		}
	}
	r := reading(0)
	open := r
	open.Quantity = stillwater.Door
	shut := open
	shut.Value = stillwater.Closed
	open.Value = stillwater.Open
	differs("a reading", readingLine(7, r))
	differs("the door opens", readingLine(8, open))
	differs("and shuts within the second that its clock knows", readingLine(9, shut))
	if a, b := readingLine(8, open), readingLine(9, shut); string(a[len(a)-19:]) >= string(b[len(b)-19:]) {
		t.Errorf("%s comes after %s", a, b)
	}
	same("a reading again", readingLine(9, shut), readingLine(9, shut))
	f := stillwater.Finding{Household: "h1", Rule: "silence-24h", Kind: stillwater.Welfare, Severity: stillwater.Alert, Began: noon}
	over := f
	over.Ended = noon.Add(time.Hour)
	same("a finding that ends", findingLine(f), findingLine(over))
	differs("a finding", findingLine(f))
	for what, change := range map[string]func(*stillwater.Finding){
		"another home": func(f *stillwater.Finding) { f.Household = "h2" }, "another rule": func(f *stillwater.Finding) { f.Rule = "silence-12h" },
		"a device": func(f *stillwater.Finding) { f.Device = "m1" }, "another moment": func(f *stillwater.Finding) { f.Began = noon.Add(stillwater.Instant) },
		"a building": func(f *stillwater.Finding) { f.Household, f.Group = "", "building/A/B/C/7" },
		"another":    func(f *stillwater.Finding) { f.Household, f.Group = "", "building/A/B/C/8" },
	} {
		g := f
		change(&g)
		differs(what, findingLine(g))
	}
	i := incident()
	lines := incidentLines(i, true)
	if len(lines) != 3 {
		t.Fatalf("%d states: %s", len(lines), lines)
	}
	for _, l := range lines {
		differs("a state of an incident", l)
		for _, personal := range []string{"Wang", "138", "li-na", "Willow"} {
			if strings.Contains(string(l), personal) {
				t.Errorf("%q goes out: %s", personal, l)
			}
		}
	}
	before := i
	before.Log, before.State = i.Log[:3], stillwater.Opened
	same("a state as it was written then", incidentLines(before, false)[0], lines[2])
	other := i
	other.ID = "K7R"
	differs("another incident of the home at that moment", incidentLines(other, false)[0])
}

// TestHouseholdOf reads back of a line whose it is, whatever it is called.
func TestHouseholdOf(t *testing.T) {
	for _, id := range []stillwater.HouseholdID{"h1", "a b", "a,b=c", "王家", `x\y`, ""} {
		for _, l := range [][]byte{readingLine(1, stillwater.Reading{Household: id, Device: "m,household=x", At: noon}), findingLine(stillwater.Finding{Household: id, Rule: "r", Began: noon})} {
			if got := householdOf(l); got != id {
				t.Errorf("%q of %s", got, l)
			}
		}
	}
}

// TestEmptyTag: a line with an empty tag is none, and a database refuses it.
func TestEmptyTag(t *testing.T) {
	for _, l := range [][]byte{readingLine(1, stillwater.Reading{Household: "h", Device: `m\`, Quantity: "q", At: noon}), findingLine(stillwater.Finding{Rule: "r", Began: noon})} {
		if text := string(l); strings.Contains(text, "=,") || strings.Contains(text, "= ") || strings.Contains(text, `\,`) {
			t.Errorf("%s", l)
		}
	}
}
