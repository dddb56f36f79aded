package broker

import (
	"crypto/tls"
	"crypto/x509"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"
	"golang.org/x/crypto/bcrypt"

	"stillwater"
	"stillwater/adapters/testca"
)

func secret(value string) stillwater.Secret {
	s := stillwater.Secret{Env: "X"}
	s.Set(value)
	return s
}

// building is a broker with a gateway that reads everything, two devices and a reader.
func building(t *testing.T) Config {
	hash, err := bcrypt.GenerateFromPassword([]byte("tap"), bcrypt.MinCost)
	if err != nil {
		t.Fatal(err)
	}
	return Config{Listen: "127.0.0.1:0", Folder: t.TempDir(), Users: []User{
		{Name: "gateway", Password: secret("gateway"), Publish: []string{}},
		{Name: "hall", Password: secret("hall"), Device: "tasmota/hall"},
		{Name: "meter", Password: secret(string(hash)), Publish: []string{"site.1/meter/#"}, Subscribe: []string{"site.1/meter/command"}},
		{Name: "bridge", Password: secret("bridge")},
	}}
}

// as connects as a user of the building; a nil client was not let in.
func as(t *testing.T, b *Broker, user, password string, change func(*mqtt.ClientOptions), got chan string) mqtt.Client {
	t.Helper()
	o := mqtt.NewClientOptions().AddBroker("tcp://" + b.Addr()).SetClientID("client-" + user).SetProtocolVersion(4).
		SetUsername(user).SetPassword(password).SetCleanSession(false).SetAutoReconnect(false).
		SetDefaultPublishHandler(func(_ mqtt.Client, m mqtt.Message) { got <- m.Topic() + " " + string(m.Payload()) })
	if change != nil {
		change(o)
	}
	c := mqtt.NewClient(o)
	if token := c.Connect(); !token.WaitTimeout(10*time.Second) || token.Error() != nil {
		return nil
	}
	t.Cleanup(func() { c.Disconnect(50) })
	return c
}

// granted says whether a subscription was.
func granted(t *testing.T, c mqtt.Client, filter string) bool {
	t.Helper()
	token := c.Subscribe(filter, 1, nil)
	if !token.WaitTimeout(10 * time.Second) {
		t.Fatal("no answer to subscribing")
	}
	return token.Error() == nil && token.(*mqtt.SubscribeToken).Result()[filter] != 0x80
}

// A device may write its own topics and read its own commands; what it writes elsewhere reaches nobody, its Last Will included.
func TestRights(t *testing.T) {
	b, _ := start(t, building(t))
	heard, commands := make(chan string, 100), make(chan string, 100)
	gateway := as(t, b, "gateway", "gateway", nil, heard)
	bridge := as(t, b, "bridge", "bridge", nil, heard)
	if gateway == nil || bridge == nil {
		t.Fatal("not let in")
	}
	if granted(t, gateway, "#") {
		t.Error("publish: [] alone gives a right to read")
	}
	if !granted(t, bridge, "#") {
		t.Fatal("a user without rights listed may not read everything")
	}
	var conn net.Conn
	hall := as(t, b, "hall", "hall", func(o *mqtt.ClientOptions) {
		o.SetWill("tele/kitchen/LWT", "Offline", 1, false)
		o.SetCustomOpenConnectionFn(dialer(&conn))
	}, commands)
	meter := as(t, b, "meter", "tap", nil, commands)
	if hall == nil || meter == nil || as(t, b, "meter", "tip", nil, nil) != nil || as(t, b, "nobody", "", nil, nil) != nil {
		t.Fatal("passwords: the right ones are refused, or wrong ones let in")
	}
	for filter, may := range map[string]bool{
		"cmnd/hall/#": true, "cmnd/hall/POWER": true, "cmnd/tasmotas/#": true,
		"cmnd/kitchen/#": false, "cmnd/+/POWER": false, "#": false, "tele/hall/#": false, "$MQTT/sub/#": false, "$MQTT/#": false, "$JS/#": false,
	} {
		if granted(t, hall, filter) != may {
			t.Errorf("hall reads %s: %v", filter, !may)
		}
	}
	for _, say := range []struct {
		c     mqtt.Client
		topic string
		heard bool
	}{
		{hall, "tele/kitchen/SENSOR", false}, {hall, "cmnd/hall/POWER", false}, {meter, "site.1/meters", false}, {meter, "site/1/meter/x", false}, {gateway, "cmnd/hall/x", false},
		{hall, "tele/hall/SENSOR", true}, {hall, "stat/hall/a/b", true}, {meter, "site.1/meter", true}, {meter, "site.1/meter/total", true},
	} {
		say.c.Publish(say.topic, 1, false, "x").WaitTimeout(time.Second)
		if say.heard {
			if m := next(t, heard); m != say.topic+" x" {
				t.Errorf("heard %q; want %s", m, say.topic)
			}
		}
	}
	wait(t, bridge.Publish("cmnd/hall/POWER", 1, false, "ON"))
	if m := next(t, commands); m != "cmnd/hall/POWER ON" {
		t.Errorf("the device was told %q", m)
	}
	if m := next(t, heard); m != "cmnd/hall/POWER ON" { // the bridge reads everything
		t.Errorf("%q", m)
	}
	conn.Close() // its will is for a topic that is not its own
	wait(t, bridge.Publish("end", 1, false, "x"))
	if m := next(t, heard); m != "end x" {
		t.Errorf("heard %q; want nothing of the will", m)
	}
}

