package org.ondemandtls.name;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.net.InetAddress;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;

/** {@link CdnRanges}: whose an address is. */
class CdnRangesTest {

    private static CdnRanges read(String text) throws IOException {
        return CdnRanges.read(new ByteArrayInputStream(text.getBytes(StandardCharsets.US_ASCII)));
    }

    @Test
    void theBundledListKnowsTheLargeOnes() throws Exception {
        CdnRanges bundled = CdnRanges.bundled();

        assertThat(bundled.network(InetAddress.getByName("104.16.0.1"))).contains("Cloudflare");
        assertThat(bundled.network(InetAddress.getByName("2606:4700::1111"))).contains("Cloudflare");
        assertThat(bundled.network(InetAddress.getByName("151.101.1.1"))).contains("Fastly");
        assertThat(bundled.network(InetAddress.getByName("13.32.1.1"))).contains("CloudFront");
        assertThat(bundled.network(InetAddress.getByName("198.51.100.1"))).isEmpty();
    }

    @Test
    void aListMayHaveCommentsAndSaysWhichLineIsWrong() throws Exception {
        CdnRanges own = read("# 2026-11-29\n\nOwn 198.51.100.0/24 # ours\n");

        assertThat(own.size()).isEqualTo(1);
        assertThat(own.network(InetAddress.getByName("198.51.100.7"))).contains("Own");
        assertThatThrownBy(() -> read("Own 198.51.100.0/24\nOwn 198.51.100.0/33\n"))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageStartingWith("line 2: ");
        assertThatThrownBy(() -> read("198.51.100.0/24\n"))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageStartingWith("line 1 ");
    }
}
