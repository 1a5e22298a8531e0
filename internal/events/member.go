package events

import (
	"fmt"

	"github.com/bwmarrin/discordgo"
)

// DecodeMember decodes one element of the members of a guild. It does what [Decode] does, but for
// checking what the member has.
func DecodeMember(d []byte) (*discordgo.Member, error) {
	m := new(discordgo.Member)
	if err := contain(func() error { return unmarshal(d, m) }); err != nil {
		return nil, fmt.Errorf("decode a member: %w", err)
	}
	return m, nil
}
