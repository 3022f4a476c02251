package org.ondemandtls.distribution;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import org.ondemandtls.testing.OpenSsl;

/** What holds for sessions whoever's engine shakes hands. */
final class SessionChecks {

    private static final String[] VERSIONS = {"-tls1_2", "-tls1_3"};

    private SessionChecks() {}

    /** A session resumes under its own name, and under no other, whose certificate is shown then. */
    static void assertNoneCrosses(ServerProcess server, Path directory, String name, String another, Path root) {
        for (String version : VERSIONS) {
            Path session = directory.resolve("session" + version);
            var first = OpenSsl.get(server.tlsPort(), name, root, version, "-sess_out", session.toString());
            var again = OpenSsl.get(server.tlsPort(), name, root, version, "-sess_in", session.toString());
            OpenSsl.get(server.tlsPort(), name, root, version, "-sess_out", session.toString());
            var other = OpenSsl.get(server.tlsPort(), another, root, version, "-sess_in", session.toString());

            assertThat(first.verified()).as(version).isTrue();
            assertThat(again.resumed()).as(version).isTrue();
            assertThat(other.resumed()).as(version).isFalse();
            assertThat(other.verified()).as(version).isTrue();
        }
    }
}
