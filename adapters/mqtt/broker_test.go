package mqtt

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"net/url"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"testing"
	"time"

	paho "github.com/eclipse/paho.mqtt.golang"

	"stillwater"
	"stillwater/adapters/testca"
)

func TestReadings(t *testing.T) {
	eachBroker(t, func(t *testing.T, p peer) {
		s := newSensor(t, p.url, nil)
		s.keep("home/1/door", `{"contact":false,"t":"2026-03-01T07:30:00Z"}`)
		r := run(t, doors(p.url), nil)
		r.connected()
		if got := r.one(); !got.Undated || got.Value != stillwater.Open || got.Source != "lobby/home/1/door" {
			t.Errorf("retained: %+v; want an undated open door", got)
		}
		s.say("home/2/door", `{"contact":true,"battery":80}`)
		g := r.next()
		g.done()
		if len(g.readings) != 2 || g.readings[0].Source != "lobby/home/2/door" || g.readings[1].Source != "lobby/home/2/door" ||
			g.readings[0].Value != stillwater.Closed || g.readings[1].Quantity != stillwater.Battery || g.readings[0].Undated {
			t.Errorf("%v; want a closed door and its battery of one source", g)
		}
		s.say("home/2/door", `what?`)
		if reason := <-r.rejects; reason != errNotJSON.Error() {
			t.Errorf("rejected as %q", reason)
		}
		s.say("home/3/meter", `1234`)
		if got := r.one(); got.Quantity != stillwater.WaterTotal || got.Value != 1234 || got.Undated {
			t.Errorf("%+v", got)
		}
	})
}

// A device that dies is told of by its Last Will, as the device and not as the topic of the will.
func TestLastWill(t *testing.T) {
	eachBroker(t, func(t *testing.T, p peer) {
		r := run(t, doors(p.url), nil)
		r.connected()
		var conn net.Conn
		s := newSensor(t, p.url, func(o *paho.ClientOptions) {
			o.SetWill("home/7/availability", "offline", 1, true)
			o.SetCustomOpenConnectionFn(func(u *url.URL, _ paho.ClientOptions) (c net.Conn, err error) {
				conn, err = net.Dial("tcp", u.Host)
				return conn, err
			})
		})
		s.keep("home/7/availability", "online")
		if got := r.one(); got.Quantity != stillwater.Alive || got.Source != "lobby/home/7/door" {
			t.Errorf("%+v; want the door alive", got)
		}
		conn.Close() // it dies without a word
		if got := r.one(); got.Quantity != stillwater.Gone || got.Value != 1 || got.Source != "lobby/home/7/door" || got.Undated {
			t.Errorf("%+v; want the door gone", got)
		}
	})
}

// The gateway is killed after it has taken in two messages and committed one. The broker must send the other again and not
// that one, and what came while the gateway was away; none of it is a sign of life of now.
func TestCrash(t *testing.T) {
	if at := os.Getenv("STILLWATER_TEST_CRASH"); at != "" {
		crash(at)
		return
	}
	t.Parallel()
	eachBroker(t, func(t *testing.T, p peer) {
		ctx, cancel := context.WithTimeout(t.Context(), 2*patient)
		defer cancel()
		child := exec.CommandContext(ctx, os.Args[0], "-test.run=^TestCrash$")
		child.Env = append(os.Environ(), "STILLWATER_TEST_CRASH="+p.url)
		out, err := child.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := child.Start(); err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(out)
		said := func(want string) {
			t.Helper()
			for lines.Scan() {
				if lines.Text() == want {
					return
				}
			}
			t.Fatalf("the child did not say %q", want)
		}
		s := newSensor(t, p.url, nil)
		said("connected")
		s.say("home/1/meter", "1") // committed
		said("1")
		s.say("home/1/meter", "2") // not
		said("2")
		child.Process.Kill()
		child.Wait()
		s.say("home/1/meter", "3") // nobody there

		r := run(t, doors(p.url), nil)
		seen := map[float64]int{}
		for len(seen) < 2 {
			g := r.one()
			seen[g.Value]++
			if !g.Undated {
				t.Errorf("%+v; want it undated", g)
			}
		}
		if seen[1] > 0 || seen[2] == 0 || seen[3] == 0 {
			t.Errorf("again came %v; want 2 and 3", seen)
		}
		<-time.After(2 * quiet) // the broker is quiet: what comes now is new
		s.say("home/1/meter", "4")
		if g := r.one(); g.Value != 4 || g.Undated {
			t.Errorf("%+v; want it dated", g)
		}
	})
}

