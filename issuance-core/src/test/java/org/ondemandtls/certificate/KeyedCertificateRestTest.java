package org.ondemandtls.certificate;

import static org.assertj.core.api.Assertions.assertThat;

import java.security.KeyPair;
import java.security.PrivateKey;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.ondemandtls.config.OnDemandTlsConfig.KeyType;
import org.ondemandtls.testing.PublicLeaves;
import org.ondemandtls.testing.TestCertificates;
import org.ondemandtls.testing.TestLeaves;

/** {@link KeyedCertificate}: packed when nobody uses it, the same when somebody does again. */
class KeyedCertificateRestTest {

    private static final Instant NOW = Instant.parse("2026-11-23T20:00:00Z");

    private static void rest(KeyedCertificate certificate) {
        certificate.rest();
        certificate.rest();
    }

    @ParameterizedTest
    @EnumSource(KeyType.class)
    void aCertificateThatRestedIsTheSame(KeyType type) {
        KeyPair pair = TestCertificates.key(type);
        KeyedCertificate certificate = TestLeaves.leaf(pair.getPublic(), pair.getPrivate(), NOW, "shop.example");
        String shown = certificate.toString();

        rest(certificate);

        assertThat(certificate.isResting()).isTrue();
        assertThat(certificate).hasToString(shown);
        assertThat(certificate.isResting()).isTrue();
        assertThat(certificate.key().getEncoded()).isEqualTo(pair.getPrivate().getEncoded());
        assertThat(certificate.leaf().getPublicKey()).isEqualTo(pair.getPublic());
        assertThat(certificate.isResting()).isFalse();
    }

    @Test
    void oneUseSparesARest() {
        KeyedCertificate certificate = TestLeaves.leaf(NOW, Duration.ofDays(9), "shop.example");
        rest(certificate);
        OpenedCertificate opened = certificate.opened();

        certificate.rest();
        assertThat(certificate.opened()).isSameAs(opened);
        certificate.rest();
        certificate.rest();

        assertThat(certificate.isResting()).isTrue();
    }

    @Test
    void issuersAreHeldOnceAndComeBack() {
        PublicLeaves leaves = new PublicLeaves(NOW);
        List<KeyedCertificate> some =
                List.of(leaves.leaf("a.example"), leaves.leaf("b.example"), leaves.leaf("c.example"));
        some.forEach(KeyedCertificateRestTest::rest);

        for (KeyedCertificate one : some) {
            assertThat(one.isResting()).isTrue();
            assertThat(one.chain()).hasSize(2);
            assertThat(one.chain().get(1)).isSameAs(some.get(0).chain().get(1));
            assertThat(one.id()).startsWith(one.names().iterator().next() + "#");
        }
        assertThat(some).extracting(KeyedCertificate::id).doesNotHaveDuplicates();
    }

    @Test
    void aKeyThatCannotBeExportedIsKept() {
        KeyPair pair = KeyPairs.generate(KeyType.P_256);
        PrivateKey inHardware = new PrivateKey() {
            private static final long serialVersionUID = 1L;

            @Override
            public String getAlgorithm() {
                return "EC";
            }

            @Override
            public String getFormat() {
                return null;
            }

            @Override
            public byte[] getEncoded() {
                return null;
            }
        };
        KeyedCertificate certificate = TestLeaves.leaf(pair.getPublic(), inHardware, NOW, "shop.example");

        rest(certificate);

        assertThat(certificate.isResting()).isFalse();
        assertThat(certificate.key()).isSameAs(inHardware);
    }

    @Test
    void aUseWhileItIsBeingPackedSparesItTheRest() {
        KeyPair pair = KeyPairs.generate(KeyType.P_256);
        AtomicReference<KeyedCertificate> certificate = new AtomicReference<>();
        AtomicReference<OpenedCertificate> used = new AtomicReference<>();
        PrivateKey key = new PrivateKey() {
            private static final long serialVersionUID = 1L;

            @Override
            public String getAlgorithm() {
                return "EC";
            }

            @Override
            public String getFormat() {
                return "PKCS#8";
            }

            @Override
            public byte[] getEncoded() {
                used.set(certificate.get().opened());
                return pair.getPrivate().getEncoded();
            }
        };
        certificate.set(TestLeaves.leaf(pair.getPublic(), key, NOW, "shop.example"));

        rest(certificate.get());

        assertThat(used.get()).isNotNull();
        assertThat(certificate.get().isResting()).isFalse();
        assertThat(certificate.get().opened()).isSameAs(used.get());
    }

    @Test
    void threadsThatUseOneWhichIsPutToRestAllTheTimeSeeAWholeOne() throws Exception {
        KeyPair pair = KeyPairs.generate(KeyType.P_256);
        KeyedCertificate certificate = TestLeaves.leaf(pair.getPublic(), pair.getPrivate(), NOW, "shop.example");
        byte[] key = pair.getPrivate().getEncoded();
        ExecutorService threads = Executors.newFixedThreadPool(4);
        try {
            List<Future<?>> users = new ArrayList<>();
            for (int user = 0; user < 3; user++) {
                users.add(threads.submit(() -> {
                    for (int use = 0; use < 500; use++) {
                        OpenedCertificate opened = certificate.opened();
                        assertThat(opened.key().getEncoded()).isEqualTo(key);
                        assertThat(opened.leaf().getPublicKey()).isEqualTo(pair.getPublic());
                        assertThat(certificate.id()).startsWith("shop.example#");
                    }
                }));
            }
            users.add(threads.submit(() -> {
                for (int rest = 0; rest < 2000; rest++) {
                    certificate.rest();
                }
            }));
            for (Future<?> user : users) {
                user.get();
            }
        } finally {
            threads.shutdownNow();
        }
    }
}
