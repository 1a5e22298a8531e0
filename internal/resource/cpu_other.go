//go:build !unix

package resource

import "time"

// cpu returns nothing: the system has no getrusage.
func cpu() (user, system time.Duration) { return 0, 0 }