// crash is the gateway that will be killed: it commits only the reading of 1.
func crash(at string) {
	source := New(Options{Config: doors(at), Clock: wall{}, Health: func(_ string, err error) {
		if err == nil {
			fmt.Println("connected")
		}
	}})
	_ = source.Run(context.Background(), func(_ context.Context, rs []stillwater.Reading, done func()) error {
		if rs[0].Value == 1 {
			done()
		}
		fmt.Println(rs[0].Value)
		return nil
	})
}

// The broker is killed and comes back, with what it had written and then without any of it: readings go on, what it had kept
// is delivered, and Health is told each way once.
func TestBrokerKilled(t *testing.T) {
	t.Parallel()
	port, folder := freePort(t), t.TempDir()
	m := startMosquitto(t, port, folder, "")
	r := run(t, doors(m.url), nil)
	r.connected()
	newSensor(t, m.url, nil).say("home/1/meter", "1")
	r.one()

	r.stop()
	newSensor(t, m.url, nil).say("home/1/meter", "20202020") // kept for the gateway
	written(t, folder+"/mosquitto.db", "20202020")
	m.kill()
	m = startMosquitto(t, port, folder, "")
	r = run(t, doors(m.url), nil)
	if got := r.one(); got.Value != 20202020 || !got.Undated {
		t.Errorf("%+v; want what the killed broker had kept", got)
	}
	r.connected()

	m.kill()
	if err := r.tells(); err == nil {
		t.Error("told that all is well when the broker was killed")
	}
	m = startMosquitto(t, port, t.TempDir(), "") // with nothing: only subscribing again helps
	r.connected()
	newSensor(t, m.url, nil).say("home/1/meter", "3")
	if got := r.one(); got.Value != 3 || got.Undated {
		t.Errorf("%+v; want a dated reading: this broker has kept nothing", got)
	}
	if len(r.health) > 0 {
		t.Errorf("told %v besides", <-r.health)
	}
}

// written waits until mosquitto has something in its file: it acknowledges before it writes.
func written(t *testing.T, file, what string) {
	t.Helper()
	for limit := time.Now().Add(patient); ; <-time.After(20 * time.Millisecond) {
		if data, err := os.ReadFile(file); err == nil && strings.Contains(string(data), what) {
			return
		}
		if time.Now().After(limit) {
			t.Fatalf("%q never got to %s", what, file)
		}
	}
}

// The pipeline stands still for longer than the keep-alive. The connection must hold, and nothing be lost or twice.
func TestPipelineStandsStill(t *testing.T) {
	t.Parallel()
	const n = 300
	eachBroker(t, func(t *testing.T, p peer) {
		c := doors(p.url)
		source := New(Options{Config: c, Clock: wall{}})
		source.keepAlive = 2 * time.Second
		var health []error
		connected := make(chan struct{})
		source.health = func(_ string, err error) {
			if health = append(health, err); len(health) == 1 {
				close(connected)
			}
		}
		ctx, cancel := context.WithCancel(t.Context())
		gate, values, ended := make(chan struct{}), make(chan float64, 10*n), make(chan error, 1)
		go func() {
			ended <- source.Run(ctx, func(_ context.Context, rs []stillwater.Reading, done func()) error {
				<-gate
				values <- rs[0].Value
				done()
				return nil
			})
		}()
		<-connected
		s := newSensor(t, p.url, nil)
		for i := range n {
			s.say("home/1/meter", fmt.Sprint(i))
		}
		<-time.After(3 * source.keepAlive)
		close(gate)
		for i := range n {
			select {
			case v := <-values:
				if v != float64(i) {
					t.Fatalf("message %d is %v", i, v)
				}
			case <-time.After(patient):
				t.Fatalf("only %d of %d messages", i, n)
			}
		}
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		if len(health) != 1 || len(values) != 0 {
			t.Errorf("health %v, %d messages more", health, len(values))
		}
	})
}

