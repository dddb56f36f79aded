// Package modbus polls water meters over Modbus TCP and emits their counters as readings.
//
// A Bus is one address, usually a serial gateway in a riser cupboard with many meters behind it. It has one connection
// and one goroutine, the one that calls Run: requests never overlap, because the wire behind a gateway cannot carry two.
//
// It promises that a value emitted was read just now, from the unit and register it is said to be from: a reply that does
// not fit its request in every field ends the connection, so that a late one is never taken for the present one. It
// promises that a silent unit costs the others at most one timeout for each probe, and that probes become rare. It never
// emits a value that no working meter gives, never says "no use" for a unit that did not answer, and never writes to a device.
//
// goburrow/modbus packs, checks and names; the connection is ours (see line), because its own TCP handler reports every reply after a late
// one as a mismatch and writes into connections that the peer has closed.
package modbus
