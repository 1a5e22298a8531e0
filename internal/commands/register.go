package commands

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"math/rand/v2"
	"net/http"
	"slices"
	"time"

	"github.com/bwmarrin/discordgo"
)

// A Registrar registers commands with Discord.
type Registrar struct {
	Request func(ctx context.Context, method, url, bucket string, body any) ([]byte, error)
	Report  func(error)
	Logger  *slog.Logger
}

// Register makes an application's commands those that are wanted, by guild; "" stands
// for everywhere. It returns when that is done or refused, or when ctx ends.
func (r *Registrar) Register(
	ctx context.Context, application string, want map[string][]*discordgo.ApplicationCommand,
) {
	for _, guild := range slices.Sorted(maps.Keys(want)) {
		for attempt := 0; ctx.Err() == nil; attempt++ {
			err := r.overwrite(ctx, application, guild, want[guild])
			if err == nil || ctx.Err() != nil {
				break
			}
			r.Report(err)
			if refused(err) {
				break
			}
			limit := min(5*time.Minute, time.Second<<min(attempt, 10))
			select {
			case <-time.After(rand.N(limit)):
			case <-ctx.Done():
			}
		}
	}
}

// overwrite makes the commands of a guild, or the global ones, those that are wanted.
func (r *Registrar) overwrite(
	ctx context.Context, application, guild string, want []*discordgo.ApplicationCommand,
) error {
	where, endpoint := "everywhere", discordgo.EndpointApplicationGlobalCommands(application)
	if guild != "" {
		where, endpoint = guild, discordgo.EndpointApplicationGuildCommands(application, guild)
	}
	body, err := r.Request(ctx, http.MethodGet, endpoint+"?with_localizations=true",
		"GET "+endpoint, nil)
	if err != nil {
		return fmt.Errorf("get the application commands (%s): %w", where, err)
	}
	have, err := Decode(body)
	if err != nil {
		return fmt.Errorf("get the application commands (%s): %w", where, err)
	}
	same, err := Equal(have.Commands, want)
	if err != nil {
		return fmt.Errorf("compare the application commands (%s): %w", where, err)
	}
	log := r.Logger.With("commands", len(want), "guild", where)
	if same {
		log.Debug("application commands are unchanged")
		return nil
	}
	if _, err = r.Request(ctx, http.MethodPut, endpoint, endpoint, have.Overwrite(want)); err != nil {
		return fmt.Errorf("register the application commands (%s): %w", where, err)
	}
	log.Info("application commands registered")
	return nil
}

// refused reports whether Discord will not say otherwise when it is asked again.
func refused(err error) bool {
	rest, ok := errors.AsType[*discordgo.RESTError](err)
	if !ok || rest.Response == nil {
		return false
	}
	status := rest.Response.StatusCode
	return status >= 400 && status < 500 && status != http.StatusTooManyRequests
}
