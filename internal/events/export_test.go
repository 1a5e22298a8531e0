package events

// Contain is contain, for the tests.
var Contain = contain
