package botwright

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"github.com/bwmarrin/discordgo"

	"github.com/botwright/botwright/internal/frame"
)

// RequirePermissions calls a handler of interactions only for users who have all of the given
// permissions in the channel, such as discordgo.PermissionBanMembers. Other users get refusal as a
// message that only they see, or no message if it is "". Administrators and the owner of the guild
// have all permissions. In a direct message nobody has any.
//
//	botwright.On(bot, onBan, botwright.Command("ban"),
//		botwright.RequirePermissions(discordgo.PermissionBanMembers, "You may not ban."))
//
// It uses the permissions that Discord sends with the interaction, so it makes no request and needs
// no decoding. It runs after the filters and all other middleware of its handler, regardless of its
// position among them. To hide a command from users who may not use it, set
// DefaultMemberPermissions too. Events that are not interactions are refused with an error.
//
// RequirePermissions panics if permissions is 0.
func RequirePermissions(permissions int64, refusal string) HandlerOption {
	return RequirePermissionsFunc(permissions, func(*Event, int64) string { return refusal })
}

// RequirePermissionsFunc is [RequirePermissions] with a message for each refusal, for example in
// the user's language. missing has the permissions that the user lacks.
func RequirePermissionsFunc(
	permissions int64, refusal func(e *Event, missing int64) string,
) HandlerOption {
	if permissions == 0 || refusal == nil {
		panic("botwright: RequirePermissions was given no permissions or no words: " +
			"pass such as discordgo.PermissionBanMembers, and what users are to read")
	}
	return guard(func(next Handler) Handler {
		return func(ctx context.Context, e *Event) error {
			if e.Type != interactionCreate {
				return errNotInteraction
			}
			missing := permissions &^ permissionsOf(e)
			if missing == 0 {
				return next(ctx, e)
			}
			e.ticket.Claim()
			text := refusal(e, missing)
			if text == "" {
				return nil
			}
			if err := answer(ctx, e, text); err != nil {
				return fmt.Errorf("refuse a user who lacks permissions: %w", err)
			}
			return nil
		}
	})
}

var errNotInteraction = errors.New("botwright: RequirePermissions: the event is not an " +
	"interaction, and does not say what its user may do")

// permissionsOf returns what the user of an interaction may do in its channel.
func permissionsOf(e *Event) int64 {
	v, _ := frame.Find(e.raw, "member", "permissions")
	text, _ := frame.String(v)
	granted, err := strconv.ParseInt(string(text), 10, 64)
	if err != nil {
		return 0
	}
	if granted&discordgo.PermissionAdministrator != 0 {
		return ^0
	}
	return granted
}

// A guard is a middleware that is called last.
type guard Middleware

func (g guard) apply(r *registration) { r.Guards = append(r.Guards, Middleware(g).wrap) }
