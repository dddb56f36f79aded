package expression

import (
	"bytes"
	"fmt"
	"math"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/expr-lang/expr"
	"pgregory.net/rapid"

	"stillwater"
	"stillwater/rules"
)

// home is a home that says what the test wants; what is not in it is not known.
type home map[string]float64

// name is how a home of a test calls a quantity: "still_hours", "litres 6h", "day".
func (h home) Quantity(q rules.Quantity, within time.Duration) float64 {
	key := "day"
	if q != rules.LocalDay {
		for _, w := range vocabulary {
			if w.asks == q {
				key = w.name
			}
		}
	}
	if within > 0 {
		key += " " + stillwater.FormatSpan(within)
	}
	if v, ok := h[key]; ok {
		return v
	}
	return math.NaN()
}

func compile(t testing.TB, text string) *rules.Condition {
	t.Helper()
	c, err := Compile(text)
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return c
}

func TestConditions(t *testing.T) {
	for _, test := range []struct {
		text string
		home home
		want rules.Truth
	}{
		{`litres("6h") > 300 && hour < 6`, home{"litres 6h": 301, "hour": 5}, rules.Yes},
		{`litres("6h") > 300 && hour < 6`, home{"litres 6h": 300, "hour": 5}, rules.No},
		{`litres("6h") > 300 && hour < 6`, home{"hour": 5}, rules.Unknown},
		{`litres("6h") > 300 && hour < 6`, home{"hour": 7}, rules.No}, // whatever was used
		{`litres("360 min") > 300 || night`, home{"night": 1}, rules.Yes},
		{`litres("6h") > 300 or night`, home{"night": 0}, rules.Unknown},
		{`litres("1h") < 5`, home{}, rules.Unknown}, // no data is never "no use"
		{`not (litres("1h") >= 5)`, home{}, rules.Unknown},
		{`litres("1h") != 0`, home{}, rules.Unknown},
		{`litres("1h") == litres("1h")`, home{}, rules.Unknown},
		{`still_hours > 8 and door == "open"`, home{"still_hours": 9, "door": 1}, rules.Yes},
		{`still_hours > 8 and door == "open"`, home{"still_hours": 9, "door": 0}, rules.No},
		{`"open" == door`, home{"door": 1}, rules.Yes},
		{`door != "open"`, home{"door": 0}, rules.Yes},
		{`door != "open"`, home{}, rules.Unknown},
		{`door not in ["open", "closed"]`, home{}, rules.Unknown},
		{`weekday in ["saturday", "sunday"]`, home{"weekday": 0}, rules.Yes},
		{`weekday in ["saturday", "sunday"]`, home{"weekday": 6}, rules.Yes},
		{`weekday in ["saturday", "sunday"]`, home{"weekday": 3}, rules.No},
		{`workday`, home{"day": 0}, rules.Yes},
		{`restday`, home{"day": 1}, rules.Yes},
		{`restday`, home{"day": 2}, rules.Yes},
		{`festival`, home{"day": 1}, rules.No},
		{`festival == night`, home{"day": 1, "night": 0}, rules.Yes},
		{`workday`, home{}, rules.Unknown},
		{`hour in 22..23`, home{"hour": 22}, rules.Yes},
		{`hour not in 6..21`, home{"hour": 21}, rules.No},
		{`hour in [1, 3]`, home{"hour": 2}, rules.No},
		{`still_hours in 1..3`, home{"still_hours": 1.5}, rules.No},
		{`still_hours > 2 * usual_hours`, home{"still_hours": 9, "usual_hours": 4}, rules.Yes},
		{`still_hours > 2 * usual_hours`, home{"still_hours": 9}, rules.Unknown},
		{`litres("1h") / draws("1h") > 30`, home{"litres 1h": 100, "draws 1h": 0}, rules.Unknown},
		{`litres("1h") / draws("1h") > 30`, home{"litres 1h": 100, "draws 1h": 2}, rules.Yes},
		{`hour % month == 0`, home{"hour": 6, "month": 3}, rules.Yes},
		{`hour / 0 > 1 or night`, home{"hour": 6, "night": 1}, rules.Yes},
		{`night ? litres("1h") > 50 : litres("1h") > 200`, home{"night": 1, "litres 1h": 60}, rules.Yes},
		{`night ? litres("1h") > 50 : litres("1h") > 200`, home{"night": 0, "litres 1h": 60}, rules.No},
		{`night ? litres("1h") > 50 : litres("1h") > 200`, home{"litres 1h": 60}, rules.Unknown},
		{`night ? litres("1h") > 50 : litres("1h") > 200`, home{"litres 1h": 300}, rules.Yes}, // either way
		{`litres("1h") > (night ? 50 : 200)`, home{"night": 1, "litres 1h": 60}, rules.Yes},
		{`1 < hour < 6`, home{"hour": 3}, rules.Yes},
		{`min(still_hours, hours_since_door) > 8`, home{"still_hours": 9}, rules.Unknown},
		{`max(still_hours, hours_since_door, 3) > 8`, home{"still_hours": 9, "hours_since_door": 1}, rules.Yes},
		{`abs(hour - 12) > 6`, home{"hour": 3}, rules.Yes},
		{`-still_hours < -8`, home{"still_hours": 9}, rules.Yes},
		{`still_hours ** 2 > 80`, home{"still_hours": 9}, rules.Yes},
		{"covered_days > 28 and\n  data_age_hours < 2 // once it is known", home{"covered_days": 30, "data_age_hours": 1}, rules.Yes},
	} {
		if got := compile(t, test.text).Holds(test.home); got != test.want {
			t.Errorf("%s in %v is %d, want %d", test.text, test.home, got, test.want)
		}
	}
}

