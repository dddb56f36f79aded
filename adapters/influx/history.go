package influx

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	influxdb2 "github.com/influxdata/influxdb-client-go/v2"
	"github.com/influxdata/influxdb-client-go/v2/api"

	"stillwater"
	"stillwater/adapters/influx/spool"
)

const (
	// lastFlush is how long Run goes on sending once it is told to stop: well within what the gateway allows its parts.
	lastFlush = 2 * time.Second
	// firstWait and longestWait bound the pause after a refused or lost request; it doubles in between.
	firstWait   = 500 * time.Millisecond
	longestWait = 15 * time.Second
	// mostInHand bounds the lines that wait in memory for a disk that is slow or full: some ten megabytes.
	mostInHand = 20_000
)

// The parts of history that can be unwell by themselves.
const (
	database = "history"       // does not take points
	disk     = "history disk"  // the spool cannot be written
	reads    = "history read"  // or not be read
	limits   = "history spool" // points were dropped at its limits
	lag      = "history lag"   // the oldest waiting point is too old
)

// Options is what a History is made of.
type Options struct {
	Config Config // its secret read, its spool named
	Log    *slog.Logger
	TLS    *tls.Config                  // nil: the system's certificates
	Health func(part string, err error) // told when a part becomes unwell or says another thing, and with nil when it is well again; may be nil

	// Withdrew says whether a household took its consent back: what waits of it is not sent any more. May be nil: none did.
	Withdrew func(stillwater.HouseholdID) bool
	// Missed gives fn what the store has committed after the line seq of the journal, in order, and the findings and incidents that changed
	// since the moment of that line. May be nil: then what a killed process had in memory is missing in the database.
	Missed func(ctx context.Context, seq int64, since time.Time, fn func(*stillwater.Batch) error) error
}

// Counts is what became of the points so far, and how the spool stands.
type Counts struct {
	Waiting  int64 // in the spool
	Bytes    int64 // of its files
	Written  int64 // taken by the database
	Dropped  int64 // given up at the spool's limits
	Rejected int64 // refused by the database for themselves, or not to be said in it
	Damaged  int64 // could not be read back from the spool
	Withheld int64 // not sent, for their household took its consent back
}

// History is the way to InfluxDB. Its methods may be called from several goroutines.
type History struct {
	Options
	cfg    Config
	client influxdb2.Client
	writer api.WriteAPIBlocking
	wake   chan struct{} // has something when there is something in hand
	full   chan struct{} // has something when a batch is complete

	oldest            atomic.Int64 // when the first waiting point came to the spool, in unix microseconds; 0: none waits
	written, rejected atomic.Int64
	withheld          atomic.Int64
	dropped           atomic.Int64 // before they came to the spool
	spooled           atomic.Pointer[spool.Counts]
	moved             atomic.Bool // the database has taken points that the spool does not know for certain

	mu     sync.Mutex // guards everything below
	hand   []parcel   // committed, and not in the spool yet
	inHand int        // lines in it
	missed int        // lines that found no place in it
	unwell map[string]string
}

// parcel is what a batch has for history. What it holds is never changed by anybody.
type parcel struct {
	entries  []stillwater.Entry
	findings []stillwater.Finding
	lines    [][]byte // of incidents
}

// New gives a History for a Config that Validate has nothing to say of. It opens nothing until Run.
func New(o Options) (*History, error) {
	var problems []error
	o.Config.Validate(func(_ any, problem string) { problems = append(problems, errors.New(problem)) })
	if o.Config.Token.Named() && o.Config.Token.Reveal() == "" {
		problems = append(problems, fmt.Errorf("%v is empty", o.Config.Token))
	}
	if o.Config.Spool == "" {
		problems = append(problems, errors.New("no folder is named for what waits; set spool"))
	}
	if err := errors.Join(problems...); err != nil {
		return nil, fmt.Errorf("influx: %w", err)
	}
	o.Config.complete()
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.TLSClientConfig = o.TLS
	options := influxdb2.DefaultOptions().
		SetUseGZip(true).
		SetPrecision(time.Nanosecond).
		SetLogLevel(0). // it would log to standard error, and URLs
		SetHTTPClient(&http.Client{Transport: transport})
	h := &History{Options: o, cfg: o.Config, wake: make(chan struct{}, 1), full: make(chan struct{}, 1), unwell: map[string]string{}}
	h.spooled.Store(&spool.Counts{})
	h.client = influxdb2.NewClientWithOptions(o.Config.URL, o.Config.Token.Reveal(), options)
	h.writer = h.client.WriteAPIBlocking(o.Config.Org, o.Config.Bucket)
	return h, nil
}

