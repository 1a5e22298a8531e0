package discordtest

import (
	"encoding/json"
	"net/http"
	"slices"
)

// faults are the hooks and switches of a server. The slices are replaced, never changed, so that
// they can be walked without the lock.
type faults struct {
	refused    [3]bool
	onConnect  []*connectHook
	onFrame    []*frameHook
	onDispatch []*dispatchHook
	onREST     []*restHook
	onUpgrade  []*restHook
}

type connectHook struct{ fn func(*Conn) bool }

type frameHook struct {
	fn func(*Conn, int, json.RawMessage) bool
}

type dispatchHook struct {
	fn func(*Conn, int64, string, []byte) []byte
}

type restHook struct {
	fn func(*http.Request) *RESTFault
}

// What can be refused.
const (
	refuseAll = iota
	refuseGateway
	refuseResume
)

// Refuse starts or stops refusing every new connection and request, REST and gateway, with a TCP
// reset. Open gateway connections stay.
func (s *Server) Refuse(on bool) { s.refuse(refuseAll, on) }

// RefuseGateway does the same for connections to the gateway URL only.
func (s *Server) RefuseGateway(on bool) { s.refuse(refuseGateway, on) }

// RefuseResume does the same for connections to the resume URL only, as if that host were dead.
func (s *Server) RefuseResume(on bool) { s.refuse(refuseResume, on) }

func (s *Server) refuse(what int, on bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults.refused[what] = on
	s.changedLocked()
}

func (s *Server) refuses(what int) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.faults.refused[what]
}

// resetRequest answers an HTTP request with a TCP reset.
func resetRequest(w http.ResponseWriter) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err == nil {
		conn.(*wire).reset()
	}
}

// OnConnect adds a hook that is called for each new gateway connection before HELLO. If fn returns
// true, the server sends nothing by itself until the client does. Hooks are called in the order in
// which they were added, on the connection's own goroutine: one that blocks holds up that
// connection's reads only. A hook may add hooks. Remove ends it for connections that come later.
func (s *Server) OnConnect(fn func(c *Conn) (handled bool)) (remove func()) {
	return addHook(s, &s.faults.onConnect, &connectHook{fn})
}

// OnFrame adds a hook that is called for every frame a client sends, after it was recorded, except
// one that is too large, too many or not JSON. If fn returns true, the server does nothing about
// the frame, and later hooks do not see it. It is otherwise like [Server.OnConnect].
func (s *Server) OnFrame(fn func(c *Conn, op int, d json.RawMessage) (handled bool)) (remove func()) {
	return addHook(s, &s.faults.onFrame, &frameHook{fn})
}

// OnDispatch adds a hook that is called for every event just before it is written to a connection,
// with the whole payload. What fn returns is sent in its place; nil drops it. The session keeps the
// event as it was: a replay has it right, unless the hook meddles again. Hooks run on the
// connection's writer: one that blocks holds up that connection only. Each hook has a copy of the
// payload to itself.
func (s *Server) OnDispatch(
	fn func(c *Conn, seq int64, eventType string, payload []byte) []byte) (remove func()) {
	return addHook(s, &s.faults.onDispatch, &dispatchHook{fn})
}

// addHook appends to a list of hooks and returns the function that takes the hook out again.
func addHook[H comparable](s *Server, list *[]H, h H) (remove func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	*list = append(slices.Clip(*list), h)
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		*list = slices.DeleteFunc(slices.Clone(*list), func(x H) bool { return x == h })
	}
}

func (s *Server) restHooks() []*restHook {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.faults.onREST
}

func (s *Server) handshakeHooks() []*restHook {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.faults.onUpgrade
}

func (s *Server) connectHooks() []*connectHook {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.faults.onConnect
}
