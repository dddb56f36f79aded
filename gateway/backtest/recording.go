package backtest

import (
	"bufio"
	"compress/gzip"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
)

// recording is one file of readings. Its rows come through a stream: unpacked by one goroutine, read by another.
type recording struct {
	rows
	file    *os.File
	size    int64
	read    *atomic.Int64 // bytes of the file read so far, for progress
	unpacks *ahead        // nil: the file is not compressed
	stream  *stream
	batch   *rowBatch // under way; nil: there is none
	at      int       // in batch
	end     error     // of the last batch, that came after its rows
	done    bool

	houses []*house // its households among those of all recordings, by its own number; nil: not known yet
	gauges []*gauge // the same of devices
}

// columnNames are the header's names in the order of recording.columns.
var columnNames = [6]string{"time", "household", "device", "quantity", "value", "received"}

const received = 5

// open opens the recording at path: a file, or a folder with readings.csv or readings.csv.gz.
func open(path string) (*recording, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("recording %q: %w; give a readings file or a folder that holds readings.csv or readings.csv.gz", path, errors.Unwrap(err))
	}
	if info.IsDir() {
		if path, err = inFolder(path); err != nil {
			return nil, err
		}
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	r := &recording{file: f, read: &atomic.Int64{}, rows: rows{name: path, names: map[string]*nameOf{}}}
	if info, err := f.Stat(); err == nil {
		r.size = info.Size()
	}
	if err := r.begin(); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return r, nil
}

func inFolder(folder string) (string, error) {
	for _, name := range []string{"readings.csv.gz", "readings.csv"} {
		p := filepath.Join(folder, name)
		if _, err := os.Stat(p); err == nil {
			return p, nil
		}
	}
	return "", fmt.Errorf("folder %q holds neither readings.csv nor readings.csv.gz", folder)
}

// begin reads the header.
func (r *recording) begin() error {
	packed := bufio.NewReaderSize(&counted{r.file, r.read}, 1<<16)
	var text io.Reader = packed
	if magic, _ := packed.Peek(2); len(magic) == 2 && magic[0] == 0x1f && magic[1] == 0x8b {
		z, err := gzip.NewReader(packed)
		if err != nil {
			return fmt.Errorf("%s: %w", r.name, err)
		}
		r.unpacks = newAhead(z)
		text = r.unpacks
	}
	r.in = bufio.NewReaderSize(text, 1<<16)
	r.csv = csv.NewReader(r.in) // it takes a bufio.Reader as it is, so that both read on where the other stopped
	r.csv.ReuseRecord = true
	header, err := r.csv.Read()
	if err != nil {
		return fmt.Errorf("%s:1: the header %s is missing: %w", r.name, strings.Join(columnNames[:received], ","), err)
	}
	header[0] = strings.TrimPrefix(header[0], "\ufeff")
	r.width = len(header)
	for i, name := range columnNames {
		r.columns[i] = slices.Index(header, name)
		if r.columns[i] < 0 && i != received {
			return fmt.Errorf("%s:1: no column %q; the header is %s and perhaps received", r.name, name, strings.Join(columnNames[:received], ","))
		}
	}
	return nil
}

// advance makes sure that a row of batch is next, or sets done.
func (r *recording) advance(ctx context.Context) error {
	for !r.done && (r.batch == nil || r.at == len(r.batch.rows)) {
		if r.batch != nil {
			r.stream.free <- r.hand()
		}
		switch {
		case r.end == io.EOF:
			r.done = true
			return nil
		case r.end != nil:
			return r.end
		}
		select {
		case r.batch = <-r.stream.full:
			r.at = 0
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// hand gives the batch away. It comes back by stream.free.
func (r *recording) hand() *rowBatch {
	b := r.batch
	r.batch, r.end = nil, b.err
	return b
}

// start reads ahead until the end, an error, or ctx is done.
func (r *recording) start(ctx context.Context, wait *sync.WaitGroup) {
	r.stream = newStream()
	if r.unpacks != nil {
		r.unpacks.runs = true
		wait.Go(func() { r.unpacks.fill(ctx) })
	}
	wait.Go(func() { r.stream.fill(ctx, &r.rows) })
}

// counted counts the bytes read, for progress.
type counted struct {
	r io.Reader
	n *atomic.Int64
}

func (c *counted) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n.Add(int64(n))
	return n, err
}

// ahead unpacks in a goroutine of its own, once fill runs; what is read before, the header, is unpacked on demand.
type ahead struct {
	from io.Reader
	full chan []byte // closed at the end, when err says why
	free chan []byte
	last []byte // the block being read
	rest []byte // of it
	err  error
	runs bool
}

func newAhead(from io.Reader) *ahead {
	return &ahead{from: from, full: make(chan []byte, inFlight), free: make(chan []byte, inFlight)}
}

// fill unpacks until the end, an error, or ctx is done.
func (a *ahead) fill(ctx context.Context) {
	defer close(a.full)
	for range inFlight {
		a.free <- make([]byte, 1<<17)
	}
	for a.err == nil {
		select {
		case block := <-a.free:
			n := 0
			for n < len(block) && a.err == nil { // not io.ReadFull, which would give its own name to the end of a cut file
				var more int
				more, a.err = a.from.Read(block[n:])
				n += more
			}
			a.full <- block[:n] // there is room for all of them
		case <-ctx.Done():
			a.err = ctx.Err()
		}
	}
}

// Read gives what is unpacked next.
func (a *ahead) Read(p []byte) (int, error) {
	if !a.runs {
		return a.from.Read(p)
	}
	for len(a.rest) == 0 {
		if a.last != nil {
			a.free <- a.last[:cap(a.last)] // there is room for all of them
			a.last = nil
		}
		block, ok := <-a.full
		if !ok {
			return 0, a.err
		}
		a.last, a.rest = block, block
	}
	n := copy(p, a.rest)
	a.rest = a.rest[n:]
	return n, nil
}
