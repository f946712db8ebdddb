//go:build !linux

package machine

// Settle does nothing here.
func Settle() {}

// OnDisk does not know here.
func OnDisk(string) error { return nil }
