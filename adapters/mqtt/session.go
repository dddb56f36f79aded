package mqtt

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	paho "github.com/eclipse/paho.mqtt.golang"
)

const (
	// patience bounds connecting, subscribing and writing.
	patience = 10 * time.Second
	// keepAlive bounds how long a dead connection goes unnoticed: half as long again.
	keepAlive = 20 * time.Second
	// queueLength is how many messages may wait for the pipeline: as many as MQTT can have under way at once. Fewer would be
	// better, but brokers send as far ahead as they like (mosquitto 2.0 beyond its own limit), and hanging up makes them
	// send it all again.
	queueLength = 1 << 16
	// queueBytes bounds what waits in bytes; a broker that sends more is hung up on, and keeps the rest for us.
	queueBytes = 64 << 20
	// flush bounds writing the last acknowledgements when stopping.
	flush = time.Second
)

var errBehind = errors.New("more messages than the pipeline takes; the broker keeps the rest until it does")

// A delivery is a message on its way through the gateway.
type delivery struct {
	message
	id   uint16
	sure bool // of quality of service 1: it comes again unless acknowledged
}

// A session is one connection to the broker. The client behind it is used for this connection only: paho's own
// reconnecting would hand over messages of a new connection before it could be told that they may be old.
//
// The link calls take, which must never block: its reader is also what answers the keep-alive. Acknowledgements leave from
// a goroutine of their own, for the same reason from the other side: a broker that does not read must not hold up
// the pipeline's commits.
type session struct {
	source  *Source
	client  paho.Client
	came    chan struct{} // there is something in waiting
	lost    chan error    // why the connection ended; the first reason counts
	acks    chan struct{} // there is something in settled
	ended   chan struct{}
	workers sync.WaitGroup
	present bool  // the broker had kept a session
	refused error // subscriptions it does not grant

	mu      sync.Mutex // guards everything below; take, done and close meet here
	waiting []delivery // for the pipeline
	bytes   int        // of their payloads
	link    *link
	backlog backlog
	flying  map[uint16]int // messages delivered and not yet acknowledged; a broker that runs 65,536 ahead uses an id for two
	settled []uint16       // to acknowledge
	behind  bool           // nothing more is taken
}

// connect opens a connection. The handler for messages is in place before: a broker that has kept a session sends at once.
func (s *Source) connect(ctx context.Context) (*session, error) {
	return s.open(ctx, s.config.clientID(), false)
}

// open opens a connection by a name; clean forgets what the broker kept for it.
func (s *Source) open(ctx context.Context, clientID string, clean bool) (*session, error) {
	x := &session{
		source: s, came: make(chan struct{}, 1), lost: make(chan error, 1),
		acks: make(chan struct{}, 1), ended: make(chan struct{}), flying: map[uint16]int{},
		backlog: backlog{open: true},
	}
	c := s.config
	encryption, err := c.tls()
	if err != nil {
		return nil, err
	}
	options := paho.NewClientOptions().AddBroker(c.URL).SetClientID(clientID).
		SetUsername(c.Username).SetPassword(c.Password.Reveal()).
		SetProtocolVersion(4).SetCleanSession(clean).
		SetAutoReconnect(false).SetConnectRetry(false).
		SetOrderMatters(true).SetAutoAckDisabled(true).
		SetKeepAlive(s.keepAlive).SetPingTimeout(s.keepAlive / 2).SetConnectTimeout(patience).SetWriteTimeout(patience).
		SetConnectionLostHandler(func(_ paho.Client, err error) { x.end(fmt.Errorf("connection lost: %w", err)) }).
		SetCustomOpenConnectionFn(func(u *url.URL, _ paho.ClientOptions) (net.Conn, error) { return x.dial(ctx, u, encryption) })
	x.client = paho.NewClient(options)
	token := x.client.Connect()
	select {
	case <-token.Done():
	case <-ctx.Done():
		x.hangUp()
		<-token.Done()
		err = ctx.Err()
	}
	if err == nil {
		err = token.Error()
	}
	if err != nil {
		x.client.Disconnect(0)
		x.hangUp()
		return nil, err
	}
	x.present = token.(*paho.ConnectToken).SessionPresent()
	x.workers.Go(x.acknowledge)
	return x, nil
}

// dial opens the transport. It is ours so that it ends with ctx.
func (x *session) dial(ctx context.Context, u *url.URL, encryption *tls.Config) (conn net.Conn, err error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	switch u.Scheme {
	case "tcp":
		conn, err = new(net.Dialer).DialContext(ctx, "tcp", u.Host)
	case "tls":
		conn, err = (&tls.Dialer{Config: encryption}).DialContext(ctx, "tcp", u.Host)
	case "ws":
		conn, err = paho.NewWebsocket(u.String(), nil, patience, nil, nil)
	case "wss":
		conn, err = paho.NewWebsocket(u.String(), encryption, patience, nil, nil)
	default:
		err = fmt.Errorf("unknown scheme %q", u.Scheme)
	}
	if err != nil {
		return nil, err
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	if err := ctx.Err(); err != nil { // hangUp came before the connection was there to hang up
		return nil, errors.Join(err, conn.Close())
	}
	x.link = newLink(conn, x.take)
	return x.link, nil
}

// tls is what encrypted connections are made with; nil for others. Files are read for each connection, so that renewed ones count.
func (c *Config) tls() (*tls.Config, error) {
	u, err := url.Parse(c.URL)
	if err != nil || !schemes[u.Scheme] {
		return nil, err
	}
	t := &tls.Config{MinVersion: tls.VersionTLS12, ServerName: u.Hostname()}
	if c.CAFile != "" {
		pem, err := os.ReadFile(c.CAFile)
		if err != nil {
			return nil, fmt.Errorf("certificates of authorities: %w", err)
		}
		t.RootCAs = x509.NewCertPool()
		if !t.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("no certificate in %q", c.CAFile)
		}
	}
	if c.CertFile != "" {
		pair, err := tls.LoadX509KeyPair(c.CertFile, c.KeyFile)
		if err != nil {
			return nil, fmt.Errorf("our certificate: %w", err)
		}
		t.Certificates = []tls.Certificate{pair}
	}
	return t, nil
}

