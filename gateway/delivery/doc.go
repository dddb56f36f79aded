// Package delivery is the courier: it takes messages from the outbox to a provider, finds out what became of them, and
// brings in what people reply. What it learns goes to the Sink as receipts and replies; it decides nothing about incidents
// and writes no text.
//
// # What it promises
//
//   - A message in the outbox is handed over at once, or within one backoff and one attempt of the provider's recovery.
//     Urgent ones go first and wait for nothing but a free slot; those to one contact keep their order.
//   - That a message is about to be sent is stored before the provider is called. After anything unclear (a timeout, a crash, an
//     answer that says neither yes nor no) the provider is asked for the number and code first, and that it is not there counts
//     only a while after the attempt. Where it cannot be asked, or not in time, it goes again, marked as a repeat.
//   - What was refused, or could not be delivered for too long, is reported as failed, so that the ladder climbs past it, and is
//     not sent later. A question or a piece of news that is hours old is cancelled instead of sent.
//   - A provider that hangs holds its own slots and nothing else.
//
// It never sends what is not in the outbox, never sends again while a receipt waits to be stored, and never logs a text or a number.
//
// # The way of a message
//
//	pending ──mark──▶ sending ──hand over──▶ accepted ──ask for status──▶ delivered, failed
//	   ▲                 │ ├─ refused ─────▶ failed
//	   └── not sent ─────┘ └─ unclear ─────▶ ask: there → accepted
//	                                             not there, a while after the attempt → mark, hand over
//	                                             cannot be asked, or not in time → mark, hand over as a repeat
//
// One goroutine, the dispatcher, owns every job and decides; the others each make one call and bring the answer back.
package delivery
