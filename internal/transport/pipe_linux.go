package transport

import (
	"io"
	"os"

	"golang.org/x/sys/unix"
)

// widePipe is the size in bytes that a pipe to the client gets: the most that Linux grants to everyone, see pipe(7).
const widePipe = 1 << 20

// widen lets a pipe take a whole large answer: in one of the usual 64 KiB, server and client wait for each other several
// times. What is no pipe, or may not grow, stays as it is.
func widen(out io.Writer) {
	f, ok := out.(*os.File)
	if !ok {
		return
	}
	if raw, err := f.SyscallConn(); err == nil {
		_ = raw.Control(func(fd uintptr) { _, _ = unix.FcntlInt(fd, unix.F_SETPIPE_SZ, widePipe) })
	}
}
