// Package influx copies accepted readings, findings and incidents to InfluxDB, for charts and other people's tools. It is history only:
// nothing in the gateway waits for it, reads from it, or is less right without it.
//
// What the store has committed is handed over in memory, written to a spool on disk (see the package spool below) and sent from there, in
// order, at a bounded rate. The spool notes up to which line of the journal it is complete; what a killed process or a power cut kept from it,
// or a disk that was full, is fetched from the journal afterwards. A point is the same point however often it is sent, so that the database
// holds each once.
//
// It promises:
//   - Committed never waits and never fails.
//   - Every point is in the database in the end, once: through its outages, our being killed, and power cuts. Lost is only what the spool had to
//     drop at its limits, and what the database refuses by itself; both are counted and told.
//   - One point that the database refuses does not take others with it.
//   - No name, number, address or text goes out: household and device IDs, rules, codes and numbers only.
package influx
