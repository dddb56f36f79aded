// Package pull fetches what platforms and other programs hold ready: an HTTP interface (JSON or CSV), files on an SFTP server, or files
// that another program puts into a folder of this machine.
//
// It promises that what is fetched again does no harm and costs little, that a restart loses nothing of the last days, and to say once when
// it cannot fetch, or when there has been nothing new for too long, see platform.Watch.
//
// It never writes to the other side, follows no redirection (a token would go along), and connects to no SFTP server whose key it was not told.
//
// Where it has got to is kept in memory alone. That is enough: after a start, and at every fetch for as long as meters may be late,
// it asks for more than is new. What it has emitted already it leaves out by its memory, and after a restart the engine does by its journal.
package pull
