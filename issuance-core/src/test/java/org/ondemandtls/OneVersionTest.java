package org.ondemandtls;

import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.net.URI;
import java.net.URL;
import java.util.List;
import org.junit.jupiter.api.Test;

/** {@link OneVersion}: two jars of ours in one server are refused by name. */
class OneVersionTest {

    @Test
    void twoJarsAreNamed() throws Exception {
        assertThatThrownBy(() -> OneVersion.require(List.of(in("1.1.0"), in("1.0.0"))))
                .isInstanceOf(StartException.class)
                .hasMessage("On-Demand TLS is there more than once: /srv/lib/ondemand-tls-core-1.0.0.jar and"
                        + " /srv/lib/ondemand-tls-core-1.1.0.jar; remove all but the one you want");
    }

    @Test
    void oneJarIsFineHoweverOftenItIsFound() {
        assertThatCode(() -> OneVersion.require(List.of(in("1.0.0"), in("1.0.0"))))
                .doesNotThrowAnyException();
        assertThatCode(() -> OneVersion.require(List.of())).doesNotThrowAnyException();
        assertThatCode(OneVersion::require).doesNotThrowAnyException();
    }

    private static URL in(String version) throws Exception {
        return URI.create("jar:file:/srv/lib/ondemand-tls-core-" + version + ".jar!/org/ondemandtls/OnDemandTls.class")
                .toURL();
    }
}
