import java.util.HashMap;
import java.util.Map;
import java.util.Properties;
import org.apache.doris.flink.cfg.DorisExecutionOptions;
import org.apache.doris.flink.cfg.DorisOptions;
import org.apache.doris.flink.cfg.DorisReadOptions;
import org.apache.doris.flink.sink.DorisSink;
import org.apache.doris.flink.sink.writer.serializer.SimpleStringSerializer;
import org.apache.flink.api.common.eventtime.WatermarkStrategy;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.api.connector.source.util.ratelimit.RateLimiterStrategy;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.connector.datagen.source.DataGeneratorSource;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;

/** Loads rows {"id":n,"v":"row n"} through the Doris connector's two-phase sink, so many a checkpoint. Arguments are key=value. */
public class LoadJob {
    public static void main(String[] args) throws Exception {
        Map<String, String> a = new HashMap<>();
        for (String arg : args) {
            int eq = arg.indexOf('=');
            a.put(arg.substring(0, eq), arg.substring(eq + 1));
        }
        Configuration c = new Configuration();
        for (String key : new String[] {"rest.address", "rest.bind-address", "jobmanager.bind-host", "taskmanager.bind-host"}) {
            c.setString(key, "127.0.0.1");
        }
        c.setString("rest.bind-port", "0");
        // What goes wrong ends the job: its message is what the caller wants, not another try.
        c.setString("restart-strategy.type", "none");
        // A checkpoint outlives a job that was killed, so that another can go on from it.
        c.setString("execution.checkpointing.externalized-checkpoint-retention", "RETAIN_ON_CANCELLATION");
        if (!a.get("restore").isEmpty()) {
            c.setString("execution.state-recovery.path", "file://" + a.get("restore"));
        }
        StreamExecutionEnvironment env = StreamExecutionEnvironment.createLocalEnvironment(1, c);
        env.enableCheckpointing(Long.parseLong(a.get("checkpoint-ms")));
        env.getCheckpointConfig().setCheckpointStorage("file://" + a.get("checkpoints"));

        DorisOptions.Builder options = DorisOptions.builder()
            .setFenodes(a.get("fenodes"))
            .setTableIdentifier(a.get("table"))
            .setUsername(a.get("user"))
            .setPassword(System.getenv().getOrDefault("HEFU_FLINK_PASSWORD", ""))
            .setAutoRedirect(Boolean.parseBoolean(a.get("auto-redirect")));
        if (!a.get("benodes").isEmpty()) {
            options.setBenodes(a.get("benodes"));
        }
        Properties load = new Properties();
        load.setProperty("format", "json");
        load.setProperty("read_json_by_line", "true");
        DorisSink.Builder<String> sink = DorisSink.builder();
        sink.setDorisOptions(options.build())
            .setDorisReadOptions(DorisReadOptions.builder().build())
            .setDorisExecutionOptions(DorisExecutionOptions.builder()
                .setLabelPrefix(a.get("label-prefix")).setStreamLoadProp(load).build())
            .setSerializer(new SimpleStringSerializer());

        env.fromSource(
                new DataGeneratorSource<>(
                    n -> "{\"id\":" + n + ",\"v\":\"row " + n + "\"}",
                    Long.parseLong(a.get("rows")),
                    RateLimiterStrategy.perCheckpoint(Integer.parseInt(a.get("per-checkpoint"))),
                    Types.STRING),
                WatermarkStrategy.noWatermarks(), "rows")
            .sinkTo(sink.build());
        env.execute("load");
        System.out.println("JOB DONE");
        System.exit(0); // the mini cluster's threads would keep the process
    }
}