// Committed takes what the store has committed. It keeps the batch's entries and findings, which nobody may change after.
func (h *History) Committed(b *stillwater.Batch) {
	p := parcel{entries: b.Entries, findings: b.Findings}
	for _, i := range b.Incidents { // now, for their logs may grow in place
		p.lines = append(p.lines, incidentLines(i, false)...)
	}
	n := len(p.entries) + len(p.findings) + len(p.lines)
	if n == 0 {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.inHand+n > mostInHand {
		h.missed += h.inHand
		h.hand, h.inHand = nil, 0
	}
	h.hand, h.inHand = append(h.hand, p), h.inHand+n
	signal(h.wake)
}

// take empties the hand, and says how many lines did not fit into it.
func (h *History) take() (hand []parcel, missed int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	hand, missed = h.hand, h.missed
	h.hand, h.inHand, h.missed = nil, 0, 0
	return hand, missed
}

func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// Lag is how long the point that waits longest has waited, by the wall clock; 0 when none waits.
func (h *History) Lag() time.Duration {
	us := h.oldest.Load()
	if us == 0 {
		return 0
	}
	return max(0, time.Since(time.UnixMicro(us)))
}

// Counts says what became of the points so far. It never waits for the disk.
func (h *History) Counts() Counts {
	s := h.spooled.Load()
	return Counts{
		Waiting: s.Waiting, Bytes: s.Bytes, Written: h.written.Load(), Dropped: s.Dropped + h.dropped.Load(), Rejected: h.rejected.Load(), Damaged: s.Damaged,
		Withheld: h.withheld.Load(),
	}
}

// Run copies until ctx is done, makes what is in hand certain, and sends what waits for at most two seconds more. It is called once. That a
// disk or a database does not work never ends it.
func (h *History) Run(ctx context.Context) error {
	defer h.client.Close()
	defer h.client.Options().HTTPClient().CloseIdleConnections()
	s, mark := h.open(ctx)
	if s == nil {
		return nil
	}
	w := &keeper{History: h, spool: s, mark: mark, synced: mark, behind: mark != spool.Mark{} && h.Missed != nil}
	d := &sender{History: h, spool: s}
	var both sync.WaitGroup
	both.Go(func() { w.run(ctx) })
	both.Go(func() { d.run(ctx) })
	both.Wait()
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastFlush)
	defer cancel()
	w.turn(last)
	d.flush(last)
	w.sync()
	h.look(s)
	return s.Close()
}

// open opens the spool; nil: ctx was done before that could be done.
func (h *History) open(ctx context.Context) (*spool.Spool, spool.Mark) {
	const mega = 1_000_000
	o := spool.Options{Folder: h.cfg.Spool, Size: int64(h.cfg.SpoolMB) * mega, Keep: int64(h.cfg.KeepMB) * mega, Records: int64(h.cfg.Queue)}
	for wait := firstWait; ; wait = min(2*wait, longestWait) {
		s, mark, err := spool.Open(o)
		h.tell(disk, err)
		if err == nil {
			h.look(s)
			return s, mark
		}
		if !pause(ctx, wait) {
			return nil, mark
		}
	}
}

// pause waits; false: ctx was done before.
func pause(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// look takes over how the spool stands.
func (h *History) look(s *spool.Spool) {
	c := s.Counts()
	h.spooled.Store(&c)
}

// tell passes on how a part is, when it says something else than before. The health of the gateway logs it.
func (h *History) tell(part string, err error) {
	text := ""
	if err != nil {
		text = err.Error()
	}
	h.mu.Lock()
	same := h.unwell[part] == text
	h.unwell[part] = text
	h.mu.Unlock()
	if !same && h.Health != nil {
		h.Health(part, err)
	}
}
