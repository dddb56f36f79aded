package templatesms

import (
	"context"
	"crypto/md5"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"
	"time"

	"stillwater"
)

func md5Of(s string) string { sum := md5.Sum([]byte(s)); return hex.EncodeToString(sum[:]) }

// The examples that the providers publish of their signatures.
func TestPublishedSignatures(t *testing.T) {
	// help.aliyun.com/zh/sdk/product-overview/v3-request-structure-and-signature, with fixed parameters
	req := httptest.NewRequest(http.MethodPost, "https://ecs.cn-shanghai.aliyuncs.com/?"+canonicalQuery(map[string]string{
		"RegionId": "cn-shanghai", "ImageId": "win2019_1809_x64_dtc_zh-cn_40G_alibase_20230811.vhd",
	}), nil)
	for name, v := range map[string]string{"x-acs-action": "RunInstances", "x-acs-version": "2014-05-26", "x-acs-date": "2023-10-26T10:22:32Z", "x-acs-signature-nonce": "3156853299f313e23d1673dc12e1703d"} {
		req.Header.Set(name, v)
	}
	signACS3(req, "YourAccessKeyId", "YourAccessKeySecret", nil)
	want := "ACS3-HMAC-SHA256 Credential=YourAccessKeyId,SignedHeaders=host;x-acs-action;x-acs-content-sha256;x-acs-date;x-acs-signature-nonce;x-acs-version,Signature=06563a9e1b43f5dfe96b81484da74bceab24a1d853912eee15083a6f0f3283c0"
	if got := req.Header.Get("Authorization"); got != want {
		t.Errorf("Aliyun:\n got %s\nwant %s", got, want)
	}
	if got, want := canonicalQuery(map[string]string{"b": "v=a b*c~d/e+", "a": "王*家"}), "a=%E7%8E%8B%2A%E5%AE%B6&b=v%3Da%20b%2Ac~d%2Fe%2B"; got != want {
		t.Errorf("parameters are written %s, want %s", got, want)
	}
	// cloud.tencent.com/document/api/213/30654, whose credentials are stars
	body := []byte(`{"Limit": 1, "Filters": [{"Values": ["\u672a\u547d\u540d"], "Name": "instance-name"}]}`)
	req = httptest.NewRequest(http.MethodPost, "https://cvm.tencentcloudapi.com/", nil)
	req.Header.Set("X-TC-Action", "DescribeInstances")
	id := "AKID" + strings.Repeat("*", 32)
	signTC3(req, id, strings.Repeat("*", 32), "cvm", time.Unix(1551113065, 0), body)
	want = "TC3-HMAC-SHA256 Credential=" + id + "/2019-02-25/cvm/tc3_request, SignedHeaders=content-type;host;x-tc-action, Signature=10b1a37a7301a02ca19a647ad722d5e43b4b3cff309d421d85b46093f6ab6c4f"
	if got := req.Header.Get("Authorization"); got != want {
		t.Errorf("Tencent Cloud:\n got %s\nwant %s", got, want)
	}
}

func TestSend(t *testing.T) {
	vars := map[string]string{"name": "王*家", "since": "3日13:50", "what": "一直无动静", "code": "K7M3"}
	for name, want := range map[string]sent{
		aliyun:  {phone: "13800138000", sign: "安居水哨", template: "SMS_1", code: "K7M3", vars: vars},
		tencent: {phone: "+8613800138000", sign: "安居水哨", template: "SMS_1", code: "K7M3", vars: []string{"王*家", "3日13:50", "一直无动静", "K7M3"}},
		generic: {phone: "13800138000", template: "SMS_1", code: "K7M3", vars: `{"code":"K7M3","name":"王*家","since":"3日13:50","what":"一直无动静"}`},
	} {
		p := newProvider(t)
		s := p.open(name, func(c *Config) {
			c.Templates[0].Vars = append(c.Templates[0].Vars, Variable{Name: "code", Max: 8})
		})
		id, err := s.Send(t.Context(), message("K7M3"))
		if err != nil || id == "" || len(p.texts) != 1 {
			t.Fatalf("%s: %q, %v, %d texts", name, id, err, len(p.texts))
		}
		got := *p.texts[0]
		if got.phone != want.phone || got.sign != want.sign || got.template != want.template || got.code != want.code || !reflect.DeepEqual(got.vars, want.vars) {
			t.Errorf("%s: the provider has %+v, want %+v", name, got, want)
		}
		if strings.Contains(id, "138000") || s.Name() != name {
			t.Errorf("%s: named %s; the identifier %s tells the number", name, s.Name(), id)
		}
	}
}

