// Command mqtt is the load run of the way from a broker to the journal: Debian's mosquitto, senders that cost next to nothing, and the
// gateway itself with a home for each meter. It says how many messages of quality of service 1 a second go through decoding, pipeline and commit,
// beside what the same broker carries to a subscriber that does nothing; that none is lost when the broker is restarted and the gateway
// killed; and that the day of ten thousand meters goes through in a minute. It ends with an error if one of these does not hold.
package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sync"
	"time"
)

const (
	senders   = 100 // connections; each is a sensor, or a bridge of a few
	wantRatio = 0.70
)

type run struct {
	broker   *broker
	gateway  *gateway
	meters   int
	messages int // of one round
	rounds   int
	sent     int // to this part's gateway
}

func main() {
	meters := flag.Int("meters", 10_000, "how many meters, each of a home of its own")
	messages := flag.Int("messages", 150_000, "messages of one round")
	rounds := flag.Int("rounds", 3, "rounds with and without the gateway")
	binary := flag.String("stillwater", "", "the gateway; default: built from this folder's module")
	only := flag.String("only", "", "throughput, loss or upload; default all of them")
	flag.Parse()
	if *meters < senders || *meters%senders > 0 {
		fmt.Fprintf(os.Stderr, "load: %d meters are no multiple of the %d senders; write like -meters 10000\n", *meters, senders)
		os.Exit(2)
	}
	folder, err := os.MkdirTemp("", "stillwater-load-")
	if err == nil {
		err = work(folder, *binary, *only, &run{meters: *meters, messages: *messages, rounds: *rounds})
	}
	if err != nil {
		fmt.Fprintf(os.Stderr, "load: %v (what was written is in %s)\n", err, folder)
		os.Exit(1)
	}
	_ = os.RemoveAll(folder) // what is left is in the folder for temporary files
}

// work does the parts that are asked for.
func work(folder, binary, only string, r *run) error {
	if binary == "" {
		binary = filepath.Join(folder, "stillwater")
		if out, err := exec.Command("go", "build", "-o", binary, "stillwater/gateway").CombinedOutput(); err != nil {
			return fmt.Errorf("build: %w\n%s", err, out)
		}
	}
	var err error
	if r.broker, err = startBroker(folder); err != nil {
		return err
	}
	defer r.broker.stop()
	fmt.Printf("mosquitto with\n%s\n%d meters by wmbusmeters' telegrams over %d connections; the gateway with %s\n\n", fmt.Sprintf(brokerLines, "…", "…"), r.meters, senders, collector)
	for _, part := range []struct {
		name string
		do   func() error
	}{{"throughput", r.throughput}, {"loss", r.loss}, {"upload", r.upload}} {
		if only != "" && only != part.name {
			continue
		}
		at := filepath.Join(folder, part.name)
		if err := os.Mkdir(at, 0o700); err != nil {
			return err
		}
		r.sent = 0
		if r.gateway, err = newGateway(binary, at, r.broker.address, r.meters); err != nil {
			return err
		}
		err := part.do()
		r.gateway.kill() // if it still runs
		if err != nil {
			return fmt.Errorf("%s: %w", part.name, err)
		}
	}
	return nil
}

// telegram is what wmbusmeters publishes of a meter: one litre more at each step.
func telegram(m, step int, at time.Time) (string, []byte) {
	id := meterID(m)
	return "wmbusmeters/" + id, fmt.Appendf(nil, `{"_":"telegram","media":"water","meter":"iperl","name":"Meter%d","id":"%s","total_m3":%.3f,"max_flow_m3h":0.012,"status":"OK","rssi_dbm":-71,"device":"rtlwmbus[00000001]","timestamp":"%s"}`,
		m, id, 100+float64(step)/1000, at.UTC().Format(time.RFC3339))
}

// A plan is which telegrams are sent: the k-th of them, and how many a second at most (0: as many as can be).
type plan struct {
	n    int
	of   func(k int) (meter, step int, at time.Time)
	rate int
}

// round is the next n telegrams, meter after meter. Each meter's next one is of 20 seconds later; they begin within the last hour.
func (r *run) round(n, rate int) plan {
	base := r.sent
	return plan{n: n, rate: rate, of: func(k int) (int, int, time.Time) {
		step := (base + k) / r.meters
		return (base + k) % r.meters, step, began.Add(-50*time.Minute + time.Duration(step)*20*time.Second).Truncate(time.Second)
	}}
}

