//go:build unix

package resource

import (
	"syscall"
	"time"
)

// cpu returns the time that the process has spent in its own code and in the kernel.
func cpu() (user, system time.Duration) {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0, 0
	}
	return time.Duration(u.Utime.Nano()), time.Duration(u.Stime.Nano())
}
