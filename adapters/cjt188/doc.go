// Package cjt188 reads water meters that speak CJ/T 188, China's standard for household meters (editions 2004 and 2018): by a serial
// line of the gateway's own, or by a serial server that hands on its bytes.
//
// A meter is asked by its address, which is printed on it; that address is in its answer. It promises that a value emitted is from the
// meter it is said to be from: type, address, kind of answer, data identifier and serial number of the question, checksum and end have
// to fit, or nothing of the answer is used. It never asks everybody at once (only Probe does, and only if told that the meter is alone on
// its line), and never writes: no valve is moved, no address set, no counter changed from here.
//
// The standard leaves room, and makers took more: the identifier comes in both orders of its bytes, and the answer in three layouts. Which one
// a meter has is found out, unless the configuration says it.
package cjt188