var began = time.Now()

// send publishes a plan from all senders, and returns when the broker has acknowledged everything.
func (r *run) send(p plan) error {
	start := time.Now()
	var group sync.WaitGroup
	errs := make([]error, senders)
	for s := range senders {
		group.Go(func() { errs[s] = r.sendPart(s, p, start) })
	}
	group.Wait()
	r.sent += p.n
	return errors.Join(errs...)
}

func (r *run) sendPart(s int, p plan, start time.Time) error {
	out, err := newPublisher(r.broker.address, fmt.Sprint("sender-", s))
	if err != nil {
		return err
	}
	defer out.close()
	for k := s; k < p.n; k += senders { // a meter's telegrams stay in order: each is of one sender
		if p.rate > 0 {
			time.Sleep(time.Until(start.Add(time.Duration(k) * time.Second / time.Duration(p.rate))))
		}
		topic, payload := telegram(p.of(k))
		out.publish(topic, payload)
	}
	return out.settle(time.Minute)
}

// until waits for a count.
func until(within time.Duration, want int64, count func() int64) (int64, error) {
	got := int64(0)
	for end := time.Now().Add(within); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		if got = count(); got >= want {
			return got, nil
		}
	}
	return got, fmt.Errorf("%d of %d within %v", got, want, within)
}

// throughput measures by turns the broker with a subscriber that does nothing, and with the gateway.
func (r *run) throughput() error {
	if err := r.gateway.start(); err != nil {
		return err
	}
	if err := r.gateway.stop(); err != nil { // it has its session, so the broker would keep for it what is not meant for it
		return err
	}
	if err := forget(r.broker.address); err != nil {
		return err
	}
	var alone, through, cost []float64
	for range r.rounds {
		a, light, err := r.alone()
		if err != nil {
			return err
		}
		g, heavy, err := r.through()
		if err != nil {
			return err
		}
		alone, through, cost = append(alone, a), append(through, g), append(cost, light/heavy)
		fmt.Printf("round: broker alone %6.0f messages/s, into the journal %6.0f, ratio %.2f; by what they cost %.2f\n", a, g, g/a, light/heavy)
	}
	ratio := median(through) / median(alone)
	fmt.Printf("medians: broker alone %.0f, into the journal %.0f messages/s: %.0f %%; by what they cost %.0f %%\n\n", median(alone), median(through), 100*ratio, 100*median(cost))
	if ratio < wantRatio {
		return fmt.Errorf("ratio %.2f is below %.2f", ratio, wantRatio)
	}
	return nil
}

func median(list []float64) float64 {
	sorted := slices.Sorted(slices.Values(list))
	return sorted[len(sorted)/2]
}

// forget takes back the gateway's session.
func forget(address string) error {
	conn, err := dial(address, "stillwater-radio", true)
	if err != nil {
		return err
	}
	return conn.Close()
}

// alone is what the broker carries to a subscriber that does nothing, and what a message costs all of them together, in microseconds of CPU.
func (r *run) alone() (rate, cost float64, err error) {
	l, err := r.broker.listen()
	if err != nil {
		return 0, 0, err
	}
	defer l.client.Disconnect(100)
	start, broker, own := time.Now(), cpu(r.broker.cmd.Process.Pid), cpu(os.Getpid())
	sent := make(chan error, 1)
	was := r.sent
	go func() { sent <- r.send(r.round(r.messages, 0)) }()
	_, err = until(time.Minute, int64(r.messages), l.got.Load)
	took := time.Since(start)
	if bad := <-sent; bad != nil {
		return 0, 0, bad
	}
	broker, own = cpu(r.broker.cmd.Process.Pid)-broker, cpu(os.Getpid())-own
	fmt.Printf("  µs of CPU a message: broker %.1f, senders and a subscriber that does nothing %.1f\n", r.each(broker), r.each(own))
	r.sent = was // the gateway was not there: its meters go on where they were
	return float64(r.messages) / took.Seconds(), r.each(broker + own), err
}

