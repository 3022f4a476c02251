package org.ondemandtls.authority;

import static org.assertj.core.api.Assertions.assertThat;

import java.net.URL;
import java.nio.charset.StandardCharsets;
import java.security.KeyPair;
import java.util.Base64;
import java.util.Optional;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.ondemandtls.certificate.KeyPairs;
import org.ondemandtls.config.OnDemandTlsConfig.KeyType;
import org.ondemandtls.event.EventKind;
import org.ondemandtls.testing.FaultyAcmeProxy;
import org.ondemandtls.testing.Pebble;

/** An account that another program had made with a real CA: orders are placed with it, and none is made. */
@Tag("once")
class BroughtAccountIT extends WithPebble {

    private void isUsed(KeyType type, boolean urlIsKnown) throws Exception {
        try (Pebble pebble = reachable().start(directory);
                FaultyAcmeProxy proxy = proxy(pebble)) {
            // The other program: ours with files of its own.
            AcmeAuthority other = open(proxy);
            AccountFiles theirs = new AccountFiles(files, proxy.directory());
            KeyPair key = KeyPairs.generate(type);
            theirs.bringAlong(key, Optional.empty());
            other.prepare();
            URL url = theirs.url().orElseThrow();
            files.names().forEach(files::remove);
            seen.clear();

            assertThat(new AccountFiles(files, proxy.directory())
                            .bringAlong(key, urlIsKnown ? Optional.of(url) : Optional.empty()))
                    .isTrue();
            long before = asked(proxy, "/sign-me-up");
            Authority.Order order = order("shop.customer.example");
            assertServable(sign(open(proxy), order), order);

            assertThat(asked(proxy, "/sign-me-up") - before).isEqualTo(urlIsKnown ? 0 : 1);
            assertThat(new AccountFiles(files, proxy.directory()).url())
                    .hasToString(Optional.of(url).toString());
            String kid = "\"kid\":\"" + url;
            assertThat(proxy.requests())
                    .filteredOn(request -> request.path().contains("/order-plz"))
                    .last()
                    .extracting(request -> protectedHeader(request.body()))
                    .asString()
                    .contains(kid);
            assertThat(texts(EventKind.ACCOUNT)).noneMatch(text -> urlIsKnown && text.startsWith("made"));
        }
    }

    private static String protectedHeader(byte[] body) {
        String text = new String(body, StandardCharsets.UTF_8);
        int start = text.indexOf("\"protected\":\"") + "\"protected\":\"".length();
        return new String(
                Base64.getUrlDecoder().decode(text.substring(start, text.indexOf('"', start))), StandardCharsets.UTF_8);
    }

    @Test
    void withAnEllipticCurveKey() throws Exception {
        isUsed(KeyType.P_384, true);
    }

    @Test
    void withAnRsaKey() throws Exception {
        isUsed(KeyType.RSA_2048, true);
    }

    @Test
    void whoseUrlIsNotKnownIsFoundByItsKey() throws Exception {
        isUsed(KeyType.RSA_2048, false);
    }
}
