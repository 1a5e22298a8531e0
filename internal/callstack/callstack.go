// Package callstack looks who has called. Callbacks without a context can be told apart in no other
// way.
package callstack

import (
	"runtime"
	"slices"
)

// Has reports whether one of the functions has called the caller, directly or not. Their names
// are those of runtime.Frame: that of a method of a generic type has [...] for its types.
func Has(functions ...string) bool {
	pcs := make([]uintptr, 64)
	for skip := 1; ; skip += len(pcs) {
		n := runtime.Callers(skip, pcs)
		if n == 0 {
			return false
		}
		frames := runtime.CallersFrames(pcs[:n])
		for more := true; more; {
			var frame runtime.Frame
			frame, more = frames.Next()
			if slices.Contains(functions, frame.Function) {
				return true
			}
		}
	}
}