func dialer(conn *net.Conn) mqtt.OpenConnectionFunc {
	return func(u *url.URL, _ mqtt.ClientOptions) (c net.Conn, err error) {
		c, err = net.Dial("tcp", u.Host)
		*conn = c
		return c, err
	}
}

// A user with rights finds what was queued for it after a restart, and its rights as they are now.
func TestRestartKeepsSessionsOfUsers(t *testing.T) {
	c := building(t)
	b, stop := start(t, c)
	commands := make(chan string, 10)
	hall := as(t, b, "hall", "hall", nil, commands)
	if !granted(t, hall, "cmnd/hall/#") {
		t.Fatal("not granted")
	}
	hall.Disconnect(50)
	bridge := as(t, b, "bridge", "bridge", nil, nil)
	wait(t, bridge.Publish("cmnd/hall/POWER", 1, false, "ON"))
	stop()
	b, _ = start(t, c)
	if as(t, b, "hall", "hall", nil, commands) == nil {
		t.Fatal("not let in after the restart")
	}
	if m := next(t, commands); m != "cmnd/hall/POWER ON" {
		t.Errorf("%q", m)
	}
}

// With ca_file nobody connects without a certificate; a user without a password is the one its certificate names.
func TestClientCertificates(t *testing.T) {
	folder := t.TempDir()
	a := testca.New(t, folder, "ca")
	stranger := testca.New(t, folder, "other-ca")
	a.Issue(t, "broker")
	a.Issue(t, "door")
	a.Issue(t, "meter")
	stranger.Issue(t, "forged")
	at := func(name string) string { return filepath.Join(folder, name) }
	b, _ := start(t, Config{
		Listen: "127.0.0.1:0", Folder: t.TempDir(), CertFile: at("broker.pem"), KeyFile: at("broker.key"), CAFile: a.File,
		Users: []User{{Name: "door", Publish: []string{"door/#"}}, {Name: "meter", Password: secret("tap")}},
	})
	roots := x509.NewCertPool()
	pem, err := os.ReadFile(a.File)
	if err != nil || !roots.AppendCertsFromPEM(pem) {
		t.Fatal(err)
	}
	for _, c := range []struct {
		cert, user, password string
		welcome              bool
	}{
		{"door", "", "", true}, {"door", "door", "", true}, {"meter", "meter", "tap", true}, {"door", "meter", "tap", true},
		{"meter", "door", "", false}, {"meter", "meter", "", false}, {"meter", "", "", false}, {"", "meter", "tap", false}, {"forged", "door", "", false}, {"forged", "meter", "tap", false},
	} {
		client := as(t, b, c.user, c.password, func(o *mqtt.ClientOptions) {
			o.SetClientID("c-" + c.cert + c.user)
			config := &tls.Config{RootCAs: roots}
			if c.cert != "" {
				pair, err := tls.LoadX509KeyPair(at(c.cert+".pem"), at(c.cert+".key"))
				if err != nil {
					t.Fatal(err)
				}
				config.Certificates = []tls.Certificate{pair}
			}
			o.Servers = nil
			o.AddBroker("tls://" + b.Addr()).SetTLSConfig(config)
		}, nil)
		if (client != nil) != c.welcome {
			t.Errorf("certificate %q, user %q, password %q: let in %v", c.cert, c.user, c.password, client != nil)
		}
	}
}

