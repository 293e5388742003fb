package doris

import "strings"

// Names of properties that Hefu itself obeys.
const (
	propertyStrip    = "strip_outer_array"
	propertyCompress = "compress_type"
)

// framing is how the rows of a load follow each other.
type framing struct {
	array bool // each line is an array of one row
	gzip  bool
}

// framingOf reads what dorisconn.CheckProperties found to be right. The original job's pair of
// read_json_by_line and strip_outer_array loads on a current Doris only if each line is
// an array (doris-wire.md §1.6).
func framingOf(properties map[string]string) framing {
	var f framing
	for key, value := range properties {
		switch strings.ToLower(key) {
		case propertyStrip:
			f.array = strings.EqualFold(value, "true")
		case propertyCompress:
			f.gzip = strings.EqualFold(value, "gz")
		}
	}
	return f
}

// line is what stands before and after each row.
func (f framing) line() (before, after string) {
	if f.array {
		return "[", "]\n"
	}
	return "", "\n"
}
