package devices

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/url"
	"sync"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"

	"stillwater"
)

// Limits of the radio, on the wall clock but for the window.
const (
	// window is how much event time is worked off at once; it bounds memory when the clock jumps.
	window = time.Hour
	// inFlight is how many messages are on their way unacknowledged. After a lost connection they go again, in the same
	// order, as MQTT itself would do it. Brokers may gather acknowledgements for 40 ms, so a few would slow a fast clock down.
	inFlight   = 500
	ackTimeout = 10 * time.Second
	minBackoff = 100 * time.Millisecond
	maxBackoff = 5 * time.Second
	goodbye    = 250 // milliseconds for the last packets
)

// A radio sends what the MQTT devices of a whole city say. One goroutine owns it.
type radio struct {
	o      Options
	homes  []stillwater.Household
	told   time.Time // everything up to here is with the broker
	back   time.Time // when the broker last came back from an absence that was staged
	client mqtt.Client
	away   bool // the broker; logged when it changes
	line   line
}

// A line is the connection below the MQTT client, so that it can be torn as a restarting broker tears it.
type line struct {
	mu   sync.Mutex // guards everything below
	conn net.Conn
}

func newRadio(o Options) *radio {
	return &radio{o: o, homes: o.World.Households(), told: o.From}
}

// run sends until ctx is done, then says goodbye.
func (r *radio) run(ctx context.Context) {
	look := time.NewTicker(r.o.Look)
	defer look.Stop()
	for ctx.Err() == nil {
		if r.catchUp(ctx) != nil {
			break // only because ctx is done
		}
		select {
		case <-look.C:
		case <-ctx.Done():
		}
	}
	r.leave()
}

// catchUp sends everything up to the clock's now, one window of event time after the other.
func (r *radio) catchUp(ctx context.Context) error {
	if r.client == nil {
		if err := r.connect(ctx); err != nil {
			return err
		}
	}
	now := r.o.Clock.Now()
	for r.told.Before(now) {
		to := r.told.Add(window)
		if to.After(now) {
			to = now
		}
		r.o.World.Seal(to)
		if since := later(r.told, r.back); !to.Before(since) && r.o.World.BrokerDown(since, to) {
			if err := r.sitOut(ctx); err != nil {
				return err
			}
		}
		if err := r.send(ctx, messages(r.o.World, r.homes, r.told, to)); err != nil {
			return err
		}
		r.told = to
	}
	return nil
}

// sitOut loses the connection as a broker's restart does, and waits until the world says that it is back.
func (r *radio) sitOut(ctx context.Context) error {
	r.line.tear()
	r.drop()
	for now := r.o.Clock.Now(); r.o.World.BrokerDown(now, now); now = r.o.Clock.Now() {
		if err := pause(ctx, r.o.Look); err != nil {
			return err
		}
	}
	r.back = r.o.Clock.Now()
	return nil
}

// later is the later of two moments.
func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// send publishes messages in order and returns when the broker has acknowledged every one. Its error is ctx's.
func (r *radio) send(ctx context.Context, due []message) error {
	for backoff := minBackoff; len(due) > 0; {
		if r.client == nil {
			if err := r.connect(ctx); err != nil {
				return err
			}
		}
		n, err := r.publish(ctx, due[:min(len(due), inFlight)])
		due = due[n:]
		if err == nil {
			backoff = minBackoff
			continue
		}
		if ctx.Err() != nil {
			return ctx.Err() // the session is good for the goodbye
		}
		r.drop()
		if err := pause(ctx, backoff); err != nil {
			return err
		}
		backoff = min(2*backoff, maxBackoff)
	}
	return nil
}

// publish hands over a few messages and counts those acknowledged before the first that was not.
func (r *radio) publish(ctx context.Context, batch []message) (acknowledged int, err error) {
	tokens := make([]mqtt.Token, len(batch))
	for i, m := range batch {
		tokens[i] = r.client.Publish(m.topic, 1, m.retained, m.payload)
	}
	for i, t := range tokens {
		if err := await(ctx, t); err != nil {
			return i, err
		}
	}
	return len(batch), nil
}

// await waits for an acknowledgement.
func await(ctx context.Context, t mqtt.Token) error {
	timeout := time.NewTimer(ackTimeout)
	defer timeout.Stop()
	select {
	case <-t.Done():
		return t.Error()
	case <-timeout.C:
		return errors.New("the broker does not acknowledge")
	case <-ctx.Done():
		return ctx.Err()
	}
}

// connect tries until there is a session and the homes are announced. Its error is ctx's.
func (r *radio) connect(ctx context.Context) error {
	for backoff := minBackoff; ; backoff = min(2*backoff, maxBackoff) {
		r.client = mqtt.NewClient(r.options())
		err := await(ctx, r.client.Connect())
		for hello := availability(r.homes, "online"); err == nil && len(hello) > 0; {
			n := 0
			n, err = r.publish(ctx, hello[:min(len(hello), inFlight)])
			hello = hello[n:]
		}
		if ctx.Err() != nil {
			return ctx.Err() // the session, if there is one, is good for the goodbye
		}
		r.report(err)
		if err == nil {
			return nil
		}
		r.drop()
		if err := pause(ctx, backoff); err != nil {
			return err
		}
	}
}

// options are of a session that is ours to mend: what was not acknowledged is known here, and sent again in order.
func (r *radio) options() *mqtt.ClientOptions {
	return mqtt.NewClientOptions().AddBroker(r.o.BrokerURL).SetClientID(r.o.ClientID).
		SetUsername(r.o.Username).SetPassword(r.o.Password).
		SetCleanSession(true).SetAutoReconnect(false).SetConnectTimeout(ackTimeout).SetWriteTimeout(ackTimeout).
		SetWill(availabilityTopic, "offline", 1, true).
		SetCustomOpenConnectionFn(func(u *url.URL, _ mqtt.ClientOptions) (net.Conn, error) { return r.line.open(u) })
}

// report logs the broker's going and coming, not every try.
func (r *radio) report(err error) {
	if away := err != nil; away != r.away {
		r.away = away
		r.o.Log.Info("broker reachability changed", slog.Bool("away", away), slog.Any("err", err))
	}
}

// drop ends the session.
func (r *radio) drop() {
	if r.client != nil {
		r.client.Disconnect(0)
		r.line.tear()
		r.client = nil
	}
}

// leave says that the homes' radios go, and disconnects.
func (r *radio) leave() {
	if r.client == nil {
		return
	}
	if r.client.IsConnectionOpen() {
		// ctx is done; this has a moment of its own.
		ctx, stop := context.WithTimeout(context.Background(), time.Second)
		defer stop()
		_, _ = r.publish(ctx, availability(r.homes, "offline")) // nobody is left to mend it; the will says the same
		r.client.Disconnect(goodbye)
	}
	r.drop()
}

// open dials the broker; only plain TCP is spoken here.
func (l *line) open(u *url.URL) (net.Conn, error) {
	conn, err := net.DialTimeout("tcp", u.Host, ackTimeout)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.conn = conn
	return conn, err
}

// tear closes the connection without a word.
func (l *line) tear() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.conn != nil {
		_ = l.conn.Close() // whichever way, it is gone
		l.conn = nil
	}
}

// pause waits on the wall clock.
func pause(ctx context.Context, d time.Duration) error {
	wait := time.NewTimer(d)
	defer wait.Stop()
	select {
	case <-wait.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
