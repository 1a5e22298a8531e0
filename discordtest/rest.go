package discordtest

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"mime"
	"mime/multipart"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
)

// maxBody is Discord's limit for a request with files.
const maxBody = 25 << 20

// maxRecorded is how much of a body is kept in the record.
const maxRecorded = 1 << 20

var apiPrefix = regexp.MustCompile(`^/api(/v\d+)?/`)

// An exchange is one REST request on its way to an answer.
type exchange struct {
	*Server
	req    *http.Request
	path   string // without the API prefix, escaped
	route  *route
	params map[string]string
	raw    []byte // the body
	body   []byte // its JSON
	files  []attachment
}

// An answer is what will be sent for an exchange.
type answer struct {
	status int
	header http.Header
	body   []byte
}

// A created wraps a result that is answered with 201, an accepted one with 202.
type (
	created  struct{ v any }
	accepted struct{ v any }
)

// An apiError is an error in Discord's form.
type apiError struct {
	status  int
	code    int
	message string
	errors  any
}

func (e *apiError) Error() string { return fmt.Sprintf("%d %s", e.code, e.message) }

// Errors that many routes have. The numbers are Discord's JSON error codes.
var (
	errNotFound           = &apiError{404, 0, "404: Not Found", nil}
	errUnauthorized       = &apiError{401, 0, "401: Unauthorized", nil}
	errUnknownChannel     = &apiError{404, 10003, "Unknown Channel", nil}
	errUnknownGuild       = &apiError{404, 10004, "Unknown Guild", nil}
	errUnknownMember      = &apiError{404, 10007, "Unknown Member", nil}
	errUnknownMessage     = &apiError{404, 10008, "Unknown Message", nil}
	errUnknownRole        = &apiError{404, 10011, "Unknown Role", nil}
	errUnknownUser        = &apiError{404, 10013, "Unknown User", nil}
	errUnknownEmoji       = &apiError{400, 10014, "Unknown Emoji", nil}
	errUnknownWebhook     = &apiError{404, 10015, "Unknown Webhook", nil}
	errUnknownBan         = &apiError{404, 10026, "Unknown Ban", nil}
	errUnknownInteraction = &apiError{404, 10062, "Unknown interaction", nil}
	errUnknownCommand     = &apiError{404, 10063, "Unknown application command", nil}
	errEntryPointMissing  = &apiError{400, 50240, "You cannot remove this app's Entry Point command " +
		"in a bulk update operation. Please include the Entry Point command in your update request " +
		"or delete it separately.", nil}
	errAcknowledged = &apiError{400, 40060, "Interaction has already been acknowledged.", nil}
	errNotAuthor    = &apiError{403, 50005, "Cannot edit a message authored by another user", nil}
	errEmptyMessage = &apiError{400, 50006, "Cannot send an empty message", nil}
	errWebhookToken = &apiError{401, 50027, "Invalid Webhook Token", nil}
	errBadJSON      = &apiError{400, 50109, "The request body contains invalid JSON.", nil}
	errTooLarge     = &apiError{413, 40005, "Request entity too large", nil}
)

