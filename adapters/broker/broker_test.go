package broker

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"

	"stillwater"
)

// start runs a broker; stop ends it and checks that it ended well and in time.
func start(t *testing.T, c Config) (b *Broker, stop func()) {
	t.Helper()
	c.Validate(func(_ any, problem string) { t.Fatal("configuration of the test:", problem) })
	b = New(Options{Config: c})
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- b.Run(ctx) }()
	select {
	case <-b.Ready():
	case err := <-ended:
		t.Fatalf("Run ended with %v", err)
	}
	stopped := false
	stop = func() {
		if stopped {
			return
		}
		stopped = true
		before := time.Now()
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("Run ended with %v", err)
		}
		if took := time.Since(before); took > stopWithin {
			t.Errorf("stopping took %v", took)
		}
	}
	t.Cleanup(stop)
	return b, stop
}

// connect makes a client with a persistent session that hands every message to got.
func connect(t *testing.T, b *Broker, id string, got chan string) mqtt.Client {
	t.Helper()
	c := client(b, id, "", got)
	if token := c.Connect(); !token.WaitTimeout(10*time.Second) || token.Error() != nil {
		t.Fatal("connect:", token.Error())
	}
	return c
}

func client(b *Broker, id, password string, got chan string) mqtt.Client {
	return mqtt.NewClient(mqtt.NewClientOptions().AddBroker("tcp://" + b.Addr()).SetClientID(id).SetProtocolVersion(4).
		SetUsername(userFor(password)).SetPassword(password).
		SetCleanSession(false).SetAutoReconnect(false).
		SetDefaultPublishHandler(func(_ mqtt.Client, m mqtt.Message) { got <- m.Topic() + " " + string(m.Payload()) }))
}

func wait(t *testing.T, token mqtt.Token) {
	t.Helper()
	if !token.WaitTimeout(10*time.Second) || token.Error() != nil {
		t.Fatal("no answer from the broker:", token.Error())
	}
}

func next(t *testing.T, got chan string) string {
	t.Helper()
	select {
	case m := <-got:
		return m
	case <-time.After(15 * time.Second):
		t.Fatal("no message within 15 s")
		return ""
	}
}

// What was queued for a subscriber that is away is still there after the broker was restarted, and a retained state as well.
func TestRestartKeepsQueuedMessages(t *testing.T) {
	c := Config{Listen: "127.0.0.1:0", Folder: t.TempDir()}
	b, stop := start(t, c)
	got := make(chan string, 100)
	sub := connect(t, b, "gateway", got)
	wait(t, sub.Subscribe("home/+/door", 1, nil))
	sub.Disconnect(100)
	pub := connect(t, b, "sensor", nil)
	var want []string
	for _, home := range []string{"1", "2", "3"} {
		wait(t, pub.Publish("home/"+home+"/door", 1, false, "open"))
		want = append(want, "home/"+home+"/door open")
	}
	wait(t, pub.Publish("state/7", 1, true, "kept"))
	pub.Disconnect(100)
	stop()

	b, _ = start(t, c)
	sub = connect(t, b, "gateway", got)
	defer sub.Disconnect(100)
	wait(t, sub.Subscribe("home/+/door", 1, nil))
	var seen []string
	for range want {
		seen = append(seen, next(t, got))
	}
	slices.Sort(seen)
	if !slices.Equal(seen, want) {
		t.Errorf("%q after the restart; want %q", seen, want)
	}
	wait(t, sub.Subscribe("state/#", 1, nil))
	if m := next(t, got); m != "state/7 kept" {
		t.Errorf("%q; want the retained message", m)
	}
}

// The process is killed the moment the publisher was told that its message is taken.
func TestKilled(t *testing.T) {
	if folder := os.Getenv("STILLWATER_TEST_BROKER"); folder != "" {
		b := New(Options{Config: Config{Listen: "127.0.0.1:0", Folder: folder}})
		go func() { <-b.Ready(); fmt.Println(b.Addr()) }()
		t.Fatal(b.Run(context.Background()))
	}
	folder := t.TempDir()
	child := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestKilled$")
	child.Env = append(os.Environ(), "STILLWATER_TEST_BROKER="+folder)
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	address, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	far := New(Options{})
	far.addr.Store(strings.TrimSpace(address))
	got := make(chan string, 100)
	sub := connect(t, far, "gateway", got)
	wait(t, sub.Subscribe("home/+/door", 1, nil))
	sub.Disconnect(100)
	pub := connect(t, far, "sensor", nil)
	const n = 20
	for i := range n {
		wait(t, pub.Publish(fmt.Sprintf("home/%d/door", i), 1, false, "open"))
	}
	child.Process.Kill()
	child.Wait()

	b, _ := start(t, Config{Listen: "127.0.0.1:0", Folder: folder})
	sub = connect(t, b, "gateway", got)
	defer sub.Disconnect(100)
	wait(t, sub.Subscribe("home/+/door", 1, nil))
	for i := range n {
		if m := next(t, got); m != fmt.Sprintf("home/%d/door open", i) {
			t.Errorf("message %d is %q", i, m)
		}
	}
}

