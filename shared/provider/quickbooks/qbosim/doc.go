// Package qbosim is a strict simulator of the QuickBooks Online Accounting API, version 3, with
// Intuit's OAuth 2.0 in front of it and Intuit's webhooks behind it. Tests, benchmarks and the local
// demo talk to it over HTTP.
//
// Strict means: what Intuit refuses is refused here, and what Intuit does not promise (a snapshot
// between pages, a Retry-After, a second CDC page) is not given here either.
//
// A company knows all 39 entities that can be queried. It costs about the same few kilobytes at any
// size: its objects are pure functions of the seed and a number, made while an answer is written, and
// what all companies have in common is held once. Only what somebody changes is kept.
package qbosim
