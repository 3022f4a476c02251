package org.ondemandtls.authority;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.math.BigInteger;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.security.KeyPair;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Date;
import java.util.List;
import org.bouncycastle.asn1.x500.X500Name;
import org.bouncycastle.asn1.x509.CRLReason;
import org.bouncycastle.cert.X509v2CRLBuilder;
import org.bouncycastle.operator.jcajce.JcaContentSignerBuilder;
import org.junit.jupiter.api.Test;
import org.ondemandtls.testing.ManualTime;
import org.ondemandtls.testing.TestCertificates;

/** {@link RevocationLists}: a list counts if the issuer signed it and it is current; whatever else there is says nothing. */
class RevocationListsTest {

    private static final String URL = "http://crl.example/7.crl";

    private final ManualTime time = new ManualTime();
    private final Instant now = time.clock().instant();
    private final KeyPair issuerKey = TestCertificates.key();
    private final X509Certificate issuer =
            TestCertificates.authority(issuerKey, now, "issuer").signedBy("issuer", issuerKey);
    private final X509Certificate leaf = TestCertificates.leaf(TestCertificates.key(), now, "shop.example.com")
            .revocationList(URL)
            .signedBy("issuer", issuerKey);
    private final List<URI> asked = new ArrayList<>();
    private byte[] content = new byte[0];
    private IOException failure;
    private Error lacking;
    private final RevocationLists lists = new RevocationLists(this::get, time.clock(), time::nanoTime);

    private byte[] get(URI url) throws IOException {
        asked.add(url);
        if (failure != null) {
            throw failure;
        }
        if (lacking != null) {
            throw lacking;
        }
        return content;
    }

    private byte[] list(KeyPair signer, Instant next, BigInteger... revoked) throws Exception {
        X509v2CRLBuilder builder = new X509v2CRLBuilder(new X500Name("CN=issuer"), Date.from(now));
        builder.setNextUpdate(Date.from(next));
        for (BigInteger number : revoked) {
            builder.addCRLEntry(number, Date.from(now), CRLReason.keyCompromise);
        }
        return builder.build(new JcaContentSignerBuilder("SHA256withECDSA").build(signer.getPrivate()))
                .getEncoded();
    }

    private boolean isRevoked() {
        return lists.isRevoked(List.of(leaf, issuer));
    }

    @Test
    void aLeafOnItIsRevoked() throws Exception {
        content = list(issuerKey, now.plus(Duration.ofDays(7)), leaf.getSerialNumber());

        assertThat(isRevoked()).isTrue();
        assertThat(asked).containsExactly(URI.create(URL));
    }

    @Test
    void aLeafThatIsNotOnItIsNotAndTheListIsAskedForOnceInHalfADay() throws Exception {
        content = list(issuerKey, now.plus(Duration.ofDays(7)), BigInteger.TEN);

        assertThat(isRevoked()).isFalse();
        assertThat(isRevoked()).isFalse();
        assertThat(asked).hasSize(1);
        time.advance(RevocationLists.KEPT);
        content = list(issuerKey, now.plus(Duration.ofDays(7)), leaf.getSerialNumber());
        assertThat(isRevoked()).isTrue();
        assertThat(asked).hasSize(2);
    }

    @Test
    void aListOfSomebodyElseOrOneThatIsOverSaysNothing() throws Exception {
        content = list(TestCertificates.key(), now.plus(Duration.ofDays(7)), leaf.getSerialNumber());
        assertThat(isRevoked()).isFalse();
        time.advance(Duration.ofHours(1));
        content = list(issuerKey, now, leaf.getSerialNumber());
        assertThat(isRevoked()).isFalse();
        time.advance(Duration.ofHours(1));
        content = "no list".getBytes(StandardCharsets.UTF_8);
        assertThat(isRevoked()).isFalse();
        time.advance(Duration.ofHours(1));
        failure = new IOException("down");
        assertThat(isRevoked()).isFalse();
        assertThat(asked).hasSize(4);
    }

    @Test
    void aListThatThereIsNoMemoryForSaysNothingAndIsAskedForAgainAnHourLater() throws Exception {
        lacking = new OutOfMemoryError("Java heap space");
        content = list(issuerKey, now.plus(Duration.ofDays(7)), leaf.getSerialNumber());

        assertThat(isRevoked()).isFalse();
        assertThat(isRevoked()).isFalse();
        assertThat(asked).hasSize(1);
        lacking = null;
        time.advance(Duration.ofHours(1));

        assertThat(isRevoked()).isTrue();
    }

    @Test
    void aLeafThatNamesNoneCostsNothing() {
        X509Certificate without = TestCertificates.leaf(TestCertificates.key(), now, "shop.example.com")
                .signedBy("issuer", issuerKey);
        X509Certificate secure = TestCertificates.leaf(TestCertificates.key(), now, "shop.example.com")
                .revocationList("https://crl.example/7.crl")
                .signedBy("issuer", issuerKey);

        assertThat(lists.isRevoked(List.of(without, issuer))).isFalse();
        assertThat(lists.isRevoked(List.of(secure, issuer))).isFalse();
        assertThat(lists.isRevoked(List.of(leaf))).isFalse();
        assertThat(asked).isEmpty();
    }

    @Test
    void itIsFetchedByHttpAndNeverFromAPrivateAddress() throws Exception {
        try (ServerSocket server = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            Thread answering = new Thread(() -> {
                try (Socket socket = server.accept()) {
                    socket.getInputStream().read(new byte[4096]);
                    socket.getOutputStream()
                            .write("HTTP/1.0 200 OK\r\nContent-Type: x\r\n\r\nlist"
                                    .getBytes(StandardCharsets.US_ASCII));
                } catch (IOException e) {
                    throw new AssertionError(e);
                }
            });
            answering.start();
            URI url = URI.create("http://127.0.0.1:" + server.getLocalPort() + "/7.crl?x=1");
            PublicHttp open = new PublicHttp(time::nanoTime, address -> true);

            assertThatThrownBy(() -> new PublicHttp(time::nanoTime).get(url))
                    .isInstanceOf(IOException.class)
                    .hasMessage("not a public address");
            assertThat(open.get(url)).asString(StandardCharsets.US_ASCII).isEqualTo("list");
            answering.join();
        }
    }
}
