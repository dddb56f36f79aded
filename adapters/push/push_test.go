package push

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"stillwater"
	"stillwater/adapters/platform"
)

// TestProfiles pushes the messages of testdata/ by each built-in profile, and compares what is answered and emitted with want.txt.
func TestProfiles(t *testing.T) {
	for _, name := range Names() {
		t.Run(name, func(t *testing.T) {
			folder := filepath.Join("testdata", name)
			f := Feed{Name: "city", Path: "/push", Profile: name, Secret: secret(token)}
			if text, err := os.ReadFile(filepath.Join(folder, "values.yaml")); err == nil {
				f.Values, f.Zone = values(t, string(text)), "Asia/Shanghai"
				if name == "huawei-iotda" || name == "huawei-changed" {
					f.Zone = ""
				}
			}
			r := newRig(t, nil, f)
			var lines []string
			files, err := filepath.Glob(filepath.Join(folder, "*.json"))
			if err != nil || len(files) == 0 {
				t.Fatal("no messages", err)
			}
			for _, file := range files {
				message, err := os.ReadFile(file)
				if err != nil {
					t.Fatal(err)
				}
				code, o := pushBy(r, name, bytes.TrimSpace(message))
				line := filepath.Base(file) + ": " + o.Result
				if o.Reason != "" {
					line += ", " + o.Reason
				}
				for _, reason := range slices.Sorted(maps.Keys(o.Refused)) {
					if code == http.StatusOK {
						line += fmt.Sprintf(", refused %s %d", reason, o.Refused[reason])
					}
				}
				lines = append(append(lines, line), r.take()...)
			}
			want, err := os.ReadFile(filepath.Join(folder, "want.txt"))
			if got := strings.Join(lines, "\n") + "\n"; err != nil || got != string(want) {
				t.Errorf("%v got\n%s", err, got)
			}
		})
	}
}

// pushBy pushes a message as the profile's platform does.
func pushBy(r *rig, profile string, message []byte) (int, outcome) {
	switch profile {
	case "onenet":
		return r.push("/push", oneNET("signature", string(message), false))
	case "onenet-datapoints":
		return r.push("/push", oneNET("msg_signature", string(message), true))
	case "signed-json":
		return r.push("/push", message, signature(token, today, message)...)
	}
	return r.push("/push?token="+token, message)
}

func oneNETFeed(t *testing.T) Feed {
	return Feed{Name: "onenet", Path: "/onenet", Profile: "onenet", Secret: secret(token), Values: values(t, "- {name: total, quantity: water.total, scale: 1 m³}")}
}

// The signatures and the cipher text below were made with Python's hashlib and openssl.
const (
	onenetMessage   = `{"productId":"C6z4Zk012B","deviceId":1343759,"deviceName":"meter-01","imei":"868404061234567","messageType":"notify","notifyType":"property","data":{"id":"1631522002438","version":"1.0","params":{"total":{"time":1763769600123,"value":123.456},"lowBattery":{"time":1763769600123,"value":true}}}}`
	onenetSignature = "wXyMPixA6sRf3bE2ACsB2w=="
	onenetCipher    = "jSDc0fdLkO2jDLmtr3dB+pvOylA+1bQXzKVVwp8MXoP08hWMMVl0l/sLGE7AKnNaOyn0EOuKgoT2rA0QRXvEHr8zYJ25LFNqcILAkT72N7xDflI4pdS3a/kFflizb+YEy4PjPHz+pmHnclW9Wyk+G6P1g9QD1RZtnxwZBADTOzAuM/1g3cJGSYmm5V07qTevjt1bsAg7AWZLOLcquG+3J8Cz9xTQR5Oe9ow+M+9yaA9XxXPWH/Utbnskl9R+PNBvL5hDGiBuYRARP72wiVQF+vEHYkElasaNx2ynitxu9zx2Q7ZXbl/Npnsg4JWWdbe2KTh1d1brP1DNUKIW8qCkn0lnpvttod5AT18Rr1GzHjpe+pOXZdEESZYdFT/8tQ/rO3ICZ/slffnOwMUwPScaLg=="
	cipherSignature = "cMlTx7twJLdUrCf9k3LRdg=="
	checkSignature  = "dgQy0YnbPCI+1Q/ZbID/DQ==" // of check2: it has a plus, which an address turns into a blank
	hmacSignature   = "097776d08ab52103f53e3b85f3e6eabc788e39b253a0d2a42869a4026897fbd3"
)

