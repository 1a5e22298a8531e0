package session

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
)

// What the State of a shard holds is a list of parts, in a file of its own: each part behind its
// length, 4 bytes in big-endian order. Parts are appended without waiting for the disk; after a
// loss of power the last ones may be missing, which whoever reads them can tell.

// maxPart is far above what a part takes.
const maxPart = 256 << 20

func (f *File) statePath(shardID int) string {
	return filepath.Join(f.path+".state", strconv.Itoa(shardID))
}

// SaveState replaces what is stored of the State of a shard by one part.
func (f *File) SaveState(shardID int, part []byte) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.usableLocked(); err != nil {
		return err
	}
	if err := os.Mkdir(f.path+".state", 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return replaceFile(f.statePath(shardID), framed(part))
}

// AppendState adds a part to what is stored of the State of a shard.
func (f *File) AppendState(shardID int, part []byte) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.usableLocked(); err != nil {
		return err
	}
	file, err := os.OpenFile(f.statePath(shardID), os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	end, err := file.Seek(0, io.SeekEnd)
	if err == nil {
		_, err = file.Write(framed(part))
	}
	if err != nil { // the disk is full, say: no half of a part
		err = errors.Join(fmt.Errorf("append to %s: %w", file.Name(), err), file.Truncate(end))
	}
	return errors.Join(err, file.Close())
}

// LoadState returns the parts of what is stored of the State of a shard. What a crash has left of
// a part is cut off.
func (f *File) LoadState(shardID int) ([][]byte, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.usableLocked(); err != nil {
		return nil, err
	}
	b, err := os.ReadFile(f.statePath(shardID))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	parts, rest := unframed(b)
	if len(rest) > 0 {
		err = os.Truncate(f.statePath(shardID), int64(len(b)-len(rest)))
	}
	return parts, err
}

func (f *File) usableLocked() error {
	if f.refused != nil {
		return f.refused
	}
	return f.useLocked()
}

func framed(part []byte) []byte {
	b := binary.BigEndian.AppendUint32(make([]byte, 0, 4+len(part)), uint32(len(part)))
	return append(b, part...)
}

// unframed returns the parts of a list, and what is left behind the last one that is whole.
func unframed(b []byte) (parts [][]byte, rest []byte) {
	rest = b
	for len(rest) >= 4 {
		n := binary.BigEndian.Uint32(rest)
		if n == 0 || n > maxPart || uint64(n) > uint64(len(rest)-4) {
			break
		}
		parts = append(parts, rest[4:4+n])
		rest = rest[4+n:]
	}
	return parts, rest
}
