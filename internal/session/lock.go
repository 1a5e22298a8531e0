package session

import "errors"

// errLocked is returned for files that another process, or another bot in this one, is using.
var errLocked = errors.New("another process uses it: " +
	"give each process a file of its own")
