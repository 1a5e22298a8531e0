package discordtest

import "github.com/bwmarrin/discordgo"

func stickerRoutes(r router) {
	const stickers = "/guilds/{guild}/stickers"
	r.on("GET", stickers, (*exchange).listStickers)
	r.on("POST", stickers, (*exchange).createSticker, discordgo.PermissionCreateGuildExpressions)
	r.on("GET", stickers+"/{sticker}", (*exchange).getSticker)
	r.on("PATCH", stickers+"/{sticker}", (*exchange).patchSticker, discordgo.PermissionManageGuildExpressions)
	r.on("DELETE", stickers+"/{sticker}", (*exchange).deleteSticker, discordgo.PermissionManageGuildExpressions)
	r.on("GET", "/stickers/{sticker}", (*exchange).findSticker)
	r.on("GET", "/sticker-packs", (*exchange).listPacks)
}

// maxGuildStickers is the limit of a guild without boosts.
const maxGuildStickers = 5

var errUnknownSticker = &apiError{404, 10060, "Unknown sticker", nil}

func stickerFields() []field {
	return []field{
		{name: "name", required: true, low: 2, high: 30}, {name: "description", high: 100},
		{name: "tags", required: true, low: 1, high: 200},
	}
}

func (s *Server) stickersChangedLocked(g *guild) {
	s.emitLocked(g.id, "GUILD_STICKERS_UPDATE", map[string]any{"guild_id": g.id, "stickers": g.stickers.list()})
}

func (x *exchange) listStickers() (any, error) {
	g, err := x.guild()
	if err != nil {
		return nil, err
	}
	return g.stickers.list(), nil
}

// sticker returns the guild and sticker of the path.
func (x *exchange) sticker() (*guild, document, error) {
	g, err := x.guild()
	if err != nil {
		return nil, nil, err
	}
	d := g.stickers.find(x.params["sticker"])
	if d == nil {
		return nil, nil, errUnknownSticker
	}
	return g, d, nil
}

func (x *exchange) getSticker() (any, error) {
	_, d, err := x.sticker()
	return d, err
}

// createSticker takes its fields from a form with a file.
func (x *exchange) createSticker() (any, error) {
	g, err := x.guild()
	if err != nil {
		return nil, err
	}
	d := document{
		"id": x.newIDLocked(), "guild_id": g.id, "type": 2, "format_type": 1, "available": true,
		"description": "", "user": x.world.bot,
	}
	if err := x.fill(d, true, stickerFields()...); err != nil {
		return nil, err
	}
	if len(x.files) == 0 {
		return nil, formError("file", "BASE_TYPE_REQUIRED", "This field is required")
	}
	if len(g.stickers) >= maxGuildStickers {
		return nil, &apiError{400, 30039, "Maximum number of stickers reached (5)", nil}
	}
	g.stickers = append(g.stickers, d)
	x.stickersChangedLocked(g)
	x.auditLocked(g.id, discordgo.AuditLogActionStickerCreate, d.id(), auditChange{"name", nil, d["name"]})
	return created{d}, nil
}

func (x *exchange) patchSticker() (any, error) {
	g, d, err := x.sticker()
	if err != nil {
		return nil, err
	}
	if err := x.fill(d, false, stickerFields()...); err != nil {
		return nil, err
	}
	x.stickersChangedLocked(g)
	x.auditLocked(g.id, discordgo.AuditLogActionStickerUpdate, d.id())
	return d, nil
}

func (x *exchange) deleteSticker() (any, error) {
	g, d, err := x.sticker()
	if err != nil {
		return nil, err
	}
	g.stickers.drop(d.id())
	x.stickersChangedLocked(g)
	x.auditLocked(g.id, discordgo.AuditLogActionStickerDelete, d.id())
	return nil, nil
}

func (x *exchange) findSticker() (any, error) {
	for _, g := range x.world.guilds {
		if d := g.stickers.find(x.params["sticker"]); d != nil {
			return d, nil
		}
	}
	return nil, errUnknownSticker
}

func (x *exchange) listPacks() (any, error) {
	return map[string]any{"sticker_packs": []any{}}, nil
}
