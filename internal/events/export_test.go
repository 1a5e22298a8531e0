package events

// Contain is contain, for the tests.
var Contain = contain

// DecodeGeneral is the half of Decode that comes second.
var (
	DecodeGeneral = decodeGeneral
	NewPayload    = newPayload
)

// Read is the half of Decode that comes first.
func Read(eventType string, d []byte) any { return read(eventType, d, nil) }
