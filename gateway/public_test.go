package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"stillwater"
	"stillwater/adapters/sqlite"
	"stillwater/adapters/testca"
	"stillwater/gateway/clock"
	"stillwater/gateway/links"
)

const relayedConfig = `
store: {path: %[1]s/stillwater.db}
console: {listen: %[2]s}
sms: {phones: true}
mqtt: [{name: lobby, url: "tcp://%[3]s", client_id: lobby, topics: [{filter: +/water, quantity: water.total, value: total, scale: 1 L}]}]
public:
  duty_phone: "+8657486251234"
  relay: {url: "https://localhost:%[4]s", id: k7, key: {env: RELAY_KEY}, ca_file: %[1]s/ca.pem}
contacts:
  - {id: daughter, name: 王梅英, role: family, phone: "+8613900000001", language: zh-CN}
households:
  - id: h1
    name: 王秀英
    residents: 1
    timezone: Asia/Shanghai
    consent: {given: 2020-01-01}
    devices: [{id: "1", kind: meter, source: lobby/1/water}]
    family: [daughter]
`

// leftOpen stores an open incident that the daughter was told of by a text with a link, as a gateway that was stopped left it.
func leftOpen(t *testing.T, path string) (code string) {
	t.Helper()
	cfg := sqlite.Defaults()
	cfg.Path = path
	db, err := sqlite.Open(t.Context(), cfg, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	l, err := links.Open(t.Context(), db, 72*time.Hour, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now().UTC().Truncate(time.Second)
	code = l.Code("K7M-1")
	err = db.Commit(t.Context(), &stillwater.Batch{
		Incidents: []stillwater.Incident{{
			ID: "K7M", Code: "K7M", Household: "h1", Kind: stillwater.Welfare, Severity: stillwater.Alert, State: stillwater.Opened, Opened: now, Rung: 1, Next: now.Add(time.Hour),
			Findings: []stillwater.Finding{{Rule: "silence-24h", Kind: stillwater.Welfare, Severity: stillwater.Alert, Household: "h1", Began: now, Facts: stillwater.Facts{Since: now.Add(-24 * time.Hour), Span: 24 * time.Hour}}},
			Told:     []stillwater.Told{{Message: "K7M-1", Contact: "daughter", Role: stillwater.Family, Purpose: stillwater.Tell, At: now, State: stillwater.Delivered, Reached: now}},
			Log:      []stillwater.Event{{At: now, What: "opened"}},
		}},
		Messages: []stillwater.Message{{
			ID: "K7M-1", Incident: "K7M", Household: "h1", Contact: "daughter", Purpose: stillwater.Tell, Severity: stillwater.Alert, To: "+8613900000001", Language: "zh-CN",
			Code: "K7M3", Created: now, State: stillwater.Delivered, Link: "https://localhost/k7/m/" + code,
		}},
	})
	if err != nil {
		t.Fatal(err)
	}
	return code
}

// TestLinkByRelay runs the gateway and its relay as processes: the page of a text's link comes sealed, its button takes the incident on
// once, though the relay was killed meanwhile, and nothing the relay writes says anything.
func TestLinkByRelay(t *testing.T) {
	folder, box := t.TempDir(), t.TempDir()
	ca := testca.New(t, folder, "ca")
	ca.Issue(t, "relay")
	relayAt, console := freeAddress(t), freeAddress(t)
	_, port, _ := strings.Cut(relayAt, ":")
	write := func(name, text string) string {
		path := filepath.Join(folder, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	conf := strings.Replace(fmt.Sprintf(relayedConfig, folder, console, freeAddress(t), port), "localhost", "127.0.0.1", 1)
	gatewayFile := write("gateway.yaml", conf)
	relayFile := write("relay.yaml", fmt.Sprintf("cert_file: %[1]s/relay.pem\nkey_file: %[1]s/relay.key\ngateways: [{id: k7, key: {env: RELAY_KEY}}]\n", folder))
	code := leftOpen(t, folder+"/stillwater.db")
	env := []string{"RELAY_KEY=0123456789abcdef0123456789abcdef", "TMPDIR=" + box}
	startRelay := func() *process {
		return startProcess(t, env, "relay", "--listen", relayAt, "--config", relayFile)
	}
	relay := startRelay()
	gateway := startProcess(t, env, "run", "--config", gatewayFile)
	client := trusting(t, ca.File)
	page := "https://" + relayAt + "/k7/m/" + code
	get := func() (status int, body string) {
		r, err := client.Get(page)
		if err != nil {
			return 0, err.Error()
		}
		defer r.Body.Close()
		b, _ := io.ReadAll(r.Body)
		return r.StatusCode, string(b)
	}
	open := func() (body string) {
		until(t, patient, "the page", func() bool {
			var status int
			status, body = get()
			return status == http.StatusOK
		})
		return body
	}
	open()
	if err := relay.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	<-relay.ended
	relay = startRelay()
	body := open()
	for _, secret := range []string{"王", "无动静", "24小时", "13900000001"} {
		if strings.Contains(body, secret) {
			t.Errorf("the relay can read %q", secret)
		}
	}
	once := regexp.MustCompile(`name="once" value="([a-z0-9]+)"`).FindStringSubmatch(body)
	if once == nil || !strings.Contains(body, "data-sealed=") {
		t.Fatalf("no button, or nothing sealed: %s", body)
	}
	for range 2 {
		q, _ := http.NewRequest(http.MethodPost, page, strings.NewReader(url.Values{"code": {code}, "once": {once[1]}, "digit": {"1"}}.Encode()))
		q.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		q.Header.Set("Origin", "https://"+relayAt)
		r, err := client.Do(q)
		if err != nil {
			t.Fatal(err)
		}
		r.Body.Close()
		if r.StatusCode != http.StatusSeeOther {
			t.Errorf("pressed: %d", r.StatusCode)
		}
	}
	gateway.stop(syscall.SIGTERM)
	relay.stop(syscall.SIGTERM)
	taken := incidentIn(t, folder+"/stillwater.db")
	n := 0
	for _, e := range taken.Log {
		if e.What == "acknowledged" && e.Who == "daughter" && e.Note == "1, by link" {
			n++
		}
	}
	if taken.State != stillwater.Acknowledged || taken.Holder != "daughter" || n != 1 {
		t.Errorf("the incident: %+v", taken)
	}
	for _, secret := range []string{code, "王", "1390000", "K7M"} {
		if strings.Contains(relay.stderr.String()+relay.stdout.String(), secret) {
			t.Errorf("the relay wrote %q", secret)
		}
	}
	if strings.Contains(gateway.stderr.String(), code) {
		t.Error("the gateway's log has the code of a link")
	}
	err := filepath.WalkDir(box, func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			t.Errorf("written: %s", path)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

// incidentIn reads the incident of leftOpen.
func incidentIn(t *testing.T, path string) stillwater.Incident {
	t.Helper()
	cfg := sqlite.Defaults()
	cfg.Path = path
	db, err := sqlite.Open(context.Background(), cfg, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	i, ok, err := db.Incident(t.Context(), "K7M")
	if err != nil || !ok {
		t.Fatal(ok, err)
	}
	return i
}

// trusting is a client that trusts the authority of a test, and follows no redirect.
func trusting(t *testing.T, caFile string) *http.Client {
	t.Helper()
	pem, err := os.ReadFile(caFile)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(pem)
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport, Timeout: 20 * time.Second, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

const directConfig = `
store: {path: PATH}
sms: {phones: true}
mqtt: [{name: lobby, url: "tcp://127.0.0.1:1883", client_id: lobby, topics: [{filter: +/water, quantity: water.total, value: total, scale: 1 L}]}]
public: {listen: "127.0.0.1:0", public_url: "https://aj.cn", duty_phone: "+8657486251234"}
contacts:
  - {id: daughter, name: 王梅英, role: family, phone: "+8613900000001", language: zh-CN}
households:
  - {id: h1, name: 王秀英, residents: 1, timezone: Asia/Shanghai, consent: {given: 2020-01-01}, devices: [{id: "1", kind: meter, source: lobby/1/water}], family: [daughter]}
`

// TestAnsweringIsWired: texts have the link that the store finds their message by, and who opted out is one wherever homes are read, over a restart, until she opts in again.
func TestAnsweringIsWired(t *testing.T) {
	folder := t.TempDir()
	path := filepath.Join(folder, "stillwater.yaml")
	if err := os.WriteFile(path, []byte(strings.Replace(directConfig, "PATH", folder+"/stillwater.db", 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	c, _, problems := loadConfig(path)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	var g *gateway
	optedOut := func() bool {
		t.Helper()
		var err error
		if g, err = wire(t.Context(), c, setting{clock: clock.Real(), log: slog.New(slog.DiscardHandler), texts: func(stillwater.Message) {}}); err != nil {
			t.Fatal(err)
		}
		h, _ := g.registry.Household("h1")
		return !h.Contacts[0].OptedOut.IsZero()
	}
	set := func(at time.Time, out bool) {
		t.Helper()
		if err := errors.Join(g.store.OptOut(t.Context(), "+8613900000001", at, out), g.close()); err != nil {
			t.Fatal(err)
		}
	}
	if optedOut() {
		t.Error("opted out from the first")
	}
	m := stillwater.Message{ID: "K7M-1", Incident: "K7M", Household: "h1", Contact: "daughter", Purpose: stillwater.Tell, To: "+8613900000001", Language: "zh-CN", Code: "K7M3"}
	m.Link = g.link(m)
	if text := g.text(m, stillwater.Incident{Household: "h1", Kind: stillwater.Water}, stillwater.Household{Name: "王秀英"}); !strings.Contains(text, m.Link+" [K7M3]") || !strings.HasPrefix(m.Link, "https://aj.cn/m/") {
		t.Errorf("link %q, text %q", m.Link, text)
	}
	if err := g.store.Commit(t.Context(), &stillwater.Batch{Messages: []stillwater.Message{m}}); err != nil {
		t.Fatal(err)
	}
	if found, ok, err := g.store.Linked(t.Context(), strings.TrimPrefix(m.Link, "https://aj.cn/m/")); err != nil || !ok || found.ID != m.ID {
		t.Errorf("the link finds %q, %v", found.ID, err)
	}
	now := time.Now()
	set(now, true)
	if !optedOut() {
		t.Error("the opt-out is forgotten")
	}
	set(now.Add(time.Second), false)
	if optedOut() {
		t.Error("opting in again is forgotten")
	}
	if err := g.close(); err != nil {
		t.Fatal(err)
	}
}
