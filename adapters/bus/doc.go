// Package bus gives the devices on one wire their turns. Modbus and CJ/T 188 share it: what is asked and how an answer is
// read is theirs, everything else about a wire with many devices is here.
//
// A Bus is one Link: a TCP connection, a serial port, or a serial server (the bytes of a serial line over TCP). It has one
// goroutine, the one that calls Run, so two questions never overlap, because the wire cannot carry two.
//
// It promises that devices that answer have their turns, however many do not: these are probed in the time that is left, ever
// more rarely, and never for more than a small share of the time others need. It promises that what came late is never taken
// for the present answer: on a numbered link (Modbus TCP) anything that does not fit costs the connection; on a line without
// numbers nothing is asked until the line has been silent, and a device that missed its time is left alone until its late answer
// must have gone by. It never passes on a value that no working device gives, and never asks everybody at once: broadcasts have no answer.
package bus
