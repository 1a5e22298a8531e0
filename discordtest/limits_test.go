package discordtest_test

import (
	"fmt"
	"maps"
	"strings"
	"testing"

	"github.com/botwright/botwright/discordtest"
)

type (
	object = map[string]any
	list   = []any
)

func long(n int) string { return strings.Repeat("x", n) }

// repeated is a list of n values.
func repeated(n int, v func(i int) any) list {
	out := make(list, n)
	for i := range out {
		out[i] = v(i)
	}
	return out
}

func rows(components ...any) object {
	return object{"content": "x", "components": list{object{"type": 1, "components": components}}}
}

func button(id string) object { return object{"type": 2, "style": 1, "label": "b", "custom_id": id} }

func menu(options ...any) object { return object{"type": 3, "custom_id": "m", "options": options} }

func option(value string) object { return object{"label": "l", "value": value} }

func slash(options ...any) object {
	return object{"name": "cmd", "description": "d", "options": options}
}

func opt(name string, more object) object {
	o := object{"type": 3, "name": name, "description": "d"}
	maps.Copy(o, more)
	return o
}

const (
	messages = "/channels/{c}/messages"
	commands = "/applications/{me}/commands"
)

// Each body breaks a limit, and the error names the field and Discord's code for it.
var brokenLimits = map[string]struct {
	path  string
	body  any
	field string
	code  string
}{
	"content":          {messages, object{"content": long(2001)}, "content", "BASE_TYPE_MAX_LENGTH"},
	"embeds":           {messages, object{"embeds": make([]object, 11)}, "embeds", "BASE_TYPE_MAX_LENGTH"},
	"embed title":      {messages, object{"embeds": list{object{"title": long(257)}}}, "embeds.0.title", "BASE_TYPE_MAX_LENGTH"},
	"embed fields":     {messages, object{"embeds": list{object{"fields": repeated(26, func(int) any { return object{"name": "n", "value": "v"} })}}}, "embeds.0.fields", "BASE_TYPE_MAX_LENGTH"},
	"embed no value":   {messages, object{"embeds": list{object{}, object{"fields": list{object{"name": "n"}}}}}, "embeds.1.fields.0.value", "BASE_TYPE_REQUIRED"},
	"embed in sum":     {messages, object{"embeds": list{object{"description": long(4000)}, object{"description": long(2001)}}}, "embeds", "MAX_EMBED_SIZE_EXCEEDED"},
	"embed colour":     {messages, object{"embeds": list{object{"title": "t", "color": 1 << 24}}}, "embeds.0.color", "NUMBER_TYPE_MAX"},
	"embed url":        {messages, object{"embeds": list{object{"title": "t", "url": "ftp://x"}}}, "embeds.0.url", "URL_TYPE_INVALID_SCHEME"},
	"embed image":      {messages, object{"embeds": list{object{"image": object{"url": "picture"}}}}, "embeds.0.image.url", "URL_TYPE_INVALID_URL"},
	"embed time":       {messages, object{"embeds": list{object{"title": "t", "timestamp": "noon"}}}, "embeds.0.timestamp", "DATE_TIME_TYPE_PARSE"},
	"rows":             {messages, object{"components": repeated(6, func(i int) any { return object{"type": 1, "components": list{button(fmt.Sprint(i))}} })}, "components", "BASE_TYPE_BAD_LENGTH"},
	"no row":           {messages, object{"components": list{button("a")}}, "components.0", "UNION_TYPE_CHOICES"},
	"empty row":        {messages, rows(), "components.0.components", "BASE_TYPE_BAD_LENGTH"},
	"wide row":         {messages, rows(repeated(6, func(i int) any { return button(fmt.Sprint(i)) })...), "components.0.components", "BASE_TYPE_BAD_LENGTH"},
	"row in a row":     {messages, rows(object{"type": 1}), "components.0.components.0", "UNION_TYPE_CHOICES"},
	"custom id":        {messages, rows(button(long(101))), "components.0.components.0.custom_id", "BASE_TYPE_BAD_LENGTH"},
	"no custom id":     {messages, rows(button("")), "components.0.components.0.custom_id", "BASE_TYPE_REQUIRED"},
	"custom id twice":  {messages, rows(button("a"), button("a")), "components.0.components.1.custom_id", "COMPONENT_CUSTOM_ID_DUPLICATED"},
	"button label":     {messages, rows(object{"type": 2, "style": 1, "custom_id": "a", "label": long(81)}), "components.0.components.0.label", "BASE_TYPE_MAX_LENGTH"},
	"bare button":      {messages, rows(object{"type": 2, "style": 1, "custom_id": "a"}), "components.0.components.0.label", "BUTTON_COMPONENT_MUST_HAVE_LABEL_OR_EMOJI"},
	"button style":     {messages, rows(object{"type": 2, "style": 9, "custom_id": "a", "label": "x"}), "components.0.components.0.style", "NUMBER_TYPE_MAX"},
	"link without url": {messages, rows(object{"type": 2, "style": 5, "label": "x"}), "components.0.components.0.url", "BASE_TYPE_REQUIRED"},
	"menu and button":  {messages, rows(button("a"), menu(option("a"))), "components.0.components", "COMPONENT_LAYOUT_WIDTH_EXCEEDED"},
	"empty menu":       {messages, rows(menu()), "components.0.components.0.options", "BASE_TYPE_BAD_LENGTH"},
	"option twice":     {messages, rows(menu(option("a"), option("a"))), "components.0.components.0.options.1.value", "SELECT_COMPONENT_OPTION_VALUE_DUPLICATED"},
	"26 options":       {messages, rows(menu(repeated(26, func(i int) any { return option(fmt.Sprint(i)) })...)), "components.0.components.0.options", "BASE_TYPE_BAD_LENGTH"},
	"version 2":        {messages, object{"flags": 1 << 15, "content": "x", "components": list{object{"type": 10, "content": "x"}}}, "content", "MESSAGE_CANNOT_USE_LEGACY_FIELDS_WITH_COMPONENTS_V2"},
	"section":          {messages, object{"flags": 1 << 15, "components": list{object{"type": 9, "components": list{object{"type": 10, "content": "x"}}}}}, "components.0.accessory", "BASE_TYPE_REQUIRED"},
	"poll":             {messages, object{"poll": object{"question": object{"text": long(301)}, "answers": list{object{"poll_media": object{"text": "a"}}}}}, "poll.question.text", "BASE_TYPE_BAD_LENGTH"},

	"command name":       {commands, object{"name": "Bad Name", "description": "d"}, "name", "APPLICATION_COMMAND_INVALID_NAME"},
	"long command name":  {commands, object{"name": long(33), "description": "d"}, "name", "BASE_TYPE_BAD_LENGTH"},
	"no description":     {commands, object{"name": "cmd"}, "description", "BASE_TYPE_BAD_LENGTH"},
	"menu's description": {commands, object{"name": "Quote", "type": 3, "description": "d"}, "description", "BASE_TYPE_MAX_LENGTH"},
	"26 command options": {commands, slash(repeated(26, func(i int) any { return opt(fmt.Sprint("o", i), nil) })...), "options", "BASE_TYPE_MAX_LENGTH"},
	"option name":        {commands, slash(opt("Big", nil)), "options.0.name", "APPLICATION_COMMAND_INVALID_NAME"},
	"option type":        {commands, slash(opt("o", object{"type": 99})), "options.0.type", "BASE_TYPE_CHOICES"},
	"option name twice":  {commands, slash(opt("o", nil), opt("o", nil)), "options.1.name", "APPLICATION_COMMAND_OPTIONS_NAME_ALREADY_EXISTS"},
	"required after":     {commands, slash(opt("a", nil), opt("b", object{"required": true})), "options.1.required", "APPLICATION_COMMAND_OPTIONS_REQUIRED_INVALID"},
	"choice of number":   {commands, slash(opt("o", object{"type": 4, "choices": list{object{"name": "n", "value": "one"}}})), "options.0.choices.0.value", "NUMBER_TYPE_COERCE"},
	"choice of text":     {commands, slash(opt("o", object{"choices": list{object{"name": "n", "value": 1}}})), "options.0.choices.0.value", "STRING_TYPE_CONVERT"},
	"choices of a user":  {commands, slash(opt("o", object{"type": 6, "autocomplete": true})), "options.0.choices", "APPLICATION_COMMAND_OPTIONS_TYPE_INVALID"},
	"group in a group":   {commands, slash(opt("a", object{"type": 2, "options": list{opt("b", object{"type": 2})}})), "options.0.options.0.type", "APPLICATION_COMMAND_OPTIONS_TYPE_INVALID"},
	"description deep":   {commands, slash(opt("a", object{"type": 1, "options": list{opt("b", object{"description": ""})}})), "options.0.options.0.description", "BASE_TYPE_BAD_LENGTH"},
	"large command": {commands, slash(repeated(25, func(i int) any {
		return opt(fmt.Sprint("o", i), object{"choices": repeated(5, func(j int) any { return object{"name": long(50) + fmt.Sprint(j), "value": long(50) + fmt.Sprint(j)} })})
	})...), "options", "APPLICATION_COMMAND_TOO_LARGE"},
	"channel name":        {"/guilds/{g}/channels", object{"name": ""}, "name", "BASE_TYPE_BAD_LENGTH"},
	"thread name":         {"/channels/{c}/threads", object{"name": long(101)}, "name", "BASE_TYPE_BAD_LENGTH"},
	"thread archive":      {"/channels/{c}/threads", object{"name": "t", "auto_archive_duration": 61}, "auto_archive_duration", "BASE_TYPE_CHOICES"},
	"webhook name":        {"/channels/{c}/webhooks", object{}, "name", "BASE_TYPE_BAD_LENGTH"},
	"invite age":          {"/channels/{c}/invites", object{"max_age": -1}, "max_age", "NUMBER_TYPE_MIN"},
	"emoji image":         {"/guilds/{g}/emojis", object{"name": "wave", "image": "picture"}, "image", "IMAGE_INVALID"},
	"event without place": {"/guilds/{g}/scheduled-events", object{"name": "n", "privacy_level": 2, "entity_type": 3, "scheduled_start_time": "2030-01-01T00:00:00Z", "scheduled_end_time": "2030-01-01T01:00:00Z"}, "entity_metadata.location", "BASE_TYPE_REQUIRED"},
	"rule without action": {"/guilds/{g}/auto-moderation/rules", object{"name": "n", "event_type": 1, "trigger_type": 1}, "actions", "BASE_TYPE_REQUIRED"},
	"role colour":         {"/guilds/{g}/roles", object{"color": -1}, "color", "NUMBER_TYPE_MIN"},
}

