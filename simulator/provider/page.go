package provider

import (
	"bytes"
	_ "embed"
	"html/template"
	"net/http"
	"slices"
	"strings"

	"stillwater"
)

//go:embed page.html
var pageText string // read-only by use

// A phone is one person's phone on the page.
type phone struct {
	Number stillwater.Phone
	Name   string
	Texts  []phoneText // the newest last
}

type phoneText struct {
	Body, Time, State string
	Mine              bool // by the person
}

// page shows the phones and their texts, with a box to answer.
func (s *Server) page(mux *http.ServeMux) {
	shape := template.Must(template.New("page").Parse(pageText))
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, r *http.Request) {
		name := "page"
		if r.URL.Query().Has("part") {
			name = "phones" // what the page fetches again
		}
		var out bytes.Buffer
		if err := shape.ExecuteTemplate(&out, name, s.phones()); err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.Header().Set("Cache-Control", "no-store")
		_, _ = w.Write(out.Bytes()) // a browser that has gone away is not told so
	})
	mux.HandleFunc("POST /reply", func(w http.ResponseWriter, r *http.Request) {
		r.Body = http.MaxBytesReader(w, r.Body, maxBody)
		from, text := stillwater.Phone(r.FormValue("from")), strings.TrimSpace(r.FormValue("text"))
		if !isNumber(string(from)) || text == "" {
			http.Error(w, "from and text are needed", http.StatusBadRequest)
			return
		}
		s.Reply(from, text)
		http.Redirect(w, r, "/", http.StatusSeeOther)
	})
}

// phones is every phone that got or sent a text, the last spoken to first.
func (s *Server) phones() []phone {
	byNumber := map[stillwater.Phone]*phone{}
	var order []stillwater.Phone
	now := s.o.Now()
	for _, t := range s.Texts() {
		number := t.To
		if t.Inbound {
			number = t.From
		}
		p := byNumber[number]
		if p == nil {
			p = &phone{Number: number, Name: s.o.Names[number]}
			byNumber[number] = p
		}
		order = append(slices.DeleteFunc(order, func(n stillwater.Phone) bool { return n == number }), number)
		p.Texts = append(p.Texts, phoneText{t.Body, t.At.Local().Format("01-02 15:04:05"), s.status(t, now), t.Inbound})
	}
	slices.Reverse(order)
	phones := make([]phone, len(order))
	for i, n := range order {
		phones[i] = *byNumber[n]
	}
	return phones
}
