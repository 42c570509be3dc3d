//go:build !linux

package storetest

// inMemory knows of no folder in memory here.
func inMemory() (dir string, ok bool) { return "", false }
