// Package broker is an MQTT 3.1.1 broker inside the gateway, for homes whose sensors have no other: nats-server with
// JetStream and its MQTT listener.
//
// It promises that a message of quality of service 1 is on disk before its publisher is told so, that it is kept for a
// subscriber with a persistent session through restarts and kill -9 until that subscriber has acknowledged it, and that it
// listens for MQTT on one address and for nothing else: no NATS, no HTTP. Sensors cannot reach the store's own subjects.
//
// It never writes to standard output or ends the process: what the server would die of is the error of Run.
package broker

import (
	"context"
	"crypto/tls"
	"fmt"
	"log/slog"
	"net"
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats-server/v2/server"
)

const (
	// stopWithin bounds a clean stop; after that the process may end all the same, as after a power cut.
	stopWithin = 5 * time.Second
	// startWithin bounds opening the store. A store of many queued messages is read through once.
	startWithin = time.Minute
	// redeliverAfter is when an unacknowledged message goes out again, also to a subscriber that crashed and is back.
	redeliverAfter = 5 * time.Second
	// maxStore bounds what subscribers that stay away can pile up; the disk belongs to the journal first.
	maxStore = 1 << 30
	// maxMemory is more than the server needs: everything is kept in files.
	maxMemory = 64 << 20
	// maxPayload bounds one message; sensors send a few hundred bytes.
	maxPayload = 256 << 10
	// anonymous is who everybody is where no users are named.
	anonymous = "anonymous"
)

// Options is what a Broker needs.
type Options struct {
	Config Config       // valid: see Config.Validate
	Log    *slog.Logger // may be nil
}

// A Broker is one MQTT broker with its store.
type Broker struct {
	config Config
	log    *slog.Logger
	ready  chan struct{}
	addr   atomic.Value // string
}

// New makes a broker that is at rest until Run.
func New(o Options) *Broker {
	b := &Broker{config: o.Config.withDefaults(), log: o.Log, ready: make(chan struct{})}
	if b.log == nil {
		b.log = slog.New(slog.DiscardHandler)
	}
	return b
}

// Ready is closed once clients can connect.
func (b *Broker) Ready() <-chan struct{} { return b.ready }

// Addr is where it listens, host and port; "" before Ready.
func (b *Broker) Addr() string {
	s, _ := b.addr.Load().(string)
	return s
}

// Run serves until ctx is done, and then returns nil once everything is on disk. It can be called once.
func (b *Broker) Run(ctx context.Context) error {
	options, err := b.options()
	if err != nil {
		return fmt.Errorf("broker: %w", err)
	}
	s, err := server.NewServer(options)
	if err != nil {
		return fmt.Errorf("broker: %w", err)
	}
	died := make(chan error, 1)
	s.SetLoggerV2(logger{b.log, died}, false, false, false)
	started := make(chan struct{})
	go func() { defer close(started); s.Start() }()

	err = b.serve(ctx, s, options, started, died)
	stopped := make(chan struct{})
	go func() { defer close(stopped); s.Shutdown(); <-started }()
	select {
	case <-stopped:
		return err
	case <-time.After(stopWithin):
		if err == nil {
			err = fmt.Errorf("broker: still running %v after it was told to stop", stopWithin)
		}
		return err
	}
}

// serve waits for the start and then for the end.
func (b *Broker) serve(ctx context.Context, s *server.Server, options *server.Options, started <-chan struct{}, died <-chan error) error {
	select {
	case <-started:
	case err := <-died:
		return err
	case <-ctx.Done():
		return nil
	case <-time.After(startWithin):
		return fmt.Errorf("broker: store in %q not open after %v", options.StoreDir, startWithin)
	}
	select {
	case err := <-died: // Start returns then, too
		return err
	default:
	}
	b.addr.Store(net.JoinHostPort(options.MQTT.Host, strconv.Itoa(options.MQTT.Port)))
	close(b.ready)
	b.log.Info("broker listening", "address", b.Addr())
	select {
	case err := <-died:
		return err
	case <-ctx.Done():
		return nil
	}
}

// options is the server's configuration.
func (b *Broker) options() (*server.Options, error) {
	host, portText, err := net.SplitHostPort(b.config.Listen)
	if err != nil {
		return nil, fmt.Errorf("listen: %w", err)
	}
	port, err := strconv.Atoi(portText)
	if err != nil {
		return nil, fmt.Errorf("listen port %q: %w", portText, err)
	}
	if port == 0 {
		port = server.RANDOM_PORT // the library's 0 means no MQTT at all
	}
	if host == "" {
		host = "0.0.0.0"
	}
	if err := os.MkdirAll(b.config.Folder, 0o700); err != nil {
		return nil, fmt.Errorf("folder: %w", err)
	}
	o := &server.Options{
		ServerName: "stillwater", // the store knows its owner by it
		DontListen: true,         // no NATS clients
		NoSigs:     true,         // signals are main's
		MaxPayload: maxPayload,
		JetStream:  true, StoreDir: b.config.Folder, SyncAlways: true, // on disk before PUBACK
		JetStreamMaxStore: maxStore, JetStreamMaxMemory: maxMemory,
		MQTT: server.MQTTOpts{Host: host, Port: port, AckWait: redeliverAfter},
	}
	if err := b.admit(o); err != nil {
		return nil, err
	}
	if b.config.CertFile != "" {
		pair, err := tls.LoadX509KeyPair(b.config.CertFile, b.config.KeyFile)
		if err != nil {
			return nil, fmt.Errorf("certificate: %w", err)
		}
		o.MQTT.TLSConfig = &tls.Config{MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{pair}}
		if err := b.config.askForCertificates(o.MQTT.TLSConfig); err != nil {
			return nil, err
		}
	}
	return o, nil
}

// A logger hands the server's log on. Its notices are for people who look into it closely.
type logger struct {
	log  *slog.Logger
	died chan<- error
}

func (l logger) Noticef(format string, v ...any) { l.log.Debug(fmt.Sprintf(format, v...)) }
func (l logger) Errorf(format string, v ...any)  { l.log.Error(fmt.Sprintf(format, v...)) }
func (l logger) Debugf(format string, v ...any)  { l.log.Debug(fmt.Sprintf(format, v...)) }
func (l logger) Tracef(string, ...any)           {}

// Warnf leaves out the advice against passwords in a server's file: ours come from secrets and are only in memory.
func (l logger) Warnf(format string, v ...any) {
	if !strings.HasPrefix(format, "Plaintext passwords") {
		l.log.Warn(fmt.Sprintf(format, v...))
	}
}

// Fatalf makes what the server would die of the error of Run, which decides.
func (l logger) Fatalf(format string, v ...any) {
	select {
	case l.died <- fmt.Errorf("broker: "+format, v...):
	default: // the first cause is enough
	}
}
