package process

import (
	"io"
	"os"

	"golang.org/x/sys/unix"
)

// widePipe is the size in bytes that a pipe to the client gets: the most that Linux grants to everyone, see pipe(7).
const widePipe = 1 << 20

// TunePipes makes the pipes of a client faster. A pipe to it takes a whole large answer: in one of the usual 64 KiB,
// server and client wait for each other several times. That costs up to 1 MiB of the kernel's memory while the client
// does not read.
//
// A pipe from it is read without a thread that is blocked in it: Go's scheduler looks every 20 us whether it has to
// give such a thread's place to another. That costs a duplicate of the file, set to O_NONBLOCK, which the other
// holders of the pipe see too. So done makes in what it was, and ends a read that waits. What is no pipe or socket,
// such as a terminal, is left alone.
func TunePipes(in io.Reader, out io.Writer) (polled io.Reader, done func()) {
	if f, ok := out.(*os.File); ok {
		if raw, err := f.SyscallConn(); err == nil {
			_ = raw.Control(func(fd uintptr) { _, _ = unix.FcntlInt(fd, unix.F_SETPIPE_SZ, widePipe) })
		}
	}
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
