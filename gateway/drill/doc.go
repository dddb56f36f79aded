// Package drill plans the monthly exercise of the whole way, from a meter to the handsets of those who would be told, and says how it went.
//
// It promises that each contact is told once a month at most, however many homes the contact belongs to, and that the resident herself never
// is. It decides and computes alone: the pipeline runs a drill, and the store keeps what became of it as the messages that were written.
package drill
