package words

import (
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"stillwater"
	"stillwater/rules"
)

// inhabitants are households by what their names make hard: four characters is what a name needs at most, others are met.
var inhabitants = []stillwater.Household{
	{ID: "h7", Name: "王秀英", TimeZone: "Asia/Shanghai"},
	{ID: "h8", Name: "欧阳慧兰", TimeZone: "Asia/Shanghai"},
	{ID: "h-0317", Name: "仝桂芳", TimeZone: "Asia/Shanghai"},
	{ID: "h9", Name: "Mary Smith", TimeZone: "Europe/London"},
	{ID: "h10", Name: "Wolfeschlegelsteinhausen Zoë", TimeZone: "Europe/Berlin"},
	{ID: "old-town-ring-road-building-12-flat-0402-home-of-the-quiet-people", Name: "", TimeZone: "Asia/Shanghai"},
}

// groups are buildings, lines and zones with short names and long ones.
var groups = []string{
	"building/柳树街道/河滨社区//7号楼", "building/招宝山街道/总浦桥社区/3网格/绿地香颂花园三期高层公寓南区112号楼西单元",
	"building/s/c/g/Sir John Soane Memorial Gardens Extension, South Tower 12", "feed/lobby", "feed/municipal-meter-platform-of-the-old-town", "zone/城西加压站",
}

func anyFacts(t *rapid.T, now time.Time) stillwater.Facts {
	span := func(name string) time.Duration {
		minutes := rapid.OneOf(rapid.IntRange(0, 3*24*60), rapid.IntRange(0, 3*365*24*60)).Draw(t, name)
		return time.Duration(minutes) * time.Minute
	}
	litres := func(name string) stillwater.Litres {
		return stillwater.Litres(rapid.OneOf(rapid.Float64Range(0, 20), rapid.Float64Range(0, 999_999)).Draw(t, name))
	}
	at := func(name string) time.Time {
		if rapid.IntRange(0, 9).Draw(t, name+" known") == 0 {
			return time.Time{}
		}
		return now.Add(-span(name)).UTC()
	}
	f := stillwater.Facts{
		Since: at("since"), Span: span("span"), Limit: span("limit"), Usual: span("usual"), Within: span("within"), Unseen: span("unseen"), Every: span("every"),
		Litres: litres("litres"), Bound: litres("bound"), Base: litres("base"), Step: litres("step"), DataTo: at("data"),
		Life:  stillwater.Life{Water: at("water"), Door: at("door"), Activity: at("activity")},
		Rate:  rapid.Float64Range(0, 9999).Draw(t, "rate"),
		Night: rapid.Bool().Draw(t, "night"), Doorless: rapid.Bool().Draw(t, "doorless"), Reduced: rapid.Bool().Draw(t, "reduced"), Absent: rapid.Bool().Draw(t, "absent"),
		Doubt: rapid.SampledFrom([]stillwater.Doubt{"", stillwater.DoorUnknown, stillwater.DoorNone, stillwater.DoorStuck, stillwater.DoorSilent, stillwater.DoorLoose}).Draw(t, "doubt"),
		Count: rapid.IntRange(0, 255).Draw(t, "count"), Residents: rapid.IntRange(0, 12).Draw(t, "residents"),
	}
	return f
}

// anyRule is one of those that are on, of the cities' presets, or somebody's own.
func anyRule(t *rapid.T) rules.Rule {
	all := append(append(rules.Defaults(), rules.Presets()...), rules.Rule{Name: "custom-my-own"})
	return rapid.SampledFrom(all).Draw(t, "rule")
}

// kindOf is the kind of a rule's findings; of a rule that is not in the list the property holds all the same.
func kindOf(rule string) stillwater.Kind {
	for _, f := range findings() {
		if sentence(stillwater.Finding{Rule: rule}) == sentence(f) && f.Kind != "" {
			return f.Kind
		}
	}
	return stillwater.Welfare
}

