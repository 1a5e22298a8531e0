package discordtest

import (
	"strings"

	"github.com/bwmarrin/discordgo"
)

func emojiRoutes(r router) {
	const emojis = "/guilds/{guild}/emojis"
	r.on("GET", emojis, (*exchange).listEmojis)
	r.on("POST", emojis, (*exchange).createEmoji, discordgo.PermissionCreateGuildExpressions)
	r.on("GET", emojis+"/{emoji}", (*exchange).getEmoji)
	r.on("PATCH", emojis+"/{emoji}", (*exchange).patchEmoji, discordgo.PermissionManageGuildExpressions)
	r.on("DELETE", emojis+"/{emoji}", (*exchange).deleteEmoji, discordgo.PermissionManageGuildExpressions)

	const ours = "/applications/{application}/emojis"
	r.on("GET", ours, (*exchange).listAppEmojis)
	r.on("POST", ours, (*exchange).createAppEmoji)
	r.on("GET", ours+"/{emoji}", (*exchange).getAppEmoji)
	r.on("PATCH", ours+"/{emoji}", (*exchange).patchAppEmoji)
	r.on("DELETE", ours+"/{emoji}", (*exchange).deleteAppEmoji)
}

const (
	maxEmojis    = 50   // of a guild without boosts
	maxAppEmojis = 2000 // of an application
	maxImage     = 256 << 10
)

// newEmoji reads an emoji from the body.
func (x *exchange) newEmoji() (document, error) {
	e := document{
		"id": x.newIDLocked(), "roles": []any{}, "user": x.world.bot, "require_colons": true, "managed": false,
		"animated": false, "available": true,
	}
	err := x.fill(e, true, field{name: "name", required: true, low: 2, high: 32},
		field{name: "image", required: true}, field{name: "roles", kind: listField})
	if err != nil {
		return nil, err
	}
	image, _ := e["image"].(string)
	delete(e, "image")
	e["animated"] = strings.HasPrefix(image, "data:image/gif")
	switch {
	case !strings.HasPrefix(image, "data:image/") || !strings.Contains(image, ";base64,"):
		return nil, formError("image", "IMAGE_INVALID", "Invalid image data")
	case len(image)*3/4 > maxImage:
		return nil, formError("image", "BINARY_TYPE_MAX_SIZE", "File cannot be larger than 256.0 kb.")
	}
	return e, nil
}

func (x *exchange) patchEmojiOf(list documents) (document, error) {
	e := list.find(x.params["emoji"])
	if e == nil {
		return nil, errUnknownGuildEmoji
	}
	return e, x.fill(e, false, field{name: "name", low: 2, high: 32}, field{name: "roles", kind: listField})
}

var errUnknownGuildEmoji = &apiError{404, 10014, "Unknown Emoji", nil}

// knowsEmoji reports whether the bot can use a custom emoji: one of its guilds or its own.
func (s *Server) knowsEmoji(id string) bool {
	for _, g := range s.world.guilds {
		if g.emojis.find(id) != nil {
			return true
		}
	}
	return s.world.emojis.find(id) != nil
}

// emojisChangedLocked dispatches GUILD_EMOJIS_UPDATE.
func (s *Server) emojisChangedLocked(g *guild) {
	s.emitLocked(g.id, "GUILD_EMOJIS_UPDATE", map[string]any{"guild_id": g.id, "emojis": g.emojis.list()})
}

func (x *exchange) listEmojis() (any, error) {
	g, err := x.guild()
	if err != nil {
		return nil, err
	}
	return g.emojis.list(), nil
}

func (x *exchange) getEmoji() (any, error) {
	g, err := x.guild()
	if err != nil {
		return nil, err
	}
	if e := g.emojis.find(x.params["emoji"]); e != nil {
		return e, nil
	}
	return nil, errUnknownGuildEmoji
}

func (x *exchange) createEmoji() (any, error) {
	g, err := x.guild()
	if err != nil {
		return nil, err
	}
	e, err := x.newEmoji()
	if err != nil {
		return nil, err
	}
	if len(g.emojis) >= maxEmojis {
		return nil, &apiError{400, 30008, "Maximum number of emojis reached (50)", nil}
	}
	g.emojis = append(g.emojis, e)
	x.emojisChangedLocked(g)
	x.auditLocked(g.id, discordgo.AuditLogActionEmojiCreate, e.id(), auditChange{"name", nil, e["name"]})
	return created{e}, nil
}

func (x *exchange) patchEmoji() (any, error) {
	g, err := x.guild()
	if err != nil {
		return nil, err
	}
	e, err := x.patchEmojiOf(g.emojis)
	if err != nil {
		return nil, err
	}
	x.emojisChangedLocked(g)
	x.auditLocked(g.id, discordgo.AuditLogActionEmojiUpdate, e.id())
	return e, nil
}

func (x *exchange) deleteEmoji() (any, error) {
	if _, err := x.getEmoji(); err != nil {
		return nil, err
	}
	g := x.world.guilds[x.params["guild"]]
	g.emojis.drop(x.params["emoji"])
	x.emojisChangedLocked(g)
	x.auditLocked(g.id, discordgo.AuditLogActionEmojiDelete, x.params["emoji"])
	return nil, nil
}

func (x *exchange) listAppEmojis() (any, error) {
	if _, err := x.scope(); err != nil {
		return nil, err
	}
	return map[string]any{"items": x.world.emojis.list()}, nil
}

func (x *exchange) getAppEmoji() (any, error) {
	if _, err := x.scope(); err != nil {
		return nil, err
	}
	if e := x.world.emojis.find(x.params["emoji"]); e != nil {
		return e, nil
	}
	return nil, errUnknownGuildEmoji
}

func (x *exchange) createAppEmoji() (any, error) {
	if _, err := x.scope(); err != nil {
		return nil, err
	}
	e, err := x.newEmoji()
	if err != nil {
		return nil, err
	}
	if len(x.world.emojis) >= maxAppEmojis {
		return nil, &apiError{400, 30008, "Maximum number of emojis reached (2000)", nil}
	}
	x.world.emojis = append(x.world.emojis, e)
	return created{e}, nil
}

func (x *exchange) patchAppEmoji() (any, error) {
	if _, err := x.scope(); err != nil {
		return nil, err
	}
	return x.patchEmojiOf(x.world.emojis)
}

func (x *exchange) deleteAppEmoji() (any, error) {
	if _, err := x.getAppEmoji(); err != nil {
		return nil, err
	}
	x.world.emojis.drop(x.params["emoji"])
	return nil, nil
}
