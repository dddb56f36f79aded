package main

import (
	"context"
	"fmt"
	"io"
	"os/exec"
	"path/filepath"
	"sync/atomic"
	"time"

	"go.bug.st/serial"

	"stillwater"
	"stillwater/adapters/bus"
	"stillwater/adapters/modbus"
)

// line measures how busy a serial line of 9600 baud is kept by 30 meters that are due all the time. The line is a pair of pseudo terminals, which are
// instant; the device at its other end waits as long as the characters and the silence before its answer would take.
func line(ctx context.Context, folder string, length time.Duration) error {
	here, there := filepath.Join(folder, "here"), filepath.Join(folder, "there")
	socat := exec.CommandContext(ctx, "socat", "pty,raw,echo=0,link="+here, "pty,raw,echo=0,link="+there)
	if err := socat.Start(); err != nil {
		return fmt.Errorf("line (needs socat): %w", err)
	}
	defer func() { _ = socat.Process.Kill(); _ = socat.Wait() }()
	if err := sleep(ctx, time.Second); err != nil {
		return err
	}
	port, err := serial.Open(there, &serial.Mode{BaudRate: 9600})
	if err != nil {
		return err
	}
	defer port.Close()
	const character = 10 * time.Second / 9600
	const question, answer, silence = 8 * character, 13 * character, 7 * character / 2
	var asked atomic.Int64
	var took atomic.Int64 // how long the device really had the line, which is longer than it should be: timers are late
	go meters(port, question+silence+answer, &asked, &took)
	c := config("line", "", 30)
	c.Link = bus.Link{Serial: here}
	c.Every = 100 * time.Millisecond
	ctx, cancel := context.WithTimeout(ctx, length)
	defer cancel()
	begin := time.Now()
	err = modbus.New(modbus.Options{Config: c, Clock: wall{}}).Run(ctx, func(context.Context, []stillwater.Reading, func()) error { return nil })
	busy := time.Duration(took.Load()) + time.Duration(asked.Load())*silence
	fmt.Printf("a line of 9600 baud with %d requests: %.1f %% of %v busy\n", asked.Load(), 100*float64(busy)/float64(time.Since(begin)), length)
	return err
}

// meters answers every request for four registers, as any unit, when it would have come over a real line.
func meters(port io.ReadWriter, after time.Duration, asked, took *atomic.Int64) {
	for request := make([]byte, 8); ; {
		if _, err := io.ReadFull(port, request); err != nil {
			return
		}
		begin := time.Now()
		time.Sleep(after)
		took.Add(int64(time.Since(begin)))
		asked.Add(1)
		reply := append([]byte{request[0], 3, 8}, 0, 0, 0x30, 0x39, 0x42, 0xf7, 0, 0)
		_, _ = port.Write(checked(reply))
	}
}

// checked appends the checksum of a serial frame.
func checked(frame []byte) []byte {
	sum := uint16(0xffff)
	for _, b := range frame {
		sum ^= uint16(b)
		for range 8 {
			carry := sum&1 == 1
			sum >>= 1
			if carry {
				sum ^= 0xa001
			}
		}
	}
	return append(frame, byte(sum), byte(sum>>8))
}
