package kafkaconn

import "github.com/hefu-io/hefu/projections/tlsconn"

// TLS says how to check the brokers and, with a certificate, who we are.
type TLS = tlsconn.Files
