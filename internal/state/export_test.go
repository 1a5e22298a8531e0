package state

import (
	"encoding/binary"
	"hash/crc32"
	"slices"
)

// WantSnapshot lets a Journal write a snapshot.
func WantSnapshot(j *Journal) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.due = true
}

// LimitDelta changes how much may wait to be stored.
func LimitDelta(j *Journal, size int) { j.maxDelta = size }

// WithChecksum makes a part of its contents.
func WithChecksum(b []byte) []byte {
	return binary.BigEndian.AppendUint32(slices.Clip(b), crc32.ChecksumIEEE(b))
}
