//go:build !linux

package demo

// roomyMemory is empty where the system has no file system in memory.
func roomyMemory() string { return "" }