// TestOneNETAddressCheck answers the check of the address with msg as it is, and only to who knows the token.
func TestOneNETAddressCheck(t *testing.T) {
	r := newRig(t, nil, oneNETFeed(t))
	ask := func(q url.Values) (int, string) {
		req, _ := http.NewRequest("GET", r.base+"/onenet?"+q.Encode(), nil)
		code, o := r.do(req)
		return code, o.Reason
	}
	right := url.Values{"msg": {"check2"}, "nonce": {"abcdefgh"}, "signature": {checkSignature}}
	if code, said := ask(right); code != 200 || said != "check2" {
		t.Errorf("%d %q", code, said)
	}
	blank := maps.Clone(right)
	blank.Set("signature", strings.ReplaceAll(checkSignature, "+", " "))
	if code, said := ask(blank); code != 200 || said != "check2" {
		t.Errorf("a blank for a plus: %d %q", code, said)
	}
	for key, value := range map[string]string{"msg": "check3", "nonce": "abcdefgi", "signature": onenetSignature} {
		wrong := maps.Clone(right)
		wrong.Set(key, value)
		if code, said := ask(wrong); code != 401 || strings.Contains(said, "check") {
			t.Errorf("with another %s: %d %q", key, code, said)
		}
	}
	if code, _ := ask(url.Values{}); code != 401 {
		t.Errorf("with nothing: %d", code)
	}
}

// TestOneNETSignature takes only what is signed by the token, and only encrypted where there is a key.
func TestOneNETSignature(t *testing.T) {
	secretly := oneNETFeed(t)
	secretly.Name, secretly.Path, secretly.Key = "secretly", "/secretly", secret(aesKey)
	r := newRig(t, nil, oneNETFeed(t), secretly)
	body := func(msg, signature string) []byte {
		return fmt.Appendf(nil, `{"msg":%q,"nonce":"abcdefgh","signature":%q,"time":1591340648197,"id":"3799902"}`, msg, signature)
	}
	for name, c := range map[string]struct {
		path           string
		msg, signature string
		code           int
	}{
		"plain":                             {"/onenet", onenetMessage, onenetSignature, 200},
		"without padding":                   {"/onenet", onenetMessage, strings.TrimRight(onenetSignature, "="), 200},
		"altered":                           {"/onenet", strings.Replace(onenetMessage, "123.456", "923.456", 1), onenetSignature, 401},
		"signature of another":              {"/onenet", onenetMessage, cipherSignature, 401},
		"no signature":                      {"/onenet", onenetMessage, "", 401},
		"a short signature":                 {"/onenet", onenetMessage, "wXyM", 401},
		"no base64":                         {"/onenet", onenetMessage, "%%%", 401},
		"encrypted":                         {"/secretly", onenetCipher, cipherSignature, 200},
		"encrypted, for who has no key":     {"/onenet", onenetCipher, cipherSignature, 400},
		"plain, for who wants it encrypted": {"/secretly", onenetMessage, onenetSignature, 400},
	} {
		r.server.feeds[c.path].retries = newRetries()
		code, o := r.push(c.path, body(c.msg, c.signature))
		lines := r.take()
		if code != c.code || (code == 200) != (len(lines) == 1) {
			t.Errorf("%s: %d %+v, %q", name, code, o, lines)
		}
		if code == 200 && !strings.HasSuffix(lines[0], "/868404061234567 water.total 123456 2025-11-22T00:00:00.123Z") {
			t.Errorf("%s: %q", name, lines)
		}
	}
	for _, body := range []string{"", "{}", "[]", `{"msg":"","nonce":"a","signature":"b"}`, `{"nonce":"a","signature":"b"}`, `{"msg":"a","nonce":1,"signature":"b"}`} {
		if code, _ := r.push("/onenet", []byte(body)); code != 400 {
			t.Errorf("%s: %d", body, code)
		}
	}
}

