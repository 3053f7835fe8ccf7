package process

import (
	"os"

	"golang.org/x/sys/windows"
)

// parentProcess is an open handle: the number of a process that has ended may be that of another.
type parentProcess windows.Handle

// parent is not ok where the parent has ended already, so that its number is free or that of a process that is younger.
func parent() (p parentProcess, ok bool) {
	const rights = windows.SYNCHRONIZE | windows.PROCESS_QUERY_LIMITED_INFORMATION
	h, err := windows.OpenProcess(rights, false, uint32(os.Getppid()))
	if err != nil {
		return 0, false
	}
	theirs, err := created(h)
	own, ownErr := created(windows.CurrentProcess())
	if err != nil || ownErr != nil || theirs > own {
		_ = windows.CloseHandle(h)
		return 0, false
	}
	return parentProcess(h), true
}

func created(h windows.Handle) (int64, error) {
	var creation, exit, kernel, user windows.Filetime
	err := windows.GetProcessTimes(h, &creation, &exit, &kernel, &user)
	return creation.Nanoseconds(), err
}

func (p parentProcess) gone() bool {
	event, err := windows.WaitForSingleObject(windows.Handle(p), 0)
	return err == nil && event == windows.WAIT_OBJECT_0
}

func (p parentProcess) close() { _ = windows.CloseHandle(windows.Handle(p)) }
