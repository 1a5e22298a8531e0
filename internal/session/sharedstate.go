package session

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
)

// What the State of a shard holds is a list of parts, which are put together to large values, each
// under a number: a head that is the same for all values of one list, and the parts as in a file.
// The last value is written again with each part until it is large enough. A new list begins at 0
// with another head, so that what is left of the list before ends where the new one does.

// sharedChunk is how large a value gets before the next one begins: what comes every five seconds
// is written some twenty times, and what a takeover has to load is in few values.
const sharedChunk = 64 << 10

// headSize is that of the number that begins each value.
const headSize = 8

// sharedState is where a list ends.
type sharedState struct {
	list  uint64 // its number; 0: none
	index int    // of the last value
	last  []byte // that value
}

func stateName(shardID, index int) string { return fmt.Sprintf("state/%d/%d", shardID, index) }

// SaveState replaces what is stored of the State of a shard by one part.
func (s *Shared) SaveState(ctx context.Context, shardID int, part []byte) error {
	return s.storeState(ctx, shardID, sharedState{list: rand.Uint64() | 1}, part)
}

// AppendState adds a part to what is stored of the State of a shard.
func (s *Shared) AppendState(ctx context.Context, shardID int, part []byte) error {
	state := s.shard(shardID).state
	switch {
	case state.list == 0:
		return errors.New("there is no State to add to")
	case len(state.last)+len(part) > sharedChunk:
		state.index, state.last = state.index+1, nil
	}
	return s.storeState(ctx, shardID, state, part)
}

// storeState writes the last value of a list with one part more.
func (s *Shared) storeState(ctx context.Context, id int, state sharedState, part []byte) error {
	value := make([]byte, 0, max(headSize, len(state.last))+len(part)+4)
	if state.last == nil {
		value = binary.BigEndian.AppendUint64(value, state.list)
	}
	value = append(append(value, state.last...), framed(part)...)
	if err := s.keys.Save(ctx, stateName(id, state.index), value); err != nil {
		return err
	}
	state.last = value
	s.shard(id).state = state
	return nil
}

// LoadState returns the parts of what is stored of the State of a shard.
func (s *Shared) LoadState(ctx context.Context, shardID int) (parts [][]byte, err error) {
	var state sharedState
	for i := 0; ; i++ {
		value, err := s.keys.Load(ctx, stateName(shardID, i))
		if errors.Is(err, fs.ErrNotExist) {
			break
		}
		if err != nil {
			return nil, err
		}
		if len(value) < headSize {
			break
		}
		list := binary.BigEndian.Uint64(value)
		if i > 0 && list != state.list {
			break
		}
		state = sharedState{list: list, index: i, last: value}
		more, _ := unframed(value[headSize:])
		parts = append(parts, more...)
	}
	s.shard(shardID).state = state
	return parts, nil
}
