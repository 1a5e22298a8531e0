package interaction

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"

	"github.com/bwmarrin/discordgo"
)

// What can be wrong with an answer to an interaction, apart from its contents.
var (
	ErrAnswered = errors.New("the interaction already has a response: change it with " +
		"InteractionResponseEdit or add to it with FollowupMessageCreate")
	ErrExpired = errors.New("it is too late to answer the interaction: the first answer is " +
		"due within 3 seconds, for which there is AutoDefer, the others within 15 minutes")
	ErrDeferred = errors.New("the interaction was deferred for its handler and can only be " +
		"answered with a message: open a modal at once, or leave AutoDefer off the handler")
)

// maxFailure bounds what is read of an answer that says why it is not a success.
const maxFailure = 64 << 10

// failure returns nil if Discord has carried a request out, and otherwise an error that wraps a
// [*discordgo.RESTError], as discordgo would have made one. It reads the body of a failure.
func failure(resp *http.Response) error {
	if succeeded(resp) {
		return nil
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxFailure))
	if err != nil {
		return fmt.Errorf("read the answer with status %d: %w", resp.StatusCode, err)
	}
	shown := *resp
	shown.Request, shown.Body = nil, http.NoBody // a request holds the bot's token
	refused := &discordgo.RESTError{Response: &shown, ResponseBody: body}
	var message discordgo.APIErrorMessage
	if json.Unmarshal(body, &message) == nil {
		refused.Message = &message
	}
	switch message.Code {
	case discordgo.ErrCodeInteractionHasAlreadyBeenAcknowledged:
		return fmt.Errorf("%w (%w)", ErrAnswered, refused)
	case discordgo.ErrCodeUnknownInteraction, discordgo.ErrCodeInvalidWebhookTokenProvided:
		return fmt.Errorf("%w (%w)", ErrExpired, refused)
	}
	return refused
}

func succeeded(resp *http.Response) bool {
	return resp.StatusCode >= 200 && resp.StatusCode < 300
}

// local is an answer without a body that did not come from Discord.
func local(r *http.Request, status int) *http.Response {
	return &http.Response{
		Status: fmt.Sprintf("%d %s", status, http.StatusText(status)), StatusCode: status,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: make(http.Header), Body: http.NoBody, Request: r,
	}
}
