// Package modem sends and receives texts by a modem with a SIM card of its own, for when the line is cut.
//
// It promises what sms does (see adapters/sms/doc.go): Send's error is stillwater.ErrRefused, stillwater.ErrNotSent, or anything else, which
// leaves it unclear whether the text left; no error or state holds a number, a PIN or a text; it never retries. What decides is the
// Ctrl-Z that hands a text over: before it nothing left, after it only the network's answer is known to mean anything.
//
// A modem cannot be asked what it sent. Texts that come in stay on the SIM card until Options.Reply has stored them.
package modem

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/warthog618/modem/at"
	"github.com/warthog618/modem/gsm"
	"github.com/warthog618/sms"
	"github.com/warthog618/sms/encoding/tpdu"
	"go.bug.st/serial"

	"stillwater"
)

const (
	// answerTime is how long the modem itself may take to answer, where no network is asked.
	answerTime = 5 * time.Second
	// minWait and maxWait bound how long a modem that is gone is left alone before it is looked for again.
	minWait = 500 * time.Millisecond
	maxWait = 30 * time.Second
	// maxParts bounds a text: more parts than this is a mistake.
	maxParts = 8
)

// Options is what a Modem is given besides its Config.
type Options struct {
	Reply   func(ctx context.Context, r stillwater.Reply) error            // takes a text that came in; nil once it is stored; may be nil
	Receipt func(id string, state stillwater.DeliveryState, detail string) // takes a delivery report; never blocks; may be nil
	Health  func(err error)                                                // called when the modem becomes ill (err) or well (nil); may be nil
	Now     func() time.Time                                               // event clock; nil: the wall clock
	Open    func(port string, baud int) (io.ReadWriteCloser, error)        // nil: the serial port
}

// Modem is one modem. Run looks after it; its other methods may be called from several goroutines meanwhile.
type Modem struct {
	cfg     Config
	options Options
	name    string        // of this run, in the IDs of texts
	turn    chan struct{} // one text at a time
	encoder *sms.Encoder  // counts the references of long texts; used in turn
	wake    chan struct{}

	mu       sync.Mutex // guards what follows
	line     *line      // nil: the modem is away
	state    State
	ill      error
	told     bool // Health was called before
	badPIN   bool
	sent     int
	awaiting map[byte]*awaited // by message reference: parts whose delivery is not reported yet
}

// Patience is how long Send may take: the parts of a long text go one by one, each at the network's pace.
func (m *Modem) Patience() time.Duration { return usualParts * m.cfg.Timeout }

// usualParts is as many as a text of ours has at most, but for one with a long note.
const usualParts = 3

// State is how the modem is.
type State struct {
	SIM        string // READY, or what it wants
	Registered bool   // with a network
	Signal     int    // dBm; 0: not known
}

