package pipeline

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"stillwater"
	"stillwater/gateway/words"
)

// asks is a home whose daughter asked for a line at half past eight.
func asks(id stillwater.HouseholdID) stillwater.Household {
	h := home(id)
	h.Contacts[0].Daily = "08:30"
	return h
}

// lineText is the kind of a line and the moment in it, by the clock of the home.
func lineText(_ stillwater.Message, d words.Day, h stillwater.Household) string {
	return fmt.Sprint(d.Kind, " ", d.At.In(h.Location()).Format("02 15:04"))
}

// lines are the daily lines of a home that were not cancelled, as "02 08:30 usual 02 06:42".
func (w *town) lines(id stillwater.HouseholdID) (list []string) {
	for _, m := range w.messagesOf(id) {
		if m.Purpose == stillwater.Line && m.State != stillwater.Cancelled {
			list = append(list, m.Created.In(asks(id).Location()).Format("02 15:04 ")+m.Text)
		}
	}
	return list
}

// until lets time pass to a time of day in Shanghai.
func until(clock string) {
	zone := asks("h").Location()
	at, err := time.ParseInLocation("15:04", clock, zone)
	now := time.Now().In(zone)
	next := time.Date(now.Year(), now.Month(), now.Day(), at.Hour(), at.Minute(), 0, 0, zone)
	if err != nil {
		panic(err)
	}
	if !next.After(now) {
		next = next.AddDate(0, 0, 1)
	}
	time.Sleep(next.Sub(now))
	synctest.Wait()
}

// day lives one day of a home: up at first, water now and then to the evening, and the meter heard all the time.
func (w *town) day(id stillwater.HouseholdID, litres float64, first string) float64 {
	w.t.Helper()
	zone := asks(id).Location()
	now := time.Now().In(zone)
	midnight := time.Date(now.Year(), now.Month(), now.Day()+1, 0, 0, 0, 0, zone)
	up, _ := time.ParseInLocation("15:04", first, zone)
	for time.Now().Before(midnight) {
		time.Sleep(30 * time.Minute)
		local := time.Now().In(zone)
		at := local.Hour()*60 + local.Minute()
		if from := up.Hour()*60 + up.Minute(); at >= from && at < 22*60 && (at-from)%60 == 0 {
			litres += 6
		}
		w.emit(meter(id, litres))
	}
	return litres
}

// TestDailyLine: after weeks of days that begin at seven, a day that does is as usual, one that begins at ten is not, and who has not been seen
// then is overdue; each once, also over restarts.
func TestDailyLine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		id := homesOf(0, 1)[0]
		w := newTown(t, asks(id))
		defer w.close()
		until("00:00")
		litres := 100.0
		w.emit(meter(id, litres))
		for range 23 {
			litres = w.day(id, litres, "07:00")
		}
		learned := len(w.lines(id))
		if learned != 24 { // with that of the day of the start
			t.Errorf("%d lines in 24 days: %v", learned, w.lines(id))
		}
		if last := w.lines(id)[learned-1]; !strings.HasSuffix(last, "06:42") || !strings.Contains(last, "08:30 usual") {
			t.Errorf("a usual day is told as %q", last)
		}
		w.day(id, litres, "10:00")
		last := w.lines(id)[learned]
		if !strings.Contains(last, "08:30 overdue") {
			t.Errorf("an overdue day is told as %q", last)
		}
		w.deliver(stillwater.Delivered)
		for n := range w.incidents(id) { // of the long morning
			w.reply(fmt.Sprint("r", n), "+8613900000001", "2")
		}
		w.crash()
		w.start()
		until("11:00")
		if n := len(w.lines(id)); n != learned+2 { // of that day one more
			t.Errorf("%d lines, want %d: %v", n, learned+2, w.lines(id)[learned:])
		}
		w.crash()
		w.start()
		time.Sleep(3 * time.Minute)
		synctest.Wait()
		if n := len(w.lines(id)); n != learned+2 {
			t.Errorf("%d lines after a restart, want %d: %v", n, learned+2, w.lines(id)[learned:])
		}
	})
}

// TestDailyLate: a gateway that was away sends the line while it is still the morning's, and none of a day gone by.
func TestDailyLate(t *testing.T) {
	for back, want := range map[string]int{"08:29": 0, "11:00": 1, "12:28": 1, "12:31": 0, "23:59": 0} {
		t.Run(back, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				id := homesOf(0, 1)[0]
				w := newTown(t, asks(id))
				defer w.close()
				w.emit(meter(id, 100)) // a bubble begins at eight
				w.crash()
				until(back)
				w.start()
				w.emit(meter(id, 100))
				time.Sleep(30 * time.Second)
				synctest.Wait()
				time.Sleep(30 * time.Second)
				synctest.Wait()
				lines := w.lines(id)
				if back == "08:29" { // by then it is half past
					want = 1
				}
				if len(lines) != want {
					t.Errorf("back at %s: %v, want %d", back, lines, want)
				}
			})
		})
	}
	t.Run("yesterday's", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			h := asks("h")
			h.Contacts[0].Daily = "23:30"
			w := newTown(t, h)
			defer w.close()
			until("23:00")
			w.crash()
			until("00:30")
			w.start()
			time.Sleep(2 * time.Minute)
			synctest.Wait()
			if lines := w.lines("h"); len(lines) != 0 {
				t.Errorf("%v of the day before", lines)
			}
		})
	})
}

