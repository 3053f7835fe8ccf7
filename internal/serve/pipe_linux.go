package serve

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

// polled gives in for reading without a thread that is blocked in it: the scheduler of Go looks every 20 us whether it has to
// give such a thread's place to another. That is the way for pipes and sockets; a terminal is shared with the shell. done
// ends a read that waits, and makes in what it was, for who reads it next.
func polled(in io.Reader) (out io.Reader, done func()) {
	f, ok := in.(*os.File)
	if !ok {
		return in, func() {}
	}
	info, err := f.Stat()
	if err != nil || info.Mode()&(os.ModeNamedPipe|os.ModeSocket) == 0 {
		return in, func() {}
	}
	fd, err := unix.FcntlInt(f.Fd(), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		return in, func() {}
	}
	if err = unix.SetNonblock(fd, true); err != nil {
		_ = unix.Close(fd)
		return in, func() {}
	}
	p := os.NewFile(uintptr(fd), f.Name())
	return p, func() {
		_ = p.Close()
		_ = unix.SetNonblock(int(f.Fd()), false)
	}
}