func TestLimits(t *testing.T) {
	srv := start(t, discordtest.Config{NoRateLimits: true})
	fill := newFiller(t, srv)
	for name, tc := range brokenLimits {
		t.Run(name, func(t *testing.T) {
			rest(t, srv, "POST", fill.text(tc.path), tc.body).want(400, 50035).wrong(tc.field, tc.code)
		})
	}
}

// wrong fails unless the form error names the field with the code.
func (r reply) wrong(field, code string) {
	r.t.Helper()
	var e struct{ Errors object }
	r.into(&e)
	at := e.Errors
	for part := range strings.SplitSeq(field, ".") {
		at, _ = at[part].(object)
	}
	errs, _ := at["_errors"].(list)
	for _, one := range errs {
		if one.(object)["code"] == code {
			return
		}
	}
	r.t.Errorf("%s has no %s in %s", field, code, r.body)
}

// What is just within the limits works.
func TestWithinLimits(t *testing.T) {
	srv := start(t, discordtest.Config{NoRateLimits: true})
	fill := newFiller(t, srv)
	for name, tc := range map[string]struct {
		path string
		body any
	}{
		"embed":   {messages, object{"embeds": list{object{"title": long(256), "description": long(4096), "color": 0xffffff, "image": object{"url": "attachment://a.png"}}}}},
		"buttons": {messages, rows(repeated(5, func(i int) any { return button(fmt.Sprint(long(99), i)) })...)},
		"menu":    {messages, rows(menu(repeated(25, func(i int) any { return option(fmt.Sprint(i)) })...))},
		"version 2": {messages, object{"flags": 1 << 15, "components": list{object{"type": 17, "components": list{
			object{"type": 10, "content": "x"}, object{"type": 14},
			object{"type": 9, "components": list{object{"type": 10, "content": "x"}}, "accessory": button("a")}}}}}},
		"command": {commands, slash(opt("a", object{"type": 2, "options": list{opt("b", object{"type": 1, "options": list{
			opt("c", object{"required": true, "max_length": 6000}), opt("été", object{"type": 10, "autocomplete": true})}})}}))},
		"user command": {commands, object{"name": "Say Hello", "type": 2}},
	} {
		t.Run(name, func(t *testing.T) {
			if r := rest(t, srv, "POST", fill.text(tc.path), tc.body); r.status >= 300 {
				t.Errorf("%d %s", r.status, r.body)
			}
		})
	}
}

