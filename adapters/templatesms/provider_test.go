package templatesms

import (
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"stillwater"
)

// now is the wall clock of the tests: ten to midnight in Beijing.
var now = time.Date(2026, 11, 22, 15, 50, 0, 0, time.UTC)

const hers = "+8613800138000"

// sent is one text that the provider has.
type sent struct {
	phone, sign, template, code, serial string
	vars                                any
	day                                 string
	at                                  time.Time
	status                              int    // Aliyun's: 1 no receipt, 2 failed, 3 delivered
	word                                string // the carrier's
}

// provider is Aliyun, Tencent Cloud and a third one as their documents have them.
type provider struct {
	t      *testing.T
	server *httptest.Server
	texts  []*sent
	asked  []string // the actions
	// answer, if it is set, answers instead; false: as usual.
	answer func(action string, w http.ResponseWriter) bool
	// keepsContext says whether Tencent Cloud gives our code back.
	keepsContext bool
	replies      []map[string]any
	ahead        time.Duration // of its clock before ours
}

func newProvider(t *testing.T) *provider {
	p := &provider{t: t, keepsContext: true}
	p.server = httptest.NewUnstartedServer(http.HandlerFunc(p.serve))
	p.server.Config.ErrorLog = log.New(io.Discard, "", 0)
	p.server.Start()
	t.Cleanup(p.server.Close)
	return p
}

func (p *provider) serve(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		p.t.Error(err)
	}
	var action string
	var do func()
	switch {
	case r.Header.Get("x-acs-action") != "":
		action, do = r.Header.Get("x-acs-action"), func() { p.aliyun(w, r, body) }
	case r.Header.Get("X-TC-Action") != "":
		action, do = r.Header.Get("X-TC-Action"), func() { p.tencent(w, r, body) }
	default:
		action, do = r.URL.Path, func() { p.third(w, r, body) }
	}
	p.asked = append(p.asked, action)
	if p.answer == nil || !p.answer(action, w) {
		do()
	}
}

func write(w io.Writer, v any) { json.NewEncoder(w).Encode(v) } //nolint:errcheck // a recorder or a connection of the test

// signedBy says whether a request bears the signature that sign would give it.
func signedBy(r *http.Request, body []byte, sign func(*http.Request)) bool {
	again := r.Clone(r.Context())
	again.URL.Host = r.Host
	again.Header.Del("Authorization")
	sign(again)
	return again.Header.Get("Authorization") == r.Header.Get("Authorization") && r.Header.Get("Authorization") != ""
}

func (p *provider) aliyun(w http.ResponseWriter, r *http.Request, body []byte) {
	if !signedBy(r, body, func(r *http.Request) { signACS3(r, "LTAI5tExample", "secret0token", body) }) {
		w.WriteHeader(400)
		write(w, map[string]string{"Code": "SignatureDoesNotMatch"})
		return
	}
	q, clock := r.URL.Query(), now.Add(p.ahead).In(beijing)
	if r.Header.Get("x-acs-action") == "SendSms" {
		var vars map[string]string
		if json.Unmarshal([]byte(q.Get("TemplateParam")), &vars) != nil {
			write(w, map[string]string{"Code": "isv.INVALID_JSON_PARAM"})
			return
		}
		p.texts = append(p.texts, &sent{phone: q.Get("PhoneNumbers"), sign: q.Get("SignName"), template: q.Get("TemplateCode"), code: q.Get("OutId"), vars: vars, day: clock.Format("20060102"), status: 1})
		write(w, map[string]string{"Code": "OK", "Message": "OK", "BizId": "134523^4351232", "RequestId": "819BE656"})
		return
	}
	var page, size int
	fmt.Sscan(q.Get("CurrentPage"), &page) //nolint:errcheck // 0 gives an empty page
	fmt.Sscan(q.Get("PageSize"), &size)    //nolint:errcheck // likewise
	var all []map[string]any
	for _, s := range p.texts {
		if s.phone == q.Get("PhoneNumber") && s.day == q.Get("SendDate") {
			all = append(all, map[string]any{"OutId": s.code, "SendStatus": s.status, "ErrCode": s.word, "PhoneNum": s.phone, "Content": "【安居水哨】…", "TemplateCode": s.template})
		}
	}
	from := min(len(all), (page-1)*size)
	write(w, map[string]any{
		"Code": "OK", "TotalCount": fmt.Sprint(len(all)), "SmsSendDetailDTOs": map[string]any{"SmsSendDetailDTO": all[from:min(len(all), from+size)]},
	})
}

