// Package build tells what the program was built from.
package build

import "runtime/debug"

// A Version is what the binary says of its modules: "" of those that it says nothing of.
type Version struct {
	Program, Botwright, Discordgo string
}

// Read returns the versions.
func Read() (v Version) {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return v
	}
	v.Program = info.Main.Version
	for _, m := range append(info.Deps, &info.Main) {
		switch m.Path {
		case "github.com/botwright/botwright":
			v.Botwright = m.Version
		case "github.com/bwmarrin/discordgo":
			v.Discordgo = m.Version
		}
	}
	return v
}
