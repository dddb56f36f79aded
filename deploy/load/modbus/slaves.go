package main

import (
	"bufio"
	"context"
	_ "embed"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
)

// source is the servers' program.
//
//go:embed slaves/slaves.c
var source []byte

func compile(ctx context.Context, folder string) (string, error) {
	file, binary := filepath.Join(folder, "slaves.c"), filepath.Join(folder, "slaves")
	if err := os.WriteFile(file, source, 0o600); err != nil {
		return "", err
	}
	out, err := exec.CommandContext(ctx, "cc", "-O2", "-I/usr/include/modbus", "-o", binary, file, "-lmodbus").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("compiling the servers (needs gcc and libmodbus-dev): %w: %s", err, out)
	}
	return binary, nil
}

// perProcess is how many ports one process of the servers has; libmodbus manages 400 or so.
const perProcess = 250

// servers are the processes that are polled.
type servers []server

type server struct {
	cmd *exec.Cmd
	in  io.WriteCloser
	out *bufio.Reader
}

// A count is what the servers have seen since they were last asked.
type count struct{ asked, missed, longest, dead int }

// serve starts the servers of a scene on ports from first.
func (s scene) serve(ctx context.Context, binary string) (servers, int, error) {
	first, err := freePorts(s.ports)
	if err != nil {
		return nil, 0, err
	}
	var all servers
	for at := 0; at < s.ports; at += perProcess {
		cmd := exec.CommandContext(ctx, binary, strconv.Itoa(first+at), strconv.Itoa(min(perProcess, s.ports-at)), strconv.Itoa(s.units), strconv.Itoa(s.hang))
		cmd.Stderr = os.Stderr
		in, err := cmd.StdinPipe()
		if err != nil {
			return all, 0, err
		}
		out, err := cmd.StdoutPipe()
		if err != nil {
			return all, 0, err
		}
		if err := cmd.Start(); err != nil {
			return all, 0, err
		}
		all = append(all, server{cmd, in, bufio.NewReader(out)})
	}
	_, err = all.count() // they listen
	return all, first, err
}

// freePorts looks for so many ports in a row that nobody listens on.
func freePorts(n int) (int, error) {
	for first := 21000; first+n < 32000; first += n {
		free := true
		for port := first; port < first+n && free; port++ {
			l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
			if free = err == nil; free {
				_ = l.Close()
			}
		}
		if free {
			return first, nil
		}
	}
	return 0, fmt.Errorf("no %d free ports in a row below 32000", n)
}

func (all servers) count() (count, error) {
	var sum count
	for _, s := range all {
		if _, err := fmt.Fprintln(s.in); err != nil {
			return sum, err
		}
		line, err := s.out.ReadString('\n')
		if err != nil {
			return sum, fmt.Errorf("servers: %w", err)
		}
		var c count
		if _, err := fmt.Sscan(line, &c.asked, &c.missed, &c.longest, &c.dead); err != nil {
			return sum, fmt.Errorf("servers said %q: %w", line, err)
		}
		sum = count{sum.asked + c.asked, sum.missed + c.missed, max(sum.longest, c.longest), sum.dead + c.dead}
	}
	return sum, nil
}

func (all servers) stop() {
	for _, s := range all {
		_ = s.in.Close()
		_ = s.cmd.Wait()
	}
}
