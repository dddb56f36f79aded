package words

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/text/language"
	"pgregory.net/rapid"

	"stillwater"
)

var update = flag.Bool("update", false, "write the golden files in testdata anew")

func newWords(t testing.TB) *Words {
	t.Helper()
	w, err := New()
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// day is a moment of the test day in Shanghai.
func day(d, hour, minute int) time.Time {
	return time.Date(2025, 11, d, hour, minute, 0, 0, time.FixedZone("CST", 8*3600))
}

func wang() stillwater.Household {
	return stillwater.Household{
		ID: "h7", Name: "王秀英", TimeZone: "Asia/Shanghai",
		Place:   stillwater.Place{Street: "招宝山街道", Community: "总浦桥社区", Grid: "3网格", Building: "12号楼402"},
		Devices: []stillwater.Device{{ID: "88001234", Kind: stillwater.Meter}, {ID: "door-1", Kind: stillwater.DoorContact}},
		Contacts: []stillwater.Contact{
			{ID: "son", Name: "王建国", Role: stillwater.Family, Remote: true},
			{ID: "li", Name: "李敏", Role: stillwater.Worker},
		},
	}
}

// findings is one finding of each detector, with the facts it gives.
func findings() []stillwater.Finding {
	data := day(4, 16, 0)
	life := stillwater.Life{Water: day(3, 13, 50), Door: day(3, 9, 12)}
	return []stillwater.Finding{
		{Rule: "silence-24h", Kind: stillwater.Welfare, Facts: stillwater.Facts{Since: day(3, 13, 50), Span: 26 * time.Hour, Usual: 9 * time.Hour, DataTo: data, Life: life}},
		{Rule: "silence-12h", Kind: stillwater.Welfare, Facts: stillwater.Facts{Since: day(4, 2, 0), Span: 14 * time.Hour, DataTo: data, Night: true}},
		{Rule: "silence-under-10L-24h", Kind: stillwater.Welfare, Facts: stillwater.Facts{Limit: 24 * time.Hour, Litres: 3.4, Bound: 10, DataTo: data}},
		{Rule: "away-alert", Kind: stillwater.Welfare, Facts: stillwater.Facts{Since: day(4, 4, 0), Span: 12*time.Hour + 5*time.Minute, Usual: 3 * time.Hour, DataTo: data, Life: life}},
		{Rule: "surge-2m3-day", Kind: stillwater.Water, Facts: stillwater.Facts{Since: day(3, 16, 0), Limit: 24 * time.Hour, Litres: 2150, Bound: 2000, DataTo: data}},
		{Rule: "leak-running", Kind: stillwater.Water, Severity: stillwater.Urgent, Facts: stillwater.Facts{Since: day(4, 13, 50), Span: 130 * time.Minute, Litres: 312, DataTo: data}},
		{Rule: "leak-24h", Kind: stillwater.Water, Facts: stillwater.Facts{Since: day(3, 15, 0), Span: 25 * time.Hour, Limit: 24 * time.Hour, DataTo: data}},
		{Rule: "door-open", Kind: stillwater.DoorKind, Facts: stillwater.Facts{Since: day(4, 14, 30), Span: 90 * time.Minute, Limit: time.Hour, DataTo: data}},
		{Rule: "device-silent", Device: "88001234", Kind: stillwater.Equipment, Facts: stillwater.Facts{Since: day(4, 9, 0), Span: 7 * time.Hour}},
		{Rule: "device-blind", Kind: stillwater.Equipment, Facts: stillwater.Facts{Since: day(3, 14, 0), Span: 26 * time.Hour, DataTo: day(3, 14, 0)}},
		{Rule: "common-cause-water", Group: "building/柳树街道/河滨社区//7号楼", Kind: stillwater.Welfare, Facts: stillwater.Facts{Since: day(4, 3, 50), Span: 12 * time.Hour, DataTo: data, Members: []stillwater.HouseholdID{"h3", "h1", "h2"}, Homes: 4}},
		{Rule: "common-cause-blind", Group: "feed/lobby", Kind: stillwater.Equipment, Facts: stillwater.Facts{Since: day(4, 15, 0), Span: 40 * time.Minute, DataTo: day(4, 15, 0), Members: []stillwater.HouseholdID{"h3", "h1", "h2"}, Homes: 4}},
		{Rule: "no-exit", Kind: stillwater.Welfare, Facts: stillwater.Facts{Since: day(1, 9, 0), Span: 79 * time.Hour, DataTo: data}},
		{Rule: "door-open-night", Kind: stillwater.DoorKind, Facts: stillwater.Facts{Since: day(4, 14, 30), Span: 90 * time.Minute, Limit: time.Hour, DataTo: data, Night: true}},
		{Rule: "door-unusual", Kind: stillwater.DoorKind, Facts: stillwater.Facts{Since: day(3, 22, 0), Span: 5 * time.Hour, Count: 9, DataTo: data, Night: true}},
		{Rule: "night-exit", Kind: stillwater.Welfare, Facts: stillwater.Facts{Since: day(4, 2, 8), Span: 37 * time.Minute, Usual: 9 * time.Hour, DataTo: data, Life: life, Night: true}},
		{Rule: "device-door-stuck", Device: "door-1", Kind: stillwater.Equipment, Facts: stillwater.Facts{Since: day(1, 9, 0), Span: 15 * 24 * time.Hour}},
		{Rule: "device-door-inverted", Device: "door-1", Kind: stillwater.Equipment, Facts: stillwater.Facts{Since: day(1, 9, 0), Span: 26 * time.Hour}},
		{Rule: "device-door-chattering", Device: "door-1", Kind: stillwater.Equipment, Facts: stillwater.Facts{Since: day(4, 9, 0), Span: 30 * time.Minute}},
		{Rule: "silence-learned", Kind: stillwater.Welfare, Facts: stillwater.Facts{Since: day(4, 7, 45), Span: 14 * time.Hour, Usual: 9 * time.Hour, DataTo: data, Life: life, Doubt: stillwater.DoorStuck}},
		{Rule: "custom-my-own", Kind: stillwater.Welfare, Facts: stillwater.Facts{Since: day(1, 9, 0), Span: 79 * time.Hour, DataTo: data}},
		{Rule: "absence-use", Kind: stillwater.Welfare, Severity: stillwater.Question, Facts: stillwater.Facts{Since: day(4, 10, 0), Litres: 19, DataTo: data, Life: life}},
		{Rule: "absence-back", Kind: stillwater.Welfare, Severity: stillwater.Question, Facts: stillwater.Facts{Since: day(4, 15, 5), Litres: 32, DataTo: data, Life: life}},
		{Rule: "surge-learned", Kind: stillwater.Water, Severity: stillwater.Alert, Facts: stillwater.Facts{Since: day(3, 16, 0), Limit: 24 * time.Hour, Litres: 640, Bound: 420, DataTo: data}},
		{Rule: "leak-night", Kind: stillwater.Water, Facts: stillwater.Facts{Since: day(1, 0, 0), Span: 78 * time.Hour, Limit: 72 * time.Hour, Base: 3, Reduced: true, DataTo: data}},
		{Rule: "silence-learned", Kind: stillwater.Welfare, Facts: stillwater.Facts{Since: day(4, 7, 45), Span: 14 * time.Hour, Usual: 9 * time.Hour, DataTo: data, Step: 10}},
	}
}

var purposes = []stillwater.Purpose{stillwater.Ask, stillwater.Tell, stillwater.Again, stillwater.Update, stillwater.Done, stillwater.Which}

// TestSMSGolden holds every text by purpose and detector in both languages, so that a change of words is read by somebody.
func TestSMSGolden(t *testing.T) {
	w := newWords(t)
	var b strings.Builder
	for _, lang := range []string{"zh-CN", "en"} {
		for _, p := range purposes {
			for _, f := range findings() {
				if (p == stillwater.Done || p == stillwater.Which) && f.Rule != "silence-24h" {
					continue
				}
				fmt.Fprintf(&b, "%s %s %s\n\t%s\n", lang, p, f.Rule, w.SMS(messageOf(p, lang), incidentOf(p, f), wang()))
			}
		}
		for _, s := range specials() {
			s.m.Language = lang
			fmt.Fprintf(&b, "%s %s\n\t%s\n", lang, s.name, w.SMS(s.m, s.inc, wang()))
		}
		for _, f := range findings() {
			f.Began = day(4, 16, 0)
			fmt.Fprintf(&b, "%s why %s\n\t%s\n", lang, f.Rule, w.Why(lang, f, wang()))
		}
	}
	goldenFile(t, "testdata/texts.golden", b.String())
}

func messageOf(p stillwater.Purpose, lang string) stillwater.Message {
	return stillwater.Message{Purpose: p, Language: lang, Code: "K7M3", Created: day(4, 16, 5), Severity: stillwater.Alert, Contact: "li"}
}

func incidentOf(p stillwater.Purpose, f stillwater.Finding) stillwater.Incident {
	f.Began = day(4, 16, 0)
	inc := stillwater.Incident{Code: "K7M", Household: "h7", Kind: f.Kind, State: stillwater.Opened, Opened: f.Began}
	if f.Group != "" {
		inc.Household, inc.Group = "", f.Group
	}
	switch p {
	case stillwater.Update:
		f.Ended = day(4, 16, 4)
		inc.Log = []stillwater.Event{{What: "opened"}, {What: "ended"}}
	case stillwater.Done:
		inc.State, inc.Outcome, inc.Known = stillwater.ClosedState, stillwater.FalseAlarm, stillwater.Spoken
	}
	inc.Findings = []stillwater.Finding{f}
	return inc
}

type special struct {
	name string
	m    stillwater.Message
	inc  stillwater.Incident
}

// specials are texts that the table of purposes and detectors does not reach.
func specials() []special {
	silence, running := findings()[0], findings()[5]
	taken := func(by string, what ...string) stillwater.Incident {
		inc := incidentOf(stillwater.Tell, silence)
		inc.State, inc.Holder = stillwater.Acknowledged, by
		for _, what := range what {
			inc.Log = append(inc.Log, stillwater.Event{What: what, Who: by})
		}
		return inc
	}
	repeat := messageOf(stillwater.Tell, "")
	repeat.Repeat = true
	urgent := messageOf(stillwater.Tell, "")
	urgent.Severity = stillwater.Urgent
	remote := messageOf(stillwater.Tell, "")
	remote.Contact = "son"
	assumed := incidentOf(stillwater.Done, silence)
	assumed.Known = stillwater.Assumed
	return []special{
		{"tell repeated", repeat, incidentOf(stillwater.Tell, silence)},
		{"tell urgent", urgent, incidentOf(stillwater.Tell, running)},
		{"tell remote", remote, incidentOf(stillwater.Tell, silence)},
		{"update taken on", messageOf(stillwater.Update, ""), taken("li", "acknowledged")},
		{"update taken on by a remote one", messageOf(stillwater.Update, ""), taken("son", "acknowledged")},
		{"update taken on at the desk", messageOf(stillwater.Update, ""), taken("console", "acknowledged")},
		{"update on site", messageOf(stillwater.Update, ""), taken("li", "acknowledged", "on-site")},
		{"again after a promise", messageOf(stillwater.Again, ""), taken("li", "acknowledged", "promise-lapsed")},
		{"again after an assumed outcome", messageOf(stillwater.Again, ""), taken("li", "closed", "reopened")},
		{"tell after a call for help", messageOf(stillwater.Tell, ""), taken("li", "acknowledged", "help")},
		{"again for an outcome", messageOf(stillwater.Again, ""), incidentOf(stillwater.Update, silence)},
		{"done assumed", messageOf(stillwater.Done, ""), assumed},
		{"tell without findings", messageOf(stillwater.Tell, ""), stillwater.Incident{Kind: stillwater.Water}},
		{"which without an incident", messageOf(stillwater.Which, ""), stillwater.Incident{}},
	}
}

func lineAt(lines []string, i int) string {
	if i < len(lines) {
		return lines[i]
	}
	return "(none)"
}

// TestSMSLimits: whatever the facts, a text has at most two segments, English only the letters of GSM 03.38; it ends with
// the code, begins with the sender, and gives away neither place nor name.
func TestSMSLimits(t *testing.T) {
	w := newWords(t)
	rapid.Check(t, func(t *rapid.T) {
		home := wang()
		home.Name = rapid.SampledFrom([]string{"王秀英", "欧阳慧兰", "仝桂芳", "Mary Smith", "Wolfeschlegelsteinhausen Zoë", "Łucja Żak", "Алла Попова", "", "Ann"}).Draw(t, "name")
		inc, m := drawIncident(t), drawMessage(t)
		text := w.SMS(m, inc, home)
		segments, length := Segments(text)
		if segments > 2 {
			t.Fatalf("%d segments, %d characters: %s", segments, length, text)
		}
		sender := "【安居水哨】"
		if m.Language != "zh-CN" {
			sender = "Stillwater: "
			if !plainLetters(text) {
				t.Fatalf("not only GSM-7 letters: %s", text)
			}
		}
		if !strings.HasPrefix(text, sender) || !strings.HasSuffix(text, "["+m.Code+"]") {
			t.Fatalf("wants the sender before and the code after: %s", text)
		}
		for _, secret := range []string{"秀英", "慧兰", "Smith", "12号楼", "总浦桥", "3网格", "招宝山", "<no value>", "⟦", "⟧"} {
			if strings.Contains(text, secret) {
				t.Fatalf("contains %q: %s", secret, text)
			}
		}
		mark := map[bool]string{true: "重发", false: "(repeat)"}[m.Language == "zh-CN"]
		if strings.Contains(text, mark) != m.Repeat {
			t.Fatalf("repeat %v: %s", m.Repeat, text)
		}
	})
}

func drawMessage(t *rapid.T) stillwater.Message {
	return stillwater.Message{
		Purpose:  rapid.SampledFrom(purposes).Draw(t, "purpose"),
		Language: rapid.SampledFrom([]string{"zh-CN", "en", "fr", ""}).Draw(t, "language"),
		Severity: rapid.SampledFrom([]stillwater.Severity{stillwater.Question, stillwater.Alert, stillwater.Urgent}).Draw(t, "severity"),
		Contact:  rapid.SampledFrom([]stillwater.ContactID{"son", "li", "gone"}).Draw(t, "contact"),
		Code:     rapid.StringMatching(`[A-Z0-9]{3,8}`).Draw(t, "code"),
		Repeat:   rapid.Bool().Draw(t, "repeat"),
		Created:  day(4, 16, 5).Add(time.Duration(rapid.IntRange(0, 400*24).Draw(t, "created")) * time.Hour),
	}
}

func drawIncident(t *rapid.T) stillwater.Incident {
	span := func(name string) time.Duration {
		return time.Duration(rapid.IntRange(0, 60*24*60).Draw(t, name)) * time.Minute
	}
	f := rapid.SampledFrom(findings()).Draw(t, "finding")
	f.Facts = stillwater.Facts{
		Span: span("span"), Limit: span("limit"), Usual: span("usual"), Life: f.Facts.Life,
		Litres: stillwater.Litres(rapid.Float64Range(0, 99999).Draw(t, "litres")), Bound: stillwater.Litres(rapid.Float64Range(0, 99999).Draw(t, "bound")),
	}
	f.Began = day(4, 16, 0).Add(-span("began"))
	if rapid.Bool().Draw(t, "since known") {
		f.Facts.Since = f.Began.Add(-f.Facts.Span)
	}
	if rapid.Bool().Draw(t, "data known") {
		f.Facts.DataTo = f.Began.Add(-time.Hour)
	}
	if rapid.Bool().Draw(t, "ended") {
		f.Ended = day(4, 16, 4)
	}
	inc := stillwater.Incident{
		Kind: f.Kind, Findings: []stillwater.Finding{f},
		Holder:  rapid.SampledFrom([]string{"", "son", "li", "console"}).Draw(t, "holder"),
		State:   rapid.SampledFrom([]stillwater.IncidentState{stillwater.Opened, stillwater.Acknowledged, stillwater.OnSite}).Draw(t, "state"),
		Outcome: rapid.SampledFrom(stillwater.Outcomes).Draw(t, "outcome"),
		Known:   rapid.SampledFrom([]stillwater.Known{"", stillwater.Seen, stillwater.Spoken, stillwater.Assumed}).Draw(t, "known"),
	}
	for range rapid.IntRange(0, 4).Draw(t, "events") {
		inc.Log = append(inc.Log, stillwater.Event{What: rapid.SampledFrom([]string{"opened", "acknowledged", "on-site", "promise-lapsed", "ended", "reopened", "help"}).Draw(t, "event")})
	}
	return inc
}

// TestCatalogueLetters: a language written in the letters of GSM 03.38 has no other letter in the texts of its SMS, where it
// would arrive as a question mark.
func TestCatalogueLetters(t *testing.T) {
	w := newWords(t)
	for _, lang := range w.Languages() {
		if !plainLetters(w.T(lang, "sms.prefix", nil)) {
			continue
		}
		for _, key := range keys(lang) {
			if text := w.T(lang, key, map[string]any{"Count": 2}); strings.HasPrefix(key, "sms.") && !plainLetters(text) {
				t.Errorf("%s: %s: %q", lang, key, text)
			}
		}
	}
}

// TestOneSegment: the usual alert and question fit one SMS.
func TestOneSegment(t *testing.T) {
	w := newWords(t)
	for _, lang := range []string{"zh-CN", "en"} {
		for _, f := range findings() {
			for _, p := range []stillwater.Purpose{stillwater.Ask, stillwater.Tell} {
				text := w.SMS(messageOf(p, lang), incidentOf(p, f), wang())
				if n, length := Segments(text); n > 1 && f.Rule != "leak-running" {
					t.Errorf("%d segments (%d characters): %s", n, length, text)
				}
			}
		}
	}
}

// TestNeverAllIsWell: a home that cannot be seen is never called well.
func TestNeverAllIsWell(t *testing.T) {
	w := newWords(t)
	blind := findings()[9]
	for lang, denial := range map[string]string{"zh-CN": "不代表平安", "en": "not "} {
		if s := w.SMS(messageOf(stillwater.Tell, lang), incidentOf(stillwater.Tell, blind), wang()); !strings.Contains(s, denial) {
			t.Errorf("%s: wants %q in %s", lang, denial, s)
		}
		if s := w.Why(lang, blind, wang()); !strings.Contains(s, denial) {
			t.Errorf("%s: wants %q in %s", lang, denial, s)
		}
	}
}

func TestShortName(t *testing.T) {
	w := newWords(t)
	for _, c := range []struct{ name, zh, en string }{
		{"王秀英", "王*家", "Wang*"},
		{"欧阳慧兰", "欧阳*家", "Ouyang*"},
		{"仝桂芳", "仝*家", "home h7"},
		{"Mary Smith", "Mary S.家", "Mary S."},
		{"Mary Ann Smith", "Mary S.家", "Mary S."},
		{"王", "h7号住户", "home h7"},
		{"Mary", "h7号住户", "home h7"},
		{"", "h7号住户", "home h7"},
	} {
		h := stillwater.Household{ID: "h7", Name: c.name}
		if zh, en := w.ShortName("zh-CN", h), w.ShortName("en", h); zh != c.zh || en != c.en {
			t.Errorf("%q: got %q and %q, want %q and %q", c.name, zh, en, c.zh, c.en)
		}
	}
}

func TestSpanAndMoment(t *testing.T) {
	w := newWords(t)
	for d, want := range map[time.Duration][2]string{
		30 * time.Second:              {"不到 1 分钟", "under 1 min"},
		45 * time.Minute:              {"45 分钟", "45 min"},
		130 * time.Minute:             {"2 小时 10 分钟", "2 h 10 min"},
		14*time.Hour + 59*time.Minute: {"14 小时", "14 h"},
		47 * time.Hour:                {"47 小时", "47 h"},
		51 * time.Hour:                {"2 天 3 小时", "2 days 3 h"},
		8*24*time.Hour + time.Hour:    {"8 天", "8 days"},
	} {
		if zh, en := w.Span("zh-CN", d), w.Span("en", d); zh != want[0] || en != want[1] {
			t.Errorf("%s: got %q and %q, want %q", d, zh, en, want)
		}
	}
	loc, now := wang().Location(), day(4, 16, 0)
	for at, want := range map[time.Time][2]string{
		day(4, 0, 5).UTC():               {"00:05", "00:05"},
		day(3, 23, 59):                   {"11月3日 23:59", "3 Nov 23:59"},
		day(3, 23, 59).AddDate(-1, 0, 0): {"2024年11月3日 23:59", "3 Nov 2024 23:59"},
	} {
		if zh, en := w.Moment("zh-CN", at, loc, now), w.Moment("en", at, loc, now); zh != want[0] || en != want[1] {
			t.Errorf("%s: got %q and %q, want %q", at, zh, en, want)
		}
	}
}

func TestLanguage(t *testing.T) {
	w := newWords(t)
	for wish, want := range map[string]string{
		"zh-CN": "zh-CN", "zh": "zh-CN", "zh-Hans-CN,zh;q=0.9,en;q=0.8": "zh-CN", "en-GB": "en", "fr": "en", "": "en", "de;q=1,zh;q=0.5": "zh-CN", "???": "en",
	} {
		if got := w.Language(wish); got != want {
			t.Errorf("%q: got %s, want %s", wish, got, want)
		}
	}
	if got := w.T("fr", "state.blind", nil); got != "No data" {
		t.Errorf("a language without a catalogue: got %q", got)
	}
	if got := w.T("en", "no.such", nil); got != "⟦no.such⟧" {
		t.Errorf("a key that is not there: got %q", got)
	}
}

// keys are those of one catalogue.
func keys(lang string) []string {
	var list []string
	file, err := catalogues.ReadFile("catalogue/" + lang + ".yaml")
	if err != nil {
		panic(err)
	}
	for _, line := range regexp.MustCompile(`(?m)^([a-z][a-z0-9.-]*):`).FindAllSubmatch(file, -1) {
		list = append(list, string(line[1]))
	}
	return list
}

// families are the keys made of a beginning and a value, with every value there is.
func families() map[string][]string {
	names := append(slices.Clone(detectorNames), silenceUnder, generic, hospitalUse, "trend-night-seen", "trend-first-seen")
	kinds := []string{"welfare", "water", "door", "device"}
	events := strings.Fields("opened joined told untold receipt acknowledged on-site promise-lapsed ended closed reopened help outcome-due handed-over escalated held overdue quiet-over follow-up-due followed-up merged split")
	units := []string{"moment", "minutes", "hours", "days", "pair"}
	list := map[string][]string{
		"var.what": append(slices.Clone(names), "check"), "var.news": strings.Fields("nobody lapsed reopened due help going calling on-site ended absent"),
		"sms.what": names, "why": names, "sms.ask": append(slices.Clone(kinds), "absence", "hospital"), "sms.update.ended": append(slices.Clone(kinds), "absence", "hospital", "common-cause-water", "common-cause-blind", "door-unusual"), "group": {"building", "feed", "riser", "zone", "other"}, "kind": kinds,
		"life.text": strings.Fields("hospital family asked-festival died moved mistaken"), "life.reply": strings.Fields("hospital family asked-festival"),
		"life": {"hospital", "family"}, "life.sure": {"moved", "died"}, "life.sure.yes": {"moved", "died"}, "fact.life": strings.Fields("hospital family moved died"), "fact.asked": {"stay", "festival"},
		"sms.span": units, "span": units, "sms.moment": {"day", "date", "year"}, "moment": {"day", "date", "year"},
		"sms.volume": {"litres", "cubic"}, "volume": {"litres", "cubic"}, "month": strings.Fields("1 2 3 4 5 6 7 8 9 10 11 12"),
		"name.home": {"han", "han-only", "latin"}, "name.short": {"han", "han-only", "latin"}, "why.life": {"water", "door", "activity"}, "sms.usual": {"within", "outing", "day", "unknown", "open", "unmoved", "reports", "night", "exits", "draw"}, "sms.doubt": {"unknown", "none", "stuck", "silent", "loose"},
		"state":    {"fine", "still", "perhaps-out", "blind", "to-be-checked", "paused"},
		"incident": {"open", "acknowledged", "on-site", "closed"}, "turn": {"acknowledged", "on-site"}, "digit": {"1", "2", "3", "4", "5"}, "known": {"seen", "spoken", "assumed"},
		"page":     {"gone", "busy", "failed", "foreign", "form"},
		"severity": {"notice", "question", "alert", "urgent"}, "deed": {"acknowledge", "arrive", "close", "help", "escalate", "hand-over", "hold", "reopen", "follow-up"}, "event": events,
		"purpose": {"ask", "tell", "again", "update", "done", "which", "check", "visit", "line", "drill", "plan", "parted"}, "daily": strings.Fields("usual late early use stirred overdue nothing blind hole cut away"), "daily.what": {"water", "seen"}, "daily.half.today": {"morning", "afternoon"}, "daily.half.day": {"morning", "afternoon"}, "role": strings.Fields("resident family neighbour worker building-head grid-head community street"), "device": {"meter", "door", "activity"},
		"trouble":  strings.Fields("never silent meter-stuck door-stuck door-inverted door-chattering lossy implausible reversed swapped reset foreign clock-ahead clock-behind battery-low signal-weak leak reverse empty tamper fault"),
		"note":     strings.Fields("nobody-to-tell no-number no-address withdrew-agreement off-duty quiet-hours opted-out not-agreed-to no-provider not-at-this-hour nobody-to-connect the-outcome-was-assumed a-finding-began by-hand died moved-away consent-withdrawn"),
		"refusal":  strings.Fields("no-incident already-closed not-closed somebody-there needs-outcome needs-known needs-photo bad-time needs-reason hold-urgent nobody-there no-ladder too-late goes-on-there nothing-due not-one-matter nothing-to-split unknown-deed life-gone life-not-gone life-too-late life-nobody life-no-contact"),
		"delivery": {"pending", "sending", "accepted", "delivered", "failed", "cancelled"}, "outcome": nil,
	}
	for _, o := range stillwater.Outcomes {
		list["outcome"] = append(list["outcome"], string(o))
	}
	return list
}

// TestKeys: every key that code or a page uses is in every catalogue, every key of a catalogue is used, and the catalogues have the same.
func TestKeys(t *testing.T) {
	w := newWords(t)
	used := usedKeys(t)
	for family, values := range families() {
		for _, v := range values {
			used[family+"."+v] = "family " + family
		}
	}
	for _, lang := range w.Languages() {
		list := keys(lang)
		for key, where := range used {
			if !slices.Contains(list, key) {
				t.Errorf("%s: %q is missing (used by %s)", lang, key, where)
			}
		}
		for i, key := range list {
			if used[key] == "" {
				t.Errorf("%s: nothing uses %q", lang, key)
			}
			if slices.Contains(list[:i], key) {
				t.Errorf("%s: %q stands twice", lang, key)
			}
		}
		if language.Make(lang) == language.Und {
			t.Errorf("catalogue %q is not named by a language tag", lang)
		}
	}
}

// keyUses finds the keys handed to T and its like, in Go and in templates.
var keyUses = regexp.MustCompile(`(?:\bT\([^"\n]*?, |\b[tk]\(|\bt )"([a-z](?:[a-z0-9.-]*[a-z0-9])?)"|\b(?:return|key:) "([a-z0-9-]+\.(?:[a-z0-9.-]*[a-z0-9]))"`)

func usedKeys(t *testing.T) map[string]string {
	used := map[string]string{"language": "the switch of languages"}
	for _, pattern := range []string{"*.go", "../console/*.go", "../console/templates/*.html", "../public/*.go", "../public/assets/*.html"} {
		for _, name := range glob(t, pattern) {
			if strings.HasSuffix(name, "_test.go") {
				continue
			}
			source, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			for _, m := range keyUses.FindAllSubmatch(source, -1) {
				used[string(m[1])+string(m[2])] = name
			}
		}
	}
	return used
}

func glob(t *testing.T, pattern string) []string {
	names, err := filepath.Glob(pattern)
	if err != nil {
		t.Fatal(err)
	}
	return names
}
