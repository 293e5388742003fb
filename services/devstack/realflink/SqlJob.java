import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.core.execution.JobClient;
import org.apache.flink.core.execution.SavepointFormatType;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.table.api.TableResult;
import org.apache.flink.table.api.bridge.java.StreamTableEnvironment;

/**
 * Runs the statements of a SQL file, each INSERT as a job of its own, and then does what its standard input says:
 * "stop N" stops the Nth job with a savepoint, "end" ends the process. Arguments: the file, and a directory for
 * checkpoints and savepoints. It says "JOB N id", "SAVEPOINT N path", and "FAILED message".
 */
public class SqlJob {
    public static void main(String[] args) throws Exception {
        try {
            run(args[0], "file://" + args[1]);
            System.exit(0); // the mini cluster's threads would keep the process
        } catch (Throwable t) {
            t.printStackTrace();
            System.out.println("FAILED " + t);
            System.exit(1);
        }
    }

    static void run(String file, String dir) throws Exception {
        Configuration c = new Configuration();
        for (String key : new String[] {"rest.address", "rest.bind-address", "jobmanager.bind-host", "taskmanager.bind-host"}) {
            c.setString(key, "127.0.0.1");
        }
        c.setString("rest.bind-port", "0");
        c.setString("execution.checkpointing.dir", dir);
        List<String> statements = new ArrayList<>();
        for (String statement : split(Files.readString(Path.of(file)))) {
            if (statement.regionMatches(true, 0, "SET ", 0, 4)) {
                String[] parts = statement.substring(4).split("=", 2);
                c.setString(unquoted(parts[0]), unquoted(parts[1]));
            } else {
                statements.add(statement);
            }
        }
        StreamTableEnvironment t = StreamTableEnvironment.create(StreamExecutionEnvironment.createLocalEnvironment(1, c));
        c.toMap().forEach((key, value) -> {
            if (key.startsWith("table.")) {
                t.getConfig().set(key, value);
            }
        });
        List<JobClient> jobs = new ArrayList<>();
        for (String statement : statements) {
            TableResult result = t.executeSql(statement);
            if (result.getJobClient().isPresent()) {
                System.out.println("JOB " + jobs.size() + " " + result.getJobClient().get().getJobID());
                jobs.add(result.getJobClient().get());
            }
        }
        System.out.println("READY");
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in));
        for (String line = in.readLine(); line != null && !line.equals("end"); line = in.readLine()) {
            int n = Integer.parseInt(line.substring("stop ".length()));
            System.out.println("SAVEPOINT " + n + " " + jobs.get(n).stopWithSavepoint(false, dir, SavepointFormatType.CANONICAL).get());
        }
    }

    /** Cuts at semicolons outside of quotes; a comment runs from two dashes to the end of its line. */
    static List<String> split(String text) {
        List<String> out = new ArrayList<>();
        StringBuilder one = new StringBuilder();
        boolean quoted = false;
        for (int i = 0; i < text.length(); i++) {
            char at = text.charAt(i);
            if (!quoted && text.startsWith("--", i)) {
                int end = text.indexOf('\n', i);
                i = end < 0 ? text.length() : end;
                one.append('\n');
                continue;
            }
            quoted ^= at == '\'';
            if (at != ';' || quoted) {
                one.append(at);
                continue;
            }
            out.add(one.toString().strip());
            one.setLength(0);
        }
        out.add(one.toString().strip());
        out.removeIf(String::isEmpty);
        return out;
    }

    static String unquoted(String text) {
        return text.strip().replaceAll("^'|'$", "");
    }
}
