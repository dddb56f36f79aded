// Package sqlite keeps everything the gateway must not forget in one SQLite file: the journal, engine states, findings,
// incidents, messages, replies acted on, the registry of households, and documents: what is imported and read as a whole, as duty rosters are.
//
// It promises:
//   - Commit stores a batch whole or not at all, and returns only once it is on the disk (WAL, synchronous=FULL). What
//     Commit has returned nil for survives kill -9 and, on a disk that honours fsync, power loss.
//   - Seq rises with every journal entry and is never given twice, not even after Prune.
//   - A message never goes back behind what the courier has already done with it: see settle.
//   - Prune removes no entry that a household's state does not cover yet.
//   - Two processes may have the file open (run and import); only one of them can hold Lock.
//   - Times come back in UTC.
//
// It never judges what it stores, never starts a goroutine that outlives a call, and never logs a name, number or text.
// The file holds personal data and is created readable by its owner only.
package sqlite
