package memlimit

// Of detects the limit from a file system and a soft limit.
var Of = detect
