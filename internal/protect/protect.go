// Package protect contains the panics of functions that are not ours.
package protect

import "runtime/debug"

// Call calls f and returns its error. If f panics, Call returns what panicked makes of the value and
// the stack instead. If f ends its goroutine, so does Call.
func Call(f func() error, panicked func(value any, stack []byte) error) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = panicked(v, debug.Stack())
		}
	}()
	return f()
}
