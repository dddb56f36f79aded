package provider

import (
	"encoding/json"
	"net/http"
	"time"

	"stillwater"
)

// A Fault is how the provider fails for one number, or for all. Several may hold at once: it waits, then refuses or breaks, then,
// if it accepted after all, loses the message or the answer.
type Fault struct {
	Delay      time.Duration // before anything else
	HangBefore bool          // the request is never answered, and nothing is accepted
	Status     int           // the HTTP status of an answer that accepts nothing: 500, 503, 429
	Refuse     int           // refused with this error code: 21211 no such number, 21610 opted out
	Lose       bool          // accepted, never delivered: in the end its status is undelivered
	DropAnswer bool          // accepted, but the connection breaks before the answer
	HangAfter  bool          // accepted, but the answer never comes
	BreakReads bool          // looking at messages answers with Status, too (500 if there is none)
	Times      int           // how often, then all is well again; 0: until Mend
}

// Break lets the provider fail for a number from now on; "" is for all that have no fault of their own.
func (s *Server) Break(number stillwater.Phone, f Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults[number] = &f
}

// Mend takes back every fault.
func (s *Server) Mend() {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.faults)
}

// fault is what goes wrong with a request about a number, and uses it up; the caller holds mu.
func (s *Server) fault(number stillwater.Phone) Fault {
	key := number
	f, ok := s.faults[key]
	if !ok {
		key = ""
		if f, ok = s.faults[key]; !ok {
			return Fault{}
		}
	}
	if f.Times > 0 {
		if f.Times--; f.Times == 0 {
			delete(s.faults, key)
		}
	}
	return *f
}

// wait holds a request up; it says no when there is nobody left to answer.
func (s *Server) wait(r *http.Request, d time.Duration) bool {
	if d <= 0 {
		return true
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-r.Context().Done():
	case <-s.done:
	}
	return false
}

// hang never answers, as long as anybody waits.
func (s *Server) hang(r *http.Request) {
	select {
	case <-r.Context().Done():
	case <-s.done:
	}
	panic(http.ErrAbortHandler) // the connection ends without an answer
}

// faultRequest is a fault as the control API takes it.
type faultRequest struct {
	To         stillwater.Phone `json:"to"`
	Delay      string           `json:"delay"`
	HangBefore bool             `json:"hang_before"`
	Status     int              `json:"status"`
	Refuse     int              `json:"refuse"`
	Lose       bool             `json:"lose"`
	DropAnswer bool             `json:"drop_answer"`
	HangAfter  bool             `json:"hang_after"`
	BreakReads bool             `json:"break_reads"`
	Times      int              `json:"times"`
}

// control is the API for whoever exercises a gateway from outside: JSON, without a password.
func (s *Server) control(mux *http.ServeMux) {
	mux.HandleFunc("POST /control/faults", func(w http.ResponseWriter, r *http.Request) {
		var q faultRequest
		if !readJSON(w, r, &q) {
			return
		}
		f := Fault{HangBefore: q.HangBefore, Status: q.Status, Refuse: q.Refuse, Lose: q.Lose, DropAnswer: q.DropAnswer,
			HangAfter: q.HangAfter, BreakReads: q.BreakReads, Times: q.Times}
		if q.Delay != "" {
			d, err := stillwater.ParseSpan(q.Delay)
			if err != nil {
				http.Error(w, err.Error(), http.StatusBadRequest)
				return
			}
			f.Delay = d
		}
		s.Break(q.To, f)
		w.WriteHeader(http.StatusNoContent)
	})
	mux.HandleFunc("DELETE /control/faults", func(w http.ResponseWriter, _ *http.Request) {
		s.Mend()
		w.WriteHeader(http.StatusNoContent)
	})
	mux.HandleFunc("GET /control/texts", func(w http.ResponseWriter, _ *http.Request) { writeJSON(w, http.StatusOK, s.Texts()) })
	mux.HandleFunc("POST /control/reply", func(w http.ResponseWriter, r *http.Request) {
		var q struct {
			From stillwater.Phone `json:"from"`
			Text string           `json:"text"`
		}
		if readJSON(w, r, &q) {
			writeJSON(w, http.StatusOK, map[string]string{"sid": s.Reply(q.From, q.Text)})
		}
	})
}

// maxBody bounds what a request may bring.
const maxBody = 1 << 16

// readJSON reads a request strictly: a misspelt fault would be no fault.
func readJSON(w http.ResponseWriter, r *http.Request, v any) bool {
	d := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxBody))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return false
	}
	return true
}

// writeJSON answers; a client that has gone away is not told so.
func writeJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	_ = e.Encode(v)
}