// A broker that sends without waiting for acknowledgements fills the queue. It is hung up on and asked again; nothing is lost, in order.
func TestOverrun(t *testing.T) {
	t.Parallel()
	const n = 400
	m := startMosquitto(t, freePort(t), t.TempDir(), "max_inflight_messages 0\nmax_queued_messages 0")
	c := doors(m.url)
	source := New(Options{Config: c, Clock: wall{}})
	source.queueLength = 16
	connected := make(chan struct{}, 1000)
	source.health = func(_ string, err error) {
		if err == nil {
			connected <- struct{}{}
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	gate, values, ended := make(chan struct{}), make(chan float64, 100*n), make(chan error, 1)
	go func() {
		ended <- source.Run(ctx, func(_ context.Context, rs []stillwater.Reading, done func()) error {
			<-gate
			<-time.After(time.Millisecond)
			values <- rs[0].Value
			done()
			return nil
		})
	}()
	<-connected
	s := newSensor(t, m.url, nil)
	for i := range n {
		s.say("home/1/meter", fmt.Sprint(i))
	}
	close(gate)
	seen, last := map[float64]bool{}, -1.0
	for limit := time.After(3 * patient); len(seen) < n; {
		select {
		case v := <-values:
			if !seen[v] && v != last+1 {
				t.Fatalf("%v came before %v", v, last+1)
			}
			seen[v] = true
			last = max(last, v)
		case <-limit:
			t.Fatalf("only %d of %d messages", len(seen), n)
		}
	}
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

// A message whose readings are never committed is never acknowledged, not even by stopping politely; a rejected one is.
func TestStopAcknowledgesOnlyWhatIsDone(t *testing.T) {
	t.Parallel()
	eachBroker(t, func(t *testing.T, p peer) {
		r := run(t, doors(p.url), nil)
		r.connected()
		s := newSensor(t, p.url, nil)
		s.say("home/1/meter", "nonsense")
		s.say("home/1/meter", "1")
		r.next()
		s.say("home/1/meter", "2")
		r.one()
		r.stop()
		r = run(t, doors(p.url), nil)
		if got := r.one(); got.Value != 1 {
			t.Errorf("%v came again; want 1", got.Value)
		}
		s.say("home/1/meter", "3")
		if got := r.one(); got.Value != 3 {
			t.Errorf("%v came again", got.Value)
		}
		if len(r.rejects) > 0 {
			t.Errorf("what was rejected came again: %s", <-r.rejects)
		}
	})
}

func TestPassword(t *testing.T) {
	if _, err := exec.LookPath("mosquitto_passwd"); err != nil {
		t.Skip("left out: needs mosquitto (make test installs it)")
	}
	folder := t.TempDir()
	if out, err := exec.Command("mosquitto_passwd", "-b", "-c", folder+"/users", "gateway", "right").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	m := startMosquitto(t, freePort(t), folder, "allow_anonymous false\npassword_file "+folder+"/users")
	c := doors(m.url)
	c.Username, c.Password.Env = "gateway", "BROKER_PASSWORD"
	c.Password.Set("wrong")
	r := run(t, c, nil)
	if err := r.tells(); err == nil || strings.Contains(err.Error(), "wrong") {
		t.Errorf("told %v with a wrong password", err)
	}
	r.stop()
	c.Password.Set("right")
	if err := run(t, c, nil).tells(); err != nil {
		t.Errorf("told %v with the right one", err)
	}
}

// A subscription that the broker refuses is an illness, though the connection stands and the others work.
func TestRefusedSubscription(t *testing.T) {
	at := startBuiltIn(t)
	c := doors(at)
	c.Topics = append(c.Topics, Topic{Filter: "$JS/API/+", Quantity: "alive"}) // the store's control
	r := run(t, c, nil)
	if err := r.tells(); err == nil || !strings.Contains(err.Error(), "$JS/API/+") {
		t.Errorf("told %v; want the filter that is refused", err)
	}
	newSensor(t, at, nil).say("home/1/meter", "1")
	r.one()
}

// Run leaves no goroutine behind, of ours or of paho's, after many connections.
func TestNothingLeftRunning(t *testing.T) {
	m := startMosquitto(t, freePort(t), t.TempDir(), "")
	before := runtime.NumGoroutine()
	for range 20 {
		r := run(t, doors(m.url), nil)
		r.connected()
		r.stop()
	}
	for limit := time.Now().Add(patient); runtime.NumGoroutine() > before; <-time.After(10 * time.Millisecond) {
		if time.Now().After(limit) {
			stacks := make([]byte, 1<<20)
			t.Fatalf("%d goroutines, %d before\n%s", runtime.NumGoroutine(), before, stacks[:runtime.Stack(stacks, true)])
		}
	}
}

// A stopped source leaves within a moment, whatever the broker does.
func TestStopWithBrokerThatSaysNothing(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	accepted := make(chan net.Conn, 1)
	go func() {
		if conn, err := l.Accept(); err == nil {
			accepted <- conn
		}
	}()
	r := run(t, doors("tcp://"+l.Addr().String()), nil)
	conn := <-accepted
	defer conn.Close()
	before := time.Now()
	r.stop()
	if took := time.Since(before); took > 2*time.Second {
		t.Errorf("stopping took %v", took)
	}
}

// Everything in certificates: the broker's is checked against our authority, ours against the broker's.
func TestTLS(t *testing.T) {
	folder := t.TempDir()
	ours, other := testca.New(t, folder, "ours"), testca.New(t, folder, "other")
	ours.Issue(t, "server")
	ours.Issue(t, "gateway")
	other.Issue(t, "stranger")
	port := freePort(t)
	startMosquitto(t, port, folder, fmt.Sprintf("listener %s 127.0.0.1\ncafile %s\ncertfile %s\nkeyfile %s\nrequire_certificate true",
		port, ours.File, folder+"/server.pem", folder+"/server.key"))
	for name, c := range map[string]struct {
		authority, certificate string
		well                   bool
	}{
		"right":                 {ours.File, "gateway", true},
		"authority unknown":     {other.File, "gateway", false},
		"system's authorities":  {"", "gateway", false},
		"no certificate":        {ours.File, "", false},
		"strange certificate":   {ours.File, "stranger", false},
		"authority file absent": {folder + "/nothing", "gateway", false},
	} {
		t.Run(name, func(t *testing.T) {
			config := doors("tls://127.0.0.1:" + port)
			config.CAFile = c.authority
			if c.certificate != "" {
				config.CertFile, config.KeyFile = folder+"/"+c.certificate+".pem", folder+"/"+c.certificate+".key"
			}
			if err := run(t, config, nil).tells(); (err == nil) != c.well {
				t.Errorf("told %v", err)
			}
		})
	}
}

func TestWebsocket(t *testing.T) {
	port, ws := freePort(t), freePort(t)
	m := startMosquitto(t, port, t.TempDir(), "listener "+port+" 127.0.0.1\nlistener "+ws+" 127.0.0.1\nprotocol websockets")
	r := run(t, doors("ws://127.0.0.1:"+ws), nil)
	r.connected()
	newSensor(t, m.url, nil).say("home/1/meter", "1")
	r.one()
}

// BenchmarkMessages is one message of quality 1 from a sensor through a broker to a pipeline that commits at once.
func BenchmarkMessages(b *testing.B) {
	for name, url := range map[string]func() string{
		"mosquitto": func() string { return startMosquitto(b, freePort(b), b.TempDir(), "autosave_interval 1800").url },
		"built-in":  func() string { return startBuiltIn(b) },
	} {
		b.Run(name, func(b *testing.B) {
			at := url()
			r := run(b, doors(at), nil)
			r.connected()
			s := newSensor(b, at, nil)
			tokens := make(chan paho.Token, 200)
			b.ResetTimer()
			go func() {
				defer close(tokens)
				for i := range b.N {
					tokens <- s.c.Publish(fmt.Sprintf("home/%d/meter", i%50), 1, false, fmt.Sprint(i))
				}
			}()
			for range b.N {
				s.wait(<-tokens)
				r.next().done()
			}
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "messages/s")
		})
	}
}
