package main

import (
	"context"
	"fmt"
	"io"
	"log"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	peer "github.com/simonvetter/modbus"

	"stillwater"
	"stillwater/gateway/clock"
	"stillwater/simulator/provider"
)

// outside is a neighbourhood whose devices nobody here wrote: Debian's broker and a Modbus server of pymodbus, each a process, and
// a provider. The gateway comes with start.
type outside struct {
	t        *testing.T
	folder   string
	path     string // of the configuration
	broker   string // host and port
	bus      string
	console  string
	provider *provider.Server
	clock    *clock.Clock

	mu    sync.Mutex // guards taken
	taken []provider.Text
}

// newOutside starts all but the gateway: a bus of so many units, and an event clock of that speed, 1 for the real one.
func newOutside(t *testing.T, units int, speed float64) *outside {
	t.Helper()
	o := &outside{t: t, folder: t.TempDir(), console: freeAddress(t)}
	o.path = filepath.Join(o.folder, "stillwater.yaml")
	wall := time.Now()
	o.clock = clock.Anchored(wall, wall, 1)
	if speed != 1 {
		o.clock = clock.Anchored(wall, wall.Add(-14*24*time.Hour), speed) // behind, so that answers are not of the future
	}
	o.startMosquitto()
	o.startSlave(units)
	o.provider = provider.New(provider.Options{SentAfter: 50 * time.Millisecond, DeliverAfter: 200 * time.Millisecond, Accepted: o.accepted})
	address := make(chan string, 1)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- o.provider.Run(ctx, "127.0.0.1:0", func(a string) { address <- a }) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("provider: %v", err)
		}
	})
	o.writeConfig(<-address, units)
	return o
}

func (o *outside) accepted(text provider.Text) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.taken = append(o.taken, text)
}

// writeConfig fills in the addresses: testdata/endtoend.yaml for a clock that runs fast, latency.yaml for the real one.
func (o *outside) writeConfig(providerAddress string, units int) {
	wall, event, speed := o.clock.Anchor()
	file := "endtoend.yaml"
	if speed == 1 {
		file = "latency.yaml"
	}
	homes := make([]int, units)
	for i := range homes {
		homes[i] = i + 1
	}
	fillIn(o.t, file, o.path, map[string]any{
		"Folder": o.folder, "Console": o.console, "Broker": "tcp://" + o.broker, "Bus": o.bus, "Homes": homes, "Nobody": freeAddress(o.t),
		"Account": provider.DefaultAccount, "Number": provider.DefaultNumber, "Provider": "http://" + providerAddress,
		"Speed": speed, "Wall": wall.Format(time.RFC3339Nano), "Event": event.Format(time.RFC3339Nano),
	})
}

// startMosquitto runs Debian's broker with its store in the folder.
func (o *outside) startMosquitto() {
	o.t.Helper()
	path, err := exec.LookPath("mosquitto")
	if err != nil {
		if path, err = exec.LookPath("/usr/sbin/mosquitto"); err != nil {
			o.t.Skip("left out: needs mosquitto (make test installs it)")
		}
	}
	if _, err := exec.LookPath("mosquitto_pub"); err != nil {
		o.t.Skip("left out: needs mosquitto-clients (make test installs it)")
	}
	o.broker = freeAddress(o.t)
	host, port, _ := net.SplitHostPort(o.broker)
	text := fmt.Sprintf("listener %s %s\nallow_anonymous true\npersistence true\npersistence_location %s/\nautosave_interval 1\nautosave_on_changes true\n", port, host, o.folder)
	if os.Getuid() == 0 {
		text += "user root\n"
	}
	config := filepath.Join(o.folder, "mosquitto.conf")
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		o.t.Fatal(err)
	}
	o.beside(o.broker, exec.Command(path, "-c", config))
}

// startSlave runs testdata/slave.py.
func (o *outside) startSlave(units int) {
	o.t.Helper()
	for _, python := range []string{"/usr/bin/python3", "python3"} {
		if exec.Command(python, "-c", "import pymodbus.server").Run() == nil {
			o.bus = freeAddress(o.t)
			_, port, _ := net.SplitHostPort(o.bus)
			o.beside(o.bus, exec.Command(python, "testdata/slave.py", port, strconv.Itoa(units)))
			return
		}
	}
	o.t.Skip("left out: needs python3-pymodbus (make test installs it)")
}

