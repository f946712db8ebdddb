//go:build !linux

package standalone

// useHugePages is for Linux.
func useHugePages() {}
