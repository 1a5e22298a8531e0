package interaction

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/http"

	"github.com/bwmarrin/discordgo"
)

// A payload is the body of a request: JSON, alone or as the part payload_json beside files.
type payload struct {
	contentType string
	body        []byte
}

// readPayload reads and closes the body of a request.
func readPayload(r *http.Request) (payload, error) {
	if r.Body == nil {
		return payload{}, nil
	}
	defer r.Body.Close()
	body, err := io.ReadAll(r.Body)
	return payload{r.Header.Get("Content-Type"), body}, err
}

// rewrite returns the payload with its JSON changed by edit.
func (p payload) rewrite(edit func([]byte) ([]byte, error)) (payload, error) {
	kind, params, err := mime.ParseMediaType(p.contentType)
	if err != nil || kind != "multipart/form-data" {
		body, err := edit(p.body)
		return payload{"application/json", body}, err
	}
	var out bytes.Buffer
	w := multipart.NewWriter(&out)
	if err := w.SetBoundary(params["boundary"]); err != nil {
		return payload{}, err
	}
	parts := multipart.NewReader(bytes.NewReader(p.body), params["boundary"])
	for {
		part, err := parts.NextRawPart()
		if errors.Is(err, io.EOF) {
			err := w.Close()
			return payload{p.contentType, out.Bytes()}, err
		}
		if err != nil {
			return payload{}, fmt.Errorf("read a multipart body: %w", err)
		}
		if err := copyPart(w, part, edit); err != nil {
			return payload{}, err
		}
	}
}

func copyPart(
	w *multipart.Writer, part *multipart.Part, edit func([]byte) ([]byte, error),
) error {
	content, err := io.ReadAll(part)
	if err != nil {
		return fmt.Errorf("read a part of a multipart body: %w", err)
	}
	if part.FormName() == "payload_json" {
		if content, err = edit(content); err != nil {
			return err
		}
	}
	to, err := w.CreatePart(part.Header)
	if err != nil {
		return err
	}
	_, err = to.Write(content)
	return err
}

// A callback is what a handler wants to respond with.
type callback struct {
	kind      discordgo.InteractionResponseType
	ephemeral bool
	message   payload // its data, with the files
}

func (p payload) callback() (callback, error) {
	var c callback
	message, err := p.rewrite(func(b []byte) ([]byte, error) {
		var in struct {
			Type discordgo.InteractionResponseType `json:"type"`
			Data json.RawMessage                   `json:"data"`
		}
		if err := json.Unmarshal(b, &in); err != nil {
			return nil, fmt.Errorf("decode a response: %w", err)
		}
		if len(in.Data) == 0 || string(in.Data) == "null" {
			in.Data = json.RawMessage("{}")
		}
		flags, err := flagsOf(in.Data)
		c.kind, c.ephemeral = in.Type, flags&discordgo.MessageFlagsEphemeral != 0
		return in.Data, err
	})
	c.message = message
	return c, err
}

func flagsOf(message []byte) (discordgo.MessageFlags, error) {
	var m struct {
		Flags discordgo.MessageFlags `json:"flags"`
	}
	if err := json.Unmarshal(message, &m); err != nil {
		return 0, fmt.Errorf("decode a message: %w", err)
	}
	return m.Flags, nil
}

// withEphemeral returns the message with that flag set or cleared. An edit must not have it.
func (p payload) withEphemeral(set bool) (payload, error) {
	return p.rewrite(func(b []byte) ([]byte, error) {
		flags, err := flagsOf(b)
		if err != nil {
			return nil, err
		}
		fields := make(map[string]json.RawMessage)
		if err := json.Unmarshal(b, &fields); err != nil {
			return nil, err
		}
		flags &^= discordgo.MessageFlagsEphemeral
		if set {
			flags |= discordgo.MessageFlagsEphemeral
		}
		delete(fields, "flags")
		if flags != 0 {
			fields["flags"] = fmt.Append(nil, flags)
		}
		return json.Marshal(fields)
	})
}

// put makes the payload the body of a request.
func (p payload) put(r *http.Request) {
	if len(p.body) == 0 {
		r.Body, r.GetBody, r.ContentLength = http.NoBody, nil, 0
		r.Header.Del("Content-Type")
		return
	}
	r.GetBody = func() (io.ReadCloser, error) {
		return io.NopCloser(bytes.NewReader(p.body)), nil
	}
	r.Body, _ = r.GetBody()
	r.ContentLength = int64(len(p.body))
	r.Header.Set("Content-Type", p.contentType)
}