func TestPasswords(t *testing.T) {
	var secret stillwater.Secret
	secret.Env = "BROKER_PASSWORD"
	secret.Set("right")
	b, _ := start(t, Config{Listen: "127.0.0.1:0", Folder: t.TempDir(), Users: []User{{Name: "door", Password: secret}}})
	for password, welcome := range map[string]bool{"right": true, "wrong": false, "": false} {
		c := client(b, "sensor", password, nil)
		token := c.Connect()
		if !token.WaitTimeout(10 * time.Second) {
			t.Fatal("no answer to connecting")
		}
		if (token.Error() == nil) != welcome {
			t.Errorf("password %q: %v", password, token.Error())
		}
		if welcome {
			wait(t, c.Publish("home/1/door", 1, false, "open"))
			c.Disconnect(100)
		}
	}
	secret.Set("")
	err := New(Options{Config: Config{Listen: "127.0.0.1:0", Folder: t.TempDir(), Users: []User{{Name: "door", Password: secret}}}}).Run(t.Context())
	if err == nil || !strings.Contains(err.Error(), "BROKER_PASSWORD") {
		t.Errorf("an empty password: Run ended with %v; want the secret named", err)
	}
}

// Another implementation's clients, through the built-in broker.
func TestMosquittoClients(t *testing.T) {
	for _, tool := range []string{"mosquitto_pub", "mosquitto_sub"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skip("left out: needs mosquitto-clients (make test installs it)")
		}
	}
	b, _ := start(t, Config{Listen: "127.0.0.1:0", Folder: t.TempDir()})
	host, port, _ := net.SplitHostPort(b.Addr())
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	at := []string{"-h", host, "-p", port, "-q", "1"}
	mosquitto := func(tool string, args ...string) string {
		out, err := exec.CommandContext(ctx, tool, append(slices.Clone(at), args...)...).CombinedOutput()
		if err != nil {
			t.Fatalf("%s %q: %v %s", tool, args, err, out)
		}
		return strings.TrimSpace(string(out))
	}
	mosquitto("mosquitto_sub", "-c", "-i", "reader", "-t", "home/#", "-E")
	mosquitto("mosquitto_pub", "-t", "home/7/door", "-m", `{"contact":false}`)
	mosquitto("mosquitto_pub", "-t", "home/7/door", "-m", `{"contact":true}`)
	if got := mosquitto("mosquitto_sub", "-c", "-i", "reader", "-t", "home/#", "-C", "2", "-v"); got != "home/7/door {\"contact\":false}\nhome/7/door {\"contact\":true}" {
		t.Errorf("%q", got)
	}
}

// The store's control is not for sensors.
func TestInnerSubjectsAreOutOfReach(t *testing.T) {
	b, _ := start(t, Config{Listen: "127.0.0.1:0", Folder: t.TempDir()})
	got := make(chan string, 100)
	sub := connect(t, b, "gateway", got)
	wait(t, sub.Subscribe("home/#", 1, nil))
	rogue := connect(t, b, "rogue", got)
	for _, topic := range []string{"$JS/API/STREAM/DELETE/$MQTT_msgs", "$JS/API/STREAM/PURGE/$MQTT_msgs"} {
		rogue.Publish(topic, 0, false, "").WaitTimeout(time.Second)
	}
	spy := connect(t, b, "spy", got)
	token := spy.Subscribe("$JS/#", 0, nil)
	if token.WaitTimeout(10*time.Second) && token.Error() == nil && token.(*mqtt.SubscribeToken).Result()["$JS/#"] != 0x80 {
		t.Error("a client may listen to the store")
	}
	pub := connect(t, b, "sensor", got)
	wait(t, pub.Publish("home/1/door", 1, false, "open"))
	if m := next(t, got); m != "home/1/door open" {
		t.Errorf("%q", m)
	}
	for _, c := range []mqtt.Client{sub, rogue, spy, pub} {
		c.Disconnect(100)
	}
}

// An address that is taken is an error of Run and not the end of the process.
func TestAddressTaken(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	err = New(Options{Config: Config{Listen: l.Addr().String(), Folder: t.TempDir()}}).Run(ctx)
	if err == nil || !strings.Contains(err.Error(), "address already in use") {
		t.Errorf("Run ended with %v", err)
	}
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		t.Error("only when told to stop")
	}
}

func TestValidate(t *testing.T) {
	named := User{Name: "door", Password: stillwater.Secret{Env: "X"}}
	for _, c := range []struct {
		config Config
		fields int
	}{
		{Config{Folder: "f"}, 0},
		{Config{Listen: "[::1]:0", Folder: "f"}, 0},
		{Config{Listen: ":1883", Folder: "f", Users: []User{named}}, 0},
		{Config{Listen: ":1883", Folder: "f"}, 1},
		{Config{Listen: "0.0.0.0:1883", Folder: "f"}, 1},
		{Config{Listen: "1883", Folder: "f"}, 1},
		{Config{}, 1},
		{Config{Folder: "f", Users: []User{named, named}}, 1},
		{Config{Folder: "f", Users: []User{{}}}, 2},
		{Config{Folder: "f", CertFile: "c"}, 1},
	} {
		var problems []string
		c.config.Validate(func(_ any, problem string) { problems = append(problems, problem) })
		if len(problems) != c.fields {
			t.Errorf("%+v: reported %q; want %d problems", c.config, problems, c.fields)
		}
	}
}

// userFor is no user without a password: MQTT knows no password without a user.
func userFor(password string) string {
	if password == "" {
		return ""
	}
	return "door"
}
