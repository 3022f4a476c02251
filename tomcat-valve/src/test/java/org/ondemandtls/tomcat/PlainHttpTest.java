package org.ondemandtls.tomcat;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** {@link PlainHttp}: what may become a request is waited for, and nothing else. */
class PlainHttpTest {

    private static ByteBuffer written(String octets) {
        return ByteBuffer.allocate(64).put(octets.getBytes(StandardCharsets.ISO_8859_1));
    }

    @ParameterizedTest
    @ValueSource(strings = {"G", "GET", "GET ", "\r\n", "\r\nGE", "M-SE"})
    void fewerThanFiveOctetsMayBegin(String octets) {
        assertThat(PlainHttp.mayBegin(written(octets))).isTrue();
        assertThat(PlainHttp.is(written(octets))).isFalse();
    }

    @ParameterizedTest
    @ValueSource(strings = {"GET /", "GET / HTTP/1.0\r\n", "\u0080", "\u0000", "G\u0001", " GET", "\u00ff\u00ff"})
    void fiveOctetsAndWhatNoRequestBeginsWithMayNot(String octets) {
        assertThat(PlainHttp.mayBegin(written(octets))).isFalse();
    }

    @Test
    void aLineOfARequestIsOne() {
        assertThat(PlainHttp.is(written("GET / HTTP/1.0\r\n"))).isTrue();
        assertThat(PlainHttp.is(written("SSH-2.0-OpenSSH_9.6\r\n"))).isFalse();
    }

    @Test
    void theAnswerSaysWhatIsWrong() {
        assertThat(StandardCharsets.US_ASCII.decode(PlainHttp.answer()).toString())
                .startsWith("HTTP/1.1 400 ")
                .contains("requires TLS");
    }
}
