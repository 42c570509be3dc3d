// Package plaidsim is a strict simulator of Plaid's API, version 2020-09-14, with hosted Link in front
// of it and webhooks behind it. Tests, benchmarks and the local demo talk to it over HTTP.
//
// Strict means: what Plaid refuses is refused here (a field it does not know, a cursor of another
// Item, a page of a run whose data has changed), and what Plaid does not promise (an order of
// statements, a removed entry for each transaction of an account that vanished) is not given either.
//
// A Login is what a person has at a bank; an Item is a Login that was linked. An Item's history is a
// pure function of its seed: only what somebody changes is kept, so a hundred thousand transactions
// cost little more than their ids.
package plaidsim
