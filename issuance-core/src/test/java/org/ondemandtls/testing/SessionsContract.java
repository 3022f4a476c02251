package org.ondemandtls.testing;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.ondemandtls.testing.OpenSsl.Handshake;

/**
 * Sessions of a client that does as told: none crosses from one name to another, on demand or of the server's own. Each
 * scenario sees sessions resumed under their own name first.
 */
public abstract class SessionsContract<F extends HostFixture> extends HostContract<F> {

    private static final String ON_DEMAND = "shop.customer.test";

    /** The name of the server's own certificate. */
    protected static final String OWN = "own.operator.test";

    @ParameterizedTest
    @ValueSource(strings = {"-tls1_2", "-tls1_3"})
    void noneCrossesToOrFromTheServersOwnName(String version) throws Exception {
        fixture.serveItself(OWN);
        fixture.launch();

        assertNoneCrosses(version, true);
    }

    @ParameterizedTest
    @ValueSource(strings = {"-tls1_2", "-tls1_3"})
    void noneOfANameOnDemandIsResumedByAClientThatNamesNoServer(String version) throws Exception {
        fixture.serveItself(OWN);
        fixture.leaveHostsToUs();
        fixture.launch();
        assertResumesAsItself(ON_DEMAND, version, true);

        Handshake nameless = again(null, version, sessionOf(ON_DEMAND, version));

        assertNothingComesOfIt(nameless);
    }

    @ParameterizedTest
    @ValueSource(strings = {"-tls1_2", "-tls1_3"})
    void noneCrossesToTheDefaultName(String version) throws Exception {
        fixture.keys.put("onDemandTls.handshake.defaultName", "default.customer.test");
        fixture.leaveHostsToUs();
        fixture.launch();
        assertResumesAsItself(ON_DEMAND, version, true);

        Handshake nameless = again(null, version, sessionOf(ON_DEMAND, version));

        assertNothingComesOfIt(nameless);
    }

    @ParameterizedTest
    @ValueSource(strings = {"-tls1_2", "-tls1_3"})
    void oneMadeWithoutANameIsResumedWithoutAName(String version) throws Exception {
        fixture.serveItself(OWN);
        fixture.launch();

        assertResumesAsItself(null, version, true);
    }

    @ParameterizedTest
    @ValueSource(strings = {"-tls1_2", "-tls1_3"})
    void aConnectionThatResumesIsCheckedAgainstItsHostsLikeAnyOther(String version) throws Exception {
        fixture.serveItself(OWN);
        fixture.launch();
        for (String name : new String[] {ON_DEMAND, OWN}) {
            Path session = sessionOf(name, version);

            Handshake again = OpenSsl.ask(
                    fixture.port(),
                    name,
                    "other.customer.test",
                    fixture.root(),
                    version,
                    "-sess_in",
                    session.toString());

            assertThat(again.resumed()).as(name).isTrue();
            assertThat(again.command().stdout()).as(name).contains("HTTP/1.1 4").doesNotContain("HTTP/1.1 200 ");
        }
    }

    @Test
    void noneOfTheDefaultNameIsResumedUnderAnother() throws Exception {
        fixture.keys.put("onDemandTls.handshake.defaultName", "default.customer.test");
        fixture.launch();
        for (String version : new String[] {"-tls1_2", "-tls1_3"}) {
            assertResumesAsItself(null, version, true);

            Handshake other = again(ON_DEMAND, version, sessionOf(null, version));

            assertThat(other.completed()).isTrue();
            assertThat(other.resumed()).as(version).isFalse();
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"TLSv1.2", "TLSv1.3"})
    void theJdksClientResumesAsItself(String version) throws Exception {
        fixture.launch();
        TlsProbe client = TlsProbe.trustingAnything().protocols(version);

        var first = client.get(fixture.port(), ON_DEMAND, "/");
        var again = client.get(fixture.port(), ON_DEMAND, "/");

        assertThat(first.resumed()).isFalse();
        assertThat(again.resumed()).isTrue();
        assertThat(again.answer()).startsWith("HTTP/1.1 200 ");
    }

    /** Tries every crossing between a name on demand, another, and the server's own. */
    protected final void assertNoneCrosses(String version, boolean ownResumes) {
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

    // Where the JDK resumes it, the connection ends before the application hears of it. Who shakes hands anew is
    // answered,
    // and if only that the host is a wrong one.
    private void assertNothingComesOfIt(Handshake nameless) {
        assertThat(nameless.completed()).isTrue();
        boolean answered = nameless.command().stdout().contains("HTTP/1.1 ");
        assertThat(nameless.resumed() && answered).isFalse();
        assertThat(nameless.resumed() || answered)
                .as(nameless.command().stdout())
                .isTrue();
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
        return OpenSsl.get(fixture.port(), name, fixture.root(), options);
    }
}