// through is what gets into the journal, and what a message costs all of them together, in microseconds of CPU.
func (r *run) through() (rate, cost float64, err error) {
	if err := r.gateway.start(); err != nil {
		return 0, 0, err
	}
	before, used := r.gateway.committed(), cpu(r.gateway.cmd.Process.Pid)
	start, broker, own := time.Now(), cpu(r.broker.cmd.Process.Pid), cpu(os.Getpid())
	sent := make(chan error, 1)
	go func() { sent <- r.send(r.round(r.messages, 0)) }()
	_, err = until(2*time.Minute, before+int64(r.messages), r.gateway.committed)
	took := time.Since(start)
	used, broker, own = cpu(r.gateway.cmd.Process.Pid)-used, cpu(r.broker.cmd.Process.Pid)-broker, cpu(os.Getpid())-own
	if bad := <-sent; bad != nil {
		return 0, 0, bad
	}
	if err != nil {
		return 0, 0, err
	}
	fmt.Printf("  µs of CPU a message: broker %.1f, senders %.1f, gateway %.1f\n", r.each(broker), r.each(own), r.each(used))
	if err := r.whole(time.Minute); err != nil { // a tick may have stood in for the last readings
		return 0, 0, err
	}
	if err := r.gateway.stop(); err != nil {
		return 0, 0, err
	}
	return float64(r.messages) / took.Seconds(), r.each(broker + own + used), forget(r.broker.address)
}

// each is a time by message of a round, in microseconds.
func (r *run) each(d time.Duration) float64 { return float64(d.Microseconds()) / float64(r.messages) }

// whole waits until the journal has everything that was sent, each once.
func (r *run) whole(within time.Duration) error {
	var bad error
	for end := time.Now().Add(within); ; time.Sleep(200 * time.Millisecond) {
		all, different, err := r.gateway.journal()
		switch {
		case err != nil:
			bad = err
		case different > int64(r.sent) || all > different:
			return fmt.Errorf("%d readings in the journal, %d different ones, of %d sent", all, different, r.sent)
		case different == int64(r.sent):
			return nil
		default:
			bad = fmt.Errorf("%d readings in the journal of %d sent", different, r.sent)
		}
		if time.Now().After(end) {
			return bad
		}
	}
}

// loss kills the gateway twice and restarts the broker while telegrams come, and counts the journal.
func (r *run) loss() error {
	if err := r.gateway.start(); err != nil {
		return err
	}
	const rate, kills = 3000, 3
	p := r.round(90_000, rate)
	sent := make(chan error, 1)
	go func() { sent <- r.send(p) }()
	for i := range kills + 1 {
		time.Sleep(time.Duration(p.n) * time.Second / rate / (kills + 2))
		if i == kills/2 {
			fmt.Println("  broker restarted")
			r.broker.stop()
			if err := r.broker.start(); err != nil {
				return err
			}
			continue
		}
		fmt.Printf("  gateway killed with %d readings in its journal\n", r.gateway.committed())
		r.gateway.kill()
		if err := r.gateway.start(); err != nil {
			return err
		}
	}
	if err := <-sent; err != nil {
		return err
	}
	if err := r.whole(2 * time.Minute); err != nil {
		return err
	}
	fmt.Printf("%d telegrams through %d kill -9 of the gateway and a restart of the broker: each once in the journal\n\n", p.n, kills)
	return errors.Join(r.gateway.stop(), forget(r.broker.address))
}

// upload sends the 24 hourly readings of the day of every meter within a minute.
func (r *run) upload() error {
	if err := r.gateway.start(); err != nil {
		return err
	}
	const hours = 24
	n := hours * r.meters
	p := plan{n: n, rate: n / 58, of: func(k int) (int, int, time.Time) {
		// A hundred meters upload side by side; each sends its day in order.
		hour := k / senders % hours
		return k%senders + k/(senders*hours)*senders, hour, began.Add(-time.Duration(hours-hour) * time.Hour).Truncate(time.Second)
	}}
	used := cpu(r.gateway.cmd.Process.Pid)
	start := time.Now()
	if err := r.send(p); err != nil {
		return err
	}
	took := time.Since(start)
	if _, err := until(2*time.Minute, int64(n), r.gateway.committed); err != nil {
		return err
	}
	complete := time.Since(start)
	if err := r.whole(time.Minute); err != nil {
		return err
	}
	used = cpu(r.gateway.cmd.Process.Pid) - used
	fmt.Printf("the day of %d meters, %d readings: sent within %.1f s, in the journal after %.1f s, each once; %.1f s of CPU, %s at most\n",
		r.meters, n, took.Seconds(), complete.Seconds(), used.Seconds(), peak(r.gateway.cmd.Process.Pid))
	if took > time.Minute {
		return fmt.Errorf("the broker took %v to accept the day", took)
	}
	return errors.Join(r.gateway.stop(), forget(r.broker.address))
}