// says is an answer of a provider in its own way.
func says(name, code string) (status int, body string) {
	switch name {
	case aliyun:
		return 200, fmt.Sprintf(`{"Code":%q,"Message":"the number 13800138000","RequestId":"x"}`, code)
	case tencent:
		if top, ok := strings.CutPrefix(code, "top:"); ok {
			return 200, fmt.Sprintf(`{"Response":{"Error":{"Code":%q,"Message":"the number 13800138000"},"RequestId":"x"}}`, top)
		}
		return 200, fmt.Sprintf(`{"Response":{"SendStatusSet":[{"SerialNo":"","PhoneNumber":"+8613800138000","Code":%q}],"RequestId":"x"}}`, code)
	}
	return 200, fmt.Sprintf(`{"code":%q,"msg":"13800138000"}`, code)
}

// What a courier may conclude from each code. Wrong here means that somebody is told twice, or never.
func TestClassesOfFailure(t *testing.T) {
	classes := map[string][]error{
		"refused": {stillwater.ErrRefused}, "unable": {stillwater.ErrRefused, stillwater.ErrUnable},
		"limited": {stillwater.ErrNotSent, stillwater.ErrLimited}, "not sent": {stillwater.ErrNotSent}, "unclear": {},
	}
	for name, codes := range map[string]map[string]string{
		aliyun: {
			"isv.MOBILE_NUMBER_ILLEGAL": "refused", "isv.BUSINESS_LIMIT_CONTROL": "limited", "isv.DAY_LIMIT_CONTROL": "limited", "isv.MONTH_LIMIT_CONTROL": "limited",
			"isv.AMOUNT_NOT_ENOUGH": "unable", "isv.SMS_TEMPLATE_ILLEGAL": "unable", "isv.SMS_SIGNATURE_ILLEGAL": "unable", "isv.OUT_OF_SERVICE": "unable",
			"isp.RAM_PERMISSION_DENY": "unable", "isp.SYSTEM_ERROR": "unclear", "Throttling.User": "limited", "InvalidAccessKeyId.NotFound": "unable",
			"InvalidTimeStamp.Expired": "unable", "SignatureNonceUsed": "unclear", "ServiceUnavailable": "unclear", "SomethingNew": "unclear",
		},
		tencent: {
			"FailedOperation.PhoneNumberInBlacklist": "refused", "InvalidParameterValue.IncorrectPhoneNumber": "refused", "FailedOperation.PhoneNumberParseFail": "refused",
			"LimitExceeded.PhoneNumberDailyLimit": "limited", "LimitExceeded.PhoneNumberThirtySecondLimit": "limited", "LimitExceeded.DeliveryFrequencyLimit": "limited",
			"FailedOperation.InsufficientBalanceInSmsPackage": "unable", "FailedOperation.TemplateIncorrectOrUnapproved": "unable", "UnauthorizedOperation.ServiceSuspendDueToArrears": "unable",
			"InvalidParameterValue.TemplateParameterLengthLimit": "unable", "InternalError.Timeout": "unclear", "InternalError.SendAndRecvFail": "unclear", "InternalError.RequestTimeException": "unable",
			"top:AuthFailure.SignatureFailure": "unable", "top:RequestLimitExceeded": "limited", "top:InternalError": "unclear", "top:ResourceInsufficient": "not sent", "SomethingNew": "unclear",
		},
		generic: {"1001": "refused", "2001": "limited", "3001": "unable", "5001": "not sent", "9999": "unclear"},
	} {
		for code, want := range codes {
			p := newProvider(t)
			p.answer = func(_ string, w http.ResponseWriter) bool {
				status, body := says(name, code)
				w.WriteHeader(status)
				fmt.Fprint(w, body)
				return true
			}
			_, err := p.open(name).Send(t.Context(), message("K7M3"))
			expect(t, name+" "+code, err, classes[want])
			if len(p.asked) != 1 {
				t.Errorf("%s: asked %d times; whether to ask again is for the courier", code, len(p.asked))
			}
		}
	}
}

