package templatesms

import (
	"fmt"
	"strings"

	"stillwater"
	"stillwater/adapters/httpcall"
)

// A value is what stands in one variable.
type value struct{ name, text string }

// An order is one text as the provider gets it.
type order struct {
	phone    string // the eleven digits of a mainland mobile
	template string
	text     string // the template filled in
	values   []value
	code     string
}

// order chooses the template for a message and fills it in.
func (c *Config) order(m stillwater.Message) (order, error) {
	phone, ok := mainland(m.To)
	switch {
	case !ok:
		return order{}, fmt.Errorf("%w: the number of contact %q is no mobile of mainland China", httpcall.ErrUnable, m.Contact)
	case !codeShape.MatchString(m.Code):
		return order{}, fmt.Errorf("%w: message %q has no code to find it again by", stillwater.ErrRefused, m.ID)
	}
	var reasons []string
	for _, repeat := range []bool{true, false} {
		for i := range c.Templates {
			t := &c.Templates[i]
			if t.Repeat != repeat || t.Repeat && !m.Repeat || !fits(t.Purposes, m.Purpose) || !fits(t.Severities, m.Severity) || !fits(t.Languages, m.Language) {
				continue
			}
			values, reason := c.fill(t, m)
			if reason == "" {
				return order{phone: phone, template: t.ID, text: t.with(values), values: values, code: m.Code}, nil
			}
			reasons = append(reasons, fmt.Sprintf("template %s: %s", t.ID, reason))
		}
	}
	if reasons == nil {
		reasons = []string{fmt.Sprintf("no template is for purpose %q, severity %q, language %q", m.Purpose, m.Severity, m.Language)}
	}
	return order{}, fmt.Errorf("%w: %s", httpcall.ErrUnable, strings.Join(reasons, "; "))
}

// fill gives every variable of a template its value, or the reason why it cannot.
func (c *Config) fill(t *Template, m stillwater.Message) (values []value, reason string) {
	names := t.variables()
	mark := marked(t, names, m)
	for _, name := range names {
		v := t.variable(name)
		text := m.Vars[name]
		if v != nil && text == "" {
			text = v.Else
		}
		if v != nil && v.Star != "" {
			text = strings.ReplaceAll(text, "*", v.Star)
		}
		if name == mark && text != "" {
			text = repeatMark(m.Language) + text
		}
		if reason := v.refused(text, c.limit(v)); reason != "" {
			return nil, fmt.Sprintf("variable %s %s", name, reason)
		}
		values = append(values, value{name, text})
	}
	if m.Repeat && !t.Repeat && mark == "" {
		return nil, "it has no variable to mark a repeat in"
	}
	return values, ""
}

// marked is the variable that says that a text may have come before; "" if none need.
func marked(t *Template, names []string, m stillwater.Message) string {
	if !m.Repeat || t.Repeat {
		return ""
	}
	first := ""
	for _, name := range names {
		if name == "what" {
			return name
		}
		if v := t.variable(name); first == "" && (v == nil || v.Only == "") {
			first = name
		}
	}
	return first
}

// repeatMark stands before the value of a variable, where the approved text does not say that it is a repeat.
func repeatMark(language string) string {
	if strings.HasPrefix(language, "zh") {
		return "重发"
	}
	return "repeat "
}

// with is the text with its values.
func (t *Template) with(values []value) string {
	i := -1
	return place.ReplaceAllStringFunc(t.Text, func(string) string { i++; return values[i].text })
}

// mainland is the eleven digits of a mobile number of mainland China.
func mainland(to stillwater.Address) (string, bool) {
	digits, ok := strings.CutPrefix(string(to), "+86")
	return digits, ok && len(digits) == 11 && digits[0] == '1' && strings.Trim(digits, "0123456789") == ""
}
