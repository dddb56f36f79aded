package provider

import (
	"crypto/subtle"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"stillwater"
)

// Limits of the API.
const (
	maxText     = 1600 // characters of one message
	defaultPage = 50
	maxPage     = 1000
)

// authorised lets through whoever knows the account and its token.
func (s *Server) authorised(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		user, password, _ := r.BasicAuth()
		same := func(a, b string) bool { return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }
		switch {
		case !same(user, s.o.Account) || !same(password, s.o.Token):
			refuse(w, http.StatusUnauthorized, 20003, "Authenticate")
		case r.PathValue("account") != s.o.Account:
			refuse(w, http.StatusNotFound, 20404, "The requested resource "+r.URL.Path+" was not found")
		default:
			next(w, r)
		}
	}
}

// create takes a message, unless something goes wrong.
func (s *Server) create(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, maxBody)
	if err := r.ParseForm(); err != nil {
		refuse(w, http.StatusBadRequest, 21600, "The form cannot be read: "+err.Error())
		return
	}
	t := Text{To: stillwater.Phone(r.PostForm.Get("To")), From: stillwater.Phone(r.PostForm.Get("From")), Body: r.PostForm.Get("Body"),
		Callback: r.PostForm.Get("StatusCallback")}
	if t.From == "" && r.PostForm.Get("MessagingServiceSid") != "" {
		t.From = s.o.Number
	}
	s.mu.Lock()
	f, stopped := s.fault(t.To), s.stopped[t.To]
	s.mu.Unlock()
	if !s.wait(r, f.Delay) {
		return
	}
	if f.HangBefore {
		s.hang(r)
	}
	if f.Status != 0 {
		refuse(w, f.Status, codeOf(f.Status), http.StatusText(f.Status))
		return
	}
	if stopped && f.Refuse == 0 {
		f.Refuse = 21610
	}
	if code, message := problem(t, f); code != 0 {
		refuse(w, http.StatusBadRequest, code, message)
		return
	}
	t.Lost, t.Unheard = f.Lose, f.DropAnswer || f.HangAfter
	s.mu.Lock()
	t = s.accept(t)
	s.mu.Unlock()
	if s.o.Accepted != nil {
		s.o.Accepted(t)
	}
	if f.DropAnswer {
		panic(http.ErrAbortHandler) // the connection breaks
	}
	if f.HangAfter {
		s.hang(r)
	}
	writeJSON(w, http.StatusCreated, s.word(t))
}

// codeOf is the API's error code of an HTTP status.
func codeOf(status int) int {
	if status == http.StatusTooManyRequests {
		return 20429
	}
	return 20000 + status
}

// problem is why a message is refused; code 0: it is not.
func problem(t Text, f Fault) (code int, message string) {
	switch {
	case t.To == "":
		return 21604, "A 'To' phone number is required."
	case f.Refuse != 0:
		return f.Refuse, sentence(f.Refuse, t.To)
	case !isNumber(string(t.To)):
		return 21211, sentence(21211, t.To)
	case t.From == "":
		return 21603, "A 'From' phone number is required."
	case t.Body == "":
		return 21602, "Message body is required."
	case len([]rune(t.Body)) > maxText:
		return 21617, fmt.Sprintf("The concatenated message body exceeds the %d character limit.", maxText)
	}
	return 0, ""
}

// isNumber says whether a number is in E.164 form.
func isNumber(s string) bool {
	return len(s) >= 8 && len(s) <= 16 && s[0] == '+' && s[1] != '0' && strings.Trim(s[1:], "0123456789") == ""
}

// fetch looks at one message.
func (s *Server) fetch(w http.ResponseWriter, r *http.Request) {
	if !s.readable(w, r, "") {
		return
	}
	sid, ok := strings.CutSuffix(r.PathValue("sid"), ".json")
	texts := s.Texts()
	i := slices.IndexFunc(texts, func(t Text) bool { return t.SID == sid })
	if !ok || i < 0 {
		refuse(w, http.StatusNotFound, 20404, "The requested resource "+r.URL.Path+" was not found")
		return
	}
	writeJSON(w, http.StatusOK, s.word(texts[i]))
}

// readable says whether looking at messages works for a number just now, and answers if it does not.
func (s *Server) readable(w http.ResponseWriter, r *http.Request, number stillwater.Phone) bool {
	s.mu.Lock()
	f, ok := s.faults[number]
	if !ok {
		f, ok = s.faults[""]
	}
	broken := Fault{}
	if ok && f.BreakReads {
		broken = *f
	}
	s.mu.Unlock()
	if !broken.BreakReads {
		return true
	}
	if !s.wait(r, broken.Delay) {
		return false
	}
	if broken.HangBefore {
		s.hang(r)
	}
	if broken.Status == 0 {
		broken.Status = http.StatusInternalServerError
	}
	refuse(w, broken.Status, codeOf(broken.Status), http.StatusText(broken.Status))
	return false
}

