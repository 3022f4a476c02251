package org.ondemandtls.benchmarks;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Objects;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.ondemandtls.OnDemandTls;
import org.ondemandtls.StartException;
import org.ondemandtls.config.ConfigException;
import org.ondemandtls.config.OnDemandTlsConfig;
import org.ondemandtls.config.OnDemandTlsConfig.Issuer;
import org.ondemandtls.handshake.Admission;
import org.ondemandtls.name.ClientBlock;
import org.ondemandtls.name.ClientHelloParser;
import org.ondemandtls.testing.NoServer;
import org.ondemandtls.testing.TlsProbe;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/**
 * What the gate adds to a handshake: reading the ClientHello and deciding. One thread that never waits, so that time is
 * processor time.
 */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Fork(1)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
public class GateBenchmark {

    private static final String KNOWN = "known.customer.example";
    private static final String DENIED = "denied.elsewhere.example";

    private static final int RECORD_HEADER = 5;
    private static final int PADDING = 21;

    /** Octets of the ClientHello's record: what a client without, and one with a post-quantum key share sends. */
    @Param({"517", "1900"})
    public int octets;

    private @Nullable OnDemandTls engine;
    private byte[] known = {};
    private byte[] denied = {};

    /** For JMH. */
    public GateBenchmark() {}

    /** Opens an engine in which one name is served and another one's denial is remembered. */
    @Setup(Level.Trial)
    public void open() throws IOException, ConfigException, StartException, InterruptedException, ExecutionException {
        Path base = Files.createTempDirectory("gate-benchmark");
        OnDemandTlsConfig config = OnDemandTlsConfig.builder()
                .permission(keys -> keys.names(KNOWN))
                .issuer(Issuer.INTERNAL)
                .set("onDemandTls.permission.rememberDenied", "1h")
                .build(base);
        var opened = OnDemandTls.open(config, new NoServer());
        opened.serve();
        engine = opened;
        known = hello(KNOWN);
        denied = hello(DENIED);
        expect(Admission.Serve.class, known);
        expect(Admission.Refuse.class, denied);
    }

    /** Closes the engine. */
    @TearDown(Level.Trial)
    public void close() {
        engine().close();
    }

    /** A name that is served. */
    @Benchmark
    public Admission knownName() {
        return admit(known);
    }

    /** A name whose denial is remembered. */
    @Benchmark
    public Admission rememberedDenial() {
        return admit(denied);
    }

    private OnDemandTls engine() {
        return Objects.requireNonNull(engine, "not set up");
    }

    private Admission admit(byte[] octetsReceived) {
        if (new ClientHelloParser().feed(ByteBuffer.wrap(octetsReceived))
                instanceof ClientHelloParser.Progress.Complete complete) {
            return engine().gate().admit(complete.hello(), ClientBlock.LOCAL);
        }
        throw new IllegalStateException("not a whole ClientHello");
    }

    // The first time it parks; from the second on it is decided from memory.
    private void expect(Class<? extends Admission> decision, byte[] hello)
            throws InterruptedException, ExecutionException {
        if (admit(hello) instanceof Admission.Park park) {
            park.outcome().get();
        }
        Admission decided = admit(hello);
        if (!decision.isInstance(decided)) {
            throw new IllegalStateException("decided " + decided);
        }
    }

    // The JDK's own ClientHello, brought to size by a padding extension (RFC 7685).
    private byte[] hello(String name) throws IOException {
        byte[] record = TlsProbe.trustingAnything().alpn("h2", "http/1.1").clientHello(name);
        int padding = octets - record.length - 4;
        if (padding < 0) {
            throw new IOException("the JDK's ClientHello has " + record.length + " octets, more than " + octets);
        }
        ByteBuffer in = ByteBuffer.wrap(record);
        int extensions = RECORD_HEADER + 4 + 2 + 32;
        extensions += 1 + in.get(extensions);
        extensions += 2 + in.getShort(extensions);
        extensions += 1 + in.get(extensions);
        var padded = new ByteArrayOutputStream();
        padded.write(record);
        padded.write(ByteBuffer.allocate(4 + padding)
                .putShort((short) PADDING)
                .putShort((short) padding)
                .array());
        ByteBuffer out = ByteBuffer.wrap(padded.toByteArray());
        out.putShort(3, (short) (octets - RECORD_HEADER));
        out.putShort(RECORD_HEADER + 2, (short) (octets - RECORD_HEADER - 4));
        out.putShort(extensions, (short) (in.getShort(extensions) + 4 + padding));
        return out.array();
    }
}
