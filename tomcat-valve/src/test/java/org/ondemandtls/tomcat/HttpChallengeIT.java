package org.ondemandtls.tomcat;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.ondemandtls.testing.HttpChallengeContract;

class HttpChallengeIT extends HttpChallengeContract<TomcatFixture> {

    @Override
    protected TomcatFixture fixture(Path directory) throws IOException {
        return new TomcatFixture(directory);
    }

    @Test
    void itSaysThatACaCanBeShownProofsOverPlainHttp() {
        OnDemandTlsProtocol protocol = (OnDemandTlsProtocol) fixture.secure.getProtocolHandler();

        assertThat(AcmeChallengeValve.answersFor(protocol)).isTrue();
        fixture.tomcat.getService().removeConnector(fixture.plain);
        assertThat(AcmeChallengeValve.answersFor(protocol)).isFalse();
    }
}
