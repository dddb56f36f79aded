package relay

import (
	"bufio"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"
)

// What one frame may be. A request and its answer are one frame each, so that what waits is bounded by how many wait.
const (
	maxBody  = 1 << 20
	maxFrame = 2 << 20 // a body in base64, and its head

	pingEvery   = 15 * time.Second
	silentFor   = 45 * time.Second // then a connection is taken for dead
	writeWithin = 10 * time.Second // then whoever should read is
)

// The kinds of frames.
const (
	kindHello byte = iota + 1
	kindRequest
	kindAnswer
	kindPing
	kindPong
)

// request is what somebody asked of the relay, as it is handed on.
type request struct {
	Method string      `json:"method"`
	Path   string      `json:"path"` // with the query
	Host   string      `json:"host"`
	From   string      `json:"from"` // the visitor's address, for limits
	Header http.Header `json:"header"`
	Body   []byte      `json:"body,omitempty"`
}

// answer is what the gateway said.
type answer struct {
	Status int         `json:"status"`
	Header http.Header `json:"header"`
	Body   []byte      `json:"body,omitempty"`
}

// conn is the one connection between a gateway and its relay. Frames are written by several goroutines and read by one.
type conn struct {
	rwc    io.ReadWriteCloser
	reader *bufio.Reader
	silent *time.Timer // closes it when nothing comes

	mu sync.Mutex // guards writing
}

func newConn(rwc io.ReadWriteCloser, reader *bufio.Reader) *conn {
	if reader == nil {
		reader = bufio.NewReader(rwc)
	}
	return &conn{rwc: rwc, reader: reader, silent: time.AfterFunc(silentFor, func() { rwc.Close() })}
}

func (c *conn) close() {
	c.silent.Stop()
	c.rwc.Close()
}

// send writes one frame, and closes the connection if that takes too long.
func (c *conn) send(kind byte, n uint32, payload any) error {
	var body []byte
	if payload != nil {
		var err error
		if body, err = json.Marshal(payload); err != nil {
			return err
		}
	}
	if len(body) > maxFrame {
		return fmt.Errorf("a frame of %d bytes is too large", len(body))
	}
	frame := make([]byte, 9, 9+len(body))
	binary.BigEndian.PutUint32(frame, uint32(len(body)))
	frame[4] = kind
	binary.BigEndian.PutUint32(frame[5:], n)
	frame = append(frame, body...)
	c.mu.Lock()
	defer c.mu.Unlock()
	late := time.AfterFunc(writeWithin, func() { c.rwc.Close() })
	defer late.Stop()
	_, err := c.rwc.Write(frame)
	return err
}

// receive reads one frame, of at most so many bytes.
func (c *conn) receive(most int) (kind byte, n uint32, body []byte, err error) {
	var head [9]byte
	if _, err = io.ReadFull(c.reader, head[:]); err != nil {
		return 0, 0, nil, err
	}
	length := binary.BigEndian.Uint32(head[:])
	if int64(length) > int64(most) {
		return 0, 0, nil, fmt.Errorf("a frame of %d bytes is too large", length)
	}
	body = make([]byte, length)
	if _, err = io.ReadFull(c.reader, body); err != nil {
		return 0, 0, nil, err
	}
	c.silent.Reset(silentFor)
	return head[4], binary.BigEndian.Uint32(head[5:]), body, nil
}

// receiveInto reads a frame of the handshake.
func (c *conn) receiveInto(v any) error {
	kind, _, body, err := c.receive(4 << 10)
	if err != nil {
		return err
	}
	if kind != kindHello {
		return fmt.Errorf("frame of kind %d in the handshake", kind)
	}
	return json.Unmarshal(body, v)
}
