// Package spool is a queue on disk: records are added at its end, and taken from its front once somebody has them for certain. It outlives
// a killed process and a power cut, and a disk that is full for a while.
//
// Its folder holds segments, files named for the number of their first record, and the file position, which says where the first record
// is that is still wanted. Each record carries its number, length and checksum. A segment is only ever written at its end, and never by
// two processes one after the other: a start begins a new one, so that what a power cut tore stays where it is and is stepped over.
//
// It promises:
//   - What was added before a Sync that succeeded is there after a power cut, until Done has taken it. What was added and not synced is there
//     after a killed process.
//   - Records come back in the order they were added, whole or not at all. A damaged one costs nothing but itself, and is counted.
//   - It never grows beyond its limits: the oldest segments go first, and what was unread in them is counted.
//   - A failed write leaves everything as it was before, and may be tried again.
//
// It never starts a goroutine and has no clock of its own.
package spool