// beside runs a process for as long as the test, and returns when it listens.
func (o *outside) beside(address string, cmd *exec.Cmd) {
	o.t.Helper()
	var said written
	cmd.Stdout, cmd.Stderr = &said, &said
	if err := cmd.Start(); err != nil {
		o.t.Fatal(err)
	}
	o.t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait() // it was killed
		if o.t.Failed() {
			o.t.Logf("%v wrote\n%s", cmd.Args, last(said.String(), 2000))
		}
	})
	until(o.t, patient, cmd.Path+" listens", func() bool {
		c, err := net.Dial("tcp", address)
		if err == nil {
			c.Close()
		}
		return err == nil
	})
}

// start starts the gateway and returns when its console answers.
func (o *outside) start() (*process, *browser) {
	o.t.Helper()
	p, b := startProcess(o.t, o.env(), "run", "--config", o.path), newBrowser(o.t, o.console)
	until(o.t, patient, "the console answers", func() bool {
		if !p.running() {
			o.t.Fatalf("the gateway ended by itself: %v", p.err)
		}
		return b.answers()
	})
	return p, b
}

func (o *outside) env() []string { return []string{"STILLWATER_TEST_TOKEN=" + provider.DefaultToken} }

// A meter is a register on the bus.
type meter struct {
	t      *testing.T
	client *peer.ModbusClient
	at     uint16
}

// meter connects to a unit's register, to write what it shows.
func (o *outside) meter(unit uint8, register uint16, words peer.WordOrder) *meter {
	o.t.Helper()
	client, err := peer.NewClient(&peer.ClientConfiguration{URL: "tcp://" + o.bus, Timeout: patient, Logger: log.New(io.Discard, "", 0)})
	if err == nil {
		err = client.Open()
	}
	if err == nil {
		err = client.SetUnitId(unit)
	}
	if err == nil {
		err = client.SetEncoding(peer.BIG_ENDIAN, words)
	}
	if err != nil {
		o.t.Fatal(err)
	}
	o.t.Cleanup(func() { client.Close() })
	return &meter{o.t, client, register}
}

func (m *meter) show(value uint32) {
	m.t.Helper()
	if err := m.client.WriteUint32(m.at, value); err != nil {
		m.t.Fatal(err)
	}
}

// publish is a sensor's message, by Debian's client.
func (o *outside) publish(topic, payload string) {
	o.t.Helper()
	host, port, _ := net.SplitHostPort(o.broker)
	if out, err := exec.Command("mosquitto_pub", "-h", host, "-p", port, "-q", "1", "-t", topic, "-m", payload).CombinedOutput(); err != nil {
		o.t.Fatalf("mosquitto_pub: %v: %s", err, out)
	}
}

// door is what a contact says of the door now.
func (o *outside) door(home string, closed bool) {
	o.t.Helper()
	o.publish("zigbee2mqtt/"+home+"-door", fmt.Sprintf(`{"contact":%v,"battery":87,"last_seen":%q}`, closed, o.clock.Now().Format(time.RFC3339)))
}

// texts are those the provider has accepted for a number.
func (o *outside) texts(to stillwater.Phone) []provider.Text {
	o.mu.Lock()
	defer o.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(o.taken), func(t provider.Text) bool { return t.To != to })
}

// text waits until a number has a text with those words in it.
func (o *outside) text(to stillwater.Phone, words ...string) (found provider.Text) {
	o.t.Helper()
	until(o.t, patient, fmt.Sprintf("a text to %s with %q", to, words), func() bool {
		i := slices.IndexFunc(o.texts(to), func(t provider.Text) bool {
			return !slices.ContainsFunc(words, func(w string) bool { return !strings.Contains(t.Body, w) })
		})
		if i >= 0 {
			found = o.texts(to)[i]
		}
		return i >= 0
	})
	return found
}

const (
	daughter = stillwater.Phone("+8613800138000")
	worker   = stillwater.Phone("+8613900139000")
)

