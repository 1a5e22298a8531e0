package events

// Contain is contain, for the tests.
var Contain = contain

// Read and DecodeGeneral are the two halves of Decode, for the tests.
var (
	Read          = read
	DecodeGeneral = decodeGeneral
	NewPayload    = newPayload
)
