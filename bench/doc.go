// Package bench compares Botwright's parts with other libraries. It has only benchmarks.
package bench