// New gives a Modem for a Config that Validate has nothing to say of, its secret read.
func New(cfg Config, o Options) (*Modem, error) {
	var problems []error
	cfg.Validate(func(_ any, problem string) { problems = append(problems, errors.New(problem)) })
	if pin := cfg.PIN.Reveal(); cfg.PIN.Named() && (len(pin) < 4 || len(pin) > 8 || strings.Trim(pin, "0123456789") != "") {
		problems = append(problems, fmt.Errorf("%v holds no PIN of 4 to 8 digits", cfg.PIN))
	}
	if err := errors.Join(problems...); err != nil {
		return nil, fmt.Errorf("modem: %w", err)
	}
	for setting, value := range map[*time.Duration]time.Duration{&cfg.Timeout: defaultTimeout, &cfg.Poll: defaultPoll} {
		if *setting == 0 {
			*setting = value
		}
	}
	if cfg.Baud == 0 {
		cfg.Baud = defaultBaud
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Open == nil {
		o.Open = func(port string, baud int) (io.ReadWriteCloser, error) {
			return serial.Open(port, &serial.Mode{BaudRate: baud})
		}
	}
	return &Modem{
		cfg: cfg, options: o, name: rand.Text()[:8], turn: make(chan struct{}, 1), encoder: newEncoder(), wake: make(chan struct{}, 1),
		ill: errors.New("it was not looked for yet"), awaiting: map[byte]*awaited{},
	}, nil
}

// newEncoder makes texts to be sent. References of long texts begin anywhere, so that parts of one are not taken for parts of one before a restart.
func newEncoder() *sms.Encoder {
	e := sms.NewEncoder(sms.AsSubmit)
	e.ConcatRef = &references{next: int(rand.Text()[0])}
	return e
}

// references counts long texts.
type references struct{ next int }

// Count is the next reference.
func (r *references) Count() int {
	r.next++
	return r.next
}

// Name is "modem".
func (m *Modem) Name() string { return "modem" }

// State is how the modem was when it was last asked, and what is wrong, if anything is.
func (m *Modem) State() (State, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.state, m.ill
}

// Run looks after the modem until ctx is done: it opens the port, again and again while the modem is away, fetches texts, and tells how it is.
func (m *Modem) Run(ctx context.Context) error {
	wait := minWait
	for {
		began := time.Now()
		err := m.attend(ctx)
		if ctx.Err() != nil {
			return nil
		}
		m.healthy(State{}, err)
		if time.Since(began) > maxWait {
			wait = minWait
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(wait):
		}
		wait = min(2*wait, maxWait)
	}
}

// healthy notes how the modem is and tells of changes.
func (m *Modem) healthy(s State, err error) {
	m.mu.Lock()
	changed := !m.told || (m.ill == nil) != (err == nil)
	m.state, m.ill, m.told = s, err, true
	m.mu.Unlock()
	if changed && m.options.Health != nil {
		m.options.Health(err)
	}
}

// line is the modem while its port is open.
type line struct {
	*gsm.GSM
	port      io.ReadWriteCloser
	submitted atomic.Bool // since it was last cleared a Ctrl-Z was written, or may have been
}

// Read reads from the port.
func (l *line) Read(b []byte) (int, error) { return l.port.Read(b) }

// Write writes to the port and notes the byte that hands a text over.
func (l *line) Write(b []byte) (int, error) {
	if bytes.IndexByte(b, 0x1a) >= 0 {
		l.submitted.Store(true)
	}
	return l.port.Write(b)
}

// attend opens the port and looks after the modem until it is gone or ctx is done.
func (m *Modem) attend(ctx context.Context) error {
	port, err := m.options.Open(m.cfg.Port, m.cfg.Baud)
	if err != nil {
		return fmt.Errorf("open %s: %w", m.cfg.Port, err)
	}
	defer port.Close()
	l := &line{port: port}
	l.GSM = gsm.New(at.New(l, at.WithTimeout(answerTime)))
	if err := m.setUp(l); err != nil {
		return err
	}
	m.connect(l)
	defer m.connect(nil)
	poll := time.NewTicker(m.cfg.Poll)
	defer poll.Stop()
	for {
		state, err := m.ask(l)
		if gone(err) {
			return err
		}
		m.healthy(state, err)
		if err := m.fetch(ctx, l); gone(err) {
			return err
		}
		select {
		case <-ctx.Done():
			return nil
		case <-l.Closed():
			return errors.New("the modem is gone")
		case <-m.wake:
		case <-poll.C:
		}
	}
}

// gone says whether the modem does not answer any more, rather than with an error.
func gone(err error) bool {
	return errors.Is(err, at.ErrClosed) || errors.Is(err, at.ErrDeadlineExceeded)
}

func (m *Modem) connect(l *line) {
	m.mu.Lock()
	m.line = l
	m.mu.Unlock()
}

// setUp puts the modem into the modes that are used: no echo, errors as numbers, PDUs, texts kept on the card and told of, delivery reports at once.
func (m *Modem) setUp(l *line) error {
	if err := l.AT.Init(at.WithCmds("Z", "E0", "+CMEE=1")); err != nil {
		return fmt.Errorf("the modem does not answer as one: %w", err)
	}
	if err := m.unlock(l); err != nil {
		return err
	}
	for prefix, handler := range map[string]at.InfoHandler{"+CMTI:": func([]string) { signal(m.wake) }, "+CDS:": m.report} {
		var options []at.IndicationOption
		if prefix == "+CDS:" {
			options = append(options, at.WithTrailingLine)
		}
		if err := l.AddIndication(prefix, handler, options...); err != nil {
			return err
		}
	}
	for _, command := range []string{"+CMGF=0", "+CSMS=0", "+CNMI=2,1,0,1,0"} {
		if _, err := l.Command(command); err != nil {
			return fmt.Errorf("AT%s: %w", command, err)
		}
	}
	return nil
}

func signal(ch chan struct{}) {
	select {
	case ch <- struct{}{}:
	default: // it is awake already
	}
}

// unlock gives the card its PIN, once in the life of this process.
func (m *Modem) unlock(l *line) error {
	wants, err := query(l, "+CPIN?", "+CPIN:")
	switch {
	case err != nil:
		return fmt.Errorf("the SIM card: %w", err)
	case wants == "READY":
		return nil
	case wants != "SIM PIN":
		return fmt.Errorf("the SIM card wants %q; see to it with a telephone", wants)
	case !m.cfg.PIN.Named():
		return errors.New("the SIM card wants its PIN; name it as pin, or switch it off with a telephone")
	}
	m.mu.Lock()
	tried := m.badPIN
	m.badPIN = true
	m.mu.Unlock()
	if tried {
		return errors.New("the SIM card refused its PIN, and it is not tried again; mend pin and restart")
	}
	if _, err := l.Command(`+CPIN="` + m.cfg.PIN.Reveal() + `"`); err != nil {
		return fmt.Errorf("the SIM card's PIN: %w", err)
	}
	m.mu.Lock()
	m.badPIN = false
	m.mu.Unlock()
	return nil
}

// query is the rest of the line of an answer that begins with the prefix.
func query(l *line, command, prefix string) (string, error) {
	answer, err := l.Command(command)
	if err != nil {
		return "", err
	}
	for _, text := range answer {
		if rest, ok := strings.CutPrefix(text, prefix); ok {
			return strings.TrimSpace(rest), nil
		}
	}
	return "", fmt.Errorf("AT%s: its answer has no %s", command, prefix)
}

// ask is how the modem is: its card, whether a network has it, how well it hears.
func (m *Modem) ask(l *line) (State, error) {
	var s State
	var err error
	if s.SIM, err = query(l, "+CPIN?", "+CPIN:"); err != nil {
		return s, fmt.Errorf("the SIM card: %w", err)
	}
	if s.SIM != "READY" {
		return s, fmt.Errorf("the SIM card wants %q", s.SIM)
	}
	signal, err := query(l, "+CSQ", "+CSQ:")
	if gone(err) {
		return s, err
	}
	if n, err := strconv.Atoi(strings.Split(signal, ",")[0]); err == nil && n >= 0 && n <= 31 {
		s.Signal = 2*n - 113
	}
	for _, command := range []string{"+CREG", "+CEREG"} { // of telephony, and of 4G, which some modems alone have
		answer, err := query(l, command+"?", command+":")
		if gone(err) {
			return s, err
		}
		if fields := strings.Split(answer, ","); len(fields) > 1 {
			s.Registered = s.Registered || fields[1] == "1" || fields[1] == "5" // at home, abroad
		}
	}
	if !s.Registered {
		return s, fmt.Errorf("no network has the modem (signal %d dBm)", s.Signal)
	}
	return s, nil
}

// parts are the parts of a text, each with the wish for a delivery report.
func (m *Modem) parts(text, number string) ([]tpdu.TPDU, error) {
	parts, err := m.encoder.Encode([]byte(text), sms.To(number))
	if err == nil && len(parts) > maxParts {
		err = fmt.Errorf("it has %d parts, more than %d", len(parts), maxParts)
	}
	for i := range parts {
		parts[i].FirstOctet |= tpdu.FoSRR
	}
	return parts, err
}