// serveREST answers a request and records it.
func (s *Server) serveREST(w http.ResponseWriter, r *http.Request) {
	if s.refuses(refuseAll) {
		resetRequest(w)
		return
	}
	x, err := s.newExchange(r)
	status, fault := 0, s.findFault(x, s.restHooks())
	switch {
	case fault != nil:
		status = s.serveFault(w, x, fault, err)
	default:
		a := s.answer(x, err)
		status = a.status
		a.write(w)
	}
	rec := Request{
		Method: r.Method, Path: x.path, Query: r.URL.RawQuery, Header: r.Header.Clone(),
		Body:   x.body[:min(len(x.body), maxRecorded)],
		Status: status, Fault: fault != nil,
	}
	rec.Header.Del("Authorization")
	if x.route != nil {
		rec.Route = x.route.path
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	rec.Time = s.nowLocked()
	s.record.request(rec)
	s.changedLocked()
}

// newExchange finds the route and reads the body. Its error is for the client; the exchange can be
// recorded in any case.
func (s *Server) newExchange(r *http.Request) (*exchange, error) {
	x := &exchange{Server: s, req: r}
	path := r.URL.EscapedPath()
	prefix := apiPrefix.FindString(path)
	if prefix == "" {
		x.path = path
		return x, errNotFound
	}
	x.path = "/" + strings.TrimLeft(path[len(prefix):], "/")
	x.route, x.params = s.routes.find(r.Method, x.path)
	raw, err := io.ReadAll(http.MaxBytesReader(nil, r.Body, maxBody))
	if err != nil {
		return x, errTooLarge
	}
	x.raw, x.body = raw, raw
	if x.route == nil {
		return x, nil
	}
	return x, x.readForm()
}

// readForm takes the JSON and the files out of a multipart body.
func (x *exchange) readForm() error {
	kind, params, err := mime.ParseMediaType(x.req.Header.Get("Content-Type"))
	if err != nil || kind != "multipart/form-data" {
		return nil //nolint:nilerr // then it has no form
	}
	x.body = nil
	fields := make(map[string]string)
	for form := multipart.NewReader(bytes.NewReader(x.raw), params["boundary"]); ; {
		part, err := form.NextPart()
		if errors.Is(err, io.EOF) {
			if x.body == nil && len(fields) > 0 { // a sticker
				x.body = marshal(fields)
			}
			return nil
		}
		if err != nil {
			return formError("_form", "MULTIPART_INVALID", "Multipart body is not valid.")
		}
		content, err := io.ReadAll(part)
		switch {
		case err != nil:
			return formError("_form", "MULTIPART_INVALID", "Multipart body is not valid.")
		case part.FormName() == "payload_json":
			x.body = content
		case part.FileName() == "":
			fields[part.FormName()] = string(content)
		case part.FileName() != "":
			x.files = append(x.files, attachment{
				Filename: part.FileName(), Size: len(content), ContentType: part.Header.Get("Content-Type"),
			})
		}
	}
}

// answer authorizes, limits and handles an exchange.
func (s *Server) answer(x *exchange, err error) *answer {
	s.mu.Lock()
	defer s.mu.Unlock()
	if x.route == nil {
		return answerError(cmp.Or(err, s.noRoute(x)), nil)
	}
	if !x.route.open && !s.authorized(x.req) {
		return answerError(errUnauthorized, nil)
	}
	header, limited := s.limits.take(x, s.nowLocked(), !s.cfg.NoRateLimits)
	if limited != nil {
		return limited
	}
	if err != nil {
		return answerError(err, header)
	}
	result, err := x.route.handle(x)
	if err != nil {
		return answerError(err, header)
	}
	a := &answer{status: http.StatusOK, header: header}
	switch v := result.(type) {
	case nil:
		a.status = http.StatusNoContent
		return a
	case created:
		a.status, result = http.StatusCreated, v.v
	case accepted:
		a.status, result = http.StatusAccepted, v.v
	}
	a.body = marshal(result)
	return a
}

// noRoute is the error for a request that Discord may well know. It is not Discord's own 404, which
// would look like a fault of the bot.
func (s *Server) noRoute(x *exchange) error {
	s.cfg.Logger.Warn("discordtest has no such route", "method", x.req.Method, "path", x.path)
	return &apiError{501, 0, "discordtest has no such route: " + x.req.Method + " " + x.path, nil}
}

func (s *Server) authorized(r *http.Request) bool {
	token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bot ")
	return ok && token == s.Token
}

func answerError(err error, header http.Header) *answer {
	var e *apiError
	if !errors.As(err, &e) {
		e = &apiError{500, 0, "500: Internal Server Error", nil}
	}
	body := map[string]any{"message": e.message, "code": e.code}
	if e.errors != nil {
		body["errors"] = e.errors
	}
	return &answer{status: e.status, header: header, body: marshal(body)}
}

func (a *answer) write(w http.ResponseWriter) {
	maps.Copy(w.Header(), a.header)
	if a.body != nil {
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Content-Length", strconv.Itoa(len(a.body)))
	}
	w.WriteHeader(a.status)
	_, _ = w.Write(a.body)
}

// decode reads the JSON body; an absent body changes nothing.
func (x *exchange) decode(v any) error {
	if len(bytes.TrimSpace(x.body)) == 0 {
		return nil
	}
	var syntax *json.SyntaxError
	switch err := json.Unmarshal(x.body, v); {
	case err == nil:
		return nil
	case errors.As(err, &syntax):
		return errBadJSON
	default:
		return formError("_body", "BASE_TYPE_BAD", "Body has a field of the wrong type.")
	}
}

// number reads a query parameter, kept between low and high.
func (x *exchange) number(name string, def, low, high int) int {
	n, err := strconv.Atoi(x.req.URL.Query().Get(name))
	if err != nil {
		n = def
	}
	return min(max(n, low), high)
}

// A route is a method and path with a handler. Handlers run with the server's lock held and return
// what is sent as JSON; nil is 204.
type route struct {
	method string
	path   string // with {names}
	parts  []string
	handle func(*exchange) (any, error)
	need   permissions // in the guild or channel of the path
	limit  limit
	open   bool // without Authorization
}

// A router finds routes by method and number of path segments. Of two that match, the first wins.
type router map[string][]*route

func (r router) add(rt *route) {
	rt.parts = strings.Split(rt.path, "/")
	key := rt.method + strconv.Itoa(len(rt.parts))
	r[key] = append(r[key], rt)
}

func (r router) find(method, path string) (*route, map[string]string) {
	parts := strings.Split(strings.TrimSuffix(path, "/"), "/")
next:
	for _, rt := range r[method+strconv.Itoa(len(parts))] {
		var params map[string]string
		for i, p := range rt.parts {
			if !strings.HasPrefix(p, "{") {
				if p != parts[i] {
					continue next
				}
				continue
			}
			v, err := url.PathUnescape(parts[i])
			if err != nil || v == "" {
				continue next
			}
			if params == nil {
				params = make(map[string]string, 4)
			}
			params[p[1:len(p)-1]] = v
		}
		return rt, params
	}
	return nil, nil
}
