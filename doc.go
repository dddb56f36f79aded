// Package stillwater is the vocabulary of the gateway: households and devices, readings, findings, incidents,
// contacts and messages. It has nouns without behaviour beyond validation and imports only the standard library.
//
//	.            the vocabulary
//	rules/       MEANING    pure: readings in, findings out. One detector, one file; one engine
//	adapters/    OUTSIDE    one folder per technology
//	gateway/     WIRING     package main, the stillwater command; under it pipeline incident delivery registry words console …
//	simulator/   PRETENCE   residents, meters, door sensors and phones over the real protocols, faults on request
//	deploy/      OPERATION  sample configuration, service units
//
// Who may import whom:
//
//	adapters ──▶ stillwater ◀── rules        simulator speaks the wire protocols only
//	    ▲            ▲            ▲
//	    └───────── gateway ───────┘          gateway/main hands adapters to gateway/*, which never import them
//
// The way of one reading, forwards only: an adapter decodes it; gateway/pipeline checks it and queues it by household;
// rules.Engine steps; gateway/incident turns findings, replies and receipts into the next state and the messages it
// calls for; adapters/sqlite commits the journal entries, incidents and messages in one transaction; gateway/delivery
// takes messages from the outbox to a provider.
package stillwater
