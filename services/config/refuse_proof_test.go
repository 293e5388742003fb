package config

import (
	"strings"
	"testing"
)

// TestRefuseProof: what cannot be signed, kept or compared as the file says.
func TestRefuseProof(t *testing.T) {
	const journal, zone = "  reserve_bytes: 16MiB\n", "    timezone: UTC\n"
	for _, c := range []struct{ old, replacement, want string }{
		{journal, journal + "  check_at_start: none\n", `7:19: journal.check_at_start: is "none"; allowed: all, carried`},
		{journal, journal + "  checkpoint: {events: 0}\n", "7:24: journal.checkpoint.events: is 0; allowed: 1 to 1000000 (events that nobody signed yet)"},
		{journal, journal + "  checkpoint: {interval: 1ms}\n", "7:26: journal.checkpoint.interval: is 1ms; allowed: 100ms to 1h0m0s (what is lost without a trace in it cannot be proven)"},
		{journal, journal + "  archive: {drop: true}\n", "7:12: journal.archive: is to be in one place; allowed: a folder (dir), or a bucket with its endpoint"},
		{journal, journal + "  archive: {dir: /a, bucket: b, endpoint: 'http://s3:9000'}\n", "7:12: journal.archive: is to be in one place; allowed: a folder (dir), or a bucket with its endpoint"},
		{journal, journal + "  archive: {bucket: b}\n", "7:12: journal.archive.endpoint: is missing; allowed: http://host[:port] or https://host[:port]"},
		{journal, journal + "  archive: {bucket: B, endpoint: 'http://s3:9000'}\n", `7:21: journal.archive.bucket: is "B"; allowed: the name of a bucket: up to 63 of a-z, 0-9, . and -`},
		{journal, journal + "  archive: {bucket: b, endpoint: 'http://s3:9000', access_key_file: /k}\n", "7:12: journal.archive.secret_key_file: goes with access_key_file; allowed: both or none"},
		{journal, journal + "  archive: {dir: /a, prefix: p}\n", "7:30: journal.archive.prefix: has no meaning here; allowed: only with bucket"},
		{journal, journal + "  archive: {bucket: b, endpoint: 'http://s3:9000', tls: {ca_file: /a}}\n", "7:57: journal.archive.tls: has no meaning here; allowed: only with an https:// endpoint"},
		{journal, journal + "  archive: {dir: /a, interval: 1ms}\n", "7:32: journal.archive.interval: is 1ms; allowed: 1s to 24h0m0s (segments are sealed seldom)"},
		{zone, zone + "    lineage: {database: hefu}\n", "12:14: pipelines[0].lineage.addresses: is missing; allowed: a list: host:port"},
		{zone, zone + "    lineage: {addresses: ['ch:9000'], database: hefu, table: 1}\n", `12:62: pipelines[0].lineage.table: is "1"; allowed: 1 to 64 of a-z, A-Z, 0-9 and _, a letter first`},
		{zone, zone + "    lineage: {addresses: ['ch:9000'], database: hefu, batch: {rows: 500001}}\n", "12:69: pipelines[0].lineage.batch.rows: is 500001; allowed: 1 to 500000 (rows of one block, which is what ClickHouse takes at once)"},
		{zone, zone + "    lineage: {addresses: ['ch:9000'], database: hefu, tls: {cert_file: /a}}\n", "12:60: pipelines[0].lineage.tls.key_file: is missing; allowed: the key of cert_file"},
		{zone, zone + "    reconcile: {interval: 10ms}\n", "12:27: pipelines[0].reconcile.interval: is below 1s; allowed: 0s for never, or 1s and more"},
		{zone, zone + "    reconcile: {city_sample: 101}\n", "12:30: pipelines[0].reconcile.city_sample: is 101; allowed: 0 to 100 (per cent)"},
		{zone, zone + "    reconcile: {interval: 0s, report: 1h}\n", "12:39: pipelines[0].reconcile.report: needs looks to report; allowed: an interval above 0s, or no report"},
		{zone, zone + "    reconcile: {kafka_bytes: 1KiB}\n", "12:30: pipelines[0].reconcile.kafka_bytes: is below 64KiB; allowed: 0B for no limit, or 64KiB and more"},
		{zone, zone + "    replay: {rows_per_second: -1}\n", "12:31: pipelines[0].replay.rows_per_second: is -1; allowed: 0 to 1000000000 (0 for no limit)"},
		{zone, zone + "    replay: {bytes_per_second: 1KiB}\n", "12:32: pipelines[0].replay.bytes_per_second: is below 64KiB; allowed: 0B for no limit, or 64KiB and more"},
		{zone, zone + "    replay: {concurrency: 1025}\n", "12:27: pipelines[0].replay.concurrency: is 1025; allowed: 0 to 1024 (shards at once; 0 for all)"},
		{zone, zone + "    reconcile: {doris_pause: 2m}\n", "12:30: pipelines[0].reconcile.doris_pause: is 2m0s; allowed: 0s to 1m0s (a look asks a question a window that changed)"},
	} {
		if n := strings.Count(base, c.old); n == 0 {
			t.Errorf("%q is not in base: the case %s proves nothing", c.old, c.want)
			continue
		}
		_, err := Parse("f", []byte(strings.Replace(base, c.old, c.replacement, 1)))
		if err == nil {
			t.Errorf("%q was accepted\nwant %s", c.replacement, c.want)
		} else if err.Error() != "f:"+c.want {
			t.Errorf("%q\ngot  %v\nwant f:%s", c.replacement, err, c.want)
		}
	}
}

// TestAcceptProof: what the refusals above stand beside.
func TestAcceptProof(t *testing.T) {
	const journal, zone = "  reserve_bytes: 16MiB\n", "    timezone: UTC\n"
	for _, text := range []string{
		strings.Replace(base, journal, journal+"  checkpoint: {events: 1, interval: 100ms, key_file: /k}\n", 1),
		strings.Replace(base, journal, journal+"  check_at_start: carried\n", 1),
		strings.Replace(base, journal, journal+"  archive: {dir: /a, drop: true}\n", 1),
		strings.Replace(base, journal, journal+"  archive: {bucket: b.c-1, endpoint: 'https://s3:9000', tls: {ca_file: /a}, access_key_file: /k, secret_key_file: /s, prefix: p/}\n", 1),
		strings.Replace(base, zone, zone+"    lineage: {addresses: ['ch:9000'], database: hefu, protocol_version: 54031}\n", 1),
		strings.Replace(base, zone, zone+"    reconcile: {interval: 0s, city_sample: 0, kafka_bytes: 0B, doris_pause: 0s}\n", 1),
		strings.Replace(base, zone, zone+"    reconcile: {interval: 1s, report: 1h}\n", 1),
	} {
		if _, err := Parse("f", []byte(text)); err != nil {
			t.Errorf("%v\n%s", err, text)
		}
	}
}
