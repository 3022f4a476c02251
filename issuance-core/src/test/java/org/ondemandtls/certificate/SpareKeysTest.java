package org.ondemandtls.certificate;

import static org.assertj.core.api.Assertions.assertThat;

import java.security.interfaces.ECPublicKey;
import java.security.interfaces.RSAPublicKey;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.ondemandtls.config.OnDemandTlsConfig.KeyType;

/** {@link SpareKeys}: each CA signs its kind of key. */
class SpareKeysTest {

    private final SpareKeys keys = new SpareKeys(KeyType.P_256, Map.of("other", KeyType.RSA_2048), 1, Runnable::run);

    @Test
    void areOfTheKindOfTheirCa() {
        keys.refill();

        assertThat(keys.take("other").getPublic()).isInstanceOf(RSAPublicKey.class);
        assertThat(keys.take("usual").getPublic()).isInstanceOf(ECPublicKey.class);
    }

    @Test
    void fitOnlyACaOfTheirKind() {
        assertThat(keys.fits("usual", keys.take("usual").getPublic())).isTrue();
        assertThat(keys.fits("usual", KeyPairs.generate(KeyType.P_384).getPublic()))
                .isFalse();
        assertThat(keys.fits("other", keys.take("usual").getPublic())).isFalse();
        assertThat(keys.fits("other", keys.take("other").getPublic())).isTrue();
        assertThat(keys.fits("usual", keys.take("other").getPublic())).isFalse();
    }
}
