package org.ondemandtls.preflight;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class CdnHeadersTest {

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "CF-RAY: 8a1b2c3d4e5f6789-FRA | Cloudflare",
                "Server: cloudflare | Cloudflare",
                "X-Amz-Cf-Id: k3zQ== | CloudFront",
                "Via: 1.1 1234abcd.cloudfront.net (CloudFront) | CloudFront",
                "X-Served-By: cache-fra-etou8220061-FRA | Fastly",
                "x-served-by: cache-lga13626-LGA, cache-fra19121-FRA | Fastly",
                "X-Fastly-Request-ID: 0123 | Fastly",
                "Server: AkamaiGHost | Akamai",
                "X-Akamai-Transformed: 9 - 0 pmb=mRUM,1 | Akamai",
                "Akamai-GRN: 0.1 | Akamai",
                "x-vercel-id: fra1::abc | Vercel",
                "Server: Netlify | Netlify",
                "X-NF-Request-ID: 01H | Netlify",
                "X-Azure-Ref: 0abc | AzureFrontDoor",
                "Server: BunnyCDN-DE1-755 | Bunny",
                "X-CDN: Imperva | Imperva",
                "Server: Sucuri/Cloudproxy | Sucuri"
            })
    void theLargeNetworksAreKnownByWhatTheyWrite(String header, String network) {
        assertThat(HttpAnswer.read("HTTP/1.1 404 Not Found\r\nDate: x\r\n" + header + "\r\n\r\n", true)
                        .head()
                        .network())
                .contains(network);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "Server: nginx",
                "Server: Jetty(12.1.12)",
                "Via: 1.1 varnish",
                "X-Served-By: app3",
                "X-CDN: none",
                "Content-Type: text/cloudflare",
                "X-Note: cf-ray: 1",
                "Akamai"
            })
    void whatAnybodyWritesIsNoMark(String header) {
        assertThat(CdnHeaders.network(new String[] {"HTTP/1.1 200 OK", header})).isEmpty();
    }

    @Test
    void theStatusLineIsNoHeader() {
        assertThat(CdnHeaders.network(new String[] {"server: cloudflare"})).isEmpty();
    }
}