func TestLimitsOfResponses(t *testing.T) {
	input := func(more object) list {
		c := object{"type": 4, "custom_id": "i", "style": 1, "label": "l"}
		maps.Copy(c, more)
		return list{object{"type": 1, "components": list{c}}}
	}
	modal := func(components list) object {
		return object{"custom_id": "m", "title": "t", "components": components}
	}
	for name, tc := range map[string]struct {
		kind  int
		data  object
		field string
		code  string
	}{
		"content":       {4, object{"content": long(2001)}, "data.content", "BASE_TYPE_MAX_LENGTH"},
		"embed":         {4, object{"embeds": list{object{"title": long(257)}}}, "data.embeds.0.title", "BASE_TYPE_MAX_LENGTH"},
		"button":        {4, rows(button(long(101))), "data.components.0.components.0.custom_id", "BASE_TYPE_BAD_LENGTH"},
		"modal title":   {9, object{"custom_id": "m", "title": long(46), "components": input(nil)}, "data.title", "BASE_TYPE_BAD_LENGTH"},
		"modal id":      {9, object{"title": "t", "components": input(nil)}, "data.custom_id", "BASE_TYPE_BAD_LENGTH"},
		"empty modal":   {9, modal(nil), "data.components", "BASE_TYPE_BAD_LENGTH"},
		"modal button":  {9, modal(list{object{"type": 1, "components": list{button("b")}}}), "data.components.0.components.0", "UNION_TYPE_CHOICES"},
		"input label":   {9, modal(input(object{"label": long(46)})), "data.components.0.components.0.label", "BASE_TYPE_BAD_LENGTH"},
		"input style":   {9, modal(input(object{"style": 0})), "data.components.0.components.0.style", "NUMBER_TYPE_MIN"},
		"no data":       {9, nil, "data", "BASE_TYPE_REQUIRED"},
		"update nobody": {7, object{"content": "x"}, "type", "BASE_TYPE_CHOICES"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStage(t)
			s.srv.SlashCommand(s.guild, s.channel, s.user, "x")
			i := s.c.invoked()
			body := object{"type": tc.kind}
			if tc.data != nil {
				body["data"] = tc.data
			}
			path := "/interactions/" + i.ID + "/" + i.Token + "/callback"
			restAs(t, s.srv, "", "POST", path, body).want(400, 50035).wrong(tc.field, tc.code)
			s.respond(t, i, 4, object{"content": "after all"}).want(204, 0) // a refused response is none
		})
	}
	s := newStage(t)
	s.srv.Autocomplete(s.guild, s.channel, s.user, "x", discordtest.Option("o", "a"))
	s.respond(t, s.c.invoked(), 8, object{"choices": repeated(26, func(int) any { return object{"name": "n", "value": "v"} })}).
		want(400, 50035).wrong("data.choices", "BASE_TYPE_MAX_LENGTH")
}

func TestLimitsOfCommandLists(t *testing.T) {
	srv := start(t, discordtest.Config{NoRateLimits: true})
	path := "/applications/" + srv.Bot().ID + "/commands"
	numbered := func(i int) any { return object{"name": fmt.Sprint("c", i), "description": "d"} }
	rest(t, srv, "PUT", path, list{numbered(1), numbered(1)}).want(400, 50035).wrong("1.name", "APPLICATION_COMMANDS_DUPLICATE_NAME")
	rest(t, srv, "PUT", path, list{numbered(1), object{"name": "A B", "description": "d"}}).
		want(400, 50035).wrong("1.name", "APPLICATION_COMMAND_INVALID_NAME")
	rest(t, srv, "PUT", path, repeated(101, numbered)).want(400, 30032)
	rest(t, srv, "PUT", path, repeated(100, numbered)).want(200, 0)
	rest(t, srv, "POST", path, object{"name": "more", "description": "d"}).want(400, 30032)
	rest(t, srv, "POST", path, numbered(7)).want(200, 0)
	if n := len(srv.RegisteredCommands("")); n != 100 {
		t.Errorf("%d commands, want 100", n)
	}
}
