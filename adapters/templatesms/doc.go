// Package templatesms hands texts to phones by a provider that sends approved templates only, as all do in mainland China: a
// registered signature, a template with an approved text, and short variables. Aliyun and Tencent Cloud are built in; any other
// provider of the kind is described in the configuration.
//
// It promises what adapters/sms promises:
//   - Send returns an error that is stillwater.ErrRefused (with ErrUnable where this provider refuses for a reason of its own),
//     stillwater.ErrNotSent (with ErrLimited where too much was sent), or anything else: it may have left, so ask before sending again.
//   - Find says "not found" only when it has looked at all there is to look at; where the provider cannot be looked at so, it is an error.
//   - Every call ends when its context does, and within the timeout.
//   - No error, identifier or log line holds a whole phone number, a credential or a text.
//
// What is sent is the template with Message.Vars filled in, never Message.Text, and never a digit to answer with: these providers take
// no answers but the carriers' opt-out words. A value is sent whole or not at all: of the templates that fit a message the first whose
// variables it can fill is taken. A repeat is marked as one.
//
// It never retries, never decides who is told, and starts no goroutine.
package templatesms
