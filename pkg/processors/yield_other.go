//go:build !linux

package processors

func yield() {}
