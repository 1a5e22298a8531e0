package events

import (
	"fmt"

	"github.com/bwmarrin/discordgo"
)

// DecodeMember decodes one element of the members of a guild. It does what [Decode] does, but for
// checking what the member has, or [DecodeKept] if names is not nil.
func DecodeMember(d []byte, names *Names) (*discordgo.Member, error) {
	m := new(discordgo.Member)
	err := contain(func() error {
		r := newReader(d, names)
		if r.readMember(m); r.all() {
			return nil
		}
		*m = discordgo.Member{}
		return unmarshal(d, m)
	})
	if err != nil {
		return nil, fmt.Errorf("decode a member: %w", err)
	}
	return m, nil
}
