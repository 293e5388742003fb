// Writes the golden files of this folder with Apache Kafka's own record classes:
// the batches as NAME.bin, and what Kafka's own reader makes of them as NAME.txt.
// Run by hand, with the jars of kafka-clients 4.4.0:
//   java -cp 'LIB/*' Golden.java .
import java.io.PrintStream;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.zip.CRC32;
import org.apache.kafka.common.compress.Compression;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.header.internals.RecordHeader;
import org.apache.kafka.common.record.TimestampType;
import org.apache.kafka.common.record.internal.*;
import org.apache.kafka.common.record.internal.Record;
import org.apache.kafka.common.utils.internals.BufferSupplier;

public class Golden {
    static final long BASE = 1000;
    static Path dir;

    public static void main(String[] args) throws Exception {
        dir = Path.of(args[0]);
        for (CompressionType c : CompressionType.values()) {
            MemoryRecords r = rows(c, TimestampType.CREATE_TIME, -1, false);
            write(c.name, r);
            write(c.name + "_compacted", compact(r));
        }
        write("log_append_time", rows(CompressionType.LZ4, TimestampType.LOG_APPEND_TIME, -1, false));
        write("transaction", join(
            rows(CompressionType.ZSTD, TimestampType.CREATE_TIME, 77, true),
            MemoryRecords.withEndTransactionMarker(BASE + 12, 1700000000000L, 5, 77, (short) 3,
                new EndTransactionMarker(ControlRecordType.COMMIT, 9)),
            MemoryRecords.withEndTransactionMarker(BASE + 13, 1700000000001L, 5, 78, (short) 0,
                new EndTransactionMarker(ControlRecordType.ABORT, 9))));
        ByteBuffer empty = ByteBuffer.allocate(61);
        DefaultRecordBatch.writeEmptyHeader(empty, (byte) 2, 77, (short) 3, 40, BASE, BASE + 11, 5,
            TimestampType.CREATE_TIME, 1700000000000L, true, false);
        empty.flip();
        write("empty", MemoryRecords.readableRecords(empty));
    }

    // rows is one batch of twelve records: null and empty keys and values, headers,
    // a time beyond 2262, where nanoseconds end, and 100 kB that compress well.
    static MemoryRecords rows(CompressionType c, TimestampType t, long pid, boolean txn) {
        ByteBuffer b = ByteBuffer.allocate(1 << 20);
        MemoryRecordsBuilder m = MemoryRecords.builder(b, (byte) 2, Compression.of(c).build(), t, BASE,
            1700000005000L, pid, (short) (txn ? 3 : -1), txn ? 40 : -1, txn, 5);
        Header[] none = {};
        byte[] big = new byte[100_000];
        for (int i = 0; i < big.length; i++) big[i] = (byte) (i >> 9);
        m.append(1700000000000L, bytes("k0"), bytes("{\"id\":0}"), none);
        m.append(1700000000001L, null, bytes("no key"), none);
        m.append(1700000000002L, bytes("no value"), null, none);
        m.append(1700000000003L, new byte[0], new byte[0], none);
        m.append(1700000000004L, (byte[]) null, null, none);
        m.append(0L, bytes("1970"), bytes("v"), none);
        m.append(99_999_999_999_999L, bytes("after 2262"), bytes("v"), none);
        m.append(1700000000007L, bytes("big"), big, none);
        m.append(1700000000008L, bytes("headers"), bytes("v"), new Header[] {
            new RecordHeader("a", bytes("1")), new RecordHeader("a", (byte[]) null), new RecordHeader("", new byte[0])});
        m.append(1699999999999L, bytes("earlier"), bytes("合符"), none);
        m.append(1700000000010L, bytes("k10"), bytes("v10"), none);
        m.append(1700000000011L, bytes("k11"), bytes("v11"), none);
        return m.build();
    }

    // compact is what the log cleaner does to a batch: here it keeps every third record.
    static MemoryRecords compact(MemoryRecords in) {
        MemoryRecords.RecordFilter f = new MemoryRecords.RecordFilter(0, 0) {
            @Override public BatchRetentionResult checkBatchRetention(RecordBatch b) {
                return new BatchRetentionResult(BatchRetention.RETAIN_EMPTY, false);
            }
            @Override public boolean shouldRetainRecord(RecordBatch b, Record r) { return r.offset() % 3 == 1; }
        };
        ByteBuffer out = ByteBuffer.allocate(1 << 20);
        in.filterTo(f, out, BufferSupplier.NO_CACHING, Integer.MAX_VALUE);
        out.flip();
        return MemoryRecords.readableRecords(out);
    }

    static MemoryRecords join(MemoryRecords... parts) {
        ByteBuffer b = ByteBuffer.allocate(1 << 20);
        for (MemoryRecords p : parts) b.put(p.buffer().duplicate());
        b.flip();
        return MemoryRecords.readableRecords(b);
    }

    static void write(String name, MemoryRecords m) throws Exception {
        ByteBuffer b = m.buffer().duplicate();
        byte[] all = new byte[b.remaining()];
        b.get(all);
        Files.write(dir.resolve(name + ".bin"), all);
        try (PrintStream out = new PrintStream(dir.resolve(name + ".txt").toFile(), "UTF-8")) {
            for (MutableRecordBatch x : m.batches()) {
                x.ensureValid();
                out.printf("batch %d-%d size=%d epoch=%d crc=%08x codec=%s txn=%b control=%b append=%b max=%d pid=%d/%d seq=%d count=%d%n",
                    x.baseOffset(), x.lastOffset(), x.sizeInBytes(), x.partitionLeaderEpoch(), x.checksum(), x.compressionType().name,
                    x.isTransactional(), x.isControlBatch(), x.timestampType() == TimestampType.LOG_APPEND_TIME,
                    x.maxTimestamp(), x.producerId(), x.producerEpoch(), x.baseSequence(), x.countOrNull());
                for (Record r : x) {
                    out.printf("%d %d %s %s", r.offset(), r.timestamp(), text(r.key()), text(r.value()));
                    for (Header h : r.headers()) out.printf(" %s=%s", text(ByteBuffer.wrap(bytes(h.key()))),
                        text(h.value() == null ? null : ByteBuffer.wrap(h.value())));
                    out.println();
                }
            }
        }
    }

    static String text(ByteBuffer b) {
        if (b == null) return "null";
        byte[] x = new byte[b.remaining()];
        b.duplicate().get(x);
        CRC32 c = new CRC32();
        c.update(x);
        return x.length + ":" + String.format("%08x", c.getValue());
    }

    static byte[] bytes(String s) { return s.getBytes(java.nio.charset.StandardCharsets.UTF_8); }
}
