package org.ondemandtls;

import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.net.URI;
import java.net.URL;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** {@link OneVersion}: two versions of a jar of ours in one server are refused by name. */
class OneVersionTest {

    @Test
    void twoJarsAreNamed() throws Exception {
        assertThatThrownBy(() -> OneVersion.require(List.of(List.of(core("1.1.0"), core("1.0.0")))))
                .isInstanceOf(StartException.class)
                .hasMessage("On-Demand TLS is there more than once: /srv/lib/ondemand-tls-core-1.0.0.jar and"
                        + " /srv/lib/ondemand-tls-core-1.1.0.jar; keep the jars of one version and remove the others");
    }

    @Test
    void twoJarsForOneServerBesideOneCoreAreNamed() throws Exception {
        assertThatThrownBy(() ->
                        OneVersion.require(List.of(List.of(core("1.1.0")), List.of(jetty("1.1.0"), jetty("1.0.0")))))
                .isInstanceOf(StartException.class)
                .hasMessageStartingWith(
                        "On-Demand TLS is there more than once: /srv/lib/ondemand-tls-jetty-1.0.0.jar and"
                                + " /srv/lib/ondemand-tls-jetty-1.1.0.jar;");
    }

    @Test
    void twoVersionsInAMavenRepositoryAreNamed() throws Exception {
        String repository = "jar:file:/home/u/.m2/repository/org/ondemandtls/ondemand-tls-core/";
        List<URL> found = new ArrayList<>();
        for (String version : List.of("1.0.0", "1.1.0")) {
            found.add(URI.create(repository + version + "/ondemand-tls-core-" + version
                            + ".jar!/org/ondemandtls/OnDemandTls.class")
                    .toURL());
        }

        assertThatThrownBy(() -> OneVersion.require(List.of(found)))
                .hasMessageContaining("/1.0.0/ondemand-tls-core-1.0.0.jar and ")
                .hasMessageContaining("/1.1.0/ondemand-tls-core-1.1.0.jar;");
    }

    @Test
    void allThatAreTwiceAreNamedAtOnce() throws Exception {
        assertThatThrownBy(() -> OneVersion.require(
                        List.of(List.of(core("1.1.0"), core("1.0.0")), List.of(jetty("1.1.0"), jetty("1.0.0")))))
                .hasMessageContaining(
                        "/srv/lib/ondemand-tls-core-1.1.0.jar, /srv/lib/ondemand-tls-jetty-1.0.0.jar and ");
    }

    @Test
    void aJarThatHoldsSeveralPartsIsNamedOnce() throws Exception {
        assertThatThrownBy(() -> OneVersion.require(List.of(
                        List.of(dropIn("1.0.0", "OnDemandTls"), dropIn("1.1.0", "OnDemandTls")),
                        List.of(
                                dropIn("1.0.0", "tomcat/OnDemandTlsProtocol"),
                                dropIn("1.1.0", "tomcat/OnDemandTlsProtocol")))))
                .hasMessage("On-Demand TLS is there more than once: /srv/lib/ondemand-tls-tomcat-1.0.0-all.jar and"
                        + " /srv/lib/ondemand-tls-tomcat-1.1.0-all.jar;"
                        + " keep the jars of one version and remove the others");
    }

    @Test
    void oneJarIsFineHoweverOftenItIsFound() {
        assertThatCode(() -> OneVersion.require(
                        List.of(List.of(core("1.0.0"), core("1.0.0")), List.of(jetty("1.0.0")), List.of())))
                .doesNotThrowAnyException();
        assertThatCode(() -> OneVersion.require(List.of())).doesNotThrowAnyException();
        assertThatCode(OneVersion::require).doesNotThrowAnyException();
    }

    private static URL core(String version) throws Exception {
        return in("ondemand-tls-core-" + version, "OnDemandTls");
    }

    private static URL jetty(String version) throws Exception {
        return in("ondemand-tls-jetty-" + version, "jetty/JettyOnDemandTls");
    }

    private static URL dropIn(String version, String name) throws Exception {
        return in("ondemand-tls-tomcat-" + version + "-all", name);
    }

    private static URL in(String jar, String name) throws Exception {
        return URI.create("jar:file:/srv/lib/" + jar + ".jar!/org/ondemandtls/" + name + ".class")
                .toURL();
    }
}
