package build_test

import (
	"testing"

	"github.com/botwright/botwright/internal/build"
)

// A test binary has no version of its own module, and those of others only if it is linked with them.
func TestRead(t *testing.T) {
	if v := build.Read(); v.Discordgo != "" {
		t.Errorf("this binary is not linked with discordgo: %+v", v)
	}
}