// Another implementation's clients with rights.
func TestMosquittoClientsWithRights(t *testing.T) {
	for _, tool := range []string{"mosquitto_pub", "mosquitto_sub"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skip("left out: needs mosquitto-clients (make test installs it)")
		}
	}
	b, _ := start(t, building(t))
	heard := make(chan string, 10)
	bridge := as(t, b, "bridge", "bridge", nil, heard)
	if !granted(t, bridge, "#") {
		t.Fatal("not granted")
	}
	host, port, _ := net.SplitHostPort(b.Addr())
	run := func(tool string, args ...string) string {
		out, _ := exec.CommandContext(t.Context(), tool, append([]string{"-h", host, "-p", port, "-q", "1"}, args...)...).CombinedOutput()
		return string(out)
	}
	run("mosquitto_pub", "-u", "hall", "-P", "hall", "-t", "tele/kitchen/SENSOR", "-m", "forged")
	run("mosquitto_pub", "-u", "hall", "-P", "wrong", "-t", "tele/hall/SENSOR", "-m", "wrong")
	run("mosquitto_pub", "-u", "hall", "-P", "hall", "-t", "tele/hall/SENSOR", "-m", "own")
	if m := next(t, heard); m != "tele/hall/SENSOR own" {
		t.Errorf("%q", m)
	}
	if out := run("mosquitto_sub", "-u", "hall", "-P", "hall", "-t", "tele/#", "-W", "1"); !slices.Contains([]string{"All subscription requests were denied.\n"}, out) {
		t.Errorf("mosquitto_sub says %q", out)
	}
}

func TestRightsValidate(t *testing.T) {
	for _, c := range []struct {
		user   User
		fields int
	}{
		{User{Device: "tasmota/hall"}, 0}, {User{Device: "shelly/shellyplus1-a8032abc"}, 0}, {User{Publish: []string{"a/+/c", "a/#", "#"}}, 0},
		{User{Device: "tasmota"}, 1}, {User{Device: "lamp/hall"}, 1}, {User{Device: "tasmota/+"}, 1}, {User{Publish: []string{"a/#/c"}}, 1}, {User{Subscribe: []string{"a b", "/a", "$SYS/#", "a/b+", ">"}}, 5},
	} {
		c.user.Name, c.user.Password = "u", stillwater.Secret{Env: "X"}
		var problems []string
		config := Config{Folder: "f", Users: []User{c.user}}
		config.Validate(func(_ any, problem string) { problems = append(problems, problem) })
		if len(problems) != c.fields {
			t.Errorf("%+v: reported %q; want %d problems", c.user, problems, c.fields)
		}
	}
}

// One who takes over the session of another gets nothing of what that one subscribed to.
func TestStolenClientID(t *testing.T) {
	c := building(t)
	b, _ := start(t, c)
	heard := make(chan string, 10)
	bridge := as(t, b, "bridge", "bridge", nil, heard)
	if !granted(t, bridge, "#") {
		t.Fatal("not granted")
	}
	bridge.Disconnect(50)
	meter := as(t, b, "meter", "tap", nil, nil)
	wait(t, meter.Publish("site.1/meter/total", 1, false, "1"))
	stolen := make(chan string, 10)
	thief := as(t, b, "hall", "hall", func(o *mqtt.ClientOptions) { o.SetClientID("client-bridge") }, stolen)
	wait(t, meter.Publish("site.1/meter/total", 1, false, "2"))
	select {
	case m := <-stolen:
		t.Errorf("the thief hears %q", m)
	case <-time.After(time.Second):
	}
	if thief != nil {
		thief.Disconnect(50)
	}
	bridge = as(t, b, "bridge", "bridge", nil, heard)
	if !granted(t, bridge, "#") {
		t.Fatal("not granted")
	}
	for _, want := range []string{"site.1/meter/total 1", "site.1/meter/total 2"} {
		if m := next(t, heard); m != want {
			t.Errorf("its owner hears %q; want %q", m, want)
		}
	}
}
