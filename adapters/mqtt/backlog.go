package mqtt

import "time"

const (
	// quiet is how long nothing must come, with nothing left to acknowledge, for the broker to have handed over all it kept.
	// It sends what it has as fast as it is acknowledged, so a gap of this length is not one within a backlog.
	quiet = time.Second
	// longest bounds the doubt on a broker where it is never quiet. Waiting for the pipeline does not count: then it is our
	// doing that the backlog lasts.
	longest = time.Minute
)

// A backlog judges whether a message may have waited at the broker while we were away. It lives as long as a connection and goes by the
// wall clock.
type backlog struct {
	open    bool          // still in doubt
	began   time.Time     // when the doubt was counted from: all subscribed
	last    time.Time     // the last arrival or acknowledgement
	waiting int           // messages delivered and not yet acknowledged
	held    time.Duration // how long the pipeline made us wait
}

// begin starts the doubt, or ends it: a broker that had no session for us has kept nothing.
func (b *backlog) begin(now time.Time, session bool) {
	b.open, b.began, b.last = session, now, now
}

// arrive notes a message and says whether it may be old.
func (b *backlog) arrive(now time.Time) bool {
	silent := b.waiting == 0 && now.Sub(b.last) > quiet
	if b.open && !b.began.IsZero() && (silent || now.Sub(b.began)-b.held > longest) {
		b.open = false
	}
	b.waiting++
	b.last = now
	return b.open
}

// settle notes that a message was dealt with.
func (b *backlog) settle(now time.Time) {
	b.waiting--
	b.last = now
}
