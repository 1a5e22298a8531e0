package discordtest

import (
	"fmt"
	"strings"
)

var (
	firstNames = []string{
		"Amara", "Bilal", "Chiara", "Dmitri", "Elif", "Farid", "Greta", "Hana", "Ivo", "Jonas", "Keiko", "Liam",
		"Maya", "Nadia", "Omar", "Priya", "Quinn", "Rosa", "Sven", "Tomas", "Ursula", "Viktor", "Wren", "Ximena",
		"Yusuf", "Zofia", "Anouk", "Bruno", "Celeste", "Dario", "Esme",
	}
	lastNames = []string{
		"Abara", "Bergman", "Castillo", "Dvorak", "Eriksen", "Fontaine", "Grant", "Hughes", "Ishii", "Jansen",
		"Kowalski", "Lindqvist", "Moreau", "Novak", "Okafor", "Petrov", "Quist", "Rossi", "Sato", "Tanaka",
		"Usman", "Varga", "Weber", "Xu", "Yilmaz", "Zeller", "Aalto", "Brandt", "Costa",
	}
	guildNames = []string{
		"Pixel Harbor", "The Reading Room", "Midnight Raiders", "Open Source Garden", "Retro Arcade", "Trailhead",
		"Synth Club", "Chess Corner", "Northern Lights", "Home Lab", "Kitchen Table", "Speedrun Central",
	}
	channelNames = []string{
		"general", "introductions", "off-topic", "help", "screenshots", "announcements", "music", "memes", "events",
		"feedback", "bots", "looking-for-group",
	}
	phrases = []string{
		"good morning everyone", "has anyone tried the new update yet?", "lol same", "brb, coffee",
		"that makes sense, thanks!", "when is the next event?", "I think the second option is better",
		"just finished the first chapter", "can someone explain how this works?", "gg", "anyone up for a game tonight?",
		"the link above is broken for me", "nice screenshot", "sounds good to me",
		"wait, really?", "I'll be there at eight",
		"happy birthday!", "first time here, hello all", "my build finally passes", "no idea, sorry",
	}
	reactions = []string{"👍", "🎉", "😂", "❤️", "👀", "🔥"}
)

// personName returns the username and display name of person i; usernames differ for different i.
// The two lists have lengths without a common divisor, so walking both gives every pair before one
// comes again.
func personName(i int) (username, display string) {
	first, last := firstNames[i%len(firstNames)], lastNames[i%len(lastNames)]
	username = strings.ToLower(first + "." + last)
	if round := i / (len(firstNames) * len(lastNames)); round > 0 {
		username = fmt.Sprintf("%s%d", username, round+1)
	}
	return username, first + " " + last
}

// pick returns name i of a list and numbers the names when the list is used up.
func pick(list []string, i int, sep string) string {
	if round := i / len(list); round > 0 {
		return fmt.Sprintf("%s%s%d", list[i%len(list)], sep, round+1)
	}
	return list[i%len(list)]
}