func anyFinding(t *rapid.T, now time.Time, h stillwater.Household) stillwater.Finding {
	r := anyRule(t)
	f := stillwater.Finding{Rule: r.Name, Kind: kindOf(r.Name), Severity: r.Severity, Began: now.Add(-time.Minute), Facts: anyFacts(t, now)}
	switch {
	case strings.HasPrefix(f.Rule, "device-") && len(h.Devices) > 0 && f.Rule != "device-blind":
		f.Device = h.Devices[0].ID
	case strings.HasPrefix(f.Rule, "common-cause"):
		f.Group = rapid.SampledFrom(groups).Draw(t, "group")
		for i := range rapid.SampledFrom([]int{4, 5, 30, 400}).Draw(t, "members") {
			f.Facts.Members = append(f.Facts.Members, stillwater.HouseholdID(fmt.Sprintf("h-%d", 1000+i)))
		}
		f.Facts.Homes = len(f.Facts.Members) + rapid.IntRange(0, 99).Draw(t, "others")
	}
	if strings.HasPrefix(f.Rule, "silence-under") {
		f.Facts.Bound = max(f.Facts.Bound, 1)
	}
	return f
}

// TestForms: whatever rule and facts, whoever reads it, the short form of the first word on an incident takes one SMS, with everything around
// it, and the long form no more than two; both are sound, and say since when and up to when there is data.
func TestForms(t *testing.T) {
	w := newWords(t)
	rapid.Check(t, func(t *rapid.T) {
		h := rapid.SampledFrom(inhabitants).Draw(t, "home")
		h.Devices = []stillwater.Device{{ID: "88001234", Kind: rapid.SampledFrom([]stillwater.DeviceKind{stillwater.Meter, stillwater.DoorContact}).Draw(t, "device")}}
		m := drawMessage(t)
		m.Purpose = rapid.SampledFrom([]stillwater.Purpose{stillwater.Ask, stillwater.Tell, stillwater.Again}).Draw(t, "first")
		m.Code = rapid.StringMatching(`[A-Z]{4,6}`).Draw(t, "first code") // as long as there are fewer than a million incidents
		m.Repeat = m.Repeat && m.Purpose != stillwater.Again
		f := anyFinding(t, m.Created, h)
		if strings.HasPrefix(f.Rule, "trend") { // nobody is asked or called
			m.Purpose, m.Severity = stillwater.Tell, stillwater.Notice
		}
		inc := stillwater.Incident{Household: h.ID, Group: f.Group, Kind: f.Kind, State: stillwater.Opened, Findings: []stillwater.Finding{f}}
		lang := w.Language(m.Language)
		short := w.SMS(m, inc, h)
		checkText(t, short, 1, lang)
		checkMoments(t, w, short, teller{w: w, lang: lang, home: h, now: m.Created}, f)
		long := w.Why(lang, f, h)
		checkText(t, long, 2, lang)
		checkMoments(t, w, long, teller{w: w, lang: lang, home: h, long: true}, f)
	})
}

// unsound is what no text may hold: words of the templates' engine, times that are none, marks twice, marks at the wrong side.
var unsound = regexp.MustCompile(`%!|<no value>|⟦|⟧|\b0001\b|(^|[^0-9])1年|  |。。|，，|、、|。，|，。|、。|：。|！。|？。|[^.]\.\.($|[^.])|,,|,\.|\.,|: *\.|\?\.|!\.| [,;:?!]| \.[^.]|\(\)|（）|\|`)

func checkText(t *rapid.T, text string, most int, lang string) {
	if n, length := Segments(text); n > most {
		t.Fatalf("%d segments, %d characters: %s", n, length, text)
	}
	if at := unsound.FindString(text); at != "" {
		t.Fatalf("holds %q: %s", at, text)
	}
	if strings.TrimSpace(text) == "" || lang == "en" && !plainLetters(text) {
		t.Fatalf("not a text in the letters of an SMS: %s", text)
	}
	for _, secret := range []string{"秀英", "慧兰", "桂芳", "Smith", "Wolfeschlegelsteinhausen", "招宝山", "河滨社区"} {
		if strings.Contains(text, secret) {
			t.Fatalf("tells %q: %s", secret, text)
		}
	}
}