// TestDailyHonest: without data nothing is said but that; away is said; and while an incident is open its own messages speak, also after it is
// closed that morning.
func TestDailyHonest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ids := homesOf(0, 3)
		w := newTown(t, asks(ids[0]), asks(ids[1]), asks(ids[2]))
		defer w.close()
		litres := 100.0
		for range 47 { // from eight to half past seven
			if hour := time.Now().In(asks("").Location()).Hour(); hour >= 8 && hour < 22 {
				litres += 6
			}
			for i, id := range ids[:3] {
				if i > 0 || litres < 200 {
					w.emit(meter(id, litres))
				}
			}
			time.Sleep(30 * time.Minute)
		}
		now := time.Now()
		if err := w.pipeline.Away(context.Background(), stillwater.Absence{Household: ids[1], From: now, Until: now.Add(48 * time.Hour), Who: "daughter"}); err != nil {
			t.Fatal(err)
		}
		w.emit(meter(ids[2], litres))
		time.Sleep(30 * time.Minute)
		w.emit(meter(ids[2], litres))
		until("08:31")
		for i, want := range []string{"blind", "away", "nothing"} {
			if lines := w.lines(ids[i]); len(lines) != 2 || !strings.Contains(lines[1], "02 08:30 "+want) {
				t.Errorf("home %d: %v, want %s", i, lines, want)
			}
		}
	})
}

// TestDailySilent: while people are told of an incident nothing else is said that day.
func TestDailySilent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		id := homesOf(0, 1)[0]
		w := newTown(t, asks(id))
		defer w.close()
		until("06:00")
		litres := w.lives(id, 100, 2*time.Hour)
		w.still(id, litres, 24*time.Hour)
		if i := w.incident(id, stillwater.Welfare); !i.IsOpen() {
			t.Fatalf("%+v", i)
		}
		before := len(w.lines(id))
		until("08:31")
		if lines := w.lines(id)[before:]; len(lines) != 0 {
			t.Errorf("beside an incident: %v", lines)
		}
		w.deliver(stillwater.Delivered)
		w.reply("r1", "+8613900000001", "2")
		w.crash()
		w.start()
		time.Sleep(5 * time.Minute)
		synctest.Wait()
		if i := w.incident(id, stillwater.Welfare); i.IsOpen() {
			t.Fatal("it is not closed")
		}
		if lines := w.lines(id)[before:]; len(lines) != 0 {
			t.Errorf("after it was closed: %v", lines)
		}
	})
}

// TestDailyOnce: on days of 23 and 25 hours, and at a time that a day has twice or not at all, there is one line a day.
func TestDailyOnce(t *testing.T) {
	berlin := stillwater.Household{TimeZone: "Europe/Berlin"}
	for _, clock := range []time.Duration{90 * time.Minute, 150 * time.Minute, 3 * time.Hour, 8*time.Hour + 30*time.Minute, 23*time.Hour + 45*time.Minute} {
		a := asker{home: "h", contact: "c", clock: clock}
		for _, from := range []time.Time{time.Date(2026, 3, 28, 0, 0, 0, 0, time.UTC), time.Date(2026, 10, 24, 0, 0, 0, 0, time.UTC)} {
			var days []string
			seen := map[stillwater.MessageID]bool{}
			for at := from.Add(3 * time.Hour); at.Before(from.AddDate(0, 0, 3)); at = at.Add(time.Minute) {
				date, due := a.due(berlin, at)
				if id := a.lineOf(date); due && !seen[id] {
					seen[id] = true
					days = append(days, date.Format("02 15:04"))
				}
			}
			dates := map[string]bool{}
			for _, d := range days {
				dates[d[:2]] = true
			}
			if len(dates) != len(days) || len(days) < 2 {
				t.Errorf("a line at %v: %v", clock, days)
			}
		}
	}
}

// TestAskers: staff, the resident herself and who asked for none get none.
func TestAskers(t *testing.T) {
	h := asks("h")
	h.Contacts[1].Daily = "08:30" // a worker's, of a table that was not checked
	h.Contacts = append(h.Contacts, stillwater.Contact{ID: "self", Role: stillwater.Resident, Daily: "08:30"}, stillwater.Contact{ID: "neighbour", Role: stillwater.Neighbour, Daily: "7:15"})
	got := askersOf(map[stillwater.HouseholdID]stillwater.Household{"h": h})
	want := []asker{{"h", "neighbour", 7*time.Hour + 15*time.Minute}, {"h", "daughter", 8*time.Hour + 30*time.Minute}}
	if !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}

// TestCompared: an hour or more off is late or early, and nothing is said where it cannot be known.
func TestCompared(t *testing.T) {
	zone := asks("h").Location()
	for _, c := range []struct {
		hour, minute int
		usual        time.Duration
		whole        bool
		want         words.DayKind
	}{
		{7, 0, 7 * time.Hour, true, words.DayUsual}, {8, 14, 7 * time.Hour, true, words.DayUsual}, {8, 16, 7 * time.Hour, true, words.DayLate},
		{5, 40, 7 * time.Hour, true, words.DayEarly}, {9, 0, 0, true, words.DayUse}, {9, 0, 7 * time.Hour, false, words.DayUse},
	} {
		at := time.Date(2026, 3, 3, c.hour, c.minute, 0, 0, zone)
		if got := compared(at, c.usual, 75*time.Minute, c.whole, zone); got != c.want {
			t.Errorf("%+v is %s", c, got)
		}
	}
}