func expect(t *testing.T, name string, err error, classes []error) {
	t.Helper()
	for _, class := range []error{stillwater.ErrRefused, stillwater.ErrUnable, stillwater.ErrNotSent, stillwater.ErrLimited} {
		want := false
		for _, c := range classes {
			want = want || c == class
		}
		if err == nil || errors.Is(err, class) != want {
			t.Errorf("%s: %v; of class %q: %v, want %v", name, err, class, errors.Is(err, class), want)
		}
	}
	for _, secret := range []string{"13800138000", "secret0token", "无动静", "127.0.0.1"} {
		if err != nil && strings.Contains(err.Error(), secret) && !strings.Contains(err.Error(), "dial") {
			t.Errorf("%s: the error tells %q: %v", name, secret, err)
		}
	}
}

// Answers that are not the provider's, and none.
func TestStrangers(t *testing.T) {
	for what, c := range map[string]struct {
		answer  func(w http.ResponseWriter)
		classes []error
	}{
		"a portal":                 {func(w http.ResponseWriter) { w.Header().Set("Location", "https://x"); w.WriteHeader(302) }, []error{stillwater.ErrNotSent}},
		"a proxy":                  {func(w http.ResponseWriter) { w.WriteHeader(404); fmt.Fprint(w, "<html>") }, []error{stillwater.ErrNotSent}},
		"a proxy of JSON":          {func(w http.ResponseWriter) { w.WriteHeader(404); fmt.Fprint(w, `{"error":"no such page"}`) }, []error{stillwater.ErrNotSent}},
		"a success without a name": {func(w http.ResponseWriter) { fmt.Fprint(w, `{"Code":"OK","Response":{"SendStatusSet":[]}}`) }, nil},
		"a busy proxy":             {func(w http.ResponseWriter) { w.WriteHeader(429); fmt.Fprint(w, "slow") }, []error{stillwater.ErrNotSent, stillwater.ErrLimited}},
		"bad gateway":              {func(w http.ResponseWriter) { w.WriteHeader(502) }, nil},
		"success of a stranger":    {func(w http.ResponseWriter) { fmt.Fprint(w, "{}") }, nil},
		"no JSON":                  {func(w http.ResponseWriter) { fmt.Fprint(w, "OK") }, nil},
		"cut":                      {func(http.ResponseWriter) { panic(http.ErrAbortHandler) }, nil},
		"half an answer": {func(w http.ResponseWriter) {
			w.Header().Set("Content-Length", "500")
			fmt.Fprint(w, `{"Code":"OK"`)
		}, nil},
	} {
		for _, name := range []string{aliyun, tencent, generic} {
			p := newProvider(t)
			p.answer = func(_ string, w http.ResponseWriter) bool { c.answer(w); return true }
			_, err := p.open(name).Send(t.Context(), message("K7M3"))
			expect(t, name+": "+what, err, c.classes)
		}
	}
	p := newProvider(t)
	p.server.Close()
	stopped, cancel := context.WithCancel(t.Context())
	cancel()
	for _, name := range []string{aliyun, tencent, generic} {
		_, err := p.open(name).Send(t.Context(), message("K7M3"))
		expect(t, name+": nobody listens", err, []error{stillwater.ErrNotSent})
		_, err = p.open(name).Send(stopped, message("K7M3"))
		expect(t, name+": stopped before", err, []error{stillwater.ErrNotSent})
	}
}

func TestNothingIsSentThatCannotBe(t *testing.T) {
	p := newProvider(t)
	unable := []error{stillwater.ErrRefused, stillwater.ErrUnable}
	for what, change := range map[string]func(*stillwater.Message){
		"abroad":       func(m *stillwater.Message) { m.To = "+14155550100" },
		"a fixed line": func(m *stillwater.Message) { m.To = "+8657486271234" },
		"a short one":  func(m *stillwater.Message) { m.To = "+861380013800" },
		"no number":    func(m *stillwater.Message) { m.To = "" },
		"a hole":       func(m *stillwater.Message) { delete(m.Vars, "since") },
		"too long":     func(m *stillwater.Message) { m.Vars["what"] = strings.Repeat("水", 17) },
		"a link":       func(m *stillwater.Message) { m.Vars["what"] = "看 x.example.cn/a" },
		"a sign":       func(m *stillwater.Message) { m.Vars["what"] = "【】" },
		"a line":       func(m *stillwater.Message) { m.Vars["what"] = "a\nb" },
	} {
		m := message("K7M3")
		change(&m)
		_, err := p.open(aliyun).Send(t.Context(), m)
		expect(t, what, err, unable)
	}
	m := message("K7M3")
	m.Code = ""
	_, err := p.open(aliyun).Send(t.Context(), m)
	expect(t, "no code", err, []error{stillwater.ErrRefused})
	if len(p.asked) != 0 {
		t.Errorf("the provider was asked %v", p.asked)
	}
}
