package org.ondemandtls.benchmarks;

import java.io.IOException;
import java.nio.file.Path;
import org.ondemandtls.testing.AskEndpoint;
import org.ondemandtls.testing.FreePorts;
import org.ondemandtls.testing.Pebble;

/**
 * A laid-out server, the CA it uses and the endpoint it asks: everything that stands around a measurement.
 *
 * @param pebble the CA
 * @param ask grants every name under {@code customer.example}
 * @param server not started yet
 */
record Scene(Pebble pebble, AskEndpoint ask, Server server) implements AutoCloseable {

    /** How many of a hundred good nonces the CA refuses: Pebble's own default, and near what a busy CA does. */
    static final int REJECTED_NONCES = 5;

    /**
     * Sets a scene.
     *
     * @param setting where programs are
     * @param name of the directory for its files
     * @param options how the CA behaves, beyond nonces and ports
     */
    static Scene set(Setting setting, String name, Pebble.Options options) throws IOException {
        Path directory = setting.emptied(name);
        Server server = Server.layOut(setting, directory.resolve("base"));
        AskEndpoint ask = AskEndpoint.granting("*.customer.example");
        try {
            Pebble pebble = options.tlsPort(server.tlsPort())
                    .httpPort(FreePorts.next())
                    .rejectNonces(REJECTED_NONCES)
                    .start(directory.resolve("pebble"));
            server.with("onDemandTls.permission.ask", ask.uri().toString())
                    .with("onDemandTls.acme.directory", pebble.directory().toString())
                    .with("onDemandTls.acme.trustedRoots", pebble.trustedRoots().toString())
                    .with("onDemandTls.acme.challenges", "tls-alpn-01");
            return new Scene(pebble, ask, server);
        } catch (RuntimeException | Error failed) {
            ask.close();
            throw failed;
        }
    }

    @Override
    public void close() {
        server.close();
        ask.close();
        pebble.close();
    }
}
