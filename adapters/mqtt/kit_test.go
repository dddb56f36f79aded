package mqtt

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	paho "github.com/eclipse/paho.mqtt.golang"

	"stillwater"
	"stillwater/adapters/broker"
)

type wall struct{}

func (wall) Now() time.Time { return time.Now() }

// patient is how long tests wait for what must come.
const patient = 30 * time.Second

// A got is one call of emit.
type got struct {
	readings []stillwater.Reading
	done     func()
}

func (g got) String() string { return fmt.Sprint(g.readings) }

// A rig is a running source and what came out of it.
type rig struct {
	t       testing.TB
	source  *Source
	got     chan got
	health  chan error
	rejects chan string
	stop    func() // ends Run and waits for it
}

// run starts a source; change may alter it before.
func run(t testing.TB, c Config, change func(*Source)) *rig {
	t.Helper()
	c.Validate(func(_ any, problem string) { t.Fatal("configuration of the test:", problem) })
	r := &rig{t: t, got: make(chan got, 100_000), health: make(chan error, 1000), rejects: make(chan string, 1000)}
	r.source = New(Options{
		Config: c, Clock: wall{}, Log: slog.New(slog.NewTextHandler(t.Output(), nil)),
		Health: func(_ string, err error) { r.health <- err },
		Reject: func(_, reason string) { r.rejects <- reason },
	})
	if change != nil {
		change(r.source)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() {
		ended <- r.source.Run(ctx, func(_ context.Context, rs []stillwater.Reading, done func()) error {
			r.got <- got{rs, done}
			return nil
		})
	}()
	var once sync.Once
	r.stop = func() {
		once.Do(func() {
			cancel()
			select {
			case err := <-ended:
				if err != nil {
					t.Errorf("Run ended with %v", err)
				}
			case <-time.After(patient):
				t.Error("Run did not end")
			}
		})
	}
	t.Cleanup(r.stop)
	return r
}

func (r *rig) next() got {
	r.t.Helper()
	select {
	case g := <-r.got:
		return g
	case <-time.After(patient):
		r.t.Fatal("no reading")
		return got{}
	}
}

// one waits for a message of one reading.
func (r *rig) one() stillwater.Reading {
	r.t.Helper()
	g := r.next()
	if len(g.readings) != 1 {
		r.t.Fatalf("%v; want one reading", g)
	}
	g.done()
	return g.readings[0]
}

func (r *rig) tells() error {
	r.t.Helper()
	select {
	case err := <-r.health:
		return err
	case <-time.After(patient):
		r.t.Fatal("no word about the broker")
		return nil
	}
}

// connected waits until the source is.
func (r *rig) connected() {
	r.t.Helper()
	for r.tells() != nil {
	}
}

// A peer is a broker of either make.
type peer struct {
	url string
}

// eachBroker runs a test against mosquitto and against the gateway's own broker.
func eachBroker(t *testing.T, test func(t *testing.T, p peer)) {
	t.Run("mosquitto", func(t *testing.T) { test(t, peer{startMosquitto(t, freePort(t), t.TempDir(), "").url}) })
	t.Run("built-in", func(t *testing.T) { test(t, peer{startBuiltIn(t)}) })
}

func startBuiltIn(t testing.TB) string {
	b := broker.New(broker.Options{Config: broker.Config{Listen: "127.0.0.1:0", Folder: t.TempDir()}})
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- b.Run(ctx) }()
	select {
	case <-b.Ready():
	case err := <-ended:
		t.Fatal(err)
	}
	t.Cleanup(func() { cancel(); <-ended })
	return "tcp://" + b.Addr()
}

func freePort(t testing.TB) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, port, _ := net.SplitHostPort(l.Addr().String())
	return port
}

// A mosquitto is Debian's broker as a process.
type mosquitto struct {
	url  string
	kill func() // as a power cut would
}

// startMosquitto runs it with its store in folder, written through on every change. Extra lines of configuration may be given.
func startMosquitto(t testing.TB, port, folder, extra string) *mosquitto {
	t.Helper()
	path, err := exec.LookPath("mosquitto")
	if err != nil {
		if path, err = exec.LookPath("/usr/sbin/mosquitto"); err != nil {
			t.Skip("left out: needs mosquitto (make test installs it)")
		}
	}
	config := filepath.Join(folder, "mosquitto.conf")
	if !strings.Contains(extra, "allow_anonymous") {
		extra += "\nallow_anonymous true"
	}
	if !strings.Contains(extra, "autosave") {
		extra += "\nautosave_interval 1\nautosave_on_changes true"
	}
	text := fmt.Sprintf("persistence true\npersistence_location %s/\n%s\n", folder, extra)
	if !strings.Contains(extra, "listener") {
		text += "listener " + port + " 127.0.0.1\n"
	}
	if os.Getuid() == 0 {
		text += "user root\n"
	}
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(path, "-c", config)
	log, err := os.Create(filepath.Join(folder, "log"))
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stderr, cmd.Stdout = log, log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var once sync.Once
	m := &mosquitto{url: "tcp://127.0.0.1:" + port}
	m.kill = func() { once.Do(func() { cmd.Process.Kill(); cmd.Wait(); log.Close() }) }
	t.Cleanup(m.kill)
	for limit := time.Now().Add(patient); ; {
		conn, err := net.Dial("tcp", "127.0.0.1:"+port)
		if err == nil {
			conn.Close()
			return m
		}
		if time.Now().After(limit) {
			said, _ := os.ReadFile(log.Name())
			t.Fatalf("mosquitto does not listen: %v\n%s", err, said)
		}
		<-time.After(10 * time.Millisecond)
	}
}

// A sensor is a client that publishes.
type sensor struct {
	t testing.TB
	c paho.Client
}

func newSensor(t testing.TB, url string, change func(*paho.ClientOptions)) *sensor {
	t.Helper()
	s := &sensor{t: t}
	o := paho.NewClientOptions().AddBroker(url).SetClientID("sensor-" + strings.ReplaceAll(t.Name(), "/", "-")).
		SetProtocolVersion(4).SetAutoReconnect(false)
	if change != nil {
		change(o)
	}
	s.c = paho.NewClient(o)
	s.wait(s.c.Connect())
	t.Cleanup(func() { s.c.Disconnect(100) })
	return s
}

func (s *sensor) wait(token paho.Token) {
	s.t.Helper()
	if !token.WaitTimeout(patient) || token.Error() != nil {
		s.t.Fatal("sensor:", token.Error())
	}
}

func (s *sensor) say(topic, payload string) {
	s.t.Helper()
	s.wait(s.c.Publish(topic, 1, false, payload))
}

func (s *sensor) keep(topic, payload string) {
	s.t.Helper()
	s.wait(s.c.Publish(topic, 1, true, payload))
}

// doors is a broker of door contacts, meters and availability topics.
func doors(url string) Config {
	return Config{Name: "lobby", URL: url, Topics: []Topic{
		{Filter: "home/+/door", Quantity: "door", Value: "contact", Open: "false", Time: "t", Also: []Value{{Quantity: "battery", Value: "battery"}}},
		{Filter: "home/+/availability", Device: "home/{1}/door", Quantity: "alive", Gone: "offline"},
		{Filter: "home/+/meter", Quantity: "water.total"},
	}}
}