// What a mistake says begins with its place and ends with how to mend it. The commonest stand in testdata/mistakes of gateway.
func TestMistakes(t *testing.T) {
	for text, want := range map[string]string{
		``:                                     "is empty",
		strings.Repeat("(", 1200):              "is longer than 1000 characters",
		strings.Repeat("1+", 300) + "1 > hour": "has too many parts",
		"\xff":                                 "is not UTF-8",
		`stillHours > 8`:                       `did you mean still_hours?`,
		`night and weakday == "monday"`:        `at character 11: "weakday" is no quantity of a home; did you mean weekday?`,
		`litres > 3`:                           `need a window; write like litres("6h")`,
		`litres(6) > 3`:                        `a span in quotes; write like litres("6h")`,
		`litres("6h", "1h") > 3`:               "has too much between its brackets",
		`litres("48h") > litres("48h1m")`:      `at character 24: the window "48h1m" is out of range; draws are kept for 48h`,
		`litres("4m") > 3`:                     "write 5m to 48h",
		`still_hours("6h") > 3`:                "takes no window",
		`door > "open"`:                        "door has no order",
		`door == "opened"`:                     `did you mean "open"; it is one of "closed", "open"`,
		`door == weekday`:                      "is compared with a word in quotes",
		`month in [0]`:                         "month is 1 to 12, never 0",
		`hour > -1`:                            "hour is 0 to 23, never -1",
		`hour in 22..5`:                        "over midnight write like hour >= 22 or hour < 6",
		`not hour < 6`:                         "put what follows in brackets",
		`night and`:                            "it ends too early",
		`still_hours > 8h`:                     "hours are written without a unit",
		`still_hours % 2 == 0`:                 "% is for whole numbers",
		`all([1], {# > 0}) and night`:          "cannot stand here",
		`let x = night; x`:                     "cannot stand here",
		`env.night`:                            `"env" is no quantity`,
		`$env["night"]`:                        "cannot stand here",
		`$env.night`:                           "cannot stand here",
		`weekday matches "(a+)+$"`:             `"matches" cannot stand here`,
		`night ?? true`:                        `"??" cannot stand here`,
		`hour == 3 ? "a" : "b"`:                "comes to a text",
		`nil`:                                  "comes to something else than yes or no",
		`{"a": night}.a`:                       "cannot stand here",
		`[night][0]`:                           "cannot stand here",
		`"x" == "x" and night`:                 "cannot stand here",
		`door in []`:                           "a list",
		`hour in "6"`:                          "cannot go together",
		`true or false`:                        "asks nothing of the home",
		`night; night`:                         "cannot stand here",
	} {
		_, err := Compile(text)
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%q: %v, want …%s…", text, err, want)
		}
	}
}

func TestReads(t *testing.T) {
	c := compile(t, `night and draws("1h") > 3 or workday`)
	if want := rules.ReadsOf(rules.LocalNight, rules.DrawsIn, rules.LocalDay); c.Reads != want {
		t.Errorf("reads %b, want %b", c.Reads, want)
	}
	if c.Shortest != time.Hour || c.Longest != time.Hour {
		t.Errorf("windows %v to %v", c.Shortest, c.Longest)
	}
	if c = compile(t, `litres("48h") > 2 * litres("30m")`); c.Shortest != 30*time.Minute || c.Longest != 48*time.Hour {
		t.Errorf("windows %v to %v", c.Shortest, c.Longest)
	}
}

