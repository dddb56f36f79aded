package modbus

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"log/slog"
	"net"
	"sync"
	"testing"
	"time"

	"stillwater"
	"stillwater/adapters/bus"
)

// maxBackoff bounds how long a bus or a unit that has come back stays unread.
const maxBackoff = 30 * time.Second

// A quick clock runs the event clock at a multiple of the wall clock.
type quick struct {
	start time.Time
	rate  int
}

func (q quick) Now() time.Time {
	return q.start.Add(time.Since(q.start) * time.Duration(q.rate))
}

func (q quick) Sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(max(1, d/time.Duration(q.rate)))
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// A told is one call of Health.
type told struct {
	feed string
	err  error
}

// A rig is a running bus and what came out of it.
type rig struct {
	t        *testing.T
	bus      *bus.Bus
	readings chan stillwater.Reading
	health   chan told
	stop     func() // ends Run and waits for it
}

// run starts a bus; dial nil is the network.
func run(t *testing.T, c Config, clock Clock, dial func(context.Context, string, string) (net.Conn, error)) *rig {
	t.Helper()
	c.Validate(func(_ any, problem string) { t.Fatal("configuration of the test:", problem) })
	r := &rig{t: t, readings: make(chan stillwater.Reading, 100_000), health: make(chan told, 1000)}
	o := Options{
		Config: c, Clock: clock, Log: slog.New(slog.NewTextHandler(t.Output(), nil)),
		Health: func(feed string, err error) { r.health <- told{feed, err} },
	}.bus()
	o.Dial = dial
	r.bus = bus.New(o)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() {
		ended <- r.bus.Run(ctx, func(_ context.Context, rs []stillwater.Reading, done func()) error {
			for _, reading := range rs {
				r.readings <- reading
			}
			if done != nil {
				done()
			}
			return nil
		})
	}()
	var once sync.Once
	r.stop = func() {
		once.Do(func() {
			cancel()
			if err := <-ended; err != nil {
				t.Errorf("Run ended with %v", err)
			}
		})
	}
	t.Cleanup(r.stop)
	return r
}

// reading waits for the next reading of a source.
func (r *rig) reading(source string) stillwater.Reading {
	r.t.Helper()
	limit := time.After(20 * time.Second)
	for {
		select {
		case got := <-r.readings:
			if got.Source == source {
				return got
			}
		case <-limit:
			r.t.Fatalf("no reading from %s within 20 s", source)
		}
	}
}

// tells waits for the next word about the bus.
func (r *rig) tells() told {
	r.t.Helper()
	select {
	case got := <-r.health:
		return got
	case <-time.After(20 * time.Second):
		r.t.Fatal("no word about the bus within 20 s")
		return told{}
	}
}

// ill waits until the bus is said to be ill.
func (r *rig) ill() {
	r.t.Helper()
	for r.tells().err == nil {
	}
}

// forget throws away what has come.
func (r *rig) forget() {
	for len(r.readings) > 0 {
		<-r.readings
	}
}

// A raw slave answers requests with bytes of the test's choosing.
type rawSlave struct {
	serving sync.WaitGroup // of pipes; wait for it before looking at what answer noted
	mu      sync.Mutex
	dials   int
	asked   []int                                           // units, in order
	answer  func(conn net.Conn, request []byte, n int) bool // n counts requests from 1; false: hang up
}

// good is the reply a healthy unit gives, of one 32-bit value.
func good(request []byte, value uint32) []byte {
	reply := append([]byte{request[0], request[1], 0, 0, 0, 7, request[6], request[7], 4}, 0, 0, 0, 0)
	binary.BigEndian.PutUint32(reply[9:], value)
	return reply
}

// refuse is a Modbus exception.
func refuse(request []byte, code byte) []byte {
	return []byte{request[0], request[1], 0, 0, 0, 3, request[6], request[7] | 0x80, code}
}

func (s *rawSlave) serve(conn net.Conn) {
	defer conn.Close()
	s.mu.Lock()
	s.dials++
	s.mu.Unlock()
	for {
		request := make([]byte, 12)
		if _, err := io.ReadFull(conn, request); err != nil {
			return
		}
		s.mu.Lock()
		s.asked = append(s.asked, int(request[6]))
		n := len(s.asked)
		s.mu.Unlock()
		if !s.answer(conn, request, n) {
			return
		}
	}
}

// listen puts the slave on a real socket.
func (s *rawSlave) listen(t *testing.T) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			wg.Go(func() { s.serve(conn) })
		}
	})
	t.Cleanup(func() { l.Close(); wg.Wait() })
	return l.Addr().String()
}

// pipe is a dial that reaches the slave without a network, for use in a synctest bubble.
func (s *rawSlave) pipe(context.Context, string, string) (net.Conn, error) {
	here, there := net.Pipe()
	s.serving.Go(func() { s.serve(there) })
	return here, nil
}

func (s *rawSlave) counts() (dials, asked int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.dials, len(s.asked)
}

var errUnplugged = errors.New("unplugged")
