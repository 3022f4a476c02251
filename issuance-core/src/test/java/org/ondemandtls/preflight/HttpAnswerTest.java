package org.ondemandtls.preflight;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** {@link HttpAnswer}: read as a CA reads it. */
class HttpAnswerTest {

    private static final String OK = "HTTP/1.1 200 OK\r\n";

    @ParameterizedTest
    @ValueSource(
            strings = {
                "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nproof",
                "HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\nproof\r\n",
                "HTTP/1.1 200\r\ncontent-length: 5\r\n\r\nproofand more",
                "HTTP/1.0 200 OK\n\nproof \t\n",
                "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200 OK\r\n\r\nproof",
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\npr\r\n3;x=y\r\noof\r\n0\r\n\r\n",
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n5\r\nproof\r\n0\r\nTrailer: x\r\n\r\n"
            })
    void theProofIsRecognised(String octets) {
        HttpAnswer answer = HttpAnswer.read(octets, true);

        assertThat(answer.says("proof")).as("%s", answer).isTrue();
        assertThat(answer.complete()).isTrue();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "SSH-2.0-x\r\n\r\n",
                "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n",
                "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nproof",
                "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\nproof",
                "HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\nproof",
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nproof\r\n",
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nproof\r\n",
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\nproof\r\n",
                "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 5\r\n\r\n\u001f\u008b\b\0\0",
                "HTTP/1.1 103 Early Hints\r\n\r\n"
            })
    void whatIsCutOffOrNoHttpIsNotComplete(String octets) {
        assertThat(HttpAnswer.read(octets, true).complete()).isFalse();
    }

    @Test
    void aBodyWithoutALengthEndsWithTheConnection() {
        assertThat(HttpAnswer.read(OK + "\r\nother", false).complete()).isFalse();
        assertThat(HttpAnswer.read(OK + "\r\nother", true).complete()).isTrue();
        assertThat(HttpAnswer.read(OK + "\r\nother", true).says("proof")).isFalse();
    }

    @Test
    void aRedirectSaysWhereTo() {
        assertThat(HttpAnswer.read("HTTP/1.1 301 Moved\r\nlocation:  https://shop.example/x \r\n\r\n", true)
                        .location())
                .contains("https://shop.example/x");
    }

    @Test
    void aProofWithAnotherStatusIsNone() {
        assertThat(HttpAnswer.read("HTTP/1.1 404 Not Found\r\n\r\nproof", true).says("proof"))
                .isFalse();
    }
}
