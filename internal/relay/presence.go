package relay

import (
	"bytes"
	"encoding/json"
	"errors"
)

// presence rewrites an op 3. discordgo writes every field of an activity, set or not, down to an
// empty emoji and the year 1; Discord gets those that say something.
func presence(d json.RawMessage) ([]json.RawMessage, error) {
	var update *struct {
		Since      json.RawMessage  `json:"since"`
		Activities []map[string]any `json:"activities"`
		Status     string           `json:"status"`
		AFK        bool             `json:"afk"`
	}
	decoder := json.NewDecoder(bytes.NewReader(d))
	decoder.UseNumber() // timestamps and ids do not fit a float64
	if err := decoder.Decode(&update); err != nil {
		return nil, err
	}
	if update == nil {
		return nil, errors.New("presence is null")
	}
	if update.Activities == nil {
		update.Activities = []map[string]any{} // null makes Discord close the connection
	}
	if update.Status == "" {
		update.Status = "online" // Discord's own default; the empty string is not documented
	}
	for _, activity := range update.Activities {
		if activity == nil {
			return nil, errors.New("activity is null")
		}
		tidy(activity)
	}
	frame, err := encode(update)
	if err != nil {
		return nil, err
	}
	return []json.RawMessage{frame}, nil
}

// tidy leaves in an activity what was set, and name and type in any case.
func tidy(activity map[string]any) {
	delete(activity, "created_at") // Discord sets it; discordgo's form is not Discord's
	if emoji, ok := activity["emoji"].(map[string]any); ok {
		activity["emoji"] = map[string]any{
			"id": emoji["id"], "name": emoji["name"], "animated": emoji["animated"],
		}
	}
	prune(activity)
	if activity["name"] == nil {
		activity["name"] = ""
	}
	if activity["type"] == nil {
		activity["type"] = 0
	}
}

// prune removes the members of object that hold a zero value, at any depth.
func prune(object map[string]any) {
	for name, value := range object {
		if child, ok := value.(map[string]any); ok {
			prune(child)
		}
		if isZero(value) {
			delete(object, name)
		}
	}
}

func isZero(value any) bool {
	switch v := value.(type) {
	case nil:
		return true
	case bool:
		return !v
	case string:
		return v == ""
	case json.Number:
		return v == "0"
	case map[string]any:
		return len(v) == 0
	case []any:
		return len(v) == 0
	default:
		return false
	}
}
