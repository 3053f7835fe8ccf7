// Package process is about the process as a whole: how it uses memory and pipes, and that it ends with its client.
package process

import (
	"os"
	"runtime/debug"
	"time"
)

// The settings of the garbage collector, for a server that is small while it is idle.
//
// Go collects when the heap has doubled: a server whose live heap is 8 MiB collects at 16 MiB, several times during
// one large answer. With collectPercent it collects at three times the live heap: half as often, for up to half as
// much memory again.
//
// Over stdio each client starts a server of its own, and many of them stand idle on one machine. There the heap is
// kept below softLimit as far as possible, and the memory that only starting needed is given back after startTime.
// What that costs: while an answer needs tens of megabytes, the collector may take up to half of the processor time.
const (
	collectPercent = 200
	softLimit      = 22 << 20
	startTime      = time.Second
)

// TuneMemory sets the garbage collector; oneClient is for a server over stdio. Whoever sets GOGC or GOMEMLIMIT
// decides instead. done must be called when the server ends.
func TuneMemory(oneClient bool) (done func()) {
	if os.Getenv("GOGC") == "" && os.Getenv("GOMEMLIMIT") == "" {
		debug.SetGCPercent(collectPercent)
		if oneClient {
			debug.SetMemoryLimit(softLimit)
		}
	}
	if !oneClient {
		return func() {}
	}
	timer := time.AfterFunc(startTime, debug.FreeOSMemory)
	return func() { timer.Stop() }
}