// TestSignedJSON takes only what is signed, and not long after it was.
func TestSignedJSON(t *testing.T) {
	f := city()
	f.Secret = secret("a shared secret of the two")
	r := newRig(t, nil, f)
	body := []byte(`{"meters":[{"number":"8834012345","time":"2026-11-22 10:00:00","total_m3":123.456}]}`)
	for name, c := range map[string]struct {
		stamp, signature string
		body             []byte
		code             int
	}{
		"as in the manual":            {"1795312800", hmacSignature, body, 200},
		"in capitals":                 {"1795312800", strings.ToUpper(hmacSignature), body, 200},
		"altered":                     {"1795312800", hmacSignature, bytes.Replace(body, []byte("123"), []byte("124"), 1), 401},
		"another timestamp":           {"1795312801", hmacSignature, body, 401},
		"none":                        {"1795312800", "", body, 401},
		"no timestamp":                {"", hmacSignature, body, 401},
		"cut short":                   {"1795312800", hmacSignature[:32], body, 401},
		"signed by nobody we know":    {"1795312800", signature(token, today, body)[3], body, 401},
		"played again after an hour":  {fmt.Sprint(today.Unix() - 3600), signature("a shared secret of the two", today.Add(-time.Hour), body)[3], body, 401},
		"of a clock that is far off":  {fmt.Sprint(today.Unix() + 3600), signature("a shared secret of the two", today.Add(time.Hour), body)[3], body, 401},
		"of a clock that is a bit so": {fmt.Sprint(today.Unix() + 200), signature("a shared secret of the two", today.Add(200*time.Second), body)[3], body, 200},
		"a timestamp that is none":    {"now", signature("a shared secret of the two", today, body)[3], body, 401},
	} {
		code, o := r.push("/push/city", c.body, "X-Stillwater-Timestamp", c.stamp, "X-Stillwater-Signature", c.signature)
		if code != c.code {
			t.Errorf("%s: %d %+v", name, code, o)
		}
	}
	if n := r.emissions(); n != 1 { // the others were the same
		t.Errorf("emitted %d times", n)
	}
}

// TestToken takes a push with the token in a header, in the address or at the end of the path.
func TestToken(t *testing.T) {
	r := newRig(t, nil, Feed{Name: "ct", Path: "/ct", Profile: "ctwing", Secret: secret(token), Values: values(t, "- {name: v, quantity: water.total, scale: 1 L}")})
	n := 0
	for _, c := range []struct {
		path   string
		header []string
		code   int
	}{
		{"/ct?token=" + token, nil, 200}, {"/ct/" + token, nil, 200}, {"/ct", []string{"Authorization", "Bearer " + token}, 200},
		{"/ct", nil, 401}, {"/ct?token=", nil, 401}, {"/ct?token=" + token + "x", nil, 401}, {"/ct/" + token[1:], nil, 401}, {"/ct/", nil, 401},
		{"/ct/x/" + token, nil, 404}, {"/ct", []string{"Authorization", "Bearer " + token[:5]}, 401}, {"/other", nil, 404},
	} {
		n++
		body := fmt.Sprintf(`{"messageType":"dataReport","IMEI":"861050042916166","timestamp":1763769600000,"payload":{"v":%d}}`, n)
		code, _ := r.push(c.path, []byte(body), c.header...)
		if lines := r.take(); code != c.code || (code == 200) != (len(lines) == 1) {
			t.Errorf("%s %v: %d, %q", c.path, c.header, code, lines)
		}
	}
}

// TestSuccessOnlyAfterCommit: a push is not answered with success before it is committed, nor if it never is; and a retry of what was still under
// way or was committed meanwhile does no work.
func TestSuccessOnlyAfterCommit(t *testing.T) {
	r := newRig(t, func(o *Options) { o.Config.Timeout = 200 * time.Millisecond }, city())
	r.hold = true
	code, o := r.pushCity(oneMeter)
	if code != 503 || o.Result != "again" {
		t.Fatalf("not committed: %d %+v", code, o)
	}
	if code, _ = r.pushCity(oneMeter); code != 503 || r.emissions() != 1 {
		t.Fatalf("a retry while it is under way: %d, emitted %d times", code, r.emissions())
	}
	answered := make(chan int)
	go func() { code, _ := r.pushCity(oneMeter); answered <- code }()
	r.commit()
	if code := <-answered; code != 200 {
		t.Errorf("when it is committed: %d", code)
	}
	if code, _ = r.pushCity(oneMeter); code != 200 || r.emissions() != 1 {
		t.Errorf("a retry after it: %d, emitted %d times", code, r.emissions())
	}
}

