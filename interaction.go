package botwright

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/bwmarrin/discordgo"

	"github.com/botwright/botwright/internal/gateway"
	"github.com/botwright/botwright/internal/interaction"
	"github.com/botwright/botwright/internal/signed"
)

// Command passes uses of the application command with that name, such as "ping" for /ping or
// "Report message" for an entry of a context menu. "config set" is the subcommand set of /config,
// and "config role add" is a subcommand in the group role. "config" alone is all of /config. Like
// all filters of interactions, it decides before the event is decoded. Command panics if the name
// is empty.
func Command(name string) Middleware {
	mustRoute("Command", name, `the command's name, such as "ping" or "config set"`)
	return route(func(e *Event) bool {
		return isInteraction(e, discordgo.InteractionApplicationCommand) && interaction.UsesCommand(e.raw, name)
	})
}

// Autocomplete passes requests to complete what a user is typing in an option of that command. The
// name works as in [Command].
func Autocomplete(command string) Middleware {
	mustRoute("Autocomplete", command, `the command's name, such as "ping" or "config set"`)
	return route(func(e *Event) bool {
		return isInteraction(e, discordgo.InteractionApplicationCommandAutocomplete) &&
			interaction.UsesCommand(e.raw, command)
	})
}

// Component passes clicks on buttons, and choices from select menus, whose custom id begins with
// prefix. To match one id only, pass the whole id. End a prefix with a separator, as in "page:", or
// it matches "pages" too. Component panics if the prefix is empty.
func Component(prefix string) Middleware {
	mustRoute("Component", prefix, `what the custom ids begin with, such as "page:"`)
	return route(func(e *Event) bool {
		return isInteraction(e, discordgo.InteractionMessageComponent) && interaction.HasCustomID(e.raw, prefix)
	})
}

// Modal passes submissions of forms whose custom id begins with prefix; see [Component].
func Modal(prefix string) Middleware {
	mustRoute("Modal", prefix, `what the custom ids begin with, such as "report:"`)
	return route(func(e *Event) bool {
		return isInteraction(e, discordgo.InteractionModalSubmit) && interaction.HasCustomID(e.raw, prefix)
	})
}

// route is a Filter whose yes means that somebody sees to the interaction; see runner.Ticket.
func route(matches func(*Event) bool) Middleware {
	return Filter(func(e *Event) bool {
		if !matches(e) {
			return false
		}
		e.ticket.Claim()
		return true
	})
}

func mustRoute(filter, value, want string) {
	if strings.TrimSpace(value) == "" {
		panic("botwright: " + filter + " was given an empty string: pass " + want)
	}
}

const interactionCreate = "INTERACTION_CREATE"

func isInteraction(e *Event, kind discordgo.InteractionType) bool {
	return e.Type == interactionCreate && interaction.TypeOf(e.raw) == kind
}

// interactionOf reads what it takes to answer an interaction; nil if the event is none.
func interactionOf(e *Event) *discordgo.Interaction {
	if e.Type != interactionCreate {
		return nil
	}
	return interaction.Read(e.raw)
}

// Respond answers an interaction like discordgo's Session.InteractionRespond, but leaves nothing
// behind in memory. discordgo remembers the URL of every response and follow-up, including the
// interaction's token, for as long as the session lives (about 480 bytes each; ratelimit.go,
// GetBucket). Use Respond in bots that answer millions of interactions.
func Respond(
	ctx context.Context, s *discordgo.Session, i *discordgo.Interaction,
	response *discordgo.InteractionResponse, options ...discordgo.RequestOption,
) error {
	var files []*discordgo.File
	if response.Data != nil {
		files = response.Data.Files
	}
	_, err := interaction.Post(ctx, s, discordgo.EndpointInteractionResponse(i.ID, i.Token), response, files,
		options)
	return err
}

// Followup sends another message for an interaction that was answered, like discordgo's
// Session.FollowupMessageCreate. Like [Respond], it leaves nothing behind in memory.
func Followup(
	ctx context.Context, s *discordgo.Session, i *discordgo.Interaction,
	message *discordgo.WebhookParams, options ...discordgo.RequestOption,
) (*discordgo.Message, error) {
	b, err := interaction.Post(ctx, s, discordgo.EndpointFollowupMessage(i.AppID, i.Token)+"?wait=true",
		message, message.Files, options)
	if err != nil {
		return nil, err
	}
	sent := new(discordgo.Message)
	return sent, discordgo.Unmarshal(b, sent)
}

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
			missing := permissions &^ interaction.PermissionsOf(e.raw)
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

// A guard is a middleware that is called last.
type guard Middleware

func (g guard) apply(r *registration) { r.Guards = append(r.Guards, Middleware(g).wrap) }

// InteractionsHandler returns the endpoint for an application to which Discord sends interactions
// by HTTP instead of over the gateway. Serve it at the Interactions Endpoint URL, which you set on
// the General Information page of the developer portal. publicKey is the application's public key
// in hexadecimal, from the same page. The error says what is wrong with it.
//
// Interactions reach the same handlers as those from the gateway, with the session of the guild's
// shard, or of the first shard of this process. Handlers answer in the same way: the endpoint
// itself only tells Discord that it has accepted the interaction (202). It answers Discord's pings.
//
// A request is refused with 401 if Discord did not sign it within the last minute, 405 if it is not
// a POST, 408 if its body takes longer than 3 s, 409 if it was handled before, 413 if it is larger
// than 1 MiB, 400 if it is not JSON, and 503 while the bot is not open or its queue is full. A
// request without a signature is refused before its body is read. The endpoint may be called from
// many goroutines and does not wait for handlers.
func (b *Bot) InteractionsHandler(publicKey string) (http.Handler, error) {
	key, err := signed.ParseKey(publicKey)
	if err != nil {
		return nil, fmt.Errorf("botwright: InteractionsHandler: %w: copy it from the General "+
			"Information page at %s", err, portal)
	}
	return &signed.Endpoint{Key: key, Take: b.takeInteraction}, nil
}

// takeInteraction queues an interaction for those who want it, and is false if that is not possible
// now: it waits for nothing. Without a sequence it is not an event of a session, which Discord
// could send again, so that nobody tracks it.
func (b *Bot) takeInteraction(body []byte) bool {
	b.mu.Lock()
	f, isOpen := b.fleet, b.state == botOpen
	b.mu.Unlock()
	if !isOpen || f == nil {
		return false
	}
	in := gateway.Frame{Type: []byte(interactionCreate), Data: body, Received: time.Now()}
	b.metrics.interaction(body, in.Received)
	s := f.shardOf(in.Data)
	return s != nil && s.intake.Offer(&in)
}
