package templatesms_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"stillwater"
	"stillwater/adapters/templatesms"
	"stillwater/gateway/config"
	"stillwater/gateway/words"
)

// samples are the configurations that the README shows.
func samples(t *testing.T) (list []templatesms.Config) {
	t.Helper()
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range regexp.MustCompile("(?s)```yaml\n(.*?)```").FindAllSubmatch(readme, -1) {
		c := templatesms.Defaults()
		if _, problems := config.Parse("README.md", m[1], &c); len(problems) > 0 {
			t.Errorf("%v\nin\n%s", problems, m[1])
		}
		c.Secret.Set("secret0token")
		list = append(list, c)
	}
	return list
}

func at(d, hour, minute int) time.Time { return time.Date(2025, 11, d, hour, minute, 0, 0, time.UTC) }

// incidents is one of every rule that has words of its own, with all that can be known.
func incidents() (list []stillwater.Incident) {
	rules := strings.Fields("silence-24h away-alert surge-2m3-day surge-learned leak-running leak-night leak-24h door-open door-open-night door-unusual night-exit no-exit trend-night trend-use trend-first " +
		"device-silent device-blind device-door-stuck device-door-inverted device-door-chattering common-cause-water common-cause-blind absence-use absence-back custom-my-own")
	for _, rule := range rules {
		f := stillwater.Finding{Rule: rule, Kind: stillwater.Welfare, Began: at(4, 8, 0), Facts: stillwater.Facts{Since: at(3, 5, 50), Span: 26 * time.Hour, DataTo: at(4, 8, 0), Members: []stillwater.HouseholdID{"h1"}, Homes: 4}}
		if strings.HasPrefix(rule, "common-cause") {
			f.Group = "building/招宝山街道/总浦桥社区/3网格/12号楼"
		}
		list = append(list, stillwater.Incident{Code: "K7M", Household: "h7", Group: f.Group, Kind: f.Kind, State: stillwater.Opened, Opened: f.Began, Findings: []stillwater.Finding{f}})
	}
	return list
}

// TestTemplatesOfTheReadme: every kind of finding is told by a template of its purpose, in two SMS at most, and the usual home in one.
func TestTemplatesOfTheReadme(t *testing.T) {
	w, err := words.New()
	if err != nil {
		t.Fatal(err)
	}
	var query func() string
	server := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		template := r.URL.Query().Get("TemplateCode")
		query = func() string { return template }
		fmt.Fprint(rw, `{"Code":"OK","BizId":"1^1"}`)
	}))
	defer server.Close()
	c := samples(t)[0]
	c.BaseURL = server.URL
	p, err := templatesms.New(c, templatesms.Options{})
	if err != nil {
		t.Fatal(err)
	}
	home := stillwater.Household{ID: "h7", Name: "王秀英", TimeZone: "Asia/Shanghai", Contacts: []stillwater.Contact{{ID: "li", Name: "李敏", Role: stillwater.Worker}}}
	wanted := map[stillwater.Purpose]string{stillwater.Tell: "SMS_100000002", stillwater.Ask: "SMS_100000003", stillwater.Again: "SMS_100000004", stillwater.Update: "SMS_100000006", stillwater.Done: "SMS_100000007", stillwater.Check: "SMS_100000008"}
	for _, inc := range incidents() {
		inc.Outcome, inc.Known = stillwater.FalseAlarm, stillwater.Spoken
		for purpose, want := range wanted {
			m := stillwater.Message{ID: "K7M-1", To: "+8613800138000", Code: "K7M3", Purpose: purpose, Severity: stillwater.Alert, Language: "zh-CN", Created: at(4, 8, 5)}
			m.Vars = w.Vars(m, inc, home)
			if _, err := p.Send(context.Background(), m); err != nil {
				t.Errorf("%s %s: %v", inc.Findings[0].Rule, purpose, err)
			} else if query() != want {
				t.Errorf("%s %s is told by %s, not %s: %v", inc.Findings[0].Rule, purpose, query(), want, m.Vars)
			}
			for _, tpl := range c.Templates {
				text := tpl.Text
				for name, v := range m.Vars {
					text = strings.ReplaceAll(text, "${"+name+"}", v)
				}
				if n := utf8.RuneCountInString("【" + c.Sign + "】" + strings.ReplaceAll(text, "${phone}", "0574-12345678")); n > 134 {
					t.Errorf("%d characters: %s", n, text)
				}
			}
		}
	}
}

// TestVariablesOfTheReadme: the README lists every variable there is, with the length that holds.
func TestVariablesOfTheReadme(t *testing.T) {
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	listed := map[string]int{}
	for _, m := range regexp.MustCompile("(?m)^\\| `([a-z]+)` \\| .* \\| (\\d+) \\|$").FindAllSubmatch(readme, -1) {
		listed[string(m[1])], _ = strconv.Atoi(string(m[2]))
	}
	for name, limit := range words.VarLimits {
		if listed[name] != limit {
			t.Errorf("%s: the README says %d, and it has up to %d", name, listed[name], limit)
		}
	}
	if len(listed) != len(words.VarLimits) {
		t.Errorf("the README lists %v", listed)
	}
}
