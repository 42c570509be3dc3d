package store

// Dispatch is the statement of Due, for the test of its plan.
const Dispatch = dispatch