// random draws a condition in the language, and nothing beyond it.
func random(t *rapid.T, depth int) string {
	kind := rapid.IntRange(0, 8).Draw(t, "kind")
	if depth == 0 {
		kind = min(kind, 3)
	}
	deeper := func() string { return random(t, depth-1) }
	switch kind {
	case 0:
		return rapid.SampledFrom([]string{"night", "workday", "restday", "festival", "true", "false"}).Draw(t, "yesNo")
	case 1:
		return rapid.SampledFrom([]string{`door == "open"`, `door != "open"`, `weekday == "monday"`, `weekday in ["sunday", "friday"]`, `weekday != "sunday"`}).Draw(t, "text")
	case 2, 3:
		return fmt.Sprintf("%s %s %s", randomNumber(t, depth), rapid.SampledFrom([]string{"<", "<=", ">", ">=", "==", "!="}).Draw(t, "op"), randomNumber(t, depth))
	case 4:
		return "not (" + deeper() + ")"
	case 5:
		return fmt.Sprintf("(%s ? %s : %s)", deeper(), deeper(), deeper())
	case 6:
		return fmt.Sprintf("(%s) %s (%s)", deeper(), rapid.SampledFrom([]string{"==", "!="}).Draw(t, "op"), deeper())
	}
	return fmt.Sprintf("(%s) %s (%s)", deeper(), rapid.SampledFrom([]string{"and", "or"}).Draw(t, "op"), deeper())
}

func randomNumber(t *rapid.T, depth int) string {
	kind := rapid.IntRange(0, 6).Draw(t, "number")
	if depth == 0 {
		kind = min(kind, 2)
	}
	deeper := func() string { return randomNumber(t, depth-1) }
	switch kind {
	case 0:
		return fmt.Sprint(rapid.IntRange(1, 12).Draw(t, "whole"))
	case 1:
		return rapid.SampledFrom([]string{"still_hours", "usual_hours", "hour", "month", "door_open_minutes"}).Draw(t, "quantity")
	case 2:
		return rapid.SampledFrom([]string{`litres("6h")`, `draws("1h")`}).Draw(t, "window")
	case 3:
		return "-(" + deeper() + ")"
	case 4:
		return fmt.Sprintf("%s(%s, %s)", rapid.SampledFrom([]string{"min", "max"}).Draw(t, "join"), deeper(), deeper())
	case 5:
		return fmt.Sprintf("(%s ? %s : %s)", random(t, depth-1), deeper(), deeper())
	}
	return fmt.Sprintf("(%s) %s (%s)", deeper(), rapid.SampledFrom([]string{"+", "-", "*", "/"}).Draw(t, "op"), deeper())
}

// randomHome draws a home, of which nothing is unknown.
func randomHome(t *rapid.T) home {
	h := home{}
	for _, key := range []string{"still_hours", "usual_hours", "door_open_minutes", "litres 6h", "draws 1h"} {
		h[key] = float64(rapid.IntRange(0, 40).Draw(t, key)) / 2
	}
	for key, most := range map[string]int{"hour": 23, "month": 12, "door": 1, "weekday": 6, "day": 2, "night": 1} {
		h[key] = float64(rapid.IntRange(0, most).Draw(t, key))
	}
	h["month"] = max(1, h["month"])
	return h
}

// drawCondition draws a text with its condition, where it has one.
func drawCondition(t *rapid.T) (string, *rules.Condition) {
	text := random(t, 3)
	c, err := Compile(text)
	if err != nil {
		t.Skip(err)
	}
	return text, c
}

// Where all is known, the library's own machine says the same.
func TestAsTheLibrarySays(t *testing.T) {
	compared := 0
	rapid.Check(t, func(t *rapid.T) {
		condition, c := drawCondition(t)
		h := randomHome(t)
		env := map[string]any{}
		for _, w := range vocabulary {
			v := h.Quantity(w.asks, 0)
			switch w.sort {
			case number:
				env[w.name] = v
			case whole:
				env[w.name] = int(v)
			case yesNo:
				env[w.name] = false
				for _, yes := range w.value {
					env[w.name] = env[w.name] == true || v == yes
				}
			case text:
				env[w.name] = w.words[int(v)]
			case window:
				env[w.name] = func(span string) float64 {
					d, _ := stillwater.ParseSpan(span)
					return h.Quantity(w.asks, d)
				}
			}
		}
		program, err := expr.Compile(condition, expr.Env(environment()), expr.AsBool())
		if err != nil {
			t.Fatalf("%s: %v", condition, err)
		}
		want, err := expr.Run(program, env)
		if err != nil {
			return // it takes min of a whole number and another for a whole number, and stops
		}
		got := c.Holds(h)
		if got == rules.Unknown && strings.Contains(condition, "/") {
			return // by zero
		}
		if got != is(want.(bool)) {
			t.Errorf("%s in %v is %d, the library says %v", condition, h, got, want)
		}
		compared++
	})
	if compared < 30 {
		t.Errorf("only %d conditions were compared", compared)
	}
}

