package org.ondemandtls.tomcat;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.ondemandtls.StartException;

/** {@link OpenSslLibrary}: what is said where OpenSSL cannot be had. */
class OpenSslLibraryTest {

    private static final String KEY = "onDemandTls.tls.provider: \"openssl\" cannot be used: ";

    @Test
    void aJavaThatCannotCallItIsNamedWithItsRemedy() {
        assertThatThrownBy(() -> OpenSslLibrary.requireJava(21))
                .isInstanceOf(StartException.class)
                .hasMessage(KEY + "Tomcat needs Java 22 or later for it, and this is Java 21: start Tomcat with a later"
                        + " Java, or write conscrypt, or jdk");
        assertThatCode(() -> OpenSslLibrary.requireJava(22)).doesNotThrowAnyException();
    }

    @ParameterizedTest
    @ValueSource(strings = {"noJar", "noLibrary", "off", "oldJava", "oldTomcat"})
    void eachReasonIsOneLineWithTheKeyAndARemedy(String reason) {
        assertThat(OpenSslLibrary.unusable("openSslLibrary." + reason, "something"))
                .hasMessageStartingWith(KEY)
                .hasMessageEndingWith("or write conscrypt, or jdk")
                .message()
                .doesNotContain("\n", "null", "{0}");
    }

    @Test
    void withATomcatThatHasNotGotItNothingIsLoaded() {
        // The Tomcat of these tests is the oldest that is supported.
        assertThatThrownBy(OpenSslLibrary::load).isInstanceOf(StartException.class);
        assertThatThrownBy(OpenSslLibrary::loaded).isInstanceOf(IllegalStateException.class);
    }
}
