// Package platform reads what the platforms of water companies and carriers say of meters and doors, whether they push it or it is
// fetched: a Layout says where in JSON or CSV the device's number, the values and their times are, so that a platform is a file and not code.
//
// It promises that every reading has a time that is known to be its own: what has none, or one without a zone that nobody named, is
// refused and counted, and so is a value of a time that is yet to come, of which tables padded to the end of the day are full.
//
// It never opens a connection, keeps nothing of a message, and puts nothing of one into an error: reasons are few and fixed.
package platform
