package org.ondemandtls.certificate;

import static org.assertj.core.api.Assertions.assertThat;

import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.interfaces.ECPublicKey;
import java.security.interfaces.RSAPublicKey;
import java.security.spec.ECGenParameterSpec;
import java.util.ArrayDeque;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.RejectedExecutionException;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.ondemandtls.config.OnDemandTlsConfig.KeyType;

/** {@link KeyPairs} and {@link SpareKeyPairs}. */
class KeyPairsTest {

    @Test
    void makesTheCurvesAndSizesTheTypesName() {
        assertThat(((ECPublicKey) KeyPairs.generate(KeyType.P_256).getPublic())
                        .getParams()
                        .getCurve()
                        .getField()
                        .getFieldSize())
                .isEqualTo(256);
        assertThat(((ECPublicKey) KeyPairs.generate(KeyType.P_384).getPublic())
                        .getParams()
                        .getCurve()
                        .getField()
                        .getFieldSize())
                .isEqualTo(384);
        assertThat(((RSAPublicKey) KeyPairs.generate(KeyType.RSA_2048).getPublic())
                        .getModulus()
                        .bitLength())
                .isEqualTo(2048);
    }

    @Test
    void halvesOfOnePairBelongTogetherAndOthersDoNot() {
        KeyPair first = KeyPairs.generate(KeyType.P_256);
        KeyPair second = KeyPairs.generate(KeyType.P_256);
        KeyPair larger = KeyPairs.generate(KeyType.P_384);
        KeyPair rsa = KeyPairs.generate(KeyType.RSA_2048);

        assertThat(KeyPairs.belongTogether(first.getPrivate(), first.getPublic()))
                .isTrue();
        assertThat(KeyPairs.belongTogether(larger.getPrivate(), larger.getPublic()))
                .isTrue();
        assertThat(KeyPairs.belongTogether(rsa.getPrivate(), rsa.getPublic())).isTrue();
        assertThat(KeyPairs.belongTogether(first.getPrivate(), second.getPublic()))
                .isFalse();
        assertThat(KeyPairs.belongTogether(first.getPrivate(), larger.getPublic()))
                .isFalse();
        assertThat(KeyPairs.belongTogether(larger.getPrivate(), first.getPublic()))
                .isFalse();
        assertThat(KeyPairs.belongTogether(rsa.getPrivate(), first.getPublic())).isFalse();
        assertThat(KeyPairs.belongTogether(
                        rsa.getPrivate(), KeyPairs.generate(KeyType.RSA_2048).getPublic()))
                .isFalse();
    }

    @Test
    void halvesOnACurveNobodyIssuesForBelongTogetherToo() throws Exception {
        KeyPairGenerator generator = KeyPairGenerator.getInstance("EC");
        generator.initialize(new ECGenParameterSpec("secp521r1"));
        KeyPair first = generator.generateKeyPair();
        KeyPair second = generator.generateKeyPair();

        assertThat(KeyPairs.belongTogether(first.getPrivate(), first.getPublic()))
                .isTrue();
        assertThat(KeyPairs.belongTogether(first.getPrivate(), second.getPublic()))
                .isFalse();
    }

    @Test
    void thePublicHalfOfAPrivateKeyIsReckoned() throws Exception {
        for (KeyType type : List.of(KeyType.P_256, KeyType.P_384, KeyType.RSA_2048)) {
            KeyPair made = KeyPairs.generate(type);

            KeyPair reckoned = KeyPairs.pair(Pem.readPrivateKey(Pem.privateKey(made.getPrivate())));

            assertThat(reckoned.getPublic()).isEqualTo(made.getPublic());
        }
    }

    @Nested
    class ASupplyOfSpares {

        private final Queue<Runnable> tasks = new ArrayDeque<>();
        private final SpareKeyPairs spares = new SpareKeyPairs(KeyType.P_256, 2, tasks::add);

        @Test
        void isFilledOnTheExecutorUpToItsTarget() {
            spares.refill();
            spares.refill();
            assertThat(tasks).hasSize(1);

            runAll();

            assertThat(spares.size()).isEqualTo(2);
            assertThat(tasks).isEmpty();
        }

        @Test
        void givesEachPairOutOnceAndIsFilledAgain() {
            spares.refill();
            runAll();

            KeyPair first = spares.take();
            KeyPair second = spares.take();
            KeyPair third = spares.take();

            assertThat(first.getPublic()).isNotEqualTo(second.getPublic());
            assertThat(third.getPublic()).isNotEqualTo(second.getPublic());
            assertThat(spares.size()).isZero();
            runAll();
            assertThat(spares.size()).isEqualTo(2);
        }

        @Test
        void givesPairsOutWhenItsExecutorRefuses() {
            SpareKeyPairs stopped = new SpareKeyPairs(KeyType.P_256, 1, task -> {
                throw new RejectedExecutionException();
            });

            KeyPair pair = stopped.take();

            assertThat(KeyPairs.belongTogether(pair.getPrivate(), pair.getPublic()))
                    .isTrue();
        }

        private void runAll() {
            for (Runnable task = tasks.poll(); task != null; task = tasks.poll()) {
                task.run();
            }
        }
    }
}