// TestRefusedByPipeline: what the pipeline did not take, because it stops, is not answered with success, and taken when it comes again.
func TestRefusedByPipeline(t *testing.T) {
	s, err := New(Options{Config: Config{Feeds: []Feed{city()}, Timeout: 50 * time.Millisecond}, Clock: &fixed{today}})
	if err != nil {
		t.Fatal(err)
	}
	s.now = func() time.Time { return today }
	s.begin(today)
	code := func(emit emitter) int {
		w := httptest.NewRecorder()
		req := httptest.NewRequest("POST", "/push/city", strings.NewReader(oneMeter))
		sign := signature(token, today, []byte(oneMeter))
		req.Header.Set(sign[0], sign[1])
		req.Header.Set(sign[2], sign[3])
		s.serve(w, req, emit)
		return w.Code
	}
	if got := code(func(context.Context, []stillwater.Reading, func()) error { return errors.New("stopping") }); got != 503 {
		t.Errorf("not taken: %d", got)
	}
	if got := code(func(_ context.Context, _ []stillwater.Reading, done func()) error { done(); return nil }); got != 200 {
		t.Errorf("again: %d", got)
	}
}

// TestUnknownDevice: a device that no household has is answered like any other, and not for ever: once it is known, its retry is taken.
func TestUnknownDevice(t *testing.T) {
	var known bool
	r := newRig(t, func(o *Options) { o.Known = func(string) bool { return known } }, city())
	code, o := r.pushCity(oneMeter)
	if code != 200 || o.Unknown != 1 || r.emissions() != 1 || len(r.rejected) != 0 {
		t.Errorf("%d %+v %v", code, o, r.rejected)
	}
	known = true
	if code, o = r.pushCity(oneMeter); code != 200 || o.Unknown != 0 || r.emissions() != 2 {
		t.Errorf("once it is known: %d %+v, emitted %d times", code, o, r.emissions())
	}
	if found := logged(r, "8834012345", "123.456"); found != nil {
		t.Errorf("the log holds %q:\n%s", found, r.log)
	}
}

// TestNothingLogged: neither body nor secret nor number of what is turned away is in the log.
func TestNothingLogged(t *testing.T) {
	r := newRig(t, nil, city(), oneNETFeed(t))
	r.push("/push/city", []byte(oneMeter), signature("wrong", today, []byte(oneMeter))...)
	r.pushCity(`{"meters":[{"number":"8834012345","total_m3":123.456}]}`)
	r.pushCity("8834012345 123.456")
	r.push("/onenet", []byte(`{"msg":"8834012345 123.456","nonce":"abcdefgh","signature":"`+onenetSignature+`"}`))
	if code, _ := r.pushCity(oneMeter); code != 200 {
		t.Fatal(code)
	}
	if found := logged(r, "8834012345", "123.456", token, onenetSignature, signature("wrong", today, []byte(oneMeter))[3]); found != nil {
		t.Errorf("the log holds %q:\n%s", found, r.log)
	}
	want := map[string]int{"sender not verified": 2, "time missing": 1, "no usable reading: time missing": 1, "not JSON": 1}
	if !maps.Equal(r.rejected, want) {
		t.Errorf("counted %v, want %v", r.rejected, want)
	}
}

// TestBounds: neither a large push, nor many at a time, nor one that is compressed or fetched gets further than its due.
func TestBounds(t *testing.T) {
	r := newRig(t, func(o *Options) { o.Config.MaxBody, o.Config.AtOnce, o.Config.Timeout = 1000, 1, 3*time.Second }, city())
	large := `{"meters":[` + strings.Repeat(" ", 2000) + `]}`
	if code, o := r.pushCity(large); code != 413 || o.Reason != "too large" {
		t.Errorf("large: %d %+v", code, o)
	}
	if code, _ := r.push("/push/city", []byte(oneMeter), append(signature(token, today, []byte(oneMeter)), "Content-Encoding", "gzip")...); code != 415 {
		t.Errorf("compressed: %d", code)
	}
	req, _ := http.NewRequest("GET", r.base+"/push/city", nil)
	if code, _ := r.do(req); code != 405 {
		t.Errorf("fetched: %d", code)
	}
	r.hold = true
	first := make(chan int)
	go func() { code, _ := r.pushCity(oneMeter); first <- code }()
	until(t, "the first is under way", func() bool { return r.emissions() == 1 })
	if code, o := r.pushCity(strings.Replace(oneMeter, "456", "457", 1)); code != 503 || o.Reason != errBusy.Error() {
		t.Errorf("one too many: %d %+v", code, o)
	}
	r.commit()
	if code := <-first; code != 200 {
		t.Errorf("the first: %d", code)
	}
}

