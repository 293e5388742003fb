package realkafka

import (
	"encoding/base64"
	"io"
)

// clusterID draws the id of a new cluster from random, as Kafka's own tool does
// it: 16 bytes in base64 for addresses, drawn again while the text begins with
// "-", which a command line takes for an option (KAFKA-13741).
func clusterID(random io.Reader) (string, error) {
	for {
		var id [16]byte
		if _, err := io.ReadFull(random, id[:]); err != nil {
			return "", err
		}
		if text := base64.RawURLEncoding.EncodeToString(id[:]); text[0] != '-' {
			return text, nil
		}
	}
}
