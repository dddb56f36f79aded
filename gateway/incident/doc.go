// Package incident decides who is told what, and when, from the moment a finding begins until somebody has said how
// it ended. It is a pure function of what it is given: Step takes an incident, its household, the configuration and one
// input with its time, and gives back the next incident and the messages it calls for. It has no clock, no I/O and no
// randomness, it never sends anything, and it never closes an incident: only people do.
//
// # What it promises
//
//   - While an incident is open and a finding goes on, somebody is told at once and the ladder climbs until a person
//     acknowledges. After its last rung the last two repeat. A rung that cannot be told is passed at once.
//   - An acknowledgement is a promise with a timer; without an outcome in time the ladder climbs on from where it stood.
//   - No person gets more than one message from one step, and an input that is fed twice changes nothing the second time.
//   - Once closed, those told get one last message and nothing more, unless it reopens.
//
// # Moves
//
// What is not in this table is refused (see Refusal). The upper case moves are made by time and findings, the others by people.
//
//	open          acknowledge → acknowledged
//	open          arrive → on-site
//	open          close → closed
//	open          help → open
//	open          WORSE → open
//	acknowledged  acknowledge → acknowledged
//	acknowledged  arrive → on-site
//	acknowledged  close → closed
//	acknowledged  help → open
//	acknowledged  LAPSE → open
//	acknowledged  WORSE → open
//	on-site       arrive → on-site
//	on-site       close → closed
//	on-site       help → open
//	on-site       LAPSE → open
//	on-site       WORSE → open
//	closed        REOPEN → open
//
// # Why it is so
//
// A question whose finding ends by itself stays open, without reminders: only people close, and nobody was sent. It is
// shown, and a later question joins it with a fresh message, at most one in the time called quiet (6 h). An alert that
// joins takes over.
//
// A higher severity takes over even when somebody has taken the lower one on, or stands in the home: that person
// promised for less than what is now known. One reply from them holds the new ladder.
//
// When every finding of an alert has ended the ladder holds, but the incident waits for its outcome: those told are
// reminded each outcome_due (12 h). If a finding begins again, those who were told that it had ended are told that it goes
// on, and the ladder waits for them before it climbs.
//
// A rung's wait counts from the first of its contacts who was reached: waiting for the slowest would let one broken phone
// delay the next rung. A repeat counts from when the last round was written, so that refusals never make it faster.
//
// Closing makes the rules count stillness anew, and that ends a silence without anybody having been seen. So an outcome
// that was only assumed is looked at again after two hours: the incident reopens if a finding goes on, or if what ended
// with the closing has had no sign of life since.
package incident
