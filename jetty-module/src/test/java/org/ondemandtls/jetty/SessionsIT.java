package org.ondemandtls.jetty;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.ondemandtls.testing.OpenSsl;
import org.ondemandtls.testing.OpenSsl.Handshake;

/**
 * Sessions on a server with certificates of its own, and a client that does as told: none crosses from a name on demand
 * to one of the key store, nor back. Each test sees sessions resumed under their own name first.
 */
class SessionsIT {

    private static final String ON_DEMAND = "shop.customer.test";
    private static final String OWN = "own.operator.test";

    @TempDir
    Path directory;

    private ServerFixture fixture;

    @AfterEach
    void stop() throws Exception {
        fixture.close();
    }

    @ParameterizedTest
    @ValueSource(strings = {"-tls1_2", "-tls1_3"})
    void noneCrossesWhereTheKeyStoreHasOneName(String version) throws Exception {
        start(OWN);

        assertNoneCrosses(version, true);
    }

    @ParameterizedTest
    @ValueSource(strings = {"-tls1_2", "-tls1_3"})
    void noneCrossesWhereTheKeyStoreHasSeveralNames(String version) throws Exception {
        start("first.operator.test", OWN);

        // Jetty leaves the name in the session where it chose between certificates, and the JDK makes no ticket then.
        assertNoneCrosses(version, !version.equals("-tls1_2"));
    }

    @ParameterizedTest
    @ValueSource(strings = {"-tls1_2", "-tls1_3"})
    void noneOfANameOnDemandIsResumedByAClientThatNamesNoServer(String version) throws Exception {
        start(OWN);
        fixture.secureRequests.setSniHostCheck(false);
        assertResumesAsItself(ON_DEMAND, version, true);

        Handshake nameless = again(null, version, sessionOf(ON_DEMAND, version));

        assertNothingComesOfIt(nameless);
    }

    @ParameterizedTest
    @ValueSource(strings = {"-tls1_2", "-tls1_3"})
    void noneCrossesToTheDefaultName(String version) throws Exception {
        fixture = new ServerFixture(directory);
        fixture.keys.put("onDemandTls.handshake.defaultName", "default.customer.test");
        fixture.secureRequests.setSniHostCheck(false);
        fixture.start();
        assertResumesAsItself(ON_DEMAND, version, true);

        Handshake nameless = again(null, version, sessionOf(ON_DEMAND, version));

        assertNothingComesOfIt(nameless);
    }

    @ParameterizedTest
    @ValueSource(strings = {"-tls1_2", "-tls1_3"})
    void oneMadeWithoutANameIsResumedWithoutAName(String version) throws Exception {
        start(OWN);

        assertResumesAsItself(null, version, true);
    }

    @Test
    void noneOfTheDefaultNameIsResumedUnderAnother() throws Exception {
        fixture = new ServerFixture(directory);
        fixture.keys.put("onDemandTls.handshake.defaultName", "default.customer.test");
        fixture.start();
        for (String version : new String[] {"-tls1_2", "-tls1_3"}) {
            assertResumesAsItself(null, version, true);

            Handshake other = again(ON_DEMAND, version, sessionOf(null, version));

            assertThat(other.completed()).isTrue();
            assertThat(other.resumed()).as(version).isFalse();
        }
    }

    private void start(String... names) throws Exception {
        fixture = new ServerFixture(directory);
        fixture.tls.setKeyStorePath(KeyStores.create(directory, names).toString());
        fixture.tls.setKeyStorePassword(KeyStores.PASSWORD);
        fixture.start();
    }

    private void assertNoneCrosses(String version, boolean ownResumes) {
        assertResumesAsItself(ON_DEMAND, version, true);
        assertResumesAsItself(OWN, version, ownResumes);

        Handshake onDemandAsOwn = again(OWN, version, sessionOf(ON_DEMAND, version));
        Handshake ownAsOnDemand = again(ON_DEMAND, version, sessionOf(OWN, version));
        Handshake onDemandAsOther = again("other.customer.test", version, sessionOf(ON_DEMAND, version));

        assertThat(onDemandAsOwn.resumed()).isFalse();
        assertThat(onDemandAsOwn.command().stdout()).contains("subject=CN = " + OWN);
        assertThat(ownAsOnDemand.resumed()).isFalse();
        assertThat(ownAsOnDemand.verified()).isTrue();
        assertThat(onDemandAsOther.resumed()).isFalse();
        assertThat(onDemandAsOther.verified()).isTrue();
    }

    // Where the JDK resumes it, the connection ends before the application hears of it.
    private void assertNothingComesOfIt(Handshake nameless) {
        assertThat(nameless.completed()).isTrue();
        boolean answered = nameless.command().stdout().contains("HTTP/1.1 200 ");
        assertThat(nameless.resumed() && answered).isFalse();
        assertThat(nameless.resumed() || answered).isTrue();
    }

    private void assertResumesAsItself(String name, String version, boolean resumes) {
        Handshake again = again(name, version, sessionOf(name, version));
        assertThat(again.resumed()).as("%s resumes as itself", name).isEqualTo(resumes);
        assertThat(again.command().stdout()).contains("HTTP/1.1 ");
    }

    // A new one for each attempt: a session the server keeps, and not the client, is good for one resumption.
    private Path sessionOf(String name, String version) {
        Path session = directory.resolve("session-" + name + version);
        Handshake first = visit(name, version, "-sess_out", session.toString());
        assertThat(first.completed()).as(first.command().stderr()).isTrue();
        assertThat(session).isNotEmptyFile();
        return session;
    }

    private Handshake again(String name, String version, Path session) {
        return visit(name, version, "-sess_in", session.toString());
    }

    private Handshake visit(String name, String... options) {
        return OpenSsl.get(fixture.secure.getLocalPort(), name, fixture.root(), options);
    }
}
