package words

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"pgregory.net/rapid"

	"stillwater"
)

// checkVars: every variable is known, fits, and has nothing in it that a provider of approved templates refuses or a text must not tell.
func checkVars(t interface{ Fatalf(string, ...any) }, vars map[string]string) {
	for name, v := range vars {
		limit, known := VarLimits[name]
		switch n := utf8.RuneCountInString(v); {
		case !known:
			t.Fatalf("variable %s has no limit", name)
		case n == 0 || n > limit:
			t.Fatalf("%s has %d characters, not 1 to %d: %q", name, n, limit, v)
		case strings.ContainsAny(v, signsOfTemplates) || strings.IndexFunc(v, unicode.IsControl) >= 0 || v != strings.TrimSpace(v):
			t.Fatalf("%s has a sign that no template takes: %q", name, v)
		case strings.Contains(v, "⟦") || strings.Contains(v, "<no value>"):
			t.Fatalf("%s is no text: %q", name, v)
		}
		for _, secret := range []string{"秀英", "慧兰", "桂芳", "Smith", "Wolfeschlegelsteinhausen", "招宝山", "河滨社区"} {
			if strings.Contains(v, secret) {
				t.Fatalf("%s tells %q", name, v)
			}
		}
	}
	for _, name := range []string{"name", "what", "since", "code"} {
		if vars[name] == "" {
			t.Fatalf("%s is missing: templates cannot do without it: %v", name, vars)
		}
	}
}

// TestVarsFit: whatever rule and facts, for every purpose and reader, every variable fits what templates take.
func TestVarsFit(t *testing.T) {
	w := newWords(t)
	rapid.Check(t, func(t *rapid.T) {
		h := rapid.SampledFrom(inhabitants).Draw(t, "home")
		h.Devices = []stillwater.Device{{ID: "88001234", Kind: stillwater.Meter}}
		h.Contacts = append(slices.Clone(wang().Contacts), stillwater.Contact{ID: "desk", Role: stillwater.Community, Phone: "+8657486271234"})
		m, inc := drawMessage(t), drawIncident(t)
		m.Purpose = rapid.SampledFrom(append(slices.Clone(purposes), stillwater.Check)).Draw(t, "any purpose")
		m.Link = rapid.SampledFrom([]string{"", "https://gateway.example.org/r/Ab3-_9xYz", "https://x.example/" + strings.Repeat("k", 65)}).Draw(t, "link")
		if rapid.Bool().Draw(t, "of a rule") {
			f := anyFinding(t, m.Created, h)
			inc.Findings, inc.Group, inc.Kind = []stillwater.Finding{f}, f.Group, f.Kind
		}
		vars := w.Vars(m, inc, h)
		checkVars(t, vars)
		if vars["token"] != "" && !strings.HasSuffix(m.Link, "/"+vars["token"]) || len(vars["token"]) > 64 {
			t.Fatalf("token %q of %s", vars["token"], m.Link)
		}
		if again := w.Vars(m, inc, h); !maps.Equal(vars, again) {
			t.Fatalf("not the same twice: %v, %v", vars, again)
		}
	})
}

// TestVarsGolden holds the variables of the first word on every example, in both languages.
func TestVarsGolden(t *testing.T) {
	w := newWords(t)
	var b strings.Builder
	b.WriteString("# The variables of a message for approved templates. Read now: 4 Nov 2025 16:05.\n")
	line := func(lang string, vars map[string]string) {
		checkVars(t, vars)
		fmt.Fprintf(&b, "  %-5s", lang)
		for _, name := range slices.Sorted(maps.Keys(vars)) {
			fmt.Fprintf(&b, " %s=%q", name, vars[name])
		}
		b.WriteString("\n")
	}
	for _, e := range examples() {
		e.Began = day(4, 16, 0)
		fmt.Fprintf(&b, "\n%s\n", strings.TrimSuffix(e.Rule+", "+e.name, ", "))
		for _, lang := range []string{"zh-CN", "en"} {
			line(lang, w.Vars(messageOf(stillwater.Tell, lang), incidentOf(stillwater.Tell, e.Finding), wang()))
		}
	}
	for _, s := range specials() {
		fmt.Fprintf(&b, "\n%s\n", s.name)
		for _, lang := range []string{"zh-CN", "en"} {
			s.m.Language = lang
			line(lang, w.Vars(s.m, s.inc, wang()))
		}
	}
	goldenFile(t, "testdata/vars.golden", b.String())
}

// TestVarTextsFit: the words of the catalogues fit by themselves, so that no variable is left out for its length.
func TestVarTextsFit(t *testing.T) {
	w := newWords(t)
	for _, lang := range w.Languages() {
		for _, key := range keys(lang) {
			if !strings.HasPrefix(key, "var.") {
				continue
			}
			text := w.T(lang, key, nil)
			name := strings.Split(key, ".")[1]
			if n := utf8.RuneCountInString(text); n > VarLimits[name] || strings.ContainsAny(text, signsOfTemplates) {
				t.Errorf("%s: %s: %d characters: %q", lang, key, n, text)
			}
		}
	}
}