// What is decided while something is unknown stays so, whatever it turns out to be.
func TestUnknownDecidesNothing(t *testing.T) {
	decided := 0
	rapid.Check(t, func(t *rapid.T) {
		condition, c := drawCondition(t)
		whole := randomHome(t)
		part := home{}
		for key, v := range whole {
			if rapid.Bool().Draw(t, "known "+key) {
				part[key] = v
			}
		}
		before, after := c.Holds(part), c.Holds(whole)
		if before == rules.Unknown {
			return
		}
		decided++
		if before != after && after != rules.Unknown {
			t.Errorf("%s in %v is %d, and in %v %d", condition, part, before, whole, after)
		}
	})
	if decided < 20 {
		t.Errorf("only %d conditions were decided", decided)
	}
}

// FuzzCompile wants that no text panics, takes long or comes to something else than a truth, and that a mistake is told in one line.
func FuzzCompile(f *testing.F) {
	for _, seed := range []string{
		`litres("6h") > 300 && hour < 6`, `still_hours > 8 && door == "open"`, `hour in 1..3 or weekday not in ["monday"]`, `night ? 1 > draws("1h") : max(hour, 3) % 2 == -1 ** 3`,
		`((((((`, `"\u{1F600}" == door`, `1..9999999999 == night`, `hour in [1,2,3`, `$env`, `#`, `let x = 1; x`, `map(1..1e9, # ** #)`, `"a" * 9`, "`", `0x1g`, `b"x" == door`, `hour|abs()|max(1)>0`,
	} {
		f.Add(seed, 1.5)
	}
	f.Fuzz(func(t *testing.T, text string, v float64) {
		began := time.Now()
		c, err := Compile(text)
		if took := time.Since(began); took > 2*time.Second {
			t.Errorf("%q took %v to compile", text, took)
		}
		if err != nil {
			if strings.Contains(err.Error(), "\n") || err.Error() == "" {
				t.Errorf("%q: %q", text, err)
			}
			return
		}
		began = time.Now()
		for _, h := range []rules.Quantities{home{}, same(v), same(math.Inf(1)), same(0)} {
			if got := c.Holds(h); got != rules.Yes && got != rules.No && got != rules.Unknown {
				t.Errorf("%q is %d", text, got)
			}
		}
		if took := time.Since(began); took > time.Second {
			t.Errorf("%q took %v to judge", text, took)
		}
	})
}

// same is a home in which every quantity has one value.
type same float64

func (s same) Quantity(rules.Quantity, time.Duration) float64 { return float64(s) }

func TestJudgingMakesNoGarbage(t *testing.T) {
	c, h := compile(t, `litres("6h") > 300 and hour < 6 or still_hours > 8 and weekday in ["saturday", "sunday"]`), rules.Quantities(same(5))
	if n := testing.AllocsPerRun(100, func() { c.Holds(h) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkHolds(b *testing.B) {
	c, h := compile(b, `litres("6h") > 300 and hour < 6 or still_hours > 8 and weekday in ["saturday", "sunday"]`), rules.Quantities(same(5))
	b.ReportAllocs()
	for b.Loop() {
		c.Holds(h)
	}
}

// BenchmarkLibrary is the same by the library's machine, for comparison.
func BenchmarkLibrary(b *testing.B) {
	env := environment()
	program, err := expr.Compile(`litres("6h") > 300 and hour < 6 or still_hours > 8 and weekday in ["saturday", "sunday"]`, expr.Env(env), expr.AsBool())
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		expr.Run(program, env) //nolint:errcheck
	}
}

func BenchmarkCompile(b *testing.B) {
	for b.Loop() {
		compile(b, `litres("6h") > 300 and hour < 6 or still_hours > 8`)
	}
}

// The READMEs name every quantity, and the conditions that they show are right.
func TestReadmes(t *testing.T) {
	condition := regexp.MustCompile(`when: '([^']+)'`)
	for _, file := range []string{"../../README.md", "../../README.zh-CN.md"} {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, line := range Manual() {
			if !bytes.Contains(text, []byte("`"+line[0]+"`")) && !bytes.Contains(text, []byte("`"+line[0]+"(")) {
				t.Errorf("%s does not name %s: %s", file, line[0], line[1])
			}
		}
		shown := condition.FindAllSubmatch(text, -1)
		if len(shown) < 3 {
			t.Errorf("%s shows %d conditions", file, len(shown))
		}
		for _, m := range shown {
			compile(t, string(m[1]))
		}
	}
}
