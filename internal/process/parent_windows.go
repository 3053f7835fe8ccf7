package process

import (
	"os"

	"golang.org/x/sys/windows"
)

// parentGone returns a function that reports whether the parent has ended; nil where it can't be told. The handle stays
// open for as long as the process lives: without it, the number of the parent could become that of another process.
func parentGone() func() bool {
	parent, err := windows.OpenProcess(windows.SYNCHRONIZE, false, uint32(os.Getppid()))
	if err != nil {
		return nil
	}
	return func() bool {
		event, err := windows.WaitForSingleObject(parent, 0)
		return err == nil && event == windows.WAIT_OBJECT_0
	}
}