// checkMoments: a text says since when and up to when there is data. That a contact is fitted the wrong way round has no beginning, and that of a
// trend is told in weeks.
func checkMoments(t *rapid.T, w *Words, text string, s teller, f stillwater.Finding) {
	if since := began(f); !since.IsZero() && f.Rule != "device-door-inverted" && !strings.HasPrefix(f.Rule, "trend") && !strings.HasPrefix(f.Rule, "trend-") && !strings.Contains(text, s.moment(since)) {
		t.Fatalf("does not say since %v: %s", s.moment(since), text)
	}
	if to := f.Facts.DataTo; !to.IsZero() && !strings.Contains(text, s.moment(to)) {
		t.Fatalf("does not say that there is data to %v: %s", s.moment(to), text)
	}
}

// TestYields: sentences go in the order that is stated, the least important first, and what cannot yield stays however long it is.
func TestYields(t *testing.T) {
	pieces := []piece{always("WHO AND WHAT."), unless(byUsual, "what is usual at this hour.|usual."), unless(byLife, "last signs of life."), unless(byDoubt, "the door is stuck."), always("DATA TO.")}
	var got []string
	for {
		got = append(got, join(pieces, " "))
		if _, any := yield(pieces); !any {
			break
		}
	}
	want := []string{
		"WHO AND WHAT. what is usual at this hour. last signs of life. the door is stuck. DATA TO.",
		"WHO AND WHAT. what is usual at this hour. the door is stuck. DATA TO.",
		"WHO AND WHAT. usual. the door is stuck. DATA TO.",
		"WHO AND WHAT. the door is stuck. DATA TO.",
		"WHO AND WHAT. DATA TO.",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// TestComesBack: what went for room that something longer has given up since is there again.
func TestComesBack(t *testing.T) {
	pieces := []piece{always(strings.Repeat("A", 100) + "."), unless(byLife, "last signs."), unless(byUsual, strings.Repeat("B", 90)+".")}
	if got, want := fit(pieces, 1, " ", func(body string) string { return body }), strings.Repeat("A", 100)+". last signs."; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// TestGroupNames: a name too long for a text keeps its end, from the beginning of a word or number on; one that cannot be written is none.
func TestGroupNames(t *testing.T) {
	w := newWords(t)
	for _, c := range []struct{ group, zh, en string }{
		{"building/街道/社区/3网格/12号楼", "12号楼", "building 12"},
		{"building/a/b/c/绿地香颂花园三期高层公寓南区112号楼西单元", "…112号楼西单元", "building 112"},
		{"building/a/b/c/Sir John Soane Gardens, South Tower 12", "…Tower 12", "building ...Tower 12"},
		{"zone/城西加压站", "供水区城西加压站", "a group of homes"},
	} {
		if zh, en := w.Group("zh-CN", c.group), w.Group("en", c.group); zh != c.zh || en != c.en {
			t.Errorf("%s: got %q and %q, want %q and %q", c.group, zh, en, c.zh, c.en)
		}
	}
}

// TestOthersAreNotTold: who is told of one home, that it is not seen together with others, is told that it is not, and never which others.
func TestOthersAreNotTold(t *testing.T) {
	w := newWords(t)
	blind := findings()[11]
	for lang, want := range map[string]string{"zh-CN": "看不到王*家。线路lobby：", "en": "We cannot see Wang*. line lobby: "} {
		inc := incidentOf(stillwater.Tell, blind)
		inc.Household, inc.Group = "h7", ""
		text := w.SMS(messageOf(stillwater.Tell, lang), inc, wang())
		if !strings.Contains(text, want) {
			t.Errorf("wants %q in %s", want, text)
		}
		all := join(sms(w, lang, inc).body(), " ") // however much room there is
		if strings.Contains(all, "h1") {
			t.Errorf("tells of other homes: %s", all)
		}
	}
}

// sms is a text in the making, to one who is near.
func sms(w *Words, lang string, inc stillwater.Incident) text {
	m := messageOf(stillwater.Tell, lang)
	return text{teller{w: w, lang: lang, home: wang(), now: m.Created}, m, inc}
}

// TestMomentsInTexts: the day of the month alone is told as long as no other day has the same number, and after a year no hour.
func TestMomentsInTexts(t *testing.T) {
	s := sms(newWords(t), "zh-CN", stillwater.Incident{})
	for ago, want := range map[time.Duration]string{
		time.Hour: "15:05", 17 * time.Hour: "3日23:05", 26 * 24 * time.Hour: "9日16:05", 28 * 24 * time.Hour: "10月7日16:05", 400 * 24 * time.Hour: "2024年9月30日",
	} {
		if got := s.moment(s.now.Add(-ago)); got != want {
			t.Errorf("%v ago: %q, want %q", ago, got, want)
		}
	}
}

func TestSegments(t *testing.T) {
	for text, want := range map[string][2]int{
		"":                              {1, 0},
		strings.Repeat("a", 160):        {1, 160},
		strings.Repeat("a", 161):        {2, 161},
		strings.Repeat("€", 80):         {1, 160},
		strings.Repeat("[", 80) + "a":   {2, 161},
		strings.Repeat("a", 306):        {2, 306},
		strings.Repeat("a", 307):        {3, 307},
		strings.Repeat("水", 70):         {1, 70},
		strings.Repeat("水", 71):         {2, 71},
		strings.Repeat("水", 134):        {2, 134},
		strings.Repeat("水", 135):        {3, 135},
		strings.Repeat("a", 70) + "水":   {2, 71},
		strings.Repeat("水", 68) + "😀":   {1, 70},
		strings.Repeat("水", 69) + "😀":   {2, 71},
		"Stillwater: ça va, 2 m³ later": {1, 29}, // ³ and ç are no GSM letters
	} {
		if n, length := Segments(text); n != want[0] || length != want[1] {
			t.Errorf("%q: %d segments of %d, want %v", text, n, length, want)
		}
	}
}

// example is a finding as it comes about, with a name that says what is special.
type example struct {
	name string
	stillwater.Finding
}

// examples are findings of all rules, and of what makes one the more or the less certain.
func examples() []example {
	data, life := day(4, 16, 0), stillwater.Life{Water: day(3, 13, 50), Door: day(3, 9, 12)}
	still := stillwater.Facts{Since: day(3, 13, 50), Span: 26 * time.Hour, Limit: 14 * time.Hour, Usual: 10 * time.Hour, Within: 9 * time.Hour, Rate: 2.2, DataTo: data, Life: life}
	with := func(f stillwater.Facts, change func(*stillwater.Facts)) stillwater.Facts { change(&f); return f }
	finding := func(rule string, f stillwater.Facts) stillwater.Finding {
		return stillwater.Finding{Rule: rule, Kind: kindOf(rule), Severity: stillwater.Alert, Facts: f}
	}
	fromMeter := func(f *stillwater.Facts) { f.Life.Door, f.Doorless = time.Time{}, true }
	list := []example{
		{"", finding("silence-learned", still)},
		{"meter only", finding("silence-learned", with(still, fromMeter))},
		{"door stuck", finding("silence-learned", with(still, func(f *stillwater.Facts) { f.Doubt = stillwater.DoorStuck }))},
		{"couple", finding("silence-learned", with(still, func(f *stillwater.Facts) { f.Residents = 2 }))},
		{"10 L meter", finding("silence-learned", with(still, func(f *stillwater.Facts) { fromMeter(f); f.Step = 10 }))},
		{"daily upload", finding("silence-learned", with(still, func(f *stillwater.Facts) { fromMeter(f); f.Every, f.DataTo = 24*time.Hour, day(4, 2, 0) }))},
		{"hole in the data", finding("silence-learned", with(still, func(f *stillwater.Facts) { f.Unseen, f.Span = 3*time.Hour, 23*time.Hour }))},
		{"leak beside", finding("silence-learned", with(still, func(f *stillwater.Facts) { fromMeter(f); f.Base, f.Reduced = 6, true }))},
		{"everything", finding("silence-learned", with(still, func(f *stillwater.Facts) {
			f.Doubt, f.Residents, f.Step, f.Every, f.Unseen, f.Base, f.Reduced, f.Night = stillwater.DoorSilent, 2, 10, 24*time.Hour, 3*time.Hour, 6, true, true
		}))},
		{"not learned yet", finding("silence-12h", stillwater.Facts{Since: day(4, 2, 0), Span: 14 * time.Hour, Limit: 12 * time.Hour, DataTo: data, Life: stillwater.Life{Water: day(4, 2, 0)}, Doorless: true, Night: true})},
		{"usual outings known", finding("away-alert", stillwater.Facts{Since: day(4, 4, 0), Span: 12*time.Hour + 5*time.Minute, Limit: 12 * time.Hour, Usual: 9 * time.Hour, Within: 5 * time.Hour, Rate: 0.4, DataTo: data, Life: stillwater.Life{Water: day(4, 3, 40), Door: day(4, 4, 0)}})},
		{"running over its limit", finding("leak-running", stillwater.Facts{Since: day(4, 13, 50), Span: 130 * time.Minute, Litres: 312, Bound: 140, DataTo: data})},
		{"base known", finding("leak-24h", stillwater.Facts{Since: day(3, 15, 0), Span: 25 * time.Hour, Litres: 210, Base: 3, DataTo: data})},
		{"usual known", finding("door-open", stillwater.Facts{Since: day(4, 14, 30), Span: 90 * time.Minute, Limit: time.Hour, Usual: 20 * time.Minute, DataTo: data})},
		{"usual known", finding("no-exit", stillwater.Facts{Since: day(1, 9, 0), Span: 79 * time.Hour, Usual: 26 * time.Hour, DataTo: data})},
		{"meter silent, door heard", func() stillwater.Finding {
			f := finding("device-silent", stillwater.Facts{Since: day(4, 9, 0), Span: 7 * time.Hour, Every: time.Hour, DataTo: data})
			f.Device = "door-1"
			return f
		}()},
		{"a window of water", finding("custom-night-water", stillwater.Facts{Since: day(4, 2, 0), Limit: 6 * time.Hour, Litres: 90, DataTo: data})},
	}
	for _, f := range findings() {
		list = append(list, example{"", f})
	}
	cut := findings()[10]
	for i := range 77 {
		cut.Facts.Members = append(cut.Facts.Members, stillwater.HouseholdID(fmt.Sprintf("h-%04d", i)))
	}
	cut.Facts.Homes = 92
	return append(list, example{"80 homes", cut})
}

// TestFormsGolden holds every rule in both languages and both forms as people read it: look at each line before you keep it.
func TestFormsGolden(t *testing.T) {
	w := newWords(t)
	var b strings.Builder
	b.WriteString("# One line per rule, language and form, with how much of its one or two SMS it fills. Read now: 4 Nov 2025 16:05.\n")
	for _, e := range examples() {
		e.Began = day(4, 16, 0)
		fmt.Fprintf(&b, "\n%s\n", strings.TrimSuffix(e.Rule+", "+e.name, ", "))
		for _, lang := range []string{"zh-CN", "en"} {
			inc := incidentOf(stillwater.Tell, e.Finding)
			short, long := w.SMS(messageOf(stillwater.Tell, lang), inc, wang()), w.Why(lang, e.Finding, wang())
			_, ns := Segments(short)
			_, nl := Segments(long)
			fmt.Fprintf(&b, "  %-5s short %3d  %s\n  %-5s long  %3d  %s\n", lang, ns, short, lang, nl, long)
		}
	}
	goldenFile(t, "testdata/forms.golden", b.String())
}

// TestEveryRuleHasWords: of every rule that is on there are sentences of its own.
func TestEveryRuleHasWords(t *testing.T) {
	for _, r := range append(rules.Defaults(), rules.Presets()...) {
		if sentence(stillwater.Finding{Rule: r.Name}) == generic {
			t.Errorf("rule %q is told in the words for rules that have none", r.Name)
		}
	}
}

func goldenFile(t *testing.T, file, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	gotLines, wantLines := strings.Split(got, "\n"), strings.Split(string(want), "\n")
	for i := range max(len(gotLines), len(wantLines)) {
		if g, w := lineAt(gotLines, i), lineAt(wantLines, i); g != w {
			t.Fatalf("line %d of %s differs (go test -run Golden -update writes it anew)\n got %s\nwant %s", i+1, file, g, w)
		}
	}
}
