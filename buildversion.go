package botwright

import "runtime/debug"

// Modules whose versions are told.
const (
	modulePath  = "github.com/botwright/botwright"
	libraryPath = "github.com/bwmarrin/discordgo"
)

// moduleVersion returns the version of a module that the program was built with; "" if the binary
// does not say.
func moduleVersion(path string) string {
	build, ok := debug.ReadBuildInfo()
	if !ok {
		return ""
	}
	for _, m := range append(build.Deps, &build.Main) {
		if m.Path == path {
			return m.Version
		}
	}
	return ""
}
