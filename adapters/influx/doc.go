// Package influx copies accepted readings and findings to InfluxDB, for charts and other people's tools. It is history
// only: nothing in the gateway waits for it, reads from it, or is less right without it.
//
// It promises:
//   - Write and WriteFinding never block and never fail. What does not fit into the queue pushes out the oldest, and is counted.
//   - A point is sent again until the database has it or refuses it; writing one twice changes nothing there.
//   - Run writes what is left for at most two seconds when it is stopped.
//   - No name, number, address or text goes out: household and device IDs, rules and numbers only.
//
// It never stores anything on disk: what is queued when the process is killed is missing in InfluxDB.
package influx
