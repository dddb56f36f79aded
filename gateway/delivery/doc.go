// Package delivery is the courier: it takes messages from the outbox to a provider, finds out what became of them, and
// brings in what people reply. What it learns goes to the Sink as receipts and replies; it decides nothing about incidents
// and writes no text.
//
// # What it promises
//
//   - A message in the outbox is handed over at once, or within one backoff and one attempt of the provider's recovery.
//     Urgent ones go first and wait for nothing but a free place; those to one contact by one channel keep their order.
//   - What a provider certainly did not take (not reached, over a limit of its own, an account that is closed) goes by the next route of its channel and
//     country at once. What is refused for the number's sake goes by no other.
//   - That a message is about to be sent is stored before the provider is called. After anything unclear (a timeout, a crash, an
//     answer that says neither yes nor no) that provider is asked for the number and code first, and that it is not there counts
//     only a while after the attempt. Where it cannot be asked, or not in time, it goes again, marked as a repeat. Until then no other provider gets it.
//   - What was refused, is over a limit, or could not be delivered for too long, is reported as failed, so that the ladder climbs past it, and is
//     not sent later. A question or a piece of news that is hours old is cancelled instead of sent.
//   - A provider that hangs holds its own places; after a moment nobody waits for them who has another route. One that fails several times in a row is left alone,
//     and tried by one message at a time, an urgent one only where no other route is left.
//   - Limits and costs hold through a restart: they are counted from what is stored.
//
// It never sends what is not in the outbox, never sends again while a receipt waits to be stored, and never logs a text or a number.
//
// # The way of a message
//
//	pending ──choose a route, mark──▶ sending ──hand over──▶ accepted ──ask, or be told──▶ delivered, failed
//	   ▲  │                              │ ├─ refused ─────▶ failed
//	   │  └─ no route, over a limit ─────│─┼──────────────▶ failed
//	   └── not sent: the next route ─────┘ └─ unclear ─────▶ ask that provider: there → accepted
//	                                                         not there, a while after the attempt → choose, mark, hand over
//	                                                         cannot be asked, or not in time → choose, mark, hand over as a repeat
//
// One goroutine, the dispatcher, owns every job and decides; the others each make one call and bring the answer back.
//
// # How a route is chosen
//
// Of the routes of a message's channel and country, in their order (one that left it unclear last): the first that has not refused it, is not over a
// limit, whose circuit is closed, and that has a free place. A preferred route that is merely busy is waited for. Over a limit of all routes it waits
// up to a minute for a place, and else fails; our own courtesy to a contact does not bind what is urgent.
package delivery
