// Package modbus polls water meters over Modbus (TCP, RTU on a serial port, RTU over TCP) and emits their counters as readings.
//
// New makes a bus.Bus, whose turns, timeouts and probes are those of every wire with many devices. Here is what is asked: each unit's
// registers in as few requests as they allow, and what the registers mean.
//
// It promises that a value emitted was read just now, from the unit and registers it is said to be from: a reply has to fit its request in
// every field. It never emits a value that no working meter gives, never says "no use" for a unit that did not answer, never writes
// to a device, and never asks all devices at once.
//
// goburrow/modbus packs, checks and names; the line is ours, for the reasons in the README.
package modbus
