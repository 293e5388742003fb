package kafkaconn

// What became of a property.
const (
	Mapped  = "mapped"  // a key of the configuration says the same
	Adapted = "adapted" // a key says what is meant, in another way; Text says which
	Ignored = "ignored" // it changes nothing here; Text says why
	Refused = "refused" // it cannot be done, or is not to be done so; Text says what to do instead
	// Elsewhere is for what a key outside tls, sasl, brokers and client_id says; Text names it. Nothing was filled in.
	Elsewhere = "elsewhere"
	// Unknown is for a name that is no property of a Kafka client that Hefu knows of. Nothing was filled in.
	Unknown = "unknown"
)

// Note says what [Config.ApplyProperties] did with one property of a Kafka
// client. A property that holds several things, as sasl.jaas.config does, may
// have several notes.
type Note struct {
	Key   string // as it was given
	Value string // as it was given; never a secret: those are cut out
	What  string // one of the constants above
	Text  string // one line for a person, a whole sentence without its full stop
}
