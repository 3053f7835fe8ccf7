// Package process is about the process as a whole: its memory, the pipes to its client, and the process that started
// it.
package process

import (
	"os"
	"runtime/debug"
	"time"
)

// TuneMemory makes the garbage collector suit a server that is small while it is idle. Whoever sets GOGC or
// GOMEMLIMIT decides instead.
//
// Go collects when the heap has doubled: with a live heap of 8 MiB that is at 16 MiB, several times during a large
// answer. At 200 percent it collects half as often, for up to half as much memory again. Over stdio each client
// starts a server of its own, and many of them stand idle on one machine: with oneClient the heap stays below 22 MiB
// as far as possible, and the memory that only starting needed is given back. What that costs: while an answer needs
// tens of megabytes, the collector may take up to half of the processor time.
//
// With several databases the live heap is larger, and it collects at 80 percent; over HTTP at 50, so that five of them
// under 64 callers take 55 to 58 MiB instead of 71.
func TuneMemory(oneClient, severalDatabases bool) {
	if os.Getenv("GOGC") != "" || os.Getenv("GOMEMLIMIT") != "" {
		return
	}
	percent := 200
	switch {
	case severalDatabases && oneClient:
		percent = 80
	case severalDatabases:
		percent = 50
	}
	debug.SetGCPercent(percent)
	if oneClient {
		debug.SetMemoryLimit(22 << 20)
		time.AfterFunc(time.Second, debug.FreeOSMemory)
	}
}