// TestLateFeed: when nothing has come for two of the times in which something does, it is said once, with why pushes were turned away, and once
// when something comes again.
func TestLateFeed(t *testing.T) {
	f := city()
	f.Expect = 24 * time.Hour
	s, err := New(Options{Config: Config{Feeds: []Feed{f}}, Clock: &fixed{today}})
	if err != nil {
		t.Fatal(err)
	}
	s.begin(today)
	one := s.feeds["/push/city"]
	var told []string
	look := func(after time.Duration) {
		one.tell(today.Add(after), func(feed string, err error) { told = append(told, fmt.Sprintf("%s %v: %v", feed, after, err)) })
	}
	look(time.Hour)
	s.turnAway(one, "before")
	one.arrived(today.Add(2 * time.Hour))
	look(3 * time.Hour)
	look(49 * time.Hour)
	s.turnAway(one, "sender not verified")
	look(50 * time.Hour)
	look(80 * time.Hour)
	one.arrived(today.Add(81 * time.Hour))
	look(81 * time.Hour)
	look(82 * time.Hour)
	want := []string{
		"city 3h0m0s: <nil>",
		`city 50h0m0s: push feed "city": nothing has come for 48h; something is expected every 24h; 1 pushes were turned away meanwhile: sender not verified`,
		"city 81h0m0s: <nil>",
	}
	if !slices.Equal(told, want) {
		t.Errorf("told\n%s", strings.Join(told, "\n"))
	}
}

// TestStopLeavesNothing: Run ends with its context, in the middle of a push, and leaves no goroutine.
func TestStopLeavesNothing(t *testing.T) {
	before := runtime.NumGoroutine()
	r := newRig(t, func(o *Options) { o.Config.Timeout = 30 * time.Second }, city())
	r.hold = true
	first := make(chan int)
	go func() { code, _ := r.pushCity(oneMeter); first <- code }()
	until(t, "it is under way", func() bool { return r.emissions() == 1 })
	began := time.Now()
	r.stop()
	if code := <-first; code == 200 {
		t.Error("answered with success when it stopped")
	}
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("it took %v", took)
	}
	r.client.CloseIdleConnections()
	until(t, "the goroutines end", func() bool { return runtime.NumGoroutine() <= before })
}

// FuzzPush sends any body, rightly signed: it is taken or refused for good, and what is emitted is fit to be.
func FuzzPush(f *testing.F) {
	for _, s := range []string{oneMeter, "", "{}", `{"meters":{}}`, `{"meters":[[[]]]}`, `{"doors":[{"number":1,"time":1763769600,"state":"open"}]}`, `{"msg":"a"}`} {
		f.Add([]byte(s))
	}
	s, err := New(Options{Config: Config{Feeds: []Feed{city(), {Name: "o", Path: "/o", Profile: "onenet", Secret: secret(token), Values: []platform.Value{{Name: "total", Quantity: stillwater.WaterTotal, Scale: 1000}}}}}, Clock: &fixed{today}})
	if err != nil {
		f.Fatal(err)
	}
	s.now = func() time.Time { return today }
	s.begin(today)
	emit := func(_ context.Context, readings []stillwater.Reading, done func()) error {
		for _, r := range readings {
			if r.Validate() != nil || !strings.Contains(r.Source, "/") || r.Received != today {
				panic(fmt.Sprintf("%+v", r))
			}
		}
		done()
		return nil
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		sign := signature(token, today, body)
		for path, data := range map[string][]byte{"/push/city": body, "/o": oneNET("signature", string(body), false)} {
			w := httptest.NewRecorder()
			req := httptest.NewRequest("POST", path, bytes.NewReader(data))
			req.Header.Set(sign[0], sign[1])
			req.Header.Set(sign[2], sign[3])
			s.serve(w, req, emit)
			if w.Code != 200 && w.Code != 400 && w.Code != 401 { // 401: what is no UTF-8 is another text in JSON
				t.Fatalf("%s: %d", path, w.Code)
			}
		}
		w := httptest.NewRecorder()
		s.serve(w, httptest.NewRequest("POST", "/o", bytes.NewReader(body)), emit)
		if w.Code != 400 && w.Code != 401 {
			t.Fatalf("unsigned: %d", w.Code)
		}
	})
}
