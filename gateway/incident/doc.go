// Package incident decides who is told what, by which channel, and when, from the moment a finding begins until somebody has said how
// it ended. It is a pure function of what it is given: Step takes an incident, its household, the configuration and one
// input with its time, and gives back the next incident and the messages it calls for; Merge and SplitOff do the same for two incidents. It has no
// clock, no I/O and no randomness, it never sends anything, and it never closes an incident: only people do.
//
// # What it promises
//
//   - While an incident is open and a finding goes on, somebody is told at once and the ladder climbs until a person
//     acknowledges. After its last rung the last two that have anybody repeat. A rung that cannot be told is passed at once, and shown.
//   - An acknowledgement is a promise with a timer; without an outcome in time the ladder climbs on from where it stood.
//   - No person gets more than one message from one step, whatever roles that person has, no telephone either, and an input that is fed
//     twice changes nothing the second time.
//   - Calls for somebody to go that have not left when somebody takes it on never leave. If the promise is not kept, whose they were is told then.
//   - Who withdrew, opted out, is off duty or has quiet hours is not called; why not stands in the log, and the ladder does not wait for them.
//     Urgent alerts ignore quiet hours. News of what somebody was told, and questions, wait for the end of quiet hours.
//   - Once closed, those told get one last message and nothing more, unless it reopens, or a visit was promised.
//
// # Moves
//
// What is not in this table is refused (see Refusal). The upper case moves are made by time and findings, the others by people.
//
//	open          acknowledge → acknowledged
//	open          arrive → on-site
//	open          close → closed
//	open          help → open
//	open          hand-over → open
//	open          escalate → open
//	open          hold → open
//	open          merge → closed
//	open          split → open
//	open          WORSE → open
//	acknowledged  acknowledge → acknowledged
//	acknowledged  arrive → on-site
//	acknowledged  close → closed
//	acknowledged  help → open
//	acknowledged  hand-over → acknowledged
//	acknowledged  escalate → acknowledged
//	acknowledged  hold → acknowledged
//	acknowledged  merge → closed
//	acknowledged  split → acknowledged
//	acknowledged  LAPSE → open
//	acknowledged  WORSE → open
//	on-site       acknowledge → acknowledged
//	on-site       arrive → on-site
//	on-site       close → closed
//	on-site       help → open
//	on-site       hand-over → on-site
//	on-site       escalate → on-site
//	on-site       hold → on-site
//	on-site       merge → closed
//	on-site       split → on-site
//	on-site       LAPSE → open
//	on-site       WORSE → open
//	closed        reopen → open
//	closed        follow-up → closed
//	closed        REOPEN → open
//
// On site, only the one it was handed over to can acknowledge.
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
// Beyond the ladder stand the last two rungs that have somebody who can be told at that moment, not the last two of the file: at night, or where
// no street office is entered, those would be empty, and a family that did not wake at the first call would not be called again.
//
// The resident's call is no rung. Nothing waits for it, and a call that she does not answer says nothing: she may be out, or lie beside the
// telephone.
//
// A hand-over does not move the ladder and does not hold it: whoever has it keeps it until the other says so. Told with its code, the other
// answers as to any alert.
//
// An overdue incident climbs one rung even while somebody is on it, once: whoever is next up shall see that it takes long. When its
// findings have ended nobody more is called for that; it is shown.
//
// Closing makes the rules count stillness anew, and that ends a silence without anybody having been seen. So an outcome
// that was only assumed is looked at again after two hours: the incident reopens if a finding goes on, or if what ended
// with the closing has had no sign of life since.
package incident
