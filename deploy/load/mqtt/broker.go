package main

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	paho "github.com/eclipse/paho.mqtt.golang"
)

// brokerLines is Debian's broker as the run needs it; the README of the run states it.
const brokerLines = `persistence true
persistence_location %s/
autosave_interval 60
max_queued_messages 0
max_inflight_messages 2000
allow_anonymous true
listener %s 127.0.0.1
`

// A broker is mosquitto as a process.
type broker struct {
	folder, address string
	cmd             *exec.Cmd
}

func startBroker(folder string) (*broker, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	b := &broker{folder: folder, address: l.Addr().String()}
	_, port, _ := net.SplitHostPort(b.address)
	if err := l.Close(); err != nil {
		return nil, err
	}
	text := fmt.Sprintf(brokerLines, folder, port)
	if os.Getuid() == 0 {
		text += "user root\n"
	}
	if err := os.WriteFile(filepath.Join(folder, "mosquitto.conf"), []byte(text), 0o600); err != nil {
		return nil, err
	}
	return b, b.start()
}

func (b *broker) start() error {
	path, err := exec.LookPath("mosquitto")
	if err != nil {
		path = "/usr/sbin/mosquitto"
	}
	b.cmd = exec.Command(path, "-c", filepath.Join(b.folder, "mosquitto.conf"))
	if err := b.cmd.Start(); err != nil {
		return fmt.Errorf("the run needs Debian's mosquitto: %w", err)
	}
	for range 500 {
		conn, err := net.Dial("tcp", b.address)
		if err == nil {
			return conn.Close()
		}
		time.Sleep(20 * time.Millisecond)
	}
	return fmt.Errorf("mosquitto does not listen at %s", b.address)
}

// stop ends it as an operator does: it writes its store.
func (b *broker) stop() {
	_ = b.cmd.Process.Signal(syscall.SIGTERM)
	_ = b.cmd.Wait() // how it ended is of no interest
}

// A listener is a subscriber that does nothing with what it gets.
type listener struct {
	client paho.Client
	got    atomic.Int64
}

func (b *broker) listen() (*listener, error) {
	l := &listener{}
	l.client = paho.NewClient(paho.NewClientOptions().AddBroker("tcp://" + b.address).SetClientID("idle").SetCleanSession(true).
		SetDefaultPublishHandler(func(paho.Client, paho.Message) { l.got.Add(1) }))
	if token := l.client.Connect(); !token.WaitTimeout(10*time.Second) || token.Error() != nil {
		return nil, fmt.Errorf("listen: %w", token.Error())
	}
	if token := l.client.Subscribe("wmbusmeters/#", 1, nil); !token.WaitTimeout(10*time.Second) || token.Error() != nil {
		return nil, fmt.Errorf("subscribe: %w", token.Error())
	}
	return l, nil
}

// cpu is the processor time a process has used.
func cpu(pid int) time.Duration {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0
	}
	fields := strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+1:]))
	const ticks = 100 // a second, as Linux tells it
	user, _ := strconv.Atoi(fields[11])
	system, _ := strconv.Atoi(fields[12])
	return time.Duration(user+system) * time.Second / ticks
}

// peak is the most memory a process had, as Linux says it.
func peak(pid int) string {
	text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid)) // gone: nothing is said
	for _, line := range strings.Split(string(text), "\n") {
		if size, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			return strings.TrimSpace(size)
		}
	}
	return "?"
}
