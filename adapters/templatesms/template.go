package templatesms

import (
	"fmt"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"stillwater"
)

// A Template is one text that the provider has approved.
type Template struct {
	ID         string                `yaml:"id" doc:"the provider's name for it: SMS_123456789 at Aliyun, a number at Tencent Cloud"`
	Text       string                `yaml:"text" doc:"the approved text with its variables, like ${name}${since}起${what}; Tencent Cloud's {1}, {2} … are written by name here, too, and numbered as they stand"`
	Purposes   []stillwater.Purpose  `yaml:"purposes,omitempty" doc:"what it is for: ask, tell, again, update, done, which, check; default everything"`
	Severities []stillwater.Severity `yaml:"severities,omitempty" doc:"of which severities: notice, question, alert, urgent; default all"`
	Languages  []string              `yaml:"languages,omitempty" doc:"for readers of which languages, like zh-CN; default all"`
	Repeat     bool                  `yaml:"repeat,omitempty" doc:"its text says that it may have come before; a repeat by another template is marked in a variable"`
	Vars       []Variable            `yaml:"vars,omitempty" doc:"what its variables take, where that is less than the provider's usual limit"`
}

// A Variable is what one place of a template takes.
type Variable struct {
	Name string `yaml:"name" doc:"as in the text: name, what, since, span, code, data, news, who, outcome, known, phone, token"`
	Max  int    `yaml:"max,omitempty" doc:"how many characters it takes at most; default 35 at Aliyun, 6 at Tencent Cloud, 20 elsewhere"`
	Only string `yaml:"only,omitempty" doc:"digits, or letters for digits and plain letters, where the provider takes nothing else"`
	Star string `yaml:"star,omitempty" doc:"what stands for the * of a shortened name where the provider takes no signs, like 某"`
	Else string `yaml:"else,omitempty" doc:"what stands where a message has no such value, like the telephone of the duty desk"`
}

// longestText is a provider's bound on a whole text: 500 at Aliyun (help.aliyun.com/document_detail/463270.htm) and at Tencent Cloud
// (cloud.tencent.com/document/product/382/39023).
const longestText = 500

// forbidden are signs that neither provider takes, in a template or a variable (the same pages).
const forbidden = "【】『』「」〖〗#^¥★※→•²①②③④⑤⑥⑦⑧⑨☞✓●"

// place is where a variable goes.
var place = regexp.MustCompile(`\$\{([A-Za-z][A-Za-z0-9_]*)\}`)

// variables are the names in the order in which they stand in the text.
func (t *Template) variables() (names []string) {
	for _, m := range place.FindAllStringSubmatch(t.Text, -1) {
		names = append(names, m[1])
	}
	return names
}

// Validate reports every setting that cannot work.
func (t *Template) Validate(report func(field any, problem string)) {
	if t.ID == "" {
		report(&t.ID, "a template needs the name that the provider gave it, like id: SMS_123456789")
	}
	for _, problem := range t.wrong() {
		report(&t.Text, problem)
	}
	for _, s := range t.Severities {
		if !s.Valid() {
			report(&t.Severities, fmt.Sprintf("%q is no severity; write notice, question, alert or urgent", s))
		}
	}
	for _, p := range t.Purposes {
		if !strings.Contains(" ask tell again update done which check ", " "+string(p)+" ") {
			report(&t.Purposes, fmt.Sprintf("%q is no purpose; write ask, tell, again, update, done, which or check", p))
		}
	}
	for i := range t.Vars {
		if t.Vars[i].Name != "" && !strings.Contains(t.Text, "${"+t.Vars[i].Name+"}") {
			report(&t.Vars, fmt.Sprintf("the text has no ${%s}", t.Vars[i].Name))
		}
	}
}

// wrong is what no provider approves in a text, or could not fill in.
func (t *Template) wrong() (problems []string) {
	names := t.variables()
	plain := place.ReplaceAllString(t.Text, "")
	if strings.TrimSpace(plain) == "" {
		problems = append(problems, "a template is the approved text with its variables; it cannot be empty or have nothing but variables")
	}
	for i, name := range names {
		for _, other := range names[:i] {
			if other == name {
				problems = append(problems, fmt.Sprintf("${%s} stands twice; providers take each variable once", name))
			}
		}
	}
	if strings.Contains(place.ReplaceAllString(t.Text, "\x00"), "\x00\x00") {
		problems = append(problems, "two variables stand side by side; providers want words between them")
	}
	if bad := firstOf(plain, forbidden+"{}$"); bad != "" {
		problems = append(problems, fmt.Sprintf("the text has %s in it, which providers refuse; variables are written like ${name}", bad))
	}
	if strings.HasPrefix(t.Text, "[") || strings.HasSuffix(t.Text, "]") {
		problems = append(problems, "the text begins or ends with a square bracket, which looks like a signature; put it elsewhere")
	}
	if n := utf8.RuneCountInString(t.Text); n > longestText {
		problems = append(problems, fmt.Sprintf("the text has %d characters; providers take %d", n, longestText))
	}
	return problems
}

// Validate reports every setting that cannot work.
func (v *Variable) Validate(report func(field any, problem string)) {
	if v.Name == "" {
		report(&v.Name, "a variable needs its name; write like name: since")
	}
	if v.Max < 0 || v.Max > longestText {
		report(&v.Max, fmt.Sprintf("%d is not a number of characters; leave it out for the provider's usual limit", v.Max))
	}
	if v.Only != "" && v.Only != "digits" && v.Only != "letters" {
		report(&v.Only, fmt.Sprintf("%q is not known; write digits, or letters, or leave it out", v.Only))
	}
	if bad := firstOf(v.Star+v.Else, forbidden); bad != "" {
		report(v, fmt.Sprintf("%s is a sign that providers refuse", bad))
	}
}

// variable is what is said of a name; nil: nothing.
func (t *Template) variable(name string) *Variable {
	for i := range t.Vars {
		if t.Vars[i].Name == name {
			return &t.Vars[i]
		}
	}
	return nil
}

// firstOf is the first character of text that is one of those in the set, quoted; "" if none is.
func firstOf(text, set string) string {
	if i := strings.IndexAny(text, set); i >= 0 {
		r, _ := utf8.DecodeRuneInString(text[i:])
		return fmt.Sprintf("%q", r)
	}
	return ""
}

// link finds what looks like an address: providers refuse it in a variable.
var link = regexp.MustCompile(`(?i)://|www\.|[a-z0-9-]\.(com|cn|net|org|gov|top|vip|cc|io)\b`)

// refused is why a value cannot stand in a variable; "" if it can.
func (v *Variable) refused(value string, limit int) string {
	n := utf8.RuneCountInString(value)
	switch {
	case n == 0:
		return "has no value"
	case n > limit:
		return fmt.Sprintf("has %d characters, and the template takes %d", n, limit)
	case strings.IndexFunc(value, unicode.IsControl) >= 0 || firstOf(value, forbidden+"{}") != "":
		return "has a sign that providers refuse"
	case link.MatchString(value):
		return "looks like an address, which providers refuse in a variable"
	case v != nil && v.Only == "digits" && strings.Trim(value, "0123456789-") != "":
		return "is not made of digits"
	case v != nil && v.Only == "letters" && strings.IndexFunc(value, func(r rune) bool { return r > unicode.MaxASCII || !unicode.IsLetter(r) && !unicode.IsDigit(r) }) >= 0:
		return "is not made of digits and plain letters"
	}
	return ""
}
