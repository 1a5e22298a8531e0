//go:build unix

package botwright_test

import (
	"os"
	"syscall"
)

// signalStop stops a process, or lets it go on.
func signalStop(p *os.Process, stop bool) error {
	if stop {
		return p.Signal(syscall.SIGSTOP)
	}
	return p.Signal(syscall.SIGCONT)
}
