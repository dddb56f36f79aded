package push

import (
	"bytes"
	"context"
	"fmt"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"stillwater"
)

// BenchmarkDay takes the upload of a day: 24 hourly values of each meter, a hundred meters in a push. Figures are for one meter.
func BenchmarkDay(b *testing.B) {
	s, err := New(Options{Config: Config{Feeds: []Feed{city()}}, Clock: &fixed{today}})
	if err != nil {
		b.Fatal(err)
	}
	s.begin(today)
	s.now = func() time.Time { return today }
	readings := 0
	emit := func(_ context.Context, list []stillwater.Reading, done func()) error {
		readings += len(list)
		done()
		return nil
	}
	var hours strings.Builder
	for h := range 24 {
		fmt.Fprintf(&hours, ",%d.%03d", 100+h, h)
	}
	b.ReportAllocs()
	for n := 0; b.Loop(); n++ {
		if n%100 != 0 {
			continue // its meter was in the last push
		}
		var body bytes.Buffer
		body.WriteString(`{"meters":[`)
		for m := range 100 {
			fmt.Fprintf(&body, `{"number":"%d","day":"2026-11-20","hourly_total_m3":[%s]},`, n+m, hours.String()[1:])
		}
		body.Truncate(body.Len() - 1)
		body.WriteString("]}")
		sign := signature(token, today, body.Bytes())
		req := httptest.NewRequest("POST", "/push/city", &body)
		req.Header.Set(sign[0], sign[1])
		req.Header.Set(sign[2], sign[3])
		w := httptest.NewRecorder()
		s.serve(w, req, emit)
		if w.Code != 200 {
			b.Fatal(w.Code, w.Body)
		}
	}
}
