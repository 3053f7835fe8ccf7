//go:build !linux

package serve

import "io"

// widen does nothing: only Linux lets pipes grow.
func widen(io.Writer) {}

// polled changes nothing.
func polled(in io.Reader) (out io.Reader, done func()) { return in, func() {} }
