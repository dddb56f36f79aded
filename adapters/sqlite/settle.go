package sqlite

import "stillwater"

// settle says what a stored message becomes when a batch writes it again, and whether that is forward at all.
//
// Two write a message: the courier, by MarkSending, just before it hands the text over; and the shard, by Commit, from a
// copy that does not know of it yet. Taking the shard's word for everything could send a text twice (sending → pending
// by a stale copy) or lose sight of one that left (sending → cancelled). So:
//
//	stored               a batch may write
//	pending              anything
//	sending              sending; accepted, delivered, failed; pending or cancelled only upon the courier's word that the attempt it counts did not leave
//	accepted             accepted, delivered, failed; pending likewise; never sending or cancelled
//	delivered            delivered
//	failed, cancelled    itself, and accepted or delivered: the provider knew better
//
// What is the courier's stays: the text as it left, the mark of a repeat, the count and time of attempts.
func settle(stored, m stillwater.Message) (stillwater.Message, bool) {
	if !forward(stored, m) {
		return m, false
	}
	if stored.State != stillwater.Pending || stored.Attempts > 0 {
		m.Text = stored.Text
	}
	m.Repeat = m.Repeat || stored.Repeat
	m.Attempts = max(m.Attempts, stored.Attempts)
	if stored.Tried.After(m.Tried) {
		m.Tried = stored.Tried
	}
	return m, true
}

func forward(stored, m stillwater.Message) bool {
	// A copy that counts fewer attempts was made before the courier's latest.
	counted := m.Attempts > 0 && m.Attempts >= stored.Attempts
	switch stored.State {
	case stillwater.Pending:
		return m.State != stillwater.Pending || m.Attempts >= stored.Attempts
	case stillwater.Sending:
		return m.State != stillwater.Cancelled && m.State != stillwater.Pending || counted
	case stillwater.Accepted:
		return m.State != stillwater.Cancelled && m.State != stillwater.Sending && (m.State != stillwater.Pending || counted)
	case stillwater.Delivered:
		return m.State == stillwater.Delivered
	case stillwater.Failed, stillwater.Cancelled:
		return m.State == stored.State || m.State == stillwater.Accepted || m.State == stillwater.Delivered
	}
	return true // a state this version does not know, from a hand on the file; the shard knows better
}
