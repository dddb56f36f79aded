"""Meters that speak CJ/T 188, written from the standard, with nothing but Python's own library.

python3 slave.py tcp:PORT|tty:PATH METER...   METER is address,key=value,...

  order=1F90|901F|any   which data identifier it knows; it says nothing to the other
  layout=a|b|c          of its answer
  total=12.34           cubic metres
  unit=2C|29            of layout a; with 29 the total is in litres
  status=0000           two bytes in hexadecimal
  type=10               of meter
  fault=NAME[:N]        what it does wrong, N times (default: always), then it behaves

A line "ready" on standard output says that questions may come; each question is a line with the address asked.
"""
import os
import socket
import sys
import termios
import time
import tty


def bcd(text):
    """Decimal digits as bytes, the last two first."""
    if len(text) % 2:
        text = "0" + text
    return bytes.fromhex(text)[::-1]


def frame(kind, address, control, data):
    body = bytes([0x68, kind]) + address + bytes([control, len(data)]) + data
    return body + bytes([sum(body) & 0xFF, 0x16])


class Meter:
    def __init__(self, description):
        address, *settings = description.split(",")
        s = dict(x.split("=", 1) for x in settings)
        self.address = bcd(address.rjust(14, "0"))
        self.kind = int(s.get("type", "10"), 16)
        self.order = s.get("order", "any")
        self.layout = s.get("layout", "a")
        self.total = s.get("total", "0")
        self.unit = int(s.get("unit", "2C"), 16)
        self.status = bytes.fromhex(s.get("status", "0000"))
        fault, _, times = s.get("fault", "").partition(":")
        self.fault, self.times = fault, int(times or 1 << 30)

    def data(self, total=""):
        total = total or self.total
        clock = bcd("20260102030405")
        if self.layout == "b":
            whole, _, part = total.partition(".")
            return bcd(whole.rjust(8, "0")) + bcd(part.ljust(6, "0")) + bcd("000000") + bcd("18") + clock[:6] + self.status
        total = bcd("%08d" % round(float(total) * 100))
        if self.layout == "c":
            return total + self.status
        unit = bytes([self.unit])
        return total + unit + bcd("00000100") + unit + clock + self.status

    def answers(self, kind, address, identifier):
        known = {"1F90": [b"\x1f\x90"], "901F": [b"\x90\x1f"]}.get(self.order, [b"\x1f\x90", b"\x90\x1f"])
        mine = all(a in (b, 0xAA) for a, b in zip(address, self.address))
        return mine and kind in (self.kind, 0xAA) and identifier in known

    def reply(self, request, identifier, serial):
        fault = ""
        if self.fault and self.times > 0:
            fault, self.times = self.fault, self.times - 1
        good = frame(self.kind, self.address, 0x81, identifier + serial + self.data())
        wake = b"\xfe\xfe\xfe"
        other = bytes([self.address[0] ^ 1]) + self.address[1:]
        bad = self.data("666")  # so that it is noticed if somebody takes it
        return {
            "": wake + good,
            "bare": good,
            "awake": b"\xfe" * 20 + good,
            "echo": request + wake + good,
            "noise": b"\x00\xff" + wake + good,
            "swapped": wake + frame(self.kind, self.address, 0x81, identifier[::-1] + serial + self.data()),
            "silent": b"",
            "truncated": (wake + good)[:-7],
            "garbled": wake + good[:-9] + bytes([good[-9] ^ 0x11]) + good[-8:],
            "garbage": bytes(range(0x70, 0xA0)) * 2,
            "wrong-meter": wake + frame(self.kind, other, 0x81, identifier + serial + bad),
            "wrong-type": wake + frame(0x30, self.address, 0x81, identifier + serial + bad),
            "wrong-control": wake + frame(self.kind, self.address, 0x84, identifier + serial + bad),
            "wrong-identifier": wake + frame(self.kind, self.address, 0x81, b"\x90\x3f" + serial + bad),
            "wrong-serial": wake + frame(self.kind, self.address, 0x81, identifier + bytes([serial[0] ^ 1]) + bad),
            "no-digits": wake + frame(self.kind, self.address, 0x81, identifier + serial + b"\xee\xee\xee\xee" + self.data()[4:]),
            "no-unit": wake + frame(self.kind, self.address, 0x81, identifier + serial + self.data()[:4] + b"\x05" + self.data()[5:]),
            "refuses": wake + frame(self.kind, self.address, 0xC1, identifier + serial + b"\x02"),
            "long": wake + frame(self.kind, self.address, 0x81, identifier + serial + bad + b"\x00" * 9),
            "empty": wake + frame(self.kind, self.address, 0x81, b""),
        }[fault]


def serve(read, write, meters):
    kept = b""
    while True:
        got = read()
        if not got:
            return
        kept += got
        while True:
            at = kept.find(b"\x68")
            if at < 0 or len(kept) < at + 11 or len(kept) < at + 13 + kept[at + 10]:
                break
            request = kept[: at + 13 + kept[at + 10]]
            question, kept = request[at:], kept[len(request):]
            if sum(question[:-2]) & 0xFF != question[-2] or question[9] != 0x01:
                continue
            print(question[2:9][::-1].hex(), flush=True)
            for m in meters:
                if m.answers(question[1], question[2:9], question[11:13]):
                    write(m.reply(request, question[11:13], question[13:14]))


def main():
    place, meters = sys.argv[1], [Meter(x) for x in sys.argv[2:]]
    kind, _, where = place.partition(":")
    if kind == "tty":
        fd = os.open(where, os.O_RDWR | os.O_NOCTTY)
        tty.setraw(fd, termios.TCSANOW)
        print("ready", flush=True)
        serve(lambda: os.read(fd, 256), lambda b: os.write(fd, b), meters)
        return
    with socket.create_server(("127.0.0.1", int(where))) as server:
        print("ready", flush=True)
        while True:
            line, _ = server.accept()
            with line:
                try:
                    serve(lambda: line.recv(256), line.sendall, meters)
                except OSError:
                    time.sleep(0)


main()