func (p *provider) tencent(w http.ResponseWriter, r *http.Request, body []byte) {
	say := func(v any) { write(w, map[string]any{"Response": v}) }
	if !signedBy(r, body, func(r *http.Request) { signTC3(r, "AKIDexample", "secret0token", "sms", now, body) }) {
		say(map[string]any{"Error": map[string]string{"Code": "AuthFailure.SignatureFailure"}})
		return
	}
	var q struct {
		PhoneNumberSet, TemplateParamSet                               []string
		SmsSdkAppId, SignName, TemplateId, SessionContext, PhoneNumber string //nolint:revive // their names
		BeginTime, EndTime                                             int64
		Limit                                                          int
	}
	if err := json.Unmarshal(body, &q); err != nil || q.SmsSdkAppId != "1400006666" {
		say(map[string]any{"Error": map[string]string{"Code": "InvalidParameter"}})
		return
	}
	switch r.Header.Get("X-TC-Action") {
	case "SendSms":
		s := &sent{phone: q.PhoneNumberSet[0], sign: q.SignName, template: q.TemplateId, code: q.SessionContext, vars: q.TemplateParamSet, serial: fmt.Sprintf("5000:%d", len(p.texts)), at: now}
		p.texts = append(p.texts, s)
		say(map[string]any{"SendStatusSet": []any{map[string]any{"SerialNo": s.serial, "PhoneNumber": s.phone, "Fee": 1, "SessionContext": s.code, "Code": "Ok", "IsoCode": "CN"}}})
	case "PullSmsSendStatusByPhoneNumber":
		var set []map[string]any
		for _, s := range p.texts {
			if s.phone != q.PhoneNumber || s.word == "" || s.at.Unix() < q.BeginTime || s.at.Unix() > q.EndTime || len(set) == q.Limit {
				continue
			}
			one := map[string]any{"SerialNo": s.serial, "ReportStatus": map[bool]string{true: "SUCCESS", false: "FAIL"}[s.status == 3], "Description": s.word, "SessionContext": nil}
			if p.keepsContext {
				one["SessionContext"] = s.code
			}
			set = append(set, one)
		}
		say(map[string]any{"PullSmsSendStatusSet": set})
	case "PullSmsReplyStatus":
		say(map[string]any{"PullSmsReplyStatusSet": p.replies})
		p.replies = nil
	}
}

// third is a provider of the kind that is described.
func (p *provider) third(w http.ResponseWriter, r *http.Request, body []byte) {
	if r.URL.Path == "/send" {
		var f map[string]string
		if err := json.Unmarshal(body, &f); err != nil {
			p.t.Errorf("send: %v in %s", err, body)
		}
		if f["sign"] != md5Of("account-7"+"secret0token"+fmt.Sprint(now.Unix())) {
			write(w, map[string]any{"code": 3001})
			return
		}
		p.texts = append(p.texts, &sent{phone: f["mobile"], template: f["tpl"], code: f["ext"], vars: f["params"], status: 1})
		write(w, map[string]any{"code": 0, "data": map[string]any{"msgid": 77}})
		return
	}
	var list []any
	for _, s := range p.texts {
		if strings.Contains(string(body), "mobile="+s.phone) && s.word != "" {
			list = append(list, map[string]any{"ext": s.code, "status": s.word})
		}
	}
	write(w, map[string]any{"code": 0, "data": list})
}

// config is one that works with the provider, changed as a test wants it.
func (p *provider) config(name string, change ...func(*Config)) Config {
	c := Config{
		Provider: name, Sign: "安居水哨", Key: "LTAI5tExample", Secret: stillwater.Secret{Env: "SMS_SECRET"}, BaseURL: p.server.URL,
		Templates: []Template{{ID: "SMS_1", Text: "提醒：${name}从${since}起，${what}，编号${code}。", Vars: []Variable{{Name: "name", Max: 12}, {Name: "since", Max: 12}, {Name: "what", Max: 16}}}},
	}
	c.Secret.Set("secret0token")
	switch name {
	case tencent:
		c.Key, c.App = "AKIDexample", "1400006666"
	case generic:
		c.Key, c.BaseURL = "account-7", ""
		c.Generic = &Generic{
			Send: Request{URL: p.server.URL + "/send", Fields: map[string]string{"mobile": "{phone}", "tpl": "{template}", "params": "{vars}", "ext": "{code}", "sign": "{signature}"}},
			Sign: Scheme{Kind: "md5", Of: "{key}{secret}{timestamp}"}, Success: Success{Field: "code", Is: []string{"0"}, ID: "data.msgid"},
			Codes:    Codes{Refused: []string{"1001"}, Limited: []string{"2001"}, Unable: []string{"3001"}, NotSent: []string{"5001"}},
			Receipts: &Receipts{Request: Request{URL: p.server.URL + "/report", Encoding: "form", Fields: map[string]string{"mobile": "{phone}", "sign": "{signature}"}}, List: "data", Code: "ext", State: "status", Delivered: []string{"DELIVRD"}, Failed: []string{"UNDELIV"}},
		}
	}
	for _, f := range change {
		f(&c)
	}
	return c
}

func (p *provider) open(name string, change ...func(*Config)) Provider {
	p.t.Helper()
	s, err := New(p.config(name, change...), Options{Now: func() time.Time { return now }})
	if err != nil {
		p.t.Fatal(err)
	}
	p.t.Cleanup(s.Close)
	return s
}

func message(code string) stillwater.Message {
	return stillwater.Message{
		ID: "K7M-1", Contact: "li", To: hers, Code: code, Purpose: stillwater.Tell, Severity: stillwater.Alert, Language: "zh-CN", Text: "not this",
		Vars: map[string]string{"name": "王*家", "since": "3日13:50", "what": "一直无动静", "code": code},
	}
}
