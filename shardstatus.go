package botwright

import "encoding/json"

// MarshalJSON implements json.Marshaler; see [ShardStatus].
func (s ShardStatus) MarshalJSON() ([]byte, error) {
	type fields ShardStatus // without this method
	if s.Disconnects == nil {
		s.Disconnects = map[int]uint64{}
	}
	text := ""
	if s.Err != nil {
		text = s.Err.Error()
	}
	return json.Marshal(struct {
		fields
		Error string `json:"error,omitempty"`
	}{fields(s), text})
}
