package kafkaconn

import "strings"

// otherProperties are properties of Kafka's clients that do not say how a
// cluster is reached, and that share one answer.
type otherProperties struct {
	what, text string
	keys       string // separated by spaces; one that ends in a full stop stands for all below it
}

// has says whether key is one of them.
func (o otherProperties) has(key string) bool {
	for _, k := range strings.Fields(o.keys) {
		if k == key || strings.HasSuffix(k, ".") && strings.HasPrefix(key, k) {
			return true
		}
	}
	return false
}

// others are those of Kafka 4.4's ConsumerConfig, ProducerConfig, SaslConfigs
// and SslConfigs, and of the Flink connector.
func others() []otherProperties {
	return []otherProperties{
		{Elsewhere, "group of the source says it", "group.id"},
		{Elsewhere, "isolation of the source says it", "isolation.level"},
		{Elsewhere, "on_missing_cursor of the source says it, with start: group-offsets", "auto.offset.reset"},
		{Elsewhere, "hub.transaction_timeout says it", "transaction.timeout.ms"},

		{
			Ignored, "Hefu fetches as ingest.fetch_bytes, ingest.queue_bytes and ingest.max_wait of the pipeline say",
			"fetch.min.bytes fetch.max.bytes fetch.max.wait.ms max.partition.fetch.bytes max.poll.records",
		},
		{
			Ignored, "Hefu's readers are no members of the group: partitions are assigned by the journal",
			"max.poll.interval.ms session.timeout.ms heartbeat.interval.ms group.instance.id group.protocol group.remote.assignor partition.assignment.strategy",
		},
		{
			Ignored, "positions are in the journal, and told to the group after the rows are safe",
			"enable.auto.commit auto.commit.interval.ms",
		},
		{
			Ignored, "new partitions are always looked for",
			"partition.discovery.interval.ms flink.partition-discovery.interval-millis metadata.max.age.ms metadata.max.idle.ms",
		},
		{
			Ignored, "bytes are read and written as they are",
			"key.deserializer value.deserializer key.serializer value.serializer",
		},
		{Ignored, "hub.semantic decides it", "acks enable.idempotence retries delivery.timeout.ms max.in.flight.requests.per.connection"},
		{Ignored, "Hefu has transactional ids of its own, one for each shard", "transactional.id transaction.two.phase.commit.enable"},
		{
			Ignored, "hub.batch decides what is sent at once",
			"batch.size linger.ms buffer.memory max.block.ms max.request.size compression.type compression. partitioner.",
		},
		{
			Ignored, "Hefu has time limits of its own, and tries again for ever",
			"request.timeout.ms default.api.timeout.ms retry.backoff.ms retry.backoff.max.ms reconnect.backoff.ms reconnect.backoff.max.ms connections.max.idle.ms socket. metadata.recovery.",
		},
		{Ignored, "the system decides it", "receive.buffer.bytes send.buffer.bytes client.dns.lookup"},
		{Ignored, "partitions are read from their leaders", "client.rack"},
		{Ignored, "it changes nothing about rows", "check.crcs allow.auto.create.topics exclude.internal.topics auto.include.jmx.reporter enable.metrics.push metric.reporters metrics. register.consumer.metrics flink.disable-metrics"},
		{Ignored, "client_id is the whole name", "client.id.prefix"},
		{Refused, "values are written out, and secrets are in files that keys name", "config.providers config.providers."},
		{Refused, "Hefu runs no code of others", "interceptor.classes ssl.engine.factory.class security.providers sasl.login.class sasl.login.callback.handler.class sasl.client.callback.handler.class"},
		{Refused, "of OAUTHBEARER, which Hefu does not speak: use SCRAM-SHA-512 or GSSAPI", "sasl.oauthbearer. sasl.login.connect.timeout.ms sasl.login.read.timeout.ms sasl.login.retry.backoff.ms sasl.login.retry.backoff.max.ms"},
		{
			Ignored, "Hefu renews its tickets itself, when five sixths of their life are over",
			"sasl.kerberos.kinit.cmd sasl.kerberos.ticket.renew.jitter sasl.kerberos.ticket.renew.window.factor sasl.kerberos.min.time.before.relogin sasl.login.refresh.buffer.seconds sasl.login.refresh.min.period.seconds sasl.login.refresh.window.factor sasl.login.refresh.window.jitter",
		},
		{
			Ignored, "TLS 1.2 and 1.3 are spoken, with Go's own choice of ciphers",
			"ssl.cipher.suites ssl.provider ssl.secure.random.implementation ssl.keymanager.algorithm ssl.trustmanager.algorithm",
		},
	}
}
