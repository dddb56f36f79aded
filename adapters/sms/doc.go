// Package sms hands texts to people's phones and fetches what they answer. It has two providers of the same shape:
// Twilio, and Phones, an in-memory channel for trials and the demo.
//
// A provider promises:
//   - Send returns an error that is stillwater.ErrRefused (trying again is pointless), stillwater.ErrNotSent (it
//     certainly did not leave; trying again is safe), or anything else: it may have left, so ask before sending again.
//   - Find looks for a text by number and code, and says "not found" only when it has looked at all there is to look at.
//   - Every call ends when its context does, and within the provider's timeout.
//   - No error, state or log line of it holds a whole phone number, a credential or a text.
//
// It never retries, never decides who is told, never changes a text, and starts no goroutine of its own.
package sms
