// Package api is the gateway for other programs: a versioned JSON interface below /api/v1/, described by an OpenAPI 3.1 document that it
// serves itself at /api/v1/openapi.json, and the events that it sends to who asked for them.
//
// Every request but that for the document needs a key of the configuration, which may do what its scopes say, in the part of the grid that
// its area names: of a home elsewhere it learns not even that there is one. Each request is logged by the name of its key, and counted
// against the key's limit.
//
// It promises:
//   - Fetching anything changes nothing. A deed is done once for each Idempotency-Key, also when the gateway is killed while it does it.
//   - No name, no note and no text leaves without the scope personal:read, and then names are shortened. Telephone numbers and addresses
//     never do.
//   - What was refused says what and how to mend it (RFC 9457), and changed nothing.
//   - An event is sent until its receiver has taken it, those of one incident in their order, each with an ID that is the same whenever it
//     comes again. What was committed is sent although the gateway was killed in between.
//
// It decides nothing: deeds go to Acts as they are.
package api
