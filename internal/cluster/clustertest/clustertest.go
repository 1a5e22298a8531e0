// Package clustertest says whether a backend of package cluster does what that asks of it.
package clustertest

import (
	"testing"
	"time"

	"github.com/botwright/botwright/internal/cluster"
)

// patience bounds what only a hanging backend takes.
const patience = 30 * time.Second

// An Open makes a cluster without keys and returns n connections to it, each as another process
// would have it. It sees to it that all ends with the test.
type Open func(t *testing.T, n int) []cluster.Backend

// A Case is one thing that a backend has to do.
type Case struct {
	Name string
	Test func(t *testing.T, open Open)
}

// Run tests a backend.
func Run(t *testing.T, open Open) {
	t.Helper()
	for _, c := range Cases() {
		t.Run(c.Name, func(t *testing.T) {
			t.Parallel()
			c.Test(t, open)
		})
	}
}

// Cases returns all that a backend has to do.
func Cases() []Case {
	return []Case{
		{"a key is created once", createOnce},
		{"a key is changed at its revision only", changeAtRevision},
		{"a key is deleted at its revision only", deleteAtRevision},
		{"a deleted key is no key", changeDeleted},
		{"of many who change a key one wins", contended},
		{"a key keeps a large value and any byte", largeValue},
		{"a key goes after its ttl", expires},
		{"a key is kept by another Put", renewed},
		{"a watch gives what there is, a mark, and changes in order", watch},
		{"a watch begins where the keys are", watchEmpty},
		{"a watch tells that a key has expired", watchExpiry},
		{"a watch ends with its context", watchEnds},
		{"a blob is kept by name", blobs},
		{"a request is answered by every server", requestMany},
		{"a request without a server has no reply", requestNobody},
		{"a request has the replies that came in time", requestDeadline},
		{"a caller may stop after a reply", requestStop},
		{"a server that is gone does not answer", serveEnds},
		{"a server answers many at once", serveConcurrently},
		{"nothing goes on after its context", cancelled},
	}
}