// apiPage is one page of a list.
type apiPage struct {
	Messages        []apiMessage `json:"messages"`
	Page            int          `json:"page"`
	PageSize        int          `json:"page_size"`
	Start           int          `json:"start"`
	End             int          `json:"end"`
	URI             string       `json:"uri"`
	FirstPageURI    string       `json:"first_page_uri"`
	NextPageURI     *string      `json:"next_page_uri"`
	PreviousPageURI *string      `json:"previous_page_uri"`
}

// list gives the messages that match, the newest first, page by page. A page token is the SID that the page begins after, so that
// messages that come in meanwhile shift nothing.
func (s *Server) list(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	if !s.readable(w, r, stillwater.Phone(q.Get("To"))) {
		return
	}
	matches, err := s.filter(q)
	if err != nil {
		refuse(w, http.StatusBadRequest, 20001, err.Error())
		return
	}
	size, number := defaultPage, 0
	if n, err := strconv.Atoi(q.Get("PageSize")); err == nil && n > 0 {
		size = min(n, maxPage)
	}
	if n, err := strconv.Atoi(q.Get("Page")); err == nil && n > 0 {
		number = n
	}
	begin := min(number*size, len(matches))
	if token := q.Get("PageToken"); token != "" {
		i := slices.IndexFunc(matches, func(t Text) bool { return "PA"+t.SID == token })
		if i < 0 {
			refuse(w, http.StatusBadRequest, 20006, "The page token is not valid")
			return
		}
		begin = i + 1
	}
	end := min(begin+size, len(matches))
	page := apiPage{Messages: []apiMessage{}, Page: number, PageSize: size, Start: number * size, End: number*size + max(0, end-begin-1),
		URI: r.URL.RequestURI(), FirstPageURI: pageURI(r.URL, 0, "")}
	for _, t := range matches[begin:end] {
		page.Messages = append(page.Messages, s.word(t))
	}
	if end < len(matches) && end > 0 {
		next := pageURI(r.URL, number+1, "PA"+matches[end-1].SID)
		page.NextPageURI = &next
	}
	if number > 0 {
		previous := pageURI(r.URL, number-1, "")
		page.PreviousPageURI = &previous
	}
	writeJSON(w, http.StatusOK, page)
}

// pageURI is where another page of a list is.
func pageURI(u *url.URL, number int, token string) string {
	q := u.Query()
	q.Set("Page", strconv.Itoa(number))
	q.Del("PageToken")
	if token != "" {
		q.Set("PageToken", token)
	}
	return u.Path + "?" + q.Encode()
}

// filter is the messages a list is about, the newest first.
func (s *Server) filter(q url.Values) ([]Text, error) {
	var dates []func(time.Time) bool
	for key, test := range map[string]func(sent, from, to time.Time) bool{
		"DateSent":  func(sent, from, to time.Time) bool { return !sent.Before(from) && sent.Before(to) },
		"DateSent>": func(sent, from, _ time.Time) bool { return !sent.Before(from) },
		"DateSent<": func(sent, _, to time.Time) bool { return sent.Before(to) },
	} {
		if text := q.Get(key); text != "" {
			from, to, err := dateOf(text)
			if err != nil {
				return nil, fmt.Errorf("%s %q is not a date", key, text)
			}
			dates = append(dates, func(sent time.Time) bool { return test(sent, from, to) })
		}
	}
	now := s.o.Now()
	var matches []Text
	for _, t := range s.Texts() {
		sent, ok := s.sentAt(t, now)
		wrongDate := slices.ContainsFunc(dates, func(match func(time.Time) bool) bool { return !ok || !match(sent) })
		hidden := !t.Inbound && now.Sub(t.At) < s.o.ListedAfter
		wrongNumber := q.Get("To") != "" && q.Get("To") != string(t.To) || q.Get("From") != "" && q.Get("From") != string(t.From)
		if !wrongDate && !hidden && !wrongNumber {
			matches = append(matches, t)
		}
	}
	slices.SortStableFunc(matches, func(a, b Text) int { return b.At.Compare(a.At) })
	return matches, nil
}

// dateOf is the span of a day in UTC, or the second of a full time.
func dateOf(text string) (from, to time.Time, err error) {
	if from, err = time.Parse(time.DateOnly, text); err == nil {
		return from, from.AddDate(0, 0, 1), nil
	}
	if from, err = time.Parse(time.RFC3339, text); err == nil {
		return from, from.Add(time.Second), nil
	}
	return time.Time{}, time.Time{}, err
}
