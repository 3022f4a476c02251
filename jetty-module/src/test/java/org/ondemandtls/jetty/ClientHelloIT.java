package org.ondemandtls.jetty;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Path;
import java.util.stream.IntStream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.ondemandtls.testing.ClientHelloContract;
import org.ondemandtls.testing.TlsProbe;

class ClientHelloIT extends ClientHelloContract<ServerFixture> {

    @Override
    protected ServerFixture fixture(Path directory) throws IOException {
        return new ServerFixture(directory);
    }

    /** A returning client with a certificate of its own sends as much. */
    @ParameterizedTest
    @ValueSource(ints = {16_384, 1_000})
    void oneOfSeveralRecordsIsUnderstoodAsStockJettyDoes(int size) throws Exception {
        fixture.launch();
        String[] protocols =
                IntStream.range(0, 120).mapToObj(i -> i + "-" + "x".repeat(215)).toArray(String[]::new);
        protocols[119] = "http/1.1";
        TlsProbe client = TlsProbe.trusting(fixture.root()).alpn(protocols);

        var first = client.clientHelloInRecordsOf(size).get(fixture.port(), "shop.customer.test", "/");

        assertThat(first.failure()).isEmpty();
        assertThat(first.answer()).startsWith("HTTP/1.1 200 ");
    }
}
