package backtest

import (
	"bufio"
	"encoding/csv"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"
	"time"

	"stillwater"
)

// reader reads rows of a text without a header.
func reader(text string, size int) *rows {
	in := bufio.NewReaderSize(strings.NewReader(text), size)
	r := &rows{name: "x.csv", in: in, csv: csv.NewReader(in), columns: [6]int{0, 1, 2, 3, 4, -1}, width: 5, names: map[string]*nameOf{}}
	r.csv.ReuseRecord, r.csv.FieldsPerRecord = true, 5
	return r
}

// slowly reads all by encoding/csv alone: slow, and obvious.
func slowly(text string) (list []row, err error) {
	r := reader(text, 1<<16)
	for {
		var one row
		if err = r.slow(&one); err != nil {
			return list, err
		}
		list = append(list, one)
	}
}

func quickly(text string, size int) (list []row, err error) {
	r := reader(text, size)
	room := make([]row, 7)
	for {
		n, err := r.read(room)
		list = append(list, room[:n]...)
		if err != nil {
			return list, err
		}
	}
}

// same wants both ways of reading to give the same rows and the same error.
func same(t *testing.T, text string, size int) {
	t.Helper()
	want, wantErr := slowly(text)
	got, gotErr := quickly(text, size)
	if fmt.Sprint(gotErr) != fmt.Sprint(wantErr) {
		t.Fatalf("said %v, encoding/csv alone %v, of\n%s", gotErr, wantErr, text)
	}
	if len(got) != len(want) {
		t.Fatalf("%d rows, encoding/csv alone reads %d, of\n%s", len(got), len(want), text)
	}
	for i := range got {
		if a, b := fmt.Sprintf("%#v", got[i]), fmt.Sprintf("%#v", want[i]); a != b {
			t.Fatalf("row %d is\n%s\nencoding/csv alone reads\n%s", i, a, b)
		}
	}
}

// pieces are what rows of tests are made of, and what can be wrong with them.
var pieces = [][]string{
	{"2026-11-01T00:00:00Z", "2026-11-01T00:00:01Z", "2026-11-01T01:59:59Z", "2026-11-01T09:00:00+08:00", "2026-11-01T02:00:00.5Z", "2026-02-29T00:00:00Z",
		"2026-11-01T24:00:00Z", "2026-11-01T23:60:00Z", "2026-11-01 23:00:00Z", "2028-02-29T23:59:59Z", "soon", ""},
	{"h1", "h2", `"h1"`, `"h ""x"", 1"`, `h"1`, "王", "", "\"h\n1\""},
	{"meter", "door", "\"meter\"", " meter", ""},
	{"water.total", "door", "activity", "alive", "battery", "water.flow", "gas", `"door"`},
	{"1", "12.34", "0.1", "-3", "open", "closed", "1e3", "", "123456789012345678", "1.", ".5", "NaN", "+5", "0x1p4", "5\r", "1,2", "9007199254740993", "00012.50"},
}

// TestRowsAreTheSame reads rows of every kind both ways.
func TestRowsAreTheSame(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 1))
	plain := func() string { return "2026-11-02T00:00:00Z,h1,meter,water.total,5" }
	for range 30000 {
		var b strings.Builder
		for range r.IntN(5) {
			b.WriteString(plain() + "\n")
		}
		parts := make([]string, len(pieces))
		for i, p := range pieces {
			parts[i] = p[0]
			if r.IntN(3) == 0 {
				parts[i] = p[r.IntN(len(p))]
			}
		}
		b.WriteString(strings.Join(parts, ","))
		b.WriteString([]string{"\n", "\r\n", "\n\n", "", "\n" + plain(), "\n" + plain() + "\n" + plain() + "\n"}[r.IntN(6)])
		same(t, b.String(), []int{4096, 1 << 16}[r.IntN(2)])
	}
	long := strings.Repeat(plain()+"\n", 300) // beyond the buffer, line ends anywhere
	same(t, long, 4096)
	same(t, long+"2026-11-02T00:00:00Z,"+strings.Repeat("h", 9000)+",meter,water.total,5\n"+long, 4096)
	same(t, long+"x\n"+long, 4096)
}