// TestEndToEnd goes the whole way with counterparts of other hands: a register stands still, her daughter is asked and told, she
// answers, the door moves, she closes.
func TestEndToEnd(t *testing.T) {
	t.Parallel()
	o := newOutside(t, 1, 1200) // an hour in three seconds
	m := o.meter(1, 2, peer.LOW_WORD_FIRST)
	m.show(65530) // 10 L each, about to need both registers
	p, b := o.start()
	until(t, patient, "the gateway listens to the broker", func() bool { return strings.Contains(p.stderr.String(), "broker connected") })
	o.door("h001", true)
	for i := range uint32(10) { // she is up
		m.show(65531 + i)
		before := b.readings("accepted")
		until(t, patient, "the meter is read", func() bool { return b.readings("accepted") > before+1 })
	}
	if state := b.homes()["h001"]; state != stillwater.Fine {
		t.Errorf("the home is %s while water is used", state)
	}
	stopped := o.clock.Now()

	asked := o.text(daughter, "王*家", "起已1小时", "外出或在您那里吗？")
	told := o.text(daughter, "王*家", "起已2小时", "回1我去")
	began := b.incidents("h001")[0]
	if since := began.Findings[0].Facts.Since; since.Before(stopped.Add(-5*time.Minute)) || since.After(stopped.Add(time.Minute)) {
		t.Errorf("silent since %v, the register stood from %v on", since, stopped)
	}
	if len(o.texts(worker)) > 0 {
		t.Errorf("the worker was told before the daughter had her time: %v", o.texts(worker))
	}
	o.provider.Reply(daughter, "1")
	until(t, patient, "the reply acknowledges", func() bool {
		now := b.incident("h001", began.ID)
		return now.State == stillwater.Acknowledged && now.Holder == "li-na"
	})

	o.door("h001", false)
	until(t, patient, "the door ends the silence", func() bool {
		now := b.incident("h001", began.ID)
		return !slices.ContainsFunc(now.Findings, func(f stillwater.Finding) bool { return f.Ended.IsZero() })
	})
	if now := b.incident("h001", began.ID); !now.IsOpen() {
		t.Error("a sign of life closed the incident; only people do")
	}
	o.text(daughter, "王*家", "有动静")

	code := codeOf.FindStringSubmatch(told.Body)[1]
	o.provider.Reply(daughter, "2 "+strings.ToLower(code))
	until(t, patient, "the reply closes", func() bool {
		now := b.incident("h001", began.ID)
		return now.State == stillwater.ClosedState && now.Outcome == stillwater.FalseAlarm && now.Known == stillwater.Spoken
	})
	if !told.At.After(asked.At) {
		t.Error("she was told before she was asked")
	}
	o.once()
	p.stop(syscall.SIGTERM)
	if out := p.stdout.String(); out != "" {
		t.Errorf("run wrote on standard output, and texts went elsewhere: %q", out)
	}
}

// once checks that no text came twice.
func (o *outside) once() {
	o.mu.Lock()
	defer o.mu.Unlock()
	seen := map[string]bool{}
	for _, t := range o.taken {
		if key := string(t.To) + t.Body; seen[key] {
			o.t.Errorf("came twice to %s: %s", t.To, t.Body)
		} else {
			seen[key] = true
		}
	}
}

// TestLatency measures on the real clock how long it takes from a register's change to the provider's acceptance of the text about
// it. It asserts nothing: that is the machine's affair.
func TestLatency(t *testing.T) {
	t.Parallel()
	const homes = 10
	o := newOutside(t, homes, 1)
	meters := make([]*meter, homes)
	for i := range meters {
		meters[i] = o.meter(uint8(i+1), 0, peer.HIGH_WORD_FIRST)
		meters[i].show(1000)
	}
	p, b := o.start()
	until(t, patient, "every meter is read twice", func() bool { return b.readings("accepted") >= 2*homes })
	var all, inside []time.Duration
	for i, m := range meters {
		wait(t.Context(), rand.N(time.Second)) // at no moment of its own in the second between two reads
		changed := time.Now()
		m.show(1020)
		text := o.text(stillwater.Phone(fmt.Sprintf("+86138001380%02d", i+1)), "用水20升")
		all = append(all, text.At.Sub(changed))
		found := b.incidents(stillwater.HouseholdID(fmt.Sprintf("h%d", i+1)))[0]
		inside = append(inside, text.At.Sub(found.Opened))
	}
	t.Logf("register to provider, read each second: %s", spread(all))
	t.Logf("of that, from the reading to the provider: %s", spread(inside))
	p.stop(syscall.SIGTERM)
}

// spread is the median and the longest of some spans.
func spread(spans []time.Duration) string {
	slices.Sort(spans)
	return fmt.Sprintf("median %v, longest %v of %d", spans[len(spans)/2].Round(time.Millisecond), spans[len(spans)-1].Round(time.Millisecond), len(spans))
}
