// Package tenant is what an organisation takes with it when it leaves, and how it is forgotten: Export
// writes all that is kept of it into one file, Erase ends its logins and leaves nothing of it behind. It
// names no provider and no table.
package tenant