func FuzzRows(f *testing.F) {
	f.Add("2026-11-01T00:00:00Z,h1,meter,water.total,1\n")
	f.Add("2026-11-01T00:00:00Z,\"h\n1\",meter,water.total,1\r\n\n2026-11-01T00:00:00Z,h1,door,door,open")
	f.Fuzz(func(t *testing.T, text string) { same(t, text, 4096) })
}

// TestDecimal holds the quick way against strconv, bit by bit.
func TestDecimal(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 2))
	read := 0
	for range 300000 {
		text := strconv.FormatFloat(math.Round(r.Float64()*math.Pow10(r.IntN(16)))/math.Pow10(r.IntN(9)), 'f', r.IntN(10), 64)
		if r.IntN(4) == 0 {
			text = "-" + text
		}
		got, ok := decimal([]byte(text))
		want, err := strconv.ParseFloat(text, 64)
		if ok && (err != nil || math.Float64bits(got) != math.Float64bits(want)) {
			t.Fatalf("%q is %v, strconv says %v", text, got, want)
		}
		if ok {
			read++
		}
	}
	if read < 100000 {
		t.Errorf("only %d were read the quick way", read)
	}
}

// TestRowsAllocateNothing holds the reader to no garbage once the names are known.
func TestRowsAllocateNothing(t *testing.T) {
	const most = 200
	text := strings.Repeat("2026-11-02T00:00:00Z,h1,meter,water.total,5.25\n2026-11-02T00:00:00Z,h2,door,door,open\n", 64*most)
	r := reader(text, 1<<16)
	room := make([]row, 64)
	if _, err := r.read(room); err != nil {
		t.Fatal(err)
	}
	if n := testing.AllocsPerRun(most-10, func() {
		if n, err := r.read(room); n != len(room) || err != nil {
			t.Fatal(n, err)
		}
	}); n > 0 {
		t.Errorf("%v allocations for %d rows", n, len(room))
	}
	if _, err := io.Copy(io.Discard, r.in); err != nil {
		t.Fatal(err)
	}
}

// TestClock reads every second of some hours, and days that there are not.
func TestClock(t *testing.T) {
	var c clock
	for at := time.Date(2028, 2, 28, 22, 0, 0, 0, time.UTC); at.Before(time.Date(2028, 3, 1, 2, 0, 0, 0, time.UTC)); at = at.Add(7 * time.Second) {
		if got, ok := c.read([]byte(at.Format(time.RFC3339))); !ok || got != at {
			t.Fatalf("%v was read as %v, %v", at, got, ok)
		}
	}
	for _, text := range []string{"2027-02-29T00:00:00Z", "2027-13-01T00:00:00Z", "2027-01-01T24:00:00Z", "2027-01-01T00:00:60Z", "2027-01-01T00:00:00z", "2027-01-01t00:00:00Z", "2027-1-001T00:00:00Z", "2027-01-01T00:0a:00Z"} {
		if at, ok := c.read([]byte(text)); ok {
			t.Errorf("%q was read as %v", text, at)
		}
	}
}

// TestPlausible: what was found plausible before is not asked again, and nothing else is let through.
func TestPlausible(t *testing.T) {
	chance := rand.New(rand.NewPCG(3, 4))
	quantities := []stillwater.Quantity{stillwater.WaterTotal, stillwater.WaterFlow, stillwater.Door, stillwater.Activity, stillwater.Alive, stillwater.Battery, "unheard-of"}
	for range 200 {
		var s span
		r := stillwater.Reading{Quantity: quantities[chance.IntN(len(quantities))], At: time.Unix(1, 0)}
		for range 200 {
			r.Value = math.Pow(10, 14*chance.Float64()-2) * float64(chance.IntN(5)-1)
			switch chance.IntN(20) {
			case 0:
				r.Quantity = quantities[chance.IntN(len(quantities))]
			case 1:
				r.Value = math.NaN()
			}
			if want := r.Validate() == nil; s.has(&r) != want {
				t.Fatalf("%s %v is plausible: %v, by %+v", r.Quantity, r.Value, want, s)
			}
		}
	}
}