// subscribe asks for every topic, also on a kept session: the configuration may have changed.
func (x *session) subscribe(ctx context.Context) error {
	filters := map[string]byte{}
	for _, t := range x.source.config.Topics {
		filters[t.Filter] = 1
	}
	for _, k := range x.source.known {
		for _, f := range k.filters() {
			filters[f] = 1
		}
	}
	if err := x.ask(ctx, filters); err != nil {
		return err
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	x.backlog.begin(time.Now(), x.present)
	return nil
}

// follow asks for topics that a message named. What is refused is told when the connection is made anew.
func (x *session) follow(ctx context.Context, more []string) {
	if len(more) == 0 {
		return
	}
	filters := map[string]byte{}
	for _, f := range more {
		filters[f] = 1
	}
	if err := x.ask(ctx, filters); err != nil && ctx.Err() == nil {
		x.end(err)
	}
	if x.refused != nil {
		x.source.complain("", x.refused.Error())
	}
}

// ask subscribes, and waits for the answer.
func (x *session) ask(ctx context.Context, filters map[string]byte) error {
	token := x.client.SubscribeMultiple(filters, nil)
	select {
	case <-token.Done():
	case <-time.After(patience):
		return fmt.Errorf("no answer to subscribing within %v", patience)
	case err := <-x.lost:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
	if err := token.Error(); err != nil {
		return fmt.Errorf("subscribe: %w", err)
	}
	var refused []string
	for filter, granted := range token.(*paho.SubscribeToken).Result() {
		if granted == 0x80 {
			refused = append(refused, filter)
		}
	}
	if len(refused) > 0 {
		slices.Sort(refused)
		x.refused = fmt.Errorf("subscription to %q refused; the broker's access rules decide", refused)
	}
	return nil
}

// take is called for each message, in order. It never blocks.
func (x *session) take(m packet) {
	x.mu.Lock()
	defer x.mu.Unlock()
	sure := m.qos > 0 // it will come again unless acknowledged
	if x.behind || sure && m.duplicate && x.flying[m.id] > 0 {
		return // the second: the broker is impatient; this is what we already have in hand
	}
	if len(x.waiting) >= x.source.queueLength || x.bytes+len(m.payload) > queueBytes {
		if sure {
			x.behind = true
			x.end(errBehind)
		} else {
			x.source.reject(x.source.config.Name, errOverrun.Error())
		}
		return
	}
	if sure {
		x.flying[m.id]++
	}
	old := x.backlog.arrive(time.Now()) || m.duplicate
	x.bytes += len(m.payload)
	x.waiting = append(x.waiting, delivery{id: m.id, sure: sure, message: message{
		topic: m.topic, payload: m.payload, retained: m.retained, old: old, arrived: x.source.clock.Now(),
	}})
	select {
	case x.came <- struct{}{}:
	default:
	}
}

// all is everything that waits, in order.
func (x *session) all() []delivery {
	x.mu.Lock()
	defer x.mu.Unlock()
	list := x.waiting
	x.waiting, x.bytes = nil, 0
	return list
}

// done is what the pipeline calls once it has committed a message's readings.
func (x *session) done(d delivery) func() {
	var called atomic.Bool
	return func() {
		if called.CompareAndSwap(false, true) {
			x.settle(d)
		}
	}
}

// settle hands a message to the acknowledging goroutine. It never blocks.
func (x *session) settle(d delivery) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.backlog.settle(time.Now())
	if !d.sure {
		return
	}
	if x.flying[d.id] > 1 {
		x.flying[d.id]--
	} else {
		delete(x.flying, d.id)
	}
	x.settled = append(x.settled, d.id)
	select {
	case x.acks <- struct{}{}:
	default:
	}
}

// held notes how long the pipeline made us wait.
func (x *session) held(d time.Duration) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.backlog.held += d
}

// acknowledge sends acknowledgements until the session ends, and then those that are left.
func (x *session) acknowledge() {
	for ending := false; ; {
		x.mu.Lock()
		settled := x.settled
		x.settled = nil
		x.mu.Unlock()
		x.link.acknowledge(settled)
		if ending {
			return
		}
		select {
		case <-x.acks:
		case <-x.ended:
			ending = true
		}
	}
}

// end says why the session is over; the first reason counts.
func (x *session) end(why error) {
	select {
	case x.lost <- why:
	default:
	}
}

// close ends the session: last acknowledgements, a polite goodbye (which keeps the session at the broker), and the
// connection, all bounded.
func (x *session) close() {
	close(x.ended)
	impatient := time.AfterFunc(flush, x.hangUp)
	x.workers.Wait()
	x.client.Disconnect(uint(flush / time.Millisecond))
	impatient.Stop()
	x.hangUp()
}

// hangUp closes the connection, if there is one.
func (x *session) hangUp() {
	x.mu.Lock()
	link := x.link
	x.mu.Unlock()
	if link != nil {
		_ = link.Close() // closed twice at worst
	}
}
