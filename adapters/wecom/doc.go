// Package wecom hands cards to people in the office's own WeCom (企业微信), by its application: a card to one member, with buttons where a
// callback is configured, and with the message's own page where it has one. A group robot gets the number of a message and its link, and
// nothing about whom it is.
//
// It promises:
//   - Send returns an error that is stillwater.ErrRefused (with ErrUnable where WeCom refuses for a reason of the application's),
//     stillwater.ErrNotSent (with ErrLimited where too much was sent), or anything else: it may have left.
//   - A card with buttons that may have left is not shown twice: the message is its task, and WeCom takes each task once.
//   - Callback counts nothing but what is signed with the application's token, encrypted with its key, meant for this office and
//     application, and of now; and only a button pressed by the member whom the card went to. It answers with 2xx once Options.Reply has
//     it. A callback that comes again gives the same reply.
//   - No error holds a member's name, a credential or a text.
//
// It never retries but once with a new access token, never decides who is told, and starts no goroutine.
package wecom
