package mqtt

import (
	"context"
	"net"
	"strings"
	"testing"
	"time"

	paho "github.com/eclipse/paho.mqtt.golang"
)

// What is published arrives as it is, once, at who listens then and not at who comes later; after a broker has died an error says so, and when it is
// back the next goes by a new connection.
func TestPublisher(t *testing.T) {
	folder, port := t.TempDir(), freePort(t)
	m := startMosquitto(t, port, folder, "")
	p := NewPublisher(Config{Name: "lobby", URL: m.url})
	defer p.Close()
	came := make(chan paho.Message, 10)
	listen := func() {
		s := newSensor(t, m.url, func(o *paho.ClientOptions) { o.SetClientID("listener") })
		s.wait(s.c.Subscribe("stillwater/events/#", 1, func(_ paho.Client, m paho.Message) { came <- m }))
	}
	want := func(payload string) {
		t.Helper()
		select {
		case m := <-came:
			if string(m.Payload()) != payload || m.Topic() != "stillwater/events/incident.opened" || m.Qos() != 1 || m.Retained() {
				t.Errorf("%s %s %d %v", m.Topic(), m.Payload(), m.Qos(), m.Retained())
			}
		case <-time.After(patient):
			t.Fatal("nothing came")
		}
	}
	say := func(payload string) error {
		return p.Publish(t.Context(), "stillwater/events/incident.opened", 1, false, []byte(payload))
	}
	listen()
	if err := say("one"); err != nil {
		t.Fatal(err)
	}
	want("one")
	m.kill()
	if err := say("two"); err == nil || !strings.Contains(err.Error(), `"lobby"`) {
		t.Errorf("a dead broker: %v", err)
	}
	m = startMosquitto(t, port, folder, "")
	listen()
	if err := say("three"); err != nil {
		t.Fatal(err)
	}
	want("three")
}

// A broker that takes connections and never answers holds nobody up for longer than who publishes waits.
func TestPublisherSilentBroker(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	p := NewPublisher(Config{Name: "lobby", URL: "tcp://" + l.Addr().String()})
	defer p.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if err := p.Publish(ctx, "a", 1, false, nil); err == nil || ctx.Err() == nil {
		t.Errorf("error %v", err)
	}
}
