package org.ondemandtls.benchmarks;

import java.io.IOException;
import java.net.URI;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import org.jspecify.annotations.Nullable;
import org.ondemandtls.testing.AskEndpoint;
import org.ondemandtls.testing.FaultyAcmeProxy;
import org.ondemandtls.testing.FreePorts;
import org.ondemandtls.testing.Pebble;

/**
 * A laid-out server, the CA it uses and the endpoint it asks: everything that stands around a measurement.
 *
 * @param pebble the CA
 * @param turns what stands before it, null for nothing
 * @param ask grants every name under {@code customer.example}
 * @param server not started yet
 */
record Scene(Pebble pebble, @Nullable FaultyAcmeProxy turns, AskEndpoint ask, Server server) implements AutoCloseable {

    /** How many of a hundred good nonces the CA refuses: Pebble's own default, and near what a busy CA does. */
    static final int REJECTED_NONCES = 5;

    /**
     * Sets a scene.
     *
     * @param setting where programs are
     * @param name of the directory for its files
     * @param options how the CA behaves, beyond nonces and ports
     */
    static Scene set(Setting setting, String name, Pebble.Options options)
            throws IOException, GeneralSecurityException {
        return set(setting, name, options, false);
    }

    /** The same for many orders at once, which have a plain Pebble stand still: a new order is inside it alone. */
    static Scene ofMany(Setting setting, String name, Pebble.Options options)
            throws IOException, GeneralSecurityException {
        return set(setting, name, options, true);
    }

    private static Scene set(Setting setting, String name, Pebble.Options options, boolean inTurns)
            throws IOException, GeneralSecurityException {
        Path directory = setting.emptied(name);
        Server server = Server.layOut(setting, directory.resolve("base"));
        AskEndpoint ask = AskEndpoint.granting("*.customer.example");
        try {
            Pebble pebble = options.tlsPort(server.tlsPort())
                    .httpPort(FreePorts.next())
                    .rejectNonces(REJECTED_NONCES)
                    .start(directory.resolve("pebble"));
            FaultyAcmeProxy turns = inTurns
                    ? new FaultyAcmeProxy(pebble.directory(), pebble.trustedRoots(), directory.resolve("turns"))
                            .keepingConnections()
                    : null;
            URI url = turns == null ? pebble.directory() : turns.directory();
            Path roots = turns == null ? pebble.trustedRoots() : turns.trustedRoots();
            server.with("onDemandTls.permission.ask", ask.uri().toString())
                    .with("onDemandTls.acme.directory", url.toString())
                    .with("onDemandTls.acme.trustedRoots", roots.toString())
                    .with("onDemandTls.acme.challenges", "tls-alpn-01");
            return new Scene(pebble, turns, ask, server);
        } catch (IOException | GeneralSecurityException | RuntimeException | Error failed) {
            ask.close();
            throw failed;
        }
    }

    @Override
    public void close() {
        server.close();
        ask.close();
        if (turns != null) {
            turns.close();
        }
        pebble.close();
    }
}
