package devices_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"sync"
	"testing"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"
)

// A clock runs at any speed, and stands at its end.
type clock struct {
	mu    sync.Mutex // guards everything below
	event time.Time
	wall  time.Time
	speed float64
	end   time.Time
}

func newClock(event time.Time, speed float64) *clock {
	return &clock{event: event, wall: time.Now(), speed: speed}
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now()
}

func (c *clock) now() time.Time {
	now := c.event.Add(time.Duration(float64(time.Since(c.wall)) * c.speed))
	if !c.end.IsZero() && now.After(c.end) {
		return c.end
	}
	return now
}

// set changes the speed from now on.
func (c *clock) set(speed float64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.event, c.wall, c.speed = c.now(), time.Now(), speed
}

// said is one message as a subscriber understands it.
type said struct {
	at     time.Time
	door   bool
	open   bool
	litres float64
	word   string
}

// An ear keeps what was heard by topic.
type ear struct {
	mu    sync.Mutex // guards everything below
	heard map[string][]said
	more  chan struct{}
}

func (e *ear) hear(_ mqtt.Client, m mqtt.Message) {
	var body struct {
		Contact *bool     `json:"contact"`
		Litres  float64   `json:"litres"`
		TS      time.Time `json:"ts"`
	}
	s := said{word: string(m.Payload())}
	if json.Unmarshal(m.Payload(), &body) == nil {
		s = said{at: body.TS.UTC(), litres: body.Litres, door: body.Contact != nil}
		if s.door {
			s.open = !*body.Contact
		}
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.heard[m.Topic()] = append(e.heard[m.Topic()], s)
	select {
	case e.more <- struct{}{}:
	default:
	}
}

func (e *ear) all() map[string][]said {
	e.mu.Lock()
	defer e.mu.Unlock()
	return maps.Clone(e.heard)
}

// until waits for what was heard to be enough.
func (e *ear) until(t *testing.T, enough func(map[string][]said) bool) {
	t.Helper()
	deadline, look := time.After(15*time.Second), time.NewTicker(50*time.Millisecond)
	defer look.Stop()
	for !enough(e.all()) {
		select {
		case <-e.more:
		case <-look.C:
		case <-deadline:
			t.Fatalf("not heard in time; heard %v", e.all())
		}
	}
}

// listen subscribes to everything, in a session that survives the broker.
func listen(t *testing.T, url string) *ear {
	t.Helper()
	e := &ear{heard: map[string][]said{}, more: make(chan struct{}, 1)}
	o := mqtt.NewClientOptions().AddBroker(url).SetClientID("ear").SetCleanSession(false).SetAutoReconnect(true).
		SetMaxReconnectInterval(100 * time.Millisecond).SetDefaultPublishHandler(e.hear)
	client := mqtt.NewClient(o)
	if token := client.Connect(); token.Wait() && token.Error() != nil {
		t.Fatal(token.Error())
	}
	if token := client.Subscribe("stillwater/#", 1, e.hear); token.Wait() && token.Error() != nil {
		t.Fatal(token.Error())
	}
	t.Cleanup(func() { client.Disconnect(0) })
	return e
}

// A broker is a mosquitto of our own that keeps its sessions on disk.
type broker struct {
	url, dir, port string
	process        *exec.Cmd
}

func startBroker(t *testing.T) *broker {
	t.Helper()
	if _, err := exec.LookPath("mosquitto"); err != nil {
		t.Skip("left out: needs mosquitto (make test installs it)")
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_, port, _ := net.SplitHostPort(l.Addr().String())
	l.Close()
	b := &broker{url: "tcp://127.0.0.1:" + port, dir: t.TempDir(), port: port}
	conf := fmt.Sprintf("listener %s 127.0.0.1\nallow_anonymous true\npersistence true\npersistence_location %s/\nmax_queued_messages 0\n", port, b.dir)
	if os.Getuid() == 0 {
		conf += "user root\n" // it would give up its rights, and with them its folder
	}
	if err := os.WriteFile(filepath.Join(b.dir, "conf"), []byte(conf), 0o600); err != nil {
		t.Fatal(err)
	}
	b.start(t)
	t.Cleanup(func() { b.stop(t) })
	return b
}

func (b *broker) start(t *testing.T) {
	t.Helper()
	b.process = exec.Command("mosquitto", "-c", filepath.Join(b.dir, "conf"))
	if err := b.process.Start(); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(10 * time.Second); ; runtime.Gosched() {
		if conn, err := net.Dial("tcp", "127.0.0.1:"+b.port); err == nil {
			conn.Close()
			return
		}
		if time.Now().After(deadline) {
			t.Fatal("mosquitto does not listen")
		}
	}
}

func (b *broker) stop(t *testing.T) {
	t.Helper()
	_ = b.process.Process.Signal(os.Interrupt)
	_ = b.process.Wait() // an interrupted broker's status says nothing
}
