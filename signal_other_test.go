//go:build !unix

package botwright_test

import (
	"errors"
	"os"
)

// signalStop cannot stop a process on this system.
func signalStop(*os.Process, bool) error { return errors.ErrUnsupported }
