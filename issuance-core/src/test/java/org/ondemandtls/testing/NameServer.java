package org.ondemandtls.testing;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;

/** A real DNS server, NSD, on a loopback port, that knows one zone and cuts what does not fit UDP. */
public final class NameServer implements AutoCloseable {

    private final int port = FreePorts.next();
    private final BackgroundProcess process;

    /**
     * Starts one.
     *
     * @param directory for its files
     * @param zone the zone's name
     * @param records its records in the form of a zone file, without SOA and NS
     */
    public NameServer(Path directory, String zone, List<String> records) {
        try {
            Files.createDirectories(directory);
            Files.writeString(
                    directory.resolve("zone"),
                    "$ORIGIN " + zone + ".\n$TTL 60\n@ SOA ns hostmaster 1 60 60 60 60\n@ NS ns\nns A 127.0.0.1\n"
                            + String.join("\n", records) + "\n");
            Path configuration = Files.writeString(directory.resolve("nsd.conf"), """
                    server:
                      ip-address: 127.0.0.1@%d
                      do-ip6: no
                      username: ""
                      chroot: ""
                      zonesdir: "%s"
                      pidfile: ""
                      xfrdfile: ""
                      zonelistfile: "%2$s/zones"
                      xfrdir: "%2$s"
                      server-count: 1
                    remote-control:
                      control-enable: no
                    zone:
                      name: %s
                      zonefile: zone
                    """.formatted(port, directory, zone));
            process = BackgroundProcess.start(
                    List.of(
                            Tools.onPath("nsd", "apt-get install nsd").toString(),
                            "-d",
                            "-c",
                            configuration.toString()),
                    directory,
                    Map.of(),
                    directory.resolve("nsd.log"));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        process.awaitPort(port, Duration.ofMinutes(3));
    }

    /** Where it listens, for UDP and TCP. */
    public InetSocketAddress address() {
        return new InetSocketAddress("127.0.0.1", port);
    }

    @Override
    public void close() {
        process.close();
    }
}
